"""Writes summary.json: what rouge-score says of hostile texts. Tests of src/metrics/summary read it.

Run with rouge-score 0.1.2, NLTK 3.10.4 and numpy 2.4.6 on CPython 3.11:

    python crates/lstm-train/tests/golden/summary.py > crates/lstm-train/tests/golden/summary.json

rouge-score resamples without a seed. So percentiles are computed here as it computes them, of resamples that
numpy's `default_rng(12345)` draws.
"""

import importlib.metadata
import json
import re

import numpy
from nltk.stem.porter import PorterStemmer
from rouge_score.rouge_scorer import RougeScorer

# Hypothesis, two references.
SEGMENTS = [
    ["Anna will bring the cake.\nTom is late.", "Tom will be late.\nAnna brings a cake.", "Anna has a cake, Tom has none."],
    ["The dogs were running; the cats flew!", "A dog runs, and cats fly.", "Dogs ran while the cat was flying"],
    ["the the the the", "the cat the", "the\nthe\nthe\nthe\nthe"],
    ["a b c d e f g h i j k", "a b c d e f g h i j k", "k j i h g f e d c b a"],
    ["a b\nb a\na b", "a b a b\nb a", "b\na\nb\na"],
    ["x a y b z c", "a x b y c z\nc b a", "c z b y a x"],
    ["w1 w2 w3 w4 w5", "w1 w2 w6 w7 w8\nw1 w3 w8 w9 w5", "w1 w3 w5 w7 w9"],
    ["", "", "not empty"],
    ["not empty", "", "\n\n"],
    ["\n \n", "words", "more words"],
    ["Привет, мир! 你好 123", "Привет, мир! 你好 123", "hello 123"],
    ["naïve café — 1,000.50 x_y don't", "naive cafe 1 000 50 xy dont", "na ve caf 1000.50 x y don t"],
    ["\u212aelvin \u0130stanbul \ufb01n ΣΑΣ \u017f", "kelvin istanbul fin s", "KELVIN I stanbul\u0307"],
    ["one\r\ntwo\rthree\u2028four\u0085five\x0bsix", "one two\nthree four\nfive six", "six five\nfour three\ntwo one"],
    ["dying skies; news! innings proceed", "die sky new inning proceeding", "dies sky's newsy outing exceed"],
    ["a1 1a 2000s 3rds 99ing aaaing yyyyed", "a1 1a 2000 3rd 99 aaa yyyy", "A-1 2000's"],
    ["same " * 70 + "other " * 70, "other " * 65 + "same " * 66, "same other " * 64],
    [" ".join(f"t{i % 13} u{i % 7}" for i in range(100)), " ".join(f"u{i % 5} t{i % 11}" for i in range(90)),
     "\n".join(f"t{i} u{i % 3} t{i % 4}" for i in range(20))],
]

STEMS = """ a e y ab at bl by fl go iz on oo sh st th tr ye aft bet con enj fil hop hos kno pla rol siz tan tro
           agre cara comm conf feud form geol hope loll oper ponn rela spyy syzy thro trou vall vile yyyy 0 19 2b xyz
           control electr general conform digit archaeo""".split()
SUFFIXES = """ s ss sses ies ied eed ed ing y ying ational tional enci ency anci ancy izer bli abli ably alli ally entli eli
           ousli ization ation ator alism iveness fulness ousness aliti ality iviti biliti fulli fully logi logy icate
           ative alize iciti ical ful ness al ance ence er ic able ible ant ement ment ent ion sion tion ou ism ate iti
           ous ive ize e ll lle zzing lled nned atalli allialli""".split()
IRREGULAR = """sky skies dying lying tying news innings inning outings outing cannings canning howe proceed exceed succeed
           dies died die flies spied enjoy happy fly as is sing feed""".split()

TYPES = [f"rouge{order}" for order in range(1, 10)] + ["rougeL", "rougeLsum"]


def case(stemmer, multi):
    scorer = RougeScorer(TYPES, use_stemmer=stemmer)
    scores = {name: [] for name in TYPES}
    for hypothesis, *references in SEGMENTS:
        best = scorer.score_multi(references, hypothesis)
        each = [scorer.score(reference, hypothesis) for reference in references]
        for name in TYPES:
            mean = numpy.mean([score[name] for score in each], axis=0).tolist()
            scores[name].append([float(value) for value in best[name]] if multi == "best" else mean)
    drawn = numpy.random.default_rng(12345).choice(len(SEGMENTS), size=(1000, len(SEGMENTS)))
    intervals = {}
    for name, rows in scores.items():
        means = numpy.array([numpy.array(rows)[sample].mean(axis=0) for sample in drawn])
        intervals[name] = numpy.percentile(means, [2.5, 50, 97.5], axis=0).tolist()
    return {"stemmer": stemmer, "multi": multi, "scores": scores, "intervals": intervals}


def main():
    stemmer = PorterStemmer()
    words = sorted({stem + suffix for stem in STEMS for suffix in SUFFIXES} | set(IRREGULAR) | set(STEMS))
    made = json.dumps({
        "made by": {name: importlib.metadata.version(name) for name in ("rouge-score", "nltk", "numpy")},
        "segments": SEGMENTS,
        "stems": {word: stemmer.stem(word) for word in words},
        "cases": [case(stemmer, multi) for stemmer in (False, True) for multi in ("best", "mean")],
    })
    print(re.sub(r'(\{"stemmer"|"rouge[^"]*": \[)', r"\n\1", made))


if __name__ == "__main__":
    main()
