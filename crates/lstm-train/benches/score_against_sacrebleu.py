"""How long `lstm score` takes for 100,000 lines, beside sacreBLEU, in turns.

    cargo build --release -p lstm-train
    python crates/lstm-train/benches/score_against_sacrebleu.py --data DIR/multi30k \
        [--lines 100000] [--rounds 5] [--threads 2] [--metric bleu]

The folder must hold `train.de`: its lines, repeated up to the number asked for, are the references, and what
is scored are the same with random edits, no two lines alike. Times are those of whole processes, reading the
files and starting included; beside them that of sacreBLEU's computation alone, without the start of Python and
its imports, and the processor time of each process, which other work on the machine changes little. Printed are
the medians of the rounds and of their ratios.
"""

import argparse
import json
import os
import pathlib
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import sacrebleu

INSIDE = """
import json, sys, time
from sacrebleu.metrics import BLEU, CHRF, TER
def read(path):
    return [line.rstrip() for line in open(path, encoding="utf-8", newline="\\n")]
hyp, ref = read(sys.argv[2]), read(sys.argv[3])
metric = {"bleu": BLEU, "chrf": CHRF, "chrf++": lambda: CHRF(word_order=2), "ter": TER}[sys.argv[1]]()
began = time.perf_counter()
score = metric.corpus_score(hyp, [ref]).score
print(json.dumps({"score": score, "seconds": time.perf_counter() - began}))
"""


def make_files(source, folder, lines):
    rng = random.Random(1)
    originals = source.read_text(encoding="utf-8").splitlines()
    vocabulary = sorted({word for line in originals[:2000] for word in line.split()})
    with open(folder / "ref", "w", encoding="utf-8") as ref, open(folder / "hyp", "w", encoding="utf-8") as hyp:
        for number in range(lines):
            words = originals[number % len(originals)].split()
            # So that no cache of sacreBLEU's, and none of the machine's, sees a line twice.
            words.insert(rng.randrange(len(words) + 1), str(number))
            ref.write(" ".join(words) + "\n")
            for _ in range(rng.randrange(5)):
                place = rng.randrange(len(words))
                words[place:place + rng.randrange(3)] = [rng.choice(vocabulary)]
            hyp.write(" ".join(words) + "\n")


def timed(command, threads):
    environment = dict(os.environ, RAYON_NUM_THREADS=str(threads))
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    output = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
    elapsed, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return elapsed, processor, json.loads(output)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lstm", default="target/release/lstm")
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--metric", choices=["bleu", "chrf", "chrf++", "ter"], default="bleu")
    arguments = parser.parse_args()
    print("sacrebleu", sacrebleu.__version__, "python", sys.version.split()[0])
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        make_files(arguments.data / "train.de", folder, arguments.lines)
        hyp, ref = str(folder / "hyp"), str(folder / "ref")
        ours = [arguments.lstm, "score", arguments.metric, "--hyp", hyp, "--ref", ref, "--json"]
        theirs = [sys.executable, "-c", INSIDE, arguments.metric, hyp, ref]
        rounds = []
        for number in range(1, arguments.rounds + 1):
            elapsed, processor, answer = timed(ours, arguments.threads)
            their_elapsed, their_processor, other = timed(theirs, arguments.threads)
            if abs(answer["score"] - other["score"]) > 1e-9:
                sys.exit(f"the scores differ: {answer['score']} and {other['score']}")
            row = {
                "elapsed": (elapsed, their_elapsed),
                "elapsed, of sacreBLEU the computation alone": (elapsed, other["seconds"]),
                "processor": (processor, their_processor),
            }
            rounds.append(row)
            text = "; ".join(f"{name} {one:.3f} s, {other:.3f} s" for name, (one, other) in row.items())
            print(f"round {number} (lstm, sacreBLEU): {text}", flush=True)
    for name in rounds[0]:
        pairs = [row[name] for row in rounds]
        one, other = (statistics.median(side) for side in zip(*pairs))
        ratios = [other / one for one, other in pairs]
        print(f"{name}: lstm {one:.3f} s, sacreBLEU {other:.3f} s; "
              f"ratio {statistics.median(ratios):.1f}, from {min(ratios):.1f} to {max(ratios):.1f}")


if __name__ == "__main__":
    main()
