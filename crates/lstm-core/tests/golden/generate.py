"""Writes lstm.json, lstm_projected.json and gru.json: what PyTorch's LSTM and GRU give, forward
and backward.

Run with PyTorch 2.15.0 (CPU): python crates/lstm-core/tests/golden/generate.py
"""

import json
from pathlib import Path

import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

SEED = 20
D_INPUT, D_HIDDEN, D_PROJECTION, LAYERS = 3, 4, 2, 2
LENGTHS, TIME = [3, 5, 1, 4], 6


def loss_weights(tensor):
    """-3/4 … 3/4, going round: what each element counts in the loss."""
    return ((torch.arange(tensor.numel()) % 7 - 3) / 4).reshape(tensor.shape)


def numbers(tensor):
    # Nine digits give every 32-bit float back exactly.
    return [float(f"{value:.9g}") for value in tensor.detach().flatten().tolist()]


def golden(layer):
    batch = len(LENGTHS)
    x = torch.randn(batch, TIME, D_INPUT, requires_grad=True)
    states = 2 if isinstance(layer, torch.nn.LSTM) else 1
    # The hidden state first; only that one is projected.
    features = [layer.proj_size or D_HIDDEN, D_HIDDEN][:states]
    initial = [
        torch.randn(2 * LAYERS, batch, width, requires_grad=True) for width in features
    ]

    packed = pack_padded_sequence(
        x, torch.tensor(LENGTHS), batch_first=True, enforce_sorted=False
    )
    output, final = layer(packed, tuple(initial) if states == 2 else initial[0])
    output, _ = pad_packed_sequence(output, batch_first=True, total_length=TIME)
    final = list(final) if states == 2 else [final]
    loss = sum((part * loss_weights(part)).sum() for part in [output, *final])
    loss.backward()
    return {
        "torch": torch.__version__.split("+")[0],
        "seed": SEED,
        "d_input": D_INPUT,
        "d_hidden": D_HIDDEN,
        **({"d_projection": layer.proj_size} if layer.proj_size else {}),
        "layers": LAYERS,
        "lengths": LENGTHS,
        "time": TIME,
        "x": numbers(x),
        "initial": [numbers(state) for state in initial],
        "parameters": {name: numbers(p) for name, p in layer.named_parameters()},
        "output": numbers(output),
        "final": [numbers(state) for state in final],
        "x_gradient": numbers(x.grad),
        "initial_gradients": [numbers(state.grad) for state in initial],
        "parameter_gradients": {
            name: numbers(p.grad) for name, p in layer.named_parameters()
        },
    }


for name, kind, sizes in [
    ("lstm", torch.nn.LSTM, {}),
    ("lstm_projected", torch.nn.LSTM, {"proj_size": D_PROJECTION}),
    ("gru", torch.nn.GRU, {}),
]:
    torch.manual_seed(SEED)
    layer = kind(
        D_INPUT, D_HIDDEN, LAYERS, batch_first=True, bidirectional=True, **sizes
    )
    path = Path(__file__).with_name(f"{name}.json")
    path.write_text(json.dumps(golden(layer)) + "\n")
