"""PyTorch's side of `lstm bench layers`.

Every line of the standard input is a command, a JSON object; every answer is a line of JSON on the
standard output, with the key `error` if something went wrong. A first answer without a command says
which PyTorch this is.
"""

import json
import sys
import time


def answer(**values):
    print(json.dumps(values), flush=True)


try:
    import torch
except Exception as error:
    answer(error=str(error))
    sys.exit(1)


def device_of(kind, index):
    if kind == "cpu":
        return torch.device("cpu")
    if torch.cuda.is_available():
        return torch.device("cuda", index)
    if torch.backends.mps.is_available():
        return torch.device("mps")
    raise RuntimeError("this PyTorch sees no GPU to compare with")


def synchronize(device):
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def layer_of(cell, shape, lengths, device):
    """A function from x [batch, time, d_input] to the output [batch, time, d_hidden], and the layer."""
    _, time_steps, d_input, d_hidden, layers = shape
    kind = torch.nn.LSTM if cell == "lstm" else torch.nn.GRU
    layer = kind(d_input, d_hidden, layers, batch_first=True).to(device)
    if lengths is None:
        return lambda x: layer(x)[0], layer
    # PyTorch wants lengths on the host, whatever the device.
    lengths = torch.tensor(lengths)

    def ragged(x):
        packed = torch.nn.utils.rnn.pack_padded_sequence(
            x, lengths, batch_first=True, enforce_sorted=False
        )
        output, _ = layer(packed)
        return torch.nn.utils.rnn.pad_packed_sequence(
            output, batch_first=True, total_length=time_steps
        )[0]

    return ragged, layer


def infer(cell, shape, lengths, device):
    batch, time_steps, d_input, _, _ = shape
    forward, layer = layer_of(cell, shape, lengths, device)
    layer.eval()
    x = torch.randn(batch, time_steps, d_input, device=device)

    def call():
        with torch.no_grad():
            forward(x)

    return call


def train(cell, shape, lengths, device):
    batch, time_steps, d_input, d_hidden, _ = shape
    forward, layer = layer_of(cell, shape, lengths, device)
    layer.train()
    x = torch.randn(batch, time_steps, d_input, device=device, requires_grad=True)
    # The gradient of the sum of all outputs, there before the clock runs.
    d_output = torch.ones(batch, time_steps, d_hidden, device=device)

    def call():
        layer.zero_grad(set_to_none=True)
        x.grad = None
        forward(x).backward(d_output)

    return call


def step(cell, shape, _, device):
    """The next step of one stream, through PyTorch's cells: faster than its layers here."""
    batch, _, d_input, d_hidden, layers = shape
    kind = torch.nn.LSTMCell if cell == "lstm" else torch.nn.GRUCell
    inputs = [d_input] + [d_hidden] * (layers - 1)
    cells = [kind(size, d_hidden).to(device).eval() for size in inputs]
    states = [None] * layers
    x = torch.randn(batch, d_input, device=device)

    def call():
        with torch.no_grad():
            output = x
            for index, one in enumerate(cells):
                states[index] = one(output, states[index])
                output = states[index][0] if cell == "lstm" else states[index]

    return call


def timed(calls, call, device):
    synchronize(device)
    seconds = []
    for _ in range(calls):
        start = time.perf_counter()
        call()
        synchronize(device)
        seconds.append(time.perf_counter() - start)
    return seconds


def status(key):
    """A figure of /proc/self/status in bytes."""
    with open("/proc/self/status") as lines:
        for line in lines:
            if line.startswith(key + ":"):
                return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/self/status has no {key}")


def growth(call):
    """By how many bytes resident memory grows at most during a call."""
    with open("/proc/self/clear_refs", "w") as peak:
        peak.write("5")
    before = status("VmRSS")
    call()
    return status("VmHWM") - before


def main():
    device, call = torch.device("cpu"), None
    a, b = None, None
    for line in sys.stdin:
        command = json.loads(line)
        name = command["command"]
        try:
            if name == "begin":
                torch.set_num_threads(command["threads"])
                device = device_of(command["device"], command["index"])
                answer(device=str(device))
            elif name == "prepare":
                # What is there is dropped before memory is taken for the next.
                call = None
                modes = {"infer": infer, "train": train, "step": step}
                make = modes[command["mode"]]
                call = make(command["cell"], command["shape"], command["lengths"], device)
                answer()
            elif name == "run":
                answer(seconds=timed(command["calls"], call, device))
            elif name == "products":
                if a is None:
                    a, b = (torch.randn(command["size"], command["size"], device=device) for _ in "ab")
                answer(seconds=timed(command["calls"], lambda: a @ b, device))
            elif name == "growth":
                answer(bytes=growth(call))
            else:
                answer(error=f"there is no command {name}")
        except Exception as error:
            answer(error=str(error))


answer(version=torch.__version__)
main()
