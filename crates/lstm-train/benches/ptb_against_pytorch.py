"""Training tokens a second and peak memory of the recipe ptb-zaremba-small, beside the same model, batch
and optimizer in PyTorch, in turns.

    cargo build --release -p lstm-train
    python crates/lstm-train/benches/ptb_against_pytorch.py --data DIR/ptb [--rounds 5] [--seconds 20] [--threads 2]

Each round trains with one and then with the other, in a process of its own, and takes the rate of the
steps after the first fifth. Printed are the medians over the rounds, the ratio of each round, and their
median. Needs `torch`; times mean little while anything else runs.
"""

import argparse
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
STREAMS, STEPS, FEATURES, LAYERS = 20, 20, 200, 2


def train_with_torch(data, seconds, threads):
    """Trains for some seconds and prints tokens a second, and the memory before there was a model."""
    import resource

    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(1)
    words = [w for line in open(data / "ptb.train.txt") for w in [*line.split(), "<eos>"]]
    number = {word: place for place, word in enumerate(dict.fromkeys(words))}
    ids = torch.tensor([number[word] for word in words])
    embedding = torch.nn.Embedding(len(number), FEATURES)
    lstm = torch.nn.LSTM(FEATURES, FEATURES, LAYERS, batch_first=True)
    decoder = torch.nn.Linear(FEATURES, len(number))
    parameters = [p for module in (embedding, lstm, decoder) for p in module.parameters()]
    for parameter in parameters:
        torch.nn.init.uniform_(parameter, -0.1, 0.1)
    optimizer = torch.optim.SGD(parameters, lr=1.0)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    length = (len(ids) - 1) // STREAMS
    inputs = ids[: length * STREAMS].view(STREAMS, length)
    targets = ids[1 : length * STREAMS + 1].view(STREAMS, length)
    state, began, steps, counted_from = None, time.perf_counter(), 0, None
    while (elapsed := time.perf_counter() - began) < seconds:
        if counted_from is None and elapsed > seconds / 5:
            counted_from = (steps, time.perf_counter())
        start = steps * STEPS % (length - STEPS)
        output, state = lstm(embedding(inputs[:, start : start + STEPS]), state)
        state = tuple(part.detach() for part in state)
        loss = torch.nn.functional.cross_entropy(
            decoder(output).flatten(0, 1), targets[:, start : start + STEPS].flatten()
        )
        optimizer.zero_grad()
        # Summed over the steps, as in the paper.
        (loss * STEPS).backward()
        torch.nn.utils.clip_grad_norm_(parameters, 5.0)
        optimizer.step()
        steps += 1
    steps -= counted_from[0]
    rate = steps * STREAMS * STEPS / (time.perf_counter() - counted_from[1])
    print(json.dumps({"rate": rate, "before": before * 1024}))


def run(command, seconds=None):
    """Runs a command, which is interrupted after some seconds; its output and its peak memory in bytes."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.DEVNULL)
        if seconds is not None:
            time.sleep(seconds)
            process.send_signal(signal.SIGINT)
        _, status, usage = os.wait4(process.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        output.seek(0)
        # 130: interrupted, as it was asked to be.
        if code not in (0, 130):
            sys.exit(f"{command[0]} ended with {code}")
        return output.read().decode(), usage.ru_maxrss * 1024


def ours(arguments):
    with tempfile.TemporaryDirectory() as folder:
        log = pathlib.Path(folder) / "run" / "events.jsonl"
        command = [ROOT / "target/release/lstm", "train", "language-model"]
        command += ["--recipe", "ptb-zaremba-small", "--data", arguments.data]
        command += ["--run", log.parent, "--threads", str(arguments.threads)]
        command += ["--set", "training.log_steps=10", "--set", "training.checkpoint_steps=0"]
        _, memory = run([str(part) for part in command], arguments.seconds)
        events = [json.loads(line) for line in log.read_text().splitlines()]
    events = [event for event in events if event["event"] == "train"]
    first = next(e for e in events if e["seconds"] > arguments.seconds / 5)
    last = events[-1]
    tokens = (last["step"] - first["step"]) * STREAMS * STEPS
    return tokens / (last["seconds"] - first["seconds"]), memory


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--torch", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.torch:
        return train_with_torch(arguments.data, arguments.seconds, arguments.threads)

    rates = {"lstm": [], "torch": []}
    for number in range(1, arguments.rounds + 1):
        rate, memory = ours(arguments)
        rates["lstm"].append(rate)
        answer, torch_memory = run([sys.executable, __file__, "--torch", *sys.argv[1:]])
        answer = json.loads(answer)
        rates["torch"].append(answer["rate"])
        print(f"round {number}: lstm {rate:.0f} tokens/s, torch {answer['rate']:.0f}, ratio {rate / answer['rate']:.2f}")
    ratios = [one / other for one, other in zip(rates["lstm"], rates["torch"])]
    for name in rates:
        print(f"{name}: median {statistics.median(rates[name]):.0f} tokens/s")
    print(f"ratio: median {statistics.median(ratios):.2f}, from {min(ratios):.2f} to {max(ratios):.2f}")
    grown = torch_memory - answer["before"]
    print(f"peak memory: lstm {memory / 2**20:.0f} MiB, torch {torch_memory / 2**20:.0f} MiB")
    print(f"  (torch grew by {grown / 2**20:.0f} MiB after it had read the text and made the model)")


if __name__ == "__main__":
    main()
