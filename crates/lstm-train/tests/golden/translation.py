"""Writes translation.json: what sacreBLEU says of hostile texts. Tests of src/metrics/translation read it.

Run with sacreBLEU 2.6.0, numpy 2.4.6 and regex 2026.11.19 on CPython 3.11:

    python crates/lstm-train/tests/golden/translation.py > crates/lstm-train/tests/golden/translation.json
"""

import itertools
import json
import logging

import numpy
import regex
import sacrebleu
from sacrebleu.metrics import BLEU, CHRF, TER
from sacrebleu.metrics.bleu import _get_tokenizer
from sacrebleu.significance import PairedTest

# Hypothesis, two references, another system's.
SEGMENTS = [
    ["The dog bit the man.", "The dog bit the man.", "The dog had bit the man.", "A dog bit a man."],
    ["It wasn't surprising.", "It was not unexpected.", "No one was surprised.", "It was not a surprise."],
    ["The man had just bitten him.", "The man bit him first.", "The man had bitten the dog.", "He bit him first."],
    ["Он сказал: «Привет, мир!»", "Он сказал: «Здравствуй, мир!»", "Сказал он: «Привет, мир».", "он СКАЗАЛ: привет, мир"],
    ["قال: «مرحبا، كيف حالك؟»", "قال «مرحبا» كيف حالك؟", "مرحبا، كيف الحال؟", "قال مرحبا كيف حالك"],
    ["वह १२३.५ किलोमीटर चला।", "वह १२३.५ किमी चला।", "वह चला १२३ किमी।", "वह चला ।"],
    ["我在二〇二四年去过北京，很好！", "我2024年去过北京，很好。", "二〇二四年我去了北京！", "我去北京"],
    ["彼は「カタカナ・テスト」と言った。", "彼は『カタカナテスト』と言いました。", "「テスト」と彼は言った。", "カタカナ と ひらがな"],
    ["ภาษาไทยไม่มีช่องว่าง 100%", "ภาษาไทย ไม่มีช่องว่าง ๑๐๐%", "ภาษาไทยไม่มีวรรค", "ภาษา ไทย"],
    ["👩‍👩‍👧‍👦 ❤️ 🇩🇪!", "👩‍👩‍👧 ❤ 🇩🇪 !", "👨‍👩‍👧‍👦 🇩🇪", "❤️ 👩‍👩‍👧‍👦"],
    ["e\u0301te\u0301 n\u0303 ﬁn", "été ñ ﬁn", "e\u0301te\u0301 ñ fin", "ete n fin"],
    ["ＡＢＣ １２，３４５．６７ ．end", "ABC 12,345.67 .end", "ＡＢＣ １２，３４５ ．end", "ABC １２ end"],
    ["&quot;x&quot; &amp;lt; &lt;b&gt; &apos;", "\"x\" < <b> '", "&quot;x\" &lt; b &apos;", "x < b"],
    ["<skipped>a <skip<skipped>ped> b", "a b", "<skipped> a b", "a <skipped>"],
    ["a well- known- -fact - and 2-3, 4- 5", "a well-known fact and 2-3, 4-5", "well known-fact - 2 - 3", "fact 2-3"],
    ["1,000.50 .5 5. 3,a a,3 a.b ... U.S.A.", "1,000.50, 0.5, 5, 3 a", "1 000,50 .5 5. U.S.A", "1,000.50"],
    ["tab\there\u00a0and\u2003there\u3000now\u2028then\u0085x\x1cy\x1fz", "tab here and there now then x y z",
     "tab\there and\u00a0there now", "here there now"],
    ["", "", "not empty", ""],
    ["", "not empty at all", "", "full"],
    ["something", "", "", "other"],
    ["...!?—·", "?!...", "—", "!!!"],
    ["trailing space \u00a0 \u2028", "trailing space", "trailing", "space trailing "],
    ["ΟΔΥΣΣΕΥΣ ΣΑΣ. İstanbul DŽ ẞ", "οδυσσεύς σας. istanbul dž ß", "Οδυσσευς Σας i̇stanbul ǆ ss", "ΟΔΥΣΣΕΥΣ"],
    ["$5 €5 ½ ² № © a_b ~c `d` x^y |", "$ 5 € 5 1/2 2 no. (c) a_b ~ c d x^y", "5$ 5€ ½ № a b", "$5"],
    ["the the the the the the the", "the cat is on the mat", "there is a cat on the mat", "the cat the cat"],
    ["d e f g h a b c", "a b c d e f g h", "a b c d h g f e", "h g f e d c b a"],
    ["(hi) 'hi' -hi- hi), (hi,there) rock'n'roll dog's", "(hi 'hi hi- hi) there", "hi hi hi rock 'n' roll dog 's", "hi"],
    ["x" * 40 + " y" * 30, "y " * 60 + "x", "x y " * 10, "y"],
    ["𝒳 𠀀 丽 🙂 \u200b\u00ad\ufeff", "𝒳𠀀 丽🙂", "𝒳 𠀀", "🙂"],
]

TOKENIZERS = ["none", "13a", "intl", "char", "zh"]
SMOOTHINGS = [["none", None], ["floor", None], ["floor", 0.5], ["add-k", None], ["add-k", 2.5], ["exp", None]]


def case(metric, hypotheses, references, full):
    score = metric.corpus_score(hypotheses, references)
    made = {"score": score.score, "name": score.name, "signature": metric.get_signature().format()}
    if score.name == "BLEU":
        made["verbose"] = score._verbose
    if score.name == "TER":
        made["edits"] = score.num_edits
    if full:
        metric.effective_order = True
        segments = zip(hypotheses, *references)
        made["sentences"] = [metric.sentence_score(one, others).score for one, *others in segments]
        metric.effective_order = False
    return made


def main():
    logging.getLogger("sacrebleu").setLevel(logging.ERROR)
    hypotheses, first, second, baseline = (list(texts) for texts in zip(*SEGMENTS))
    yes = [False, True]
    cases = []
    for tokenize, (smooth, value), lowercase, count in itertools.product(TOKENIZERS, SMOOTHINGS, yes, (1, 2)):
        options = dict(tokenize=tokenize, smooth_method=smooth, smooth_value=value, lowercase=lowercase)
        full = smooth == "exp"
        cases.append({"bleu": [tokenize, smooth, value, lowercase], "references": count}
                     | case(BLEU(**options), hypotheses, [first, second][:count], full))
    for words, beta, lowercase, whitespace, eps, count in itertools.product((0, 2), (1, 2), yes, yes, yes, (1, 2)):
        options = dict(word_order=words, beta=beta, lowercase=lowercase, whitespace=whitespace, eps_smoothing=eps)
        cases.append({"chrf": [words, beta, lowercase, whitespace, eps], "references": count}
                     | case(CHRF(**options), hypotheses, [first, second][:count], beta == 2 and not lowercase))
    for normalized, no_punct, asian, sensitive, count in itertools.product(yes, yes, yes, yes, (1, 2)):
        options = dict(normalized=normalized, no_punct=no_punct, asian_support=asian, case_sensitive=sensitive)
        cases.append({"ter": [normalized, no_punct, asian, sensitive], "references": count}
                     | case(TER(**options), hypotheses, [first, second][:count], count == 2))

    metrics = {"bleu": BLEU(), "chrf": CHRF(), "ter": TER()}
    statistics = {}
    for name, metric in metrics.items():
        score = metric.corpus_score(hypotheses, [first, second], n_bootstrap=1000)
        made = {"signature": metric.get_signature().format(), "mean": float(score._mean), "ci": float(score._ci)}
        for test, trials in (("bs", 1000), ("ar", 1000)):
            systems = [("baseline", baseline), ("system", hypotheses)]
            paired = PairedTest(systems, {name: type(metric)()}, [first, second], test_type=test, n_samples=trials)
            _, results = paired()
            made[test] = results[score.name][1].p_value
        statistics[name] = made

    print(json.dumps({
        "made by": {"sacrebleu": sacrebleu.__version__, "numpy": numpy.__version__, "regex": regex.__version__},
        "segments": SEGMENTS,
        "tokenized": {name: [_get_tokenizer(name)()(text.rstrip()) for texts in SEGMENTS for text in texts]
                      for name in TOKENIZERS if name != "none"},
        "cases": cases,
        "statistics": statistics,
    }, ensure_ascii=True).replace('{"bleu": [', '\n{"bleu": [').replace('{"chrf": [', '\n{"chrf": [')
          .replace('{"ter": [', '\n{"ter": ['))


if __name__ == "__main__":
    main()
