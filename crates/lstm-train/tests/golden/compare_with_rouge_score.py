"""Compares `lstm score rouge` with rouge-score on real texts: every type, stemmed and not, one reference to five.

    cargo build --release -p lstm-train
    python crates/lstm-train/tests/golden/compare_with_rouge_score.py --lstm target/release/lstm \
        --data DIR [--pairs 1200] [--letters 300] [--seed 3]

DIR must hold `samsum/train.jsonl` and `aeslc/dev.jsonl`. Of each record the first texts are scored beside the others
and beside themselves with random edits; sentences get line feeds. The words of both files are compared too, for the
stemmer: each beside its neighbours in the order of the alphabet and in that of NLTK's stems, so that words of one
stem must match and those of neighbouring stems must not. Written for rouge-score 0.1.2, NLTK 3.10.4.
"""

import argparse
import importlib.metadata
import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile

import numpy
from nltk.stem.porter import PorterStemmer
from rouge_score.rouge_scorer import RougeScorer

TYPES = [f"rouge{order}" for order in range(1, 10)] + ["rougeL", "rougeLsum"]
MEASURES = ["precision", "recall", "f1"]
FILES = {"samsum/train.jsonl": ["summary", "dialogue"], "aeslc/dev.jsonl": ["body", "subject", "ann0", "ann1", "ann2"]}
HOSTILE = ["", "\n", "a", "\u212aelvin \u0130stanbul", "Привет мир", "the the the\nthe the",
           "café naïve 1,000.50 x_y\r\n\r\nskies dying flies"]


def records(data):
    for file, keys in FILES.items():
        with open(data / file, encoding="utf-8") as lines:
            for line in lines:
                record = json.loads(line)
                yield [record[key] for key in keys]


def edited(text, rng):
    words = text.split(" ")
    for _ in range(rng.randrange(12)):
        words[rng.randrange(len(words))] = rng.choice(words + ["\n"])
    return " ".join(words)


def pairs(texts, count, letters, rng):
    yield from ((one, [other]) for one in HOSTILE for other in HOSTILE)
    for text in rng.sample(texts, min(count, len(texts))):
        parts = [part[:letters] for part in text]
        parts = [part.replace(". ", ".\n") if rng.random() < 0.7 else part for part in parts]
        yield parts[0], parts[1:] + ([edited(parts[0], rng)] if rng.random() < 0.5 else [])


def ours(lstm, folder, hypotheses, references, options):
    """The scores of each text; all texts have as many references."""
    command = [lstm, "score", "rouge", "--json", *options]
    for name, texts in [("--hyp", hypotheses)] + [("--ref", column) for column in zip(*references)]:
        path = folder / f"{len(command)}.jsonl"
        path.write_text("".join(json.dumps(text) + "\n" for text in texts), encoding="utf-8")
        command += [name, path]
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True, encoding="utf-8")
    if result.returncode:
        sys.exit(f"{command}: {result.stderr}")
    return [json.loads(line) for line in result.stdout.splitlines()]


def compare_texts(lstm, folder, texts):
    """The number of values, and the largest difference."""
    by_count = {}
    for hypothesis, references in texts:
        by_count.setdefault(len(references), []).append((hypothesis, references))
    count, largest = 0, 0.0
    for stemmer in ([], ["--stemmer"]):
        scorer = RougeScorer(TYPES, use_stemmer=bool(stemmer))
        for some in by_count.values():
            hypotheses, references = zip(*some)
            each = [[scorer.score(other, one) for other in others] for one, others in some]
            for multi in ("best", "average"):
                options = ["--sentence", "--types", ",".join(TYPES), "--multi", multi, *stemmer]
                lines = ours(lstm, folder, hypotheses, references, options)
                assert len(lines) == len(some)
                for line, scores in zip(lines, each):
                    for name in TYPES:
                        rows = [list(score[name]) for score in scores]
                        best = int(numpy.argmax([row[2] for row in rows]))
                        theirs = rows[best] if multi == "best" else numpy.mean(rows, axis=0)
                        for measure, value in zip(MEASURES, theirs):
                            count += 1
                            difference = abs(line[name][measure] - float(value))
                            # A value that is no number is different.
                            largest = max(largest, difference if difference == difference else float("inf"))
    return count, largest


def compare_words(lstm, folder, words):
    """The number of pairs, and those that match here and not there, or there and not here."""
    stemmer = PorterStemmer()
    stems = {word: stemmer.stem(word) if len(word) > 3 else word for word in words}
    by_stem = sorted(words, key=lambda word: (stems[word], word))
    neighbours = list(zip(words, words[1:])) + list(zip(by_stem, by_stem[1:]))
    one, other = zip(*neighbours)
    lines = ours(lstm, folder, one, [[word] for word in other], ["--sentence", "--types", "rouge1", "--stemmer"])
    assert len(lines) == len(neighbours)
    wrong = [pair for pair, line in zip(neighbours, lines) if (line["rouge1"]["f1"] == 1) != (stems[pair[0]] == stems[pair[1]])]
    return len(neighbours), wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lstm", default="target/release/lstm")
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--pairs", type=int, default=1200)
    parser.add_argument("--letters", type=int, default=300)
    parser.add_argument("--seed", type=int, default=3)
    arguments = parser.parse_args()
    print({name: importlib.metadata.version(name) for name in ("rouge-score", "nltk", "numpy")})
    texts = list(records(arguments.data))
    rng = random.Random(arguments.seed)
    words = sorted({word for text in texts for part in text for word in re.findall("[a-z0-9]+", part.lower())})
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        some = list(pairs(texts, arguments.pairs, arguments.letters, rng))
        count, largest = compare_texts(arguments.lstm, folder, some)
        print(f"{len(some)} texts: {count} values, largest difference {largest:.1e}")
        count, wrong = compare_words(arguments.lstm, folder, words)
        print(f"{len(words)} words: {count} pairs, {len(wrong)} differ {wrong[:10]}")
    sys.exit(bool(wrong) or not largest <= 1e-9)


if __name__ == "__main__":
    main()
