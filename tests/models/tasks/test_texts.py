"""The task of classifying texts, its baselines, and a toy language learnt."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest

import autodiff as ad
from models.classifier import Classifier
from models.data import Corpus, DataError, Labelled, load_classification
from models.tasks.texts import (
    TextClassification,
    accuracy,
    baselines,
    grams_of,
    labels_of,
    logistic_regression,
    naive_bayes,
    words_of,
)
from models.train import Trainer


def examples(count: int, seed: int) -> list[Labelled]:
    """Texts that are positive if "good" stands in them without "not" before it."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        fill = [str(word) for word in rng.choice(["a", "film", "it", "was", "not"], 6)]
        label = str(rng.choice(["negative", "positive"]))
        fill[2:4] = ["not" if label == "negative" else "so", "good"]
        made.append(Labelled(" ".join(fill[: 4 + int(rng.integers(3))]), label))
    return made


CORPUS = Corpus("toy", examples(120, 0), examples(30, 1), examples(30, 2))
TINY = Corpus(
    "tiny",
    [Labelled("good good film", "yes"), Labelled("bad", "no"), Labelled("a bad film", "no")],
    [Labelled("good", "yes")],
    [Labelled("Good!", "yes"), Labelled("so bad", "no")],
)


def classifier(corpus: Corpus[Labelled], grams: bool = False) -> Classifier:
    found = grams_of(corpus.train) if grams else ()
    return Classifier(
        words_of(corpus.train, 1), labels_of(corpus.train), found, 8, 8, dropout=0.1, rng=1
    )


def test_learns_what_the_order_of_words_says() -> None:
    model = classifier(CORPUS)
    task = TextClassification(CORPUS, model, batch_size=20)
    optimizer = ad.optim.Adam(model.parameters(), lr=0.02)
    Trainer(model, task, optimizer, epochs=15, quiet=True).fit()
    assert task.evaluate(model)["accuracy"] == 1
    assert accuracy(CORPUS.test, model.predict([e.text for e in CORPUS.test])) == 1


def test_the_network_learns_beside_a_bag_that_knows_all() -> None:
    model = classifier(CORPUS, grams=True)
    texts, y = [e.text for e in CORPUS.train], model.labels.ids(e.label for e in CORPUS.train)
    model.bag.start_from(texts, y, weight=10)
    optimizer = ad.optim.Adam(model.parameters(), lr=0.02)
    task = TextClassification(CORPUS, model)
    Trainer(model, task, optimizer, epochs=15, keep="last", quiet=True).fit()
    alone = model(*model.ids(texts)).data.argmax(-1)
    assert (alone == y).mean() > 0.95


def test_batches_have_all_texts_once_and_similar_lengths() -> None:
    task = TextClassification(CORPUS, classifier(CORPUS), batch_size=32)
    plan = task.plan(np.random.default_rng(0))
    np.testing.assert_array_equal(np.sort(np.concatenate(plan)), np.arange(120))
    lengths = [[len(CORPUS.train[i].text.split()) for i in batch] for batch in plan]
    assert [task.size(batch) for batch in plan] == [sum(batch) for batch in lengths]
    assert max(max(batch) - min(batch) for batch in lengths) <= 1


def test_loss_and_figures_are_those_of_the_definitions() -> None:
    model = classifier(TINY).eval()
    task = TextClassification(TINY, model, unknown=0.0)
    texts, y = ["good good film", "bad"], [1, 0]
    p = model.probabilities(texts)
    expected = -np.log(p[[0, 1], y]).mean()
    loss = task.loss(model, *task.inputs(np.array([0, 1]), np.random.default_rng(0)))
    np.testing.assert_allclose(loss.item(), expected, rtol=1e-6)
    (right,) = model.probabilities(["good"])[:, 1]
    figures = task.evaluate(model)
    np.testing.assert_allclose(figures["loss"], -np.log(right), rtol=1e-6)
    assert figures["accuracy"] == (right > 0.5)


def test_a_loss_stays_finite_where_a_probability_is_not_to_be_told_from_0() -> None:
    model = classifier(TINY).eval()
    model.output.b.data = np.array([1e4, -1e4])
    assert 80 < TextClassification(TINY, model).evaluate(model)["loss"] < np.inf


def test_words_grams_and_labels_of_examples() -> None:
    assert labels_of(TINY.train) == ["no", "yes"]
    assert words_of(TINY.train) == ["<unk>", "bad", "film", "good"]
    assert words_of(TINY.train, 1) == ["<unk>", "bad", "film", "good", "a"]
    assert grams_of(TINY.train, bigrams=False) == ["<unk>", "bad", "film", "a", "good"]
    assert grams_of(TINY.train)[:4] == ["<unk>", "bad", "film", "a"]
    pairs = ["a bad", "bad film", "good film", "good good"]
    assert [gram for gram in grams_of(TINY.train) if " " in gram] == pairs


def test_naive_bayes_by_hand() -> None:
    # Texts of "no" and "yes" with each word, plus 1: a 2 1, bad 3 1, film 2 2, good 1 2.
    train, texts = TINY.train, ["bad", "good", "film", "good film bad"]
    assert naive_bayes(train, texts, bigrams=False) == ["no", "yes", "no", "no"]
    score = np.log([2 / 3, 1 / 3]) + np.log([2 / 8, 2 / 6])
    assert score.argmax() == 0  # film: the class decides that is more frequent


def test_bigrams_tell_what_words_do_not() -> None:
    train = [Labelled("not good", "no"), Labelled("good not", "yes")]
    assert naive_bayes(train, ["not good", "good not"]) == ["no", "yes"]


def test_logistic_regression_learns_its_examples() -> None:
    texts = [e.text for e in CORPUS.test]
    assert accuracy(CORPUS.test, logistic_regression(CORPUS.train, texts)) > 0.9


def test_baselines_learn_from_training_and_validation() -> None:
    found = baselines(replace(TINY, validation=TINY.validation * 2))
    assert list(found) == [
        "most frequent class", "naive Bayes", "naive Bayes with pairs of words",
        "logistic regression",
    ]  # fmt: skip
    assert found["most frequent class"] == ["yes", "yes"]
    for name in list(found)[1:]:
        assert found[name] == ["yes", "no"], name


def test_accuracy_is_the_share_that_is_right() -> None:
    assert accuracy(TINY.test, ["yes", "yes"]) == 0.5
    with pytest.raises(ValueError, match="zip"):
        accuracy(TINY.test, ["yes"])


def test_naive_bayes_reaches_on_movies_what_others_measured() -> None:
    if "AUTODIFF_DATA" not in os.environ:
        pytest.skip("reads the movie snippets, if AUTODIFF_DATA is the folder that holds them")
    try:
        corpus = load_classification("movies")
    except DataError as error:
        pytest.skip(str(error))
    learnt, texts = [*corpus.train, *corpus.validation], [e.text for e in corpus.test]
    assert accuracy(corpus.test, naive_bayes(learnt, texts, bigrams=False)) == 0.804
    assert accuracy(corpus.test, naive_bayes(learnt, texts)) == 0.809
