"""Compares random layers with ONNX Runtime, both ways, by the example program `onnx_layers`:

- layers that were written as models (stacked, bidirectional, all cells, with and without biases, ragged, with
  states): ONNX Runtime must give the same outputs and final states;
- LSTM and GRU nodes as ONNX describes them (every direction, linear_before_reset, ragged, with states): read
  and run, they must give what ONNX Runtime does, or the ONNX project's reference where the batch comes first,
  which ONNX Runtime lacks.

    cargo build --release -p examples --example onnx_layers
    python crates/lstm-core/tests/golden/compare_with_onnx_runtime.py [--layers 300] [--program PATH]

Needs onnx and onnxruntime.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

TOLERANCE = 1e-5
ROOT = Path(__file__).resolve().parents[4]
PROGRAM = ROOT / "target/release/examples/onnx_layers"


def session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def load(path):
    arrays = json.loads(path.read_text())
    return {
        name: np.array(array["data"], np.float32).reshape(array["shape"])
        for name, array in arrays.items()
    }


def dump(path, arrays):
    contents = {
        name: {"shape": list(array.shape), "data": [float(x) for x in array.ravel()]}
        for name, array in arrays.items()
    }
    path.write_text(json.dumps(contents))


class Worst:
    """The largest differences, relative to the largest value (at least 1), by output."""

    def __init__(self):
        self.worst = {}

    def compare(self, what, expected, found):
        if expected.keys() != found.keys():
            sys.exit(f"{what}: expected {sorted(expected)}, found {sorted(found)}")
        for name, array in expected.items():
            if array.shape != found[name].shape:
                sys.exit(f"{what}: {name}: expected {array.shape}, found {found[name].shape}")
            largest = max(1.0, float(np.abs(array).max(initial=0)))
            difference = float(np.abs(array - found[name]).max(initial=0)) / largest
            # Not a number is not within anything.
            if not difference <= TOLERANCE:
                sys.exit(f"{what}: {name}: {difference:.2g} apart")
            self.worst[name] = max(self.worst.get(name, 0), difference)

    def show(self, what):
        worst = ", ".join(f"{name} {difference:.2e}" for name, difference in self.worst.items())
        print(f"{what} agree within {TOLERANCE}; at most: {worst}")


def written_models(program, folder, count):
    subprocess.run([program, "export", folder, str(count)], check=True)
    worst = Worst()
    for number in range(count):
        path = folder / f"{number}.onnx"
        onnx.checker.check_model(path, full_check=True)
        arrays = load(folder / f"{number}.json")
        if "lengths" in arrays:
            arrays["lengths"] = arrays["lengths"].astype(np.int32)
        runtime = session(path)
        inputs = [value.name for value in runtime.get_inputs()]
        outputs = [value.name for value in runtime.get_outputs()]
        found = runtime.run(outputs, {name: arrays[name] for name in inputs})
        expected = {name: array for name, array in arrays.items() if name not in inputs}
        worst.compare(f"written model {number}", expected, dict(zip(outputs, found)))
    worst.show(f"{count} models that were written")


def node_model(draw, numbers):
    """A random LSTM or GRU node, what it reads, and whether the batch comes first."""

    def floats(*shape, scale=1.0):
        return (scale * numbers.uniform(-1, 1, shape)).astype(np.float32)

    lstm = draw.random() < 0.5
    gates = 4 if lstm else 3
    size, hidden = draw.randint(1, 16), draw.randint(1, 24)
    batch, time = draw.randint(1, 8), draw.randint(1, 16)
    direction = draw.choice(["forward", "reverse", "bidirectional"])
    directions = 2 if direction == "bidirectional" else 1
    layout = int(draw.random() < 0.25)
    # With weights of ±2 rounding grows from step to step: ONNX Runtime itself is then 7e-5 from 64-bit floats.
    scale = draw.choice([0.3, 0.5, 1.0])

    attributes = {"hidden_size": hidden, "direction": direction}
    if layout:
        attributes["layout"] = 1
    if not lstm:
        attributes["linear_before_reset"] = draw.randint(0, 1)
    constants = {
        "W": floats(directions, gates * hidden, size, scale=scale),
        "R": floats(directions, gates * hidden, hidden, scale=scale),
    }
    if draw.random() < 0.8:
        constants["B"] = floats(directions, 2 * gates * hidden)
    read = {"X": floats(*([batch, time] if layout else [time, batch]), size, scale=2.0)}
    # The reference takes no lengths; ONNX Runtime makes the states of empty sequences zero.
    if not layout and draw.random() < 0.5:
        lengths = [draw.randint(1, time) for _ in range(batch)]
        read["sequence_lens"] = np.array(lengths, np.int32)
    state = [batch, directions, hidden] if layout else [directions, batch, hidden]
    if draw.random() < 0.5:
        read["initial_h"] = floats(*state)
        if lstm:
            read["initial_c"] = floats(*state)
    # States may also be the model's own.
    if draw.random() < 0.3:
        constants.update({name: read.pop(name) for name in ["initial_h", "initial_c"] if name in read})

    order = ["X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c"][: 7 if lstm else 6]
    names = [name if name in read or name in constants else "" for name in order]
    outputs = ["Y", "Y_h", "Y_c"] if lstm else ["Y", "Y_h"]
    node = helper.make_node("LSTM" if lstm else "GRU", names, outputs, **attributes)
    kinds = {np.dtype(np.float32): TensorProto.FLOAT, np.dtype(np.int32): TensorProto.INT32}
    graph = helper.make_graph(
        [node],
        "node",
        [helper.make_tensor_value_info(n, kinds[a.dtype], a.shape) for n, a in read.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    opset = helper.make_opsetid("", 14)
    return helper.make_model(graph, opset_imports=[opset], ir_version=7), read, layout


def read_models(program, folder, count):
    expected = {}
    for number in range(count):
        model, read, layout = node_model(random.Random(number), np.random.default_rng(number))
        path = folder / f"{number}.onnx"
        onnx.save(model, path)
        dump(path.with_suffix(".json"), read)
        outputs = list(model.graph.node[0].output)
        if layout:
            values = ReferenceEvaluator(model).run(outputs, read)
        else:
            values = session(path).run(outputs, read)
        expected[number] = dict(zip(outputs, values))
    subprocess.run([program, "run", folder], check=True)
    worst = Worst()
    for number, values in expected.items():
        worst.compare(f"node {number}", values, load(folder / f"{number}.out.json"))
    worst.show(f"{count} nodes that were read")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--layers", type=int, default=300)
    options.add_argument("--program", type=Path, default=PROGRAM)
    options = options.parse_args()
    print(f"ONNX Runtime {onnxruntime.__version__}, onnx {onnx.__version__}")
    for compare in [written_models, read_models]:
        with tempfile.TemporaryDirectory() as folder:
            compare(options.program, Path(folder), options.layers)


main()
