"""The task of translating: its batches, its loss, its measures, and its baselines."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autodiff as ad
from models.data.corpus import Corpus, Pair
from models.extras import MissingExtraError
from models.ibm1 import LexiconTable, ibm1
from models.search import END, FIRST, joined, words
from models.seq2seq import Seq2Seq
from models.tasks.translation import LEAST, Translation, baselines, bleu, chrf, learnt_words
from models.train import Trainer

NUMBERS = dict(zip(words("eins zwei drei vier fünf sechs"), words("one two three four five six")))
"""German and English."""


def pairs(count: int, seed: int) -> list[Pair]:
    """Some numbers, which are translated backwards."""
    rng = np.random.default_rng(seed)
    chosen = [rng.choice(list(NUMBERS), rng.integers(2, 5)) for _ in range(count)]
    return [
        Pair(" ".join(c).capitalize() + ".", " ".join(NUMBERS[w] for w in c[::-1]) + ".")
        for c in chosen
    ]


CORPUS = Corpus("numbers", pairs(40, 0), pairs(9, 1), pairs(8, 2))


def task(dropout: float = 0.0, **options: Any) -> tuple[Translation, Seq2Seq]:
    arguments: Any = learnt_words(CORPUS)
    model = Seq2Seq(**arguments, size=8, hidden=16, dropout=dropout)
    return Translation(CORPUS, model, **{"unknown": 0.0, **options}), model


def loss_of(made: Translation, batch: np.ndarray) -> ad.Tensor:
    return made.loss(made.model, *made.inputs(batch, np.random.default_rng(0)))


def test_vocabularies_are_of_the_training_part() -> None:
    few = Corpus("few", [Pair("Ja, ja!", "Yes, yes!"), Pair("Nein!", "No!")], [], [])
    found = learnt_words(few, least=2)
    assert found["source_words"] == [*FIRST, "!", "ja"]
    assert found["target_words"] == [*FIRST, "!", "yes"]
    expected = ibm1([(words("ja, ja!"), words("yes, yes!")), (["nein", "!"], ["no", "!"])])
    assert found["lexicon"] == {
        f: {e: t for e, t in row.items() if t >= LEAST} for f, row in expected.items() if f
    }


def test_takes_a_training_part_of_one_sentence() -> None:
    made = Translation(Corpus("one", CORPUS.train[:1], [], []), task()[1])
    assert np.isfinite(loss_of(made, np.array([0])).item())


def test_each_epoch_has_each_sentence_once() -> None:
    made, _ = task(batch_size=7)
    rows = np.concatenate(made.plan(np.random.default_rng(0)))
    assert sorted(rows) == list(range(len(CORPUS.train)))


def test_size_counts_target_words_and_ends() -> None:
    made, _ = task()
    assert made.size(np.array([0, 3])) == sum(
        len(CORPUS.train[i].target.split()) + 2 for i in (0, 3)
    )


def test_loss_is_the_mean_over_words_with_a_lexicon_made_without_the_sentence() -> None:
    made, model = task(folds=4)
    split = made._train
    expected = 0.0
    for i in (2, 13, 37):
        block = range(i // 10 * 10, i // 10 * 10 + 10)
        others = [pair for j, pair in enumerate(split) if j not in block]
        table = LexiconTable(ibm1(others, least=LEAST), model.target)
        before, y, _ = model.outputs([split[i][1]])
        scores = model(*model.inputs([split[i][0]], [table]), before)
        expected += ad.cross_entropy(scores, y, reduction="sum").item()
    batch = np.array([2, 13, 37])
    loss = loss_of(made, batch).item()
    assert loss == pytest.approx(expected / made.size(batch), rel=1e-5)


def test_makes_words_unknown_in_training() -> None:
    made, model = task(unknown=1.0)
    loss = loss_of(made, np.arange(3))
    loss.backward()
    assert set(model.E.table.grad.rows) == {0}


def test_learns_through_the_trainer() -> None:
    pytest.importorskip("sacrebleu", reason="measures with sacrebleu, if there is one")
    made, model = task(batch_size=10, folds=5)
    optimizer = ad.optim.Adam(model.parameters(), lr=0.02)
    history = Trainer(model, made, optimizer, epochs=30, quiet=True).fit()
    assert history[-1]["validation BLEU"] > 80
    assert history[-1]["validation loss"] < history[0]["validation loss"] / 3


def test_evaluates_the_validation_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.tasks.translation.bleu", lambda *texts: 12.5)
    made, model = task()
    model.eval()
    total = count = 0.0
    for pair in CORPUS.validation:
        source, target = (text.lower().replace(".", " .").split() for text in pair)
        before, y, _ = model.outputs([target])
        scores = model(*model.inputs([source]), before)
        total += ad.cross_entropy(scores, y, reduction="sum").item()
        count += len(target) + 1
    figures = made.evaluate(model)
    assert figures == {"loss": pytest.approx(total / count, rel=1e-5), "BLEU": 12.5}


def test_measures() -> None:
    pytest.importorskip("sacrebleu", reason="measures with sacrebleu, if there is one")
    here = ["The cat sat on the mat.", "It's a rose."]
    assert bleu(here, [text.upper() for text in here]) == pytest.approx(100)
    assert chrf(here, [text.upper() for text in here]) == pytest.approx(100)
    # 4 of 5 words, 3 of 4 pairs, 2 of 3 and 1 of 2 groups; nothing is too short
    assert bleu(["a b c d x"], ["a b c d e"]) == pytest.approx(
        100 * (4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25
    )
    assert chrf(["xyz"], ["abc"]) == 0


def test_without_sacrebleu_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"needs sacrebleu.*pip install 'autodiff\[train\]"):
        bleu(["a"], ["a"])


def test_baselines() -> None:
    train = [
        Pair("Das Haus.", "The house."),
        Pair("Das Buch ist rot.", "The book is red."),
        Pair("Ein Buch!", "A book!"),
    ]
    test = [Pair("Rot ist ein Haus: Ulm.", ""), Pair("Buch!", "")]
    found = baselines(Corpus("few", train, [], test))
    assert found["the source as it is"] == ["rot ist ein haus: ulm.", "buch!"]
    assert found["nearest training sentence"] == ["the book is red.", "a book!"]
    lexicon = ibm1([(words(pair.source), words(pair.target)) for pair in train])
    best = [next(iter(lexicon[word])) for word in ("rot", "ist", "ein", "haus")]
    assert found["word for word (IBM model 1)"][0] == joined([*best, ":", "ulm", "."])


def test_no_word_of_a_text_is_the_end() -> None:
    arguments = learnt_words(Corpus("end", [Pair(END, END)], [], []), least=1)
    assert arguments["source_words"] == [*FIRST, "/", "<", ">", "s"]
