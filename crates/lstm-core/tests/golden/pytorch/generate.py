"""Writes the files beside it: layers as PyTorch's users keep them, and what those layers give.

Run with PyTorch 2.15.0 (CPU) and safetensors 0.8.0:

    python crates/lstm-core/tests/golden/pytorch/generate.py
"""

import os
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

SEED = 31
D_INPUT, D_HIDDEN, D_PROJECTION, LAYERS = 3, 4, 2, 2
LENGTHS, TIME = [3, 5, 1, 4], 6
HERE = Path(__file__).parent


def loss_weights(tensor):
    """-3/4 … 3/4, going round: what each element counts in the loss."""
    return ((torch.arange(tensor.numel()) % 7 - 3) / 4).reshape(tensor.shape)


def values(layer):
    """Inputs, outputs and gradients of a layer, forward and backward over a ragged batch."""
    batch = len(LENGTHS)
    x = torch.randn(batch, TIME, D_INPUT, requires_grad=True)
    # The hidden state first; only that one is projected.
    features = {"h0": layer.proj_size or D_HIDDEN, "c0": D_HIDDEN}
    if isinstance(layer, torch.nn.GRU):
        del features["c0"]
    initial = {
        name: torch.randn(2 * LAYERS, batch, width, requires_grad=True)
        for name, width in features.items()
    }
    states = tuple(initial.values())
    packed = pack_padded_sequence(
        x, torch.tensor(LENGTHS), batch_first=True, enforce_sorted=False
    )
    output, final = layer(packed, states if len(states) == 2 else states[0])
    output, _ = pad_packed_sequence(output, batch_first=True, total_length=TIME)
    final = dict(zip(["h_n", "c_n"], final if len(states) == 2 else [final]))
    loss = sum((part * loss_weights(part)).sum() for part in [output, *final.values()])
    loss.backward()
    leaves = {"input": x, **initial}
    parameters = dict(layer.named_parameters())
    return {
        **{name: leaf.detach() for name, leaf in leaves.items()},
        "lengths": torch.tensor(LENGTHS),
        "output": output.detach().contiguous(),
        **{name: state.detach() for name, state in final.items()},
        **{f"grad.{name}": t.grad for name, t in {**leaves, **parameters}.items()},
    }


def renamed(state_dict, prefix):
    return {prefix + name: tensor for name, tensor in state_dict.items()}


class Code:
    """What runs a command where Python loads it: one that does nothing."""

    def __reduce__(self):
        return os.system, ("true",)


def main():
    os.chdir(HERE)
    for name, kind, sizes in [
        ("lstm", torch.nn.LSTM, {}),
        ("lstm_projected", torch.nn.LSTM, {"proj_size": D_PROJECTION}),
        ("gru", torch.nn.GRU, {}),
    ]:
        torch.manual_seed(SEED)
        layer = kind(
            D_INPUT, D_HIDDEN, LAYERS, batch_first=True, bidirectional=True, **sizes
        )
        save_file(layer.state_dict(), f"{name}.safetensors")
        save_file(values(layer), f"{name}_values.safetensors")
        torch.save(layer.state_dict(), f"{name}.pt")

    torch.manual_seed(SEED)
    layer = torch.nn.LSTM(
        D_INPUT, D_HIDDEN, LAYERS, batch_first=True, bidirectional=True
    )
    weights = layer.state_dict()
    # A checkpoint of a training run: the layer somewhere in a model, beside an optimizer.
    optimizer = torch.optim.Adam(layer.parameters())
    layer(torch.randn(1, 2, D_INPUT))[0].sum().backward()
    optimizer.step()
    model = renamed(weights, "encoder.rnn.")
    model["encoder.embedding.weight"] = torch.randn(5, D_INPUT)
    model["head.bias"] = torch.zeros(2, dtype=torch.int64)
    checkpoint = {
        "model": {name: tensor.clone() for name, tensor in model.items()},
        "optimizer": optimizer.state_dict(),
        "epoch": 3,
        "device": torch.device("cpu"),
    }
    torch.save(checkpoint, "checkpoint.pt")
    weights = layer.state_dict()
    save_file({name: t.contiguous() for name, t in weights.items()}, "trained.safetensors")
    torch.save(renamed(weights, "module.rnn."), "data_parallel.pth")
    torch.save(layer, "module.pt")
    torch.save(weights, "legacy.pt", _use_new_zipfile_serialization=False)
    # Tensors that are views: of one storage, and transposed.
    together = torch.cat([tensor.flatten() for tensor in weights.values()])
    views, start = {}, 0
    for name, tensor in weights.items():
        views[name] = together[start : start + tensor.numel()].view(tensor.shape)
        start += tensor.numel()
    views["weight_hh_l0"] = weights["weight_hh_l0"].t().contiguous().t()
    torch.save(views, "views.pt")
    for kind in [torch.float16, torch.bfloat16, torch.float64]:
        name = str(kind).removeprefix("torch.")
        converted = {key: tensor.to(kind) for key, tensor in weights.items()}
        torch.save(converted, f"{name}.pt")
        save_file(converted, f"{name}.safetensors")

    for name, kind in [("lstm_cell", torch.nn.LSTMCell), ("gru_cell", torch.nn.GRUCell)]:
        torch.manual_seed(SEED)
        torch.save(renamed(kind(D_INPUT, D_HIDDEN).state_dict(), "cell."), f"{name}.pt")

    torch.save({**weights, "note": Code()}, "code.pt")
    torch.save(Code(), "only_code.pt")
    torch.save(
        {**weights, "note": Code()}, "legacy_code.pt", _use_new_zipfile_serialization=False
    )


main()
