"""Compares `lstm score` with sacreBLEU on noisy text: every metric, option and number of references.

    cargo build --release -p lstm-train
    python crates/lstm-train/tests/golden/compare_with_sacrebleu.py --lstm target/release/lstm \
        FILE… [--lines 1500] [--seed 1]

Each file has one segment a line (Multi30k's `train.de`, say); its first lines are the references, and
what is scored are the same lines with random edits, among them characters of all scripts, separators and
escapes. Compared are scores of corpora and of single lines, with all that they are made of, to 1e-9;
intervals and p-values of both tests to 1e-6. Corpora have as many lines as asked for, those of chrF a quarter,
those of TER a tenth, which is also how many single lines are compared, and what intervals and tests are of.
Prints the largest differences; exit code 1 if one is larger than it may be. Made for sacreBLEU 2.6.0 with numpy 2.4.6 and regex 2026.11.19.
"""

import argparse
import itertools
import json
import logging
import pathlib
import random
import subprocess
import sys
import tempfile

import sacrebleu
from sacrebleu.metrics import BLEU, CHRF, TER
from sacrebleu.significance import PairedTest

HOSTILE = [
    "&quot;", "&amp;lt;", "&lt;b&gt;", "&apos;", "<skipped>", "well-", "3.14", "1,000.50", "2-3", ".5", "5.",
    "U.S.A.", "...", "—", "«oui»", "¿qué?", "don't", "dog's", "rock'n'roll", "(hi)", "[x]", "a/b", "x_y", "~", "`",
    "$5", "€5", "50%", "№ 5", "½", "²", "٣٫٥", "१२३", "９．５", "Ⅷ", "ΟΔΥΣΣΕΥΣ", "ΣΑΣ.", "İstanbul", "ǅ", "ẞ", "ﬃ",
    "привет,", "Ёж!", "مرحبا،", "السلام؟", "हिन्दी।", "你好，世界。", "漢字かな混じり文", "カタカナ・テスト", "「はい」",
    "ภาษาไทย", "한국어", "👩‍👩‍👧‍👦", "🇩🇪", "☃️", "e\u0301te\u0301", "\u200b", "\u00ad", "\ufeff", "\u00a0", "\u2003", "\t",
    "\u3000", "\u2028", "\u0085", "\x0c", "\x1c", "\x1f", "\r", "𝒳", "𠀀", "丽", "．", "！？", "\u1c89", "\u2ffc", "𑽃",
]


def noisy(line, rng, edits):
    words = line.split(" ")
    for _ in range(rng.randrange(edits + 1)):
        place = rng.randrange(len(words) + 1)
        kind = rng.randrange(8)
        if kind == 0:
            words.insert(place, rng.choice(HOSTILE))
        elif kind == 1:
            words[place:place + 1] = []
        elif kind == 2:
            words[place:place + 1] = [word + rng.choice(HOSTILE) for word in words[place:place + 1]]
        elif kind == 3:
            words[place:place + 1] = [word.upper() for word in words[place:place + 1]]
        elif kind == 4:
            end = place + rng.randrange(1, 5)
            phrase, words = words[place:end], words[:place] + words[end:]
            target = rng.randrange(len(words) + 1)
            words[target:target] = phrase
        elif kind == 5:
            words[place:place] = words[place:place + 2]
        elif kind == 6 and words[place:place + 1]:
            letters = list(words[place])
            letters[rng.randrange(len(letters) + 1):][:1] = ["x"]
            words[place] = "".join(letters) + rng.choice(["", ".", ",", "-"])
        elif rng.random() < 0.02:
            words = rng.choice([[], words[:2], words * 5, words[::-1]])
        if not words:
            words = [""]
    return " ".join(words)


def bleu_options():
    tokenizers = ["none", "13a", "intl", "char", "zh"]
    smoothings = [("none", None), ("floor", None), ("floor", 0.5), ("add-k", None), ("add-k", 2.5), ("exp", None)]
    for tokenize, (smooth, value), lowercase in itertools.product(tokenizers, smoothings, [False, True]):
        ours = ["bleu", "--tokenize", tokenize, "--smooth", smooth]
        ours += ["--smooth-value", str(value)] if value is not None else []
        ours += ["--lowercase"] if lowercase else []
        options = dict(tokenize=tokenize, smooth_method=smooth, smooth_value=value, lowercase=lowercase)
        yield ours, lambda sentence, options=options: BLEU(**options, effective_order=sentence)


def chrf_options():
    for words, beta, lowercase, whitespace, eps in itertools.product([0, 2], [1, 2, 3], *[[False, True]] * 3):
        ours = ["chrf++" if words else "chrf", "--beta", str(beta)]
        ours += ["--lowercase"] * lowercase + ["--whitespace"] * whitespace + ["--eps-smoothing"] * eps
        options = dict(word_order=words, beta=beta, lowercase=lowercase, whitespace=whitespace, eps_smoothing=eps)
        yield ours, lambda sentence, options=options: CHRF(**options)


def ter_options():
    for values in itertools.product([False, True], repeat=4):
        options = dict(zip(["normalized", "no_punct", "asian_support", "case_sensitive"], values))
        ours = ["ter"] + ["--" + name.replace("_", "-") for name, is_set in options.items() if is_set]
        yield ours, lambda sentence, options=options: TER(**options)


class Comparison:
    def __init__(self, lstm):
        self.lstm, self.largest, self.count, self.failures = lstm, {}, 0, []

    def run(self, arguments):
        command = [self.lstm, "score", *map(str, arguments), "--json"]
        result = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
        if result.returncode:
            sys.exit(f"{' '.join(command)}: {result.stderr}")
        return [json.loads(line) for line in result.stdout.splitlines()]

    def close(self, what, where, ours, theirs, tolerance=1e-9):
        self.count += 1
        difference = abs(ours - float(theirs))
        self.largest[what] = max(self.largest.get(what, 0.0), difference)
        # In this form what is no number fails too.
        if not difference <= tolerance:
            self.failures.append(f"{what} {where}: {ours} is not {theirs}")

    def equal(self, what, where, ours, theirs):
        self.count += 1
        if ours != theirs:
            self.failures.append(f"{what} {where}: {ours!r} is not {theirs!r}")

    def score(self, where, ours, theirs, signature):
        self.close(f"{ours['metric']} score", where, ours["score"], theirs.score)
        self.equal("name", where, ours["metric"], theirs.name)
        expected = signature.format().rsplit("|version:", 1)[0]
        self.equal("signature", where, ours["signature"].rsplit("|version:", 1)[0], expected)
        if theirs.name == "BLEU":
            for one, other in zip(ours["precisions"], theirs.precisions):
                self.close("BLEU precision", where, one, other)
            self.close("BLEU brevity penalty", where, ours["brevity_penalty"], theirs.bp)
            lengths = [ours["hypothesis_length"], ours["reference_length"]]
            self.equal("BLEU lengths", where, lengths, [theirs.sys_len, theirs.ref_len])
            if "add-k" not in signature.format():
                self.equal("BLEU counts", where, [ours["matches"], ours["totals"]], [theirs.counts, theirs.totals])
        if theirs.name == "TER":
            self.equal("TER edits", where, ours["edits"], theirs.num_edits)
            self.close("TER length", where, ours["reference_length"], theirs.ref_length)


def read(path):
    with open(path, encoding="utf-8", newline="\n") as file:
        return [line.rstrip() for line in file]


def written(path, lines):
    # A carriage return in the middle of a line is white space, in sacreBLEU and here.
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8", newline="\n")
    return read(path)


def compare(comparison, folder, name, lines, singles, rng, options, statistics):
    texts = {"hyp": 6, "baseline": 8, "ref0": 0, "ref1": 4, "ref2": 4}
    texts = {text: written(folder / text, [noisy(line, rng, edits) for line in lines]) for text, edits in texts.items()}
    for (arguments, metric), count in itertools.product(options, (1, 2, 3)):
        where = f"{name} {' '.join(arguments)} refs={count}"
        arguments = arguments + ["--hyp", folder / "hyp"]
        references = [texts[f"ref{number}"] for number in range(count)]
        for number in range(count):
            arguments += ["--ref", folder / f"ref{number}"]
        theirs = metric(False)
        score = theirs.corpus_score(texts["hyp"], references)
        comparison.score(where, comparison.run(arguments)[0], score, theirs.get_signature())
        theirs = metric(True)
        ours = comparison.run(arguments + ["--sentence"])
        comparison.equal("lines", where, len(ours), len(lines))
        for number, (line, *segment) in enumerate(zip(texts["hyp"][:singles], *references)):
            score = theirs.sentence_score(line, segment)
            comparison.score(f"{where} line {number + 1}", ours[number], score, theirs.get_signature())
        if statistics:
            compare_statistics(comparison, where, arguments, metric, texts, references, folder)


def compare_statistics(comparison, where, arguments, metric, texts, references, folder):
    ours = comparison.run(arguments + ["--confidence"])[0]
    theirs = metric(False)
    score = theirs.corpus_score(texts["hyp"], references, n_bootstrap=1000)
    comparison.score(where, ours, score, theirs.get_signature())
    comparison.close("interval", where, ours["confidence"]["mean"], score._mean, 1e-6)
    comparison.close("interval", where, ours["confidence"]["half_width"], score._ci, 1e-6)
    for test, key, trials in (("bootstrap", "bs", 1000), ("randomization", "ar", 2000)):
        ours = comparison.run(
            arguments + ["--baseline", folder / "baseline", "--test", test, "--trials", trials]
        )[0]
        systems = [("baseline", texts["baseline"]), ("system", texts["hyp"])]
        paired = PairedTest(systems, {"metric": metric(False)}, references, test_type=key, n_samples=trials)
        signatures, results = paired()
        baseline, system = results[ours["metric"]]
        comparison.equal("signature", where, ours["signature"].rsplit("|version:", 1)[0],
                         signatures[ours["metric"]].format().rsplit("|version:", 1)[0])
        # In randomization sacreBLEU adds k to integers of numpy's, which leaves them integers; and of TER with
        # three references lengths are thirds, whose rounded sums decide which trials tie with the difference.
        thirds = ours["metric"] == "TER" and len(references) == 3
        if test == "bootstrap" or not thirds and "add-k[2.50]" not in ours["signature"]:
            comparison.close(f"p ({test})", where, ours["comparison"]["p_value"], system.p_value, 1e-6)
        comparison.close("difference", where, ours["comparison"]["difference"], system.score - baseline.score)
        if test == "bootstrap":
            for one, other in ((ours, system), (ours["baseline"], baseline)):
                # These means are numpy's, of 32-bit floats.
                comparison.close("paired interval", where, one["confidence"]["mean"], other.mean, 1e-4)
                comparison.close("paired interval", where, one["confidence"]["half_width"], other.ci, 1e-6)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lstm", default="target/release/lstm")
    parser.add_argument("--lines", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--metric", choices=["bleu", "chrf", "ter"], action="append")
    parser.add_argument("files", type=pathlib.Path, nargs="+")
    arguments = parser.parse_args()
    logging.getLogger("sacrebleu").setLevel(logging.ERROR)
    print("sacrebleu", sacrebleu.__version__)
    comparison = Comparison(arguments.lstm)
    rng = random.Random(arguments.seed)
    metrics = {"bleu": bleu_options, "chrf": chrf_options, "ter": ter_options}
    with tempfile.TemporaryDirectory() as folder:
        for file in arguments.files:
            lines = read(file)
            for metric in arguments.metric or metrics:
                count = arguments.lines // {"bleu": 1, "chrf": 4, "ter": 10}[metric]
                few = arguments.lines // 10
                options = list(metrics[metric]())
                where = (comparison, pathlib.Path(folder), file.name)
                compare(*where, lines[:count], few, rng, options, False)
                compare(*where, lines[:few], 0, rng, options[::5], True)
                print(f"{file.name} {metric}: {comparison.count} values, {len(comparison.failures)} differ", flush=True)
    for what, largest in sorted(comparison.largest.items()):
        print(f"{what}: largest difference {largest:.1e}")
    for failure in comparison.failures[:20]:
        print(failure)
    sys.exit(bool(comparison.failures))


if __name__ == "__main__":
    main()
