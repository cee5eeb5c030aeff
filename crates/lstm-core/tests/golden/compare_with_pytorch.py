"""Runs random layers in PyTorch and in the example program `pytorch_layer`, and compares outputs, final
states and all gradients of sum(output): each within 2e-5 of the largest value (at least 1).

    cargo build --release -p examples --example pytorch_layer
    python crates/lstm-core/tests/golden/compare_with_pytorch.py [--layers 1000] [--seed 0] [--program PATH]

Needs PyTorch 2 and safetensors.
"""

import argparse
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

TOLERANCE = 2e-5
ROOT = Path(__file__).resolve().parents[4]
PROGRAM = ROOT / "target/release/examples/pytorch_layer"


class Case:
    """A random layer and what it reads."""

    def __init__(self, seed):
        draw = random.Random(seed)
        torch.manual_seed(seed)
        self.cell = draw.choice(["lstm", "gru"])
        d_input, d_hidden = draw.randint(1, 24), draw.randint(2, 40)
        sizes = {
            "num_layers": draw.randint(1, 3),
            "bidirectional": draw.random() < 0.5,
            "bias": draw.random() < 0.8,
        }
        if self.cell == "lstm" and draw.random() < 0.4:
            sizes["proj_size"] = draw.randint(1, d_hidden - 1)
        kind = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[self.cell]
        self.layer = kind(d_input, d_hidden, batch_first=True, **sizes)
        # Some layers whose gates saturate.
        scale = draw.choice([1, 1, 3])
        with torch.no_grad():
            for parameter in self.layer.parameters():
                parameter.mul_(scale)
        batch, time = draw.randint(1, 10), draw.randint(1, 24)
        self.x = draw.choice([0.1, 1, 5]) * torch.randn(batch, time, d_input)
        self.initial = {}
        if draw.random() < 0.5:
            stack = sizes["num_layers"] * (2 if sizes["bidirectional"] else 1)
            self.initial["h0"] = torch.randn(stack, batch, sizes.get("proj_size", d_hidden))
            if self.cell == "lstm":
                self.initial["c0"] = torch.randn(stack, batch, d_hidden)
        shortest = draw.choice([None, 0, 1])
        self.lengths = None
        if shortest is not None:
            self.lengths = torch.tensor([draw.randint(shortest, time) for _ in range(batch)])
        self.prefix = draw.choice(["", "encoder.rnn."])
        self.container = draw.choice([".safetensors", ".pt"])
        self.what = f"seed {seed}: {self.layer}, x {list(self.x.shape)}, lengths {self.lengths}"

    def in_pytorch(self):
        """Outputs, states and gradients, by the names that the program gives them."""
        batch, time, _ = self.x.shape
        leaves = {
            name: tensor.clone().requires_grad_()
            for name, tensor in {"input": self.x, **self.initial}.items()
        }
        initial = [leaves[name] for name in self.initial]
        if self.lengths is None:
            output, final = self.layer(leaves["input"], as_state(initial))
        else:
            # PyTorch refuses empty sequences: they are left out.
            rows = self.lengths.nonzero().flatten()
            output = torch.zeros(batch, time, self.features())
            final = [tensor.clone() for tensor in self.zero_or(initial)]
            if len(rows) > 0:
                packed = pack_padded_sequence(
                    leaves["input"][rows], self.lengths[rows], batch_first=True, enforce_sorted=False
                )
                state = as_state([tensor[:, rows] for tensor in initial])
                run, last = self.layer(packed, state)
                run, _ = pad_packed_sequence(run, batch_first=True, total_length=time)
                output = output.index_copy(0, rows, run)
                for tensor, of_rows in zip(final, as_list(last)):
                    tensor[:, rows] = of_rows
            else:
                # Nothing depends on anything; PyTorch would have no gradient.
                output = output + 0 * sum(p.sum() for p in [*leaves.values(), *self.layer.parameters()])
        output.sum().backward()
        parameters = {self.prefix + name: p for name, p in self.layer.named_parameters()}
        return {
            "output": output.detach(),
            **{name: state.detach() for name, state in zip(["h_n", "c_n"], as_list(final))},
            **{
                f"grad.{name}": torch.zeros_like(tensor) if tensor.grad is None else tensor.grad
                for name, tensor in {**leaves, **parameters}.items()
            },
        }

    def zero_or(self, initial):
        layer, batch = self.layer, self.x.shape[0]
        stack = layer.num_layers * (2 if layer.bidirectional else 1)
        widths = [layer.proj_size or layer.hidden_size, layer.hidden_size]
        widths = widths[: 2 if self.cell == "lstm" else 1]
        return initial or [torch.zeros(stack, batch, width) for width in widths]

    def features(self):
        layer = self.layer
        return (layer.proj_size or layer.hidden_size) * (2 if layer.bidirectional else 1)

    def in_the_program(self, program, folder):
        weights, x, y = folder / f"w{self.container}", folder / "x.safetensors", folder / "y.safetensors"
        state_dict = {self.prefix + name: t for name, t in self.layer.state_dict().items()}
        save = save_file if self.container == ".safetensors" else torch.save
        save(state_dict, weights)
        tensors = {"input": self.x, **self.initial}
        if self.lengths is not None:
            tensors["lengths"] = self.lengths
        save_file(tensors, x)
        y.unlink(missing_ok=True)
        command = [program, "--cell", self.cell, "--weights", weights, "--input", x, "--output", y]
        done = subprocess.run([*command, "--gradients"], capture_output=True, text=True)
        if done.returncode != 0 or done.stderr:
            sys.exit(f"{self.what}\nfailed: {done.stderr}")
        return load_file(y)


def as_list(state):
    return list(state) if isinstance(state, (tuple, list)) else [state]


def as_state(tensors):
    return None if not tensors else tensors[0] if len(tensors) == 1 else tuple(tensors)


def kind(name):
    return name if not name.startswith("grad.") or name[5:] in ("input", "h0", "c0") else "grad.parameter"


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--layers", type=int, default=1000)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--program", type=Path, default=PROGRAM)
    options = options.parse_args()
    torch.set_num_threads(1)
    worst = {}
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(options.seed, options.seed + options.layers):
            case = Case(seed)
            expected, found = case.in_pytorch(), case.in_the_program(options.program, Path(folder))
            if expected.keys() != found.keys():
                sys.exit(f"{case.what}\nexpected {sorted(expected)}\nfound {sorted(found)}")
            for name, tensor in expected.items():
                if tensor.shape != found[name].shape:
                    sys.exit(f"{case.what}\n{name}: expected {tensor.shape}, found {found[name].shape}")
                largest = max(1.0, tensor.abs().max().item())
                difference = (found[name] - tensor).abs().max().item() / largest
                # Not a number is not within anything.
                if not difference <= TOLERANCE:
                    sys.exit(f"{case.what}\n{name}: {difference:.2g} apart, relative to {largest:.3g}")
                worst[kind(name)] = max(worst.get(kind(name), (0, 0)), (difference, seed))
    print(f"PyTorch {torch.__version__}: {options.layers} layers agree within {TOLERANCE}")
    for name, (difference, seed) in sorted(worst.items()):
        print(f"  {name:15} {difference:.2e} at most (seed {seed})")


main()
