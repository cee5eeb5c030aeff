"""How long `lstm score rouge` takes for 100,000 pairs, beside rouge-score, in turns.

    cargo build --release -p lstm-train
    python crates/lstm-train/benches/score_against_rouge_score.py --data DIR/samsum \
        [--pairs 100000] [--rounds 3] [--threads 2] [--stemmer]

The folder must hold `train.jsonl`: its summaries, repeated up to the number asked for, are the references, and
what is scored are the same with random edits, no two alike. Times are those of whole processes, reading the files
and starting included; beside them that of rouge-score's computation alone, and the processor time of each process,
which other work on the machine changes little. Printed are the medians of the rounds and of their ratios.
"""

import argparse
import importlib.metadata
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

TYPES = ["rouge1", "rouge2", "rougeL", "rougeLsum"]

INSIDE = """
import json, sys, time
from rouge_score.rouge_scorer import RougeScorer
types = sys.argv[4].split(",")
hyp, ref = ([json.loads(line) for line in open(path, encoding="utf-8")] for path in sys.argv[2:4])
scorer = RougeScorer(types, use_stemmer=sys.argv[1] == "stemmer")
began = time.perf_counter()
scores = [scorer.score(target, prediction) for target, prediction in zip(ref, hyp)]
means = {name: {"f1": sum(score[name].fmeasure for score in scores) / len(scores)} for name in types}
print(json.dumps(means | {"seconds": time.perf_counter() - began}))
"""


def make_files(source, folder, pairs):
    rng = random.Random(1)
    with open(source, encoding="utf-8") as lines:
        originals = [json.loads(line)["summary"].replace(". ", ".\n") for line in lines]
    vocabulary = sorted({word for text in originals[:2000] for word in text.split()})
    with open(folder / "ref.jsonl", "w") as ref, open(folder / "hyp.jsonl", "w") as hyp:
        for number in range(pairs):
            words = originals[number % len(originals)].split(" ")
            words.insert(rng.randrange(len(words) + 1), str(number))
            ref.write(json.dumps(" ".join(words)) + "\n")
            for _ in range(rng.randrange(8)):
                place = rng.randrange(len(words))
                words[place:place + rng.randrange(3)] = [rng.choice(vocabulary)]
            hyp.write(json.dumps(" ".join(words)) + "\n")


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
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--stemmer", action="store_true")
    arguments = parser.parse_args()
    print("rouge-score", importlib.metadata.version("rouge-score"), "python", sys.version.split()[0])
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        make_files(arguments.data / "train.jsonl", folder, arguments.pairs)
        hyp, ref = str(folder / "hyp.jsonl"), str(folder / "ref.jsonl")
        ours = [arguments.lstm, "score", "rouge", "--hyp", hyp, "--ref", ref, "--json"]
        ours += ["--stemmer"] * arguments.stemmer
        stemming = "stemmer" if arguments.stemmer else "none"
        theirs = [sys.executable, "-c", INSIDE, stemming, hyp, ref, ",".join(TYPES)]
        rounds = []
        for number in range(1, arguments.rounds + 1):
            elapsed, processor, answer = timed(ours, arguments.threads)
            their_elapsed, their_processor, other = timed(theirs, arguments.threads)
            for name in TYPES:
                if abs(answer[name]["f1"] - other[name]["f1"]) > 1e-9:
                    sys.exit(f"{name} differs: {answer[name]} and {other[name]}")
            row = {
                "elapsed": (elapsed, their_elapsed),
                "elapsed, of rouge-score the computation alone": (elapsed, other["seconds"]),
                "processor": (processor, their_processor),
            }
            rounds.append(row)
            text = "; ".join(f"{name} {one:.3f} s, {other:.3f} s" for name, (one, other) in row.items())
            print(f"round {number} (lstm, rouge-score): {text}", flush=True)
    for name in rounds[0]:
        pairs = [row[name] for row in rounds]
        one, other = (statistics.median(side) for side in zip(*pairs))
        ratios = [other / one for one, other in pairs]
        print(f"{name}: lstm {one:.3f} s, rouge-score {other:.3f} s; "
              f"ratio {statistics.median(ratios):.1f}, from {min(ratios):.1f} to {max(ratios):.1f}")


if __name__ == "__main__":
    main()
