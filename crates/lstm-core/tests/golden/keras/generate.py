"""Writes what stands beside it: small models' weights as Keras 3 stores them, and what their layers give.

Run with Keras 3.15.1 (backend numpy), h5py 3.16.0 (HDF5 2.0), numpy 2.4.6, safetensors 0.8.0:
python crates/lstm-core/tests/golden/keras/generate.py
"""

import json
import os
from pathlib import Path

os.environ["KERAS_BACKEND"] = "numpy"

import h5py
import keras
import ml_dtypes
import numpy as np
from keras import layers
from safetensors.numpy import save_file

SEED = 20
D_INPUT, D_HIDDEN = 3, 4
LENGTHS, TIME = [3, 5, 1, 4], 6
HERE = Path(__file__).parent

random = np.random.default_rng(SEED)


def normal(*shape):
    return random.standard_normal(shape, dtype=np.float32)


def numbers(array):
    # Nine digits give every 32-bit float back exactly.
    return [float(f"{value:.9g}") for value in np.asarray(array).flatten().tolist()]


def randomised(model):
    """With all weights drawn: Keras starts biases from zeros."""
    for variable in model.weights:
        variable.assign(normal(*variable.shape) / 2)
    return model


def branches(named):
    """A model in which each of some layers reads the input, beside a dense one."""
    x = keras.Input((TIME, D_INPUT))
    outputs = [layers.Dense(2)(x)] + [layer(x) for layer in named]
    return randomised(keras.Model(x, outputs))


X = normal(len(LENGTHS), TIME, D_INPUT)
INITIAL = [normal(len(LENGTHS), D_HIDDEN) for _ in range(4)]


def run(layer):
    """What a layer gives of a ragged batch, padded on the right, from initial states."""
    halves = [layer]
    if isinstance(layer, layers.Bidirectional):
        halves = [layer.forward_layer, layer.backward_layer]
    states = sum(2 if isinstance(half, layers.LSTM) else 1 for half in halves)
    mask = np.arange(TIME) < np.array(LENGTHS)[:, None]
    output, *final = layer(X, mask=mask, initial_state=INITIAL[:states])
    return {
        "layer": layer.name,
        # Zero in the padding, as ours, because of `zero_output_for_mask`.
        "output": numbers(output),
        "final": [numbers(state) for state in final],
    }


def weights_by_path(model):
    return {variable.path: variable.numpy() for variable in model.weights}


shows_all = {
    "return_sequences": True,
    "return_state": True,
    "zero_output_for_mask": True,
}


def lstm(**settings):
    return layers.LSTM(D_HIDDEN, **shows_all, **settings)


def gru(**settings):
    return layers.GRU(D_HIDDEN, **shows_all, **settings)


# Everything that tensors show, by variables' paths.
keras.utils.clear_session()
cases = [
    lstm(),
    gru(),
    gru(reset_after=False),
    layers.Bidirectional(lstm()),
    layers.Bidirectional(gru()),
    layers.Bidirectional(gru(reset_after=False)),
    lstm(use_bias=False),
    gru(use_bias=False),
]
# These no layer here computes, or not as one layer.
others = [layers.RNN([layers.LSTMCell(2), layers.LSTMCell(2)]), layers.SimpleRNN(2)]
model = branches(cases + others)
np.savez(HERE / "layers.npz", **weights_by_path(model))
save_file(weights_by_path(model), HERE / "layers.safetensors")
golden = {"layers": [run(case) for case in cases]}

# What the configuration shows beside them, in Keras' own files.
keras.utils.clear_session()
cases = [
    lstm(),
    gru(use_bias=False, reset_after=False),
    layers.Bidirectional(gru()),
]
model = branches(cases)
model.save_weights(HERE / "model.weights.h5")
model.save(HERE / "model.keras")
golden["model"] = [run(case) for case in cases]

# Layers that follow each other, in a whole model as older versions saved it.
keras.utils.clear_session()
cases = [lstm(), layers.Bidirectional(gru(use_bias=False, reset_after=False))]
first = layers.LSTM.from_config({**cases[0].get_config(), "return_state": False})
second = layers.Bidirectional.from_config(cases[1].get_config())
second.forward_layer.return_state = second.backward_layer.return_state = False
second.return_state = False
stack = keras.Sequential([keras.Input((TIME, D_INPUT)), first])
stack.add(layers.Dense(D_INPUT))
stack.add(second)
stack = randomised(stack)
stack.save(HERE / "stack.h5")
for case, layer in zip(cases, [first, second]):
    case.build((None, TIME, D_INPUT))
    case.set_weights(layer.get_weights())
golden["stack"] = [run(case) for case in cases]

# The same matrix in every way in which HDF5 may store it.
matrix = normal(8, 16)
half = np.round(matrix * 8) / 8
for version in ["earliest", "latest"]:
    with h5py.File(HERE / f"storage_{version}.h5", "w", libver=version) as file:
        file["contiguous"] = matrix
        chunked = {"data": matrix, "chunks": (3, 5)}
        file.create_dataset("chunked", **chunked)
        file.create_dataset("deflated", **chunked, compression="gzip", shuffle=True)
        file.create_dataset("checked", **chunked, fletcher32=True)
        file.create_dataset("growing", **chunked, maxshape=(None, None))
        file["big_endian"] = matrix.astype(">f4")
        file["double"] = matrix.astype("f8")
        file["half"] = half.astype("f2")
        file["brain"] = half.astype(ml_dtypes.bfloat16)
        file["brain"].attrs["dtype"] = "bfloat16"  # as Keras does
        file["integer"] = half.astype("i4")
        file["text"] = "tanh"
        # A group inside of itself, and a link to another file.
        file["inside/itself"] = file["/"]
        file["elsewhere"] = h5py.ExternalLink("other.h5", "/matrix")
# More than there is memory for, of which nothing is stored.
with h5py.File(HERE / "huge.h5", "w", libver="latest") as file:
    file.create_dataset("huge", (1 << 20, 1 << 20), "f4", chunks=(8, 8))
golden["storage"] = {"matrix": numbers(matrix), "half": numbers(half)}

golden = {
    "keras": keras.__version__,
    "seed": SEED,
    "d_input": D_INPUT,
    "lengths": LENGTHS,
    "time": TIME,
    "x": numbers(X),
    "initial": [numbers(state) for state in INITIAL],
    **golden,
}
(HERE / "golden.json").write_text(json.dumps(golden) + "\n")
