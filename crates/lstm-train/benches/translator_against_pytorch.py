"""Training tokens a second of the recipe multi30k-de-en, beside the same model, batches and optimizer in
PyTorch, in turns.

    cargo build --release -p lstm-train
    python crates/lstm-train/benches/translator_against_pytorch.py --data DIR/multi30k [--rounds 5] [--seconds 30] [--threads 2]

Each round trains with one and then with the other, in a process of its own, and takes the rate of the
steps after the first third. Counted are the tokens of the targets and their ends. Byte pairs are learned by the
same library with the same settings, and batches are made of pairs of similar length by the same rule, so
that both work on sentences of the same lengths. PyTorch's encoder reads packed sequences, so that padding
changes nothing, as with ours; `--padded` lets it run over the padding, which is faster and not the same.
Printed are the medians over the rounds, the ratio of each round, and their median. Needs `torch` and
`tokenizers`; times mean little while anything else runs.
"""

import argparse
import json
import os
import pathlib
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
# As the recipe has it.
SETTINGS = dict(
    vocabulary=8000, batch=64, d_embedding=256, d_encoder=256, d_decoder=512, smoothing=0.1, rate=2e-3, clip=1.0,
    input_dropout=0.3, output_dropout=0.5,
)
POOL = 50


def encoded_pairs(data):
    """Pairs of token ids, and the number of tokens with the boundary."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=SETTINGS["vocabulary"],
        min_frequency=2,
        special_tokens=["<pad>", "<unk>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    sides = [(data / f"train.{language}").read_text().splitlines() for language in ("de", "en")]
    tokenizer.train_from_iterator(sides[0] + sides[1], trainer)
    boundary = tokenizer.get_vocab_size()
    sides = [[encoding.ids for encoding in tokenizer.encode_batch(side)] for side in sides]
    pairs = [(source + [boundary], target) for source, target in zip(*sides)]

    def is_kept(source, target):
        shorter, longer = sorted([len(source) - 1, len(target)])
        return 0 < shorter and longer <= min(80, 9 * shorter)

    return [pair for pair in pairs if is_kept(*pair)], boundary


def batches(pairs, generator):
    """Pools of shuffled pairs are sorted by length and cut up, as ours are."""
    order = list(range(len(pairs)))
    generator.shuffle(order)
    size = SETTINGS["batch"]
    found = []
    for start in range(0, len(order), size * POOL):
        pool = sorted(order[start : start + size * POOL], key=lambda p: (len(pairs[p][1]), len(pairs[p][0])))
        found += [pool[at : at + size] for at in range(0, len(pool), size)]
    generator.shuffle(found)
    return [[pairs[p] for p in batch] for batch in found]


def translator(vocab, padded):
    import torch
    from torch import nn

    s = SETTINGS

    class Translator(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(vocab, s["d_embedding"])
            self.encoder = nn.LSTM(s["d_embedding"], s["d_encoder"], batch_first=True, bidirectional=True)
            memory = 2 * s["d_encoder"]
            self.bridge = nn.ModuleList(nn.Linear(memory, s["d_decoder"]) for _ in range(2))
            self.decoder = nn.LSTM(s["d_embedding"], s["d_decoder"], batch_first=True)
            self.key = nn.Linear(memory, s["d_decoder"], bias=False)
            self.combine = nn.Linear(memory + s["d_decoder"], s["d_embedding"])
            self.bias = nn.Parameter(torch.zeros(vocab))
            self.input_dropout = nn.Dropout(s["input_dropout"])
            self.output_dropout = nn.Dropout(s["output_dropout"])

        def forward(self, source, source_lengths, inputs, real):
            embedded = self.input_dropout(self.embedding(source))
            if padded:
                memory, (hidden, cell) = self.encoder(embedded)
            else:
                packed = nn.utils.rnn.pack_padded_sequence(
                    embedded, source_lengths, batch_first=True, enforce_sorted=False
                )
                memory, (hidden, cell) = self.encoder(packed)
                memory, _ = nn.utils.rnn.pad_packed_sequence(memory, batch_first=True)
            hidden, cell = (torch.cat([state[0], state[1]], 1) for state in (hidden, cell))
            state = (torch.tanh(self.bridge[0](hidden))[None], self.bridge[1](cell)[None])
            output, _ = self.decoder(self.input_dropout(self.embedding(inputs)), state)
            scores = output @ self.key(memory).transpose(1, 2)
            places = torch.arange(memory.shape[1])[None, None]
            scores = scores.masked_fill(places >= source_lengths[:, None, None], -1e9)
            context = scores.softmax(2) @ memory
            attentional = torch.tanh(self.combine(torch.cat([context, output], 2)))
            attentional = self.output_dropout(attentional)[real]
            return nn.functional.linear(attentional, self.embedding.weight, self.bias)

    return Translator()


def train_with_torch(data, seconds, threads, padded):
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(1)
    pairs, boundary = encoded_pairs(data)
    model = translator(boundary + 1, padded)
    optimizer = torch.optim.Adam(model.parameters(), lr=SETTINGS["rate"])
    generator = random.Random(1)

    def pad(rows):
        rows = [torch.tensor(row) for row in rows]
        return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)

    began, tokens, counted_from = time.perf_counter(), 0, None
    while True:
        for batch in batches(pairs, generator):
            elapsed = time.perf_counter() - began
            if elapsed > seconds:
                rate = (tokens - counted_from[0]) / (time.perf_counter() - counted_from[1])
                print(json.dumps({"rate": rate}))
                return
            if counted_from is None and elapsed > seconds / 3:
                counted_from = (tokens, time.perf_counter())
            source = pad([source for source, _ in batch])
            lengths = torch.tensor([len(source) for source, _ in batch])
            inputs = pad([[boundary, *target] for _, target in batch])
            target_lengths = torch.tensor([len(target) + 1 for _, target in batch])
            targets = torch.cat([torch.tensor([*target, boundary]) for _, target in batch])
            real = torch.arange(inputs.shape[1])[None] < target_lengths[:, None]
            logits = model(source, lengths, inputs, real)
            loss = torch.nn.functional.cross_entropy(logits, targets, label_smoothing=SETTINGS["smoothing"])
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), SETTINGS["clip"])
            optimizer.step()
            tokens += len(targets)


def ours(arguments):
    with tempfile.TemporaryDirectory() as folder:
        run = pathlib.Path(folder) / "run"
        command = [ROOT / "target/release/lstm", "train", "translator", "--recipe", "multi30k-de-en"]
        command += ["--data", arguments.data, "--run", run, "--threads", str(arguments.threads)]
        command += ["--set", "training.log_steps=1", "--set", "training.checkpoint_minutes=0"]
        # PyTorch's model drops nothing within the recurrence, and no whole words.
        for key in ("word_dropout", "recurrent_dropout"):
            command += ["--set", f"model.{key}=0"]
        command += ["--set", 'model.dropout_mask="element"']
        process = subprocess.Popen([str(part) for part in command], stderr=subprocess.DEVNULL)
        time.sleep(arguments.seconds)
        process.send_signal(signal.SIGINT)
        # 130: interrupted, as it was asked to be.
        if process.wait() not in (0, 130):
            sys.exit(f"{command[0]} ended with {process.returncode}")
        events = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    events = [event for event in events if event["event"] == "train"]
    counted = [event for event in events if event["seconds"] > arguments.seconds / 3]
    if len(counted) < 2:
        sys.exit(f"only {len(events)} steps were logged: give it more --seconds")
    tokens = sum(event["tokens"] for event in counted[1:])
    return tokens / (counted[-1]["seconds"] - counted[0]["seconds"])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--padded", action="store_true", help="PyTorch's encoder runs over the padding")
    parser.add_argument("--torch", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.torch:
        return train_with_torch(arguments.data, arguments.seconds, arguments.threads, arguments.padded)

    rates = {"lstm": [], "torch": []}
    for number in range(1, arguments.rounds + 1):
        rates["lstm"].append(ours(arguments))
        answer = subprocess.run(
            [sys.executable, __file__, "--torch", *sys.argv[1:]], check=True, capture_output=True, text=True
        )
        rates["torch"].append(json.loads(answer.stdout)["rate"])
        one, other = rates["lstm"][-1], rates["torch"][-1]
        print(f"round {number}: lstm {one:.0f} tokens/s, torch {other:.0f}, ratio {one / other:.2f}")
    ratios = [one / other for one, other in zip(rates["lstm"], rates["torch"])]
    for name in rates:
        print(f"{name}: median {statistics.median(rates[name]):.0f} tokens/s")
    print(f"ratio: median {statistics.median(ratios):.2f}, from {min(ratios):.2f} to {max(ratios):.2f}")


if __name__ == "__main__":
    main()
