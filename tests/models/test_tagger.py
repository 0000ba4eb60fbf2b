"""The tagger against its equations, padded against alone, and learning a toy language."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autodiff as ad
import models
from models.embeddings import STD
from models.features import Features
from models.stack import Stack
from models.tagger import Tagger
from models.vocabulary import UNKNOWN, padded
from tests.models.networks import assert_same, gradients, with_biases

TABLES = {"word": [UNKNOWN, "a", "b", "c"], "shape": [UNKNOWN, "x", "X"]}
TAGS = ["N", "V", "D"]
SMALL: dict[str, Any] = {
    "word_size": 2, "feature_size": 1, "hidden": 3, "dropout": 0.5, "dtype": "float64",
}  # fmt: skip
SENTENCES = [["b", "a", "A"], ["c"], ["a", "b", "c", "A", "1"], ["2", "2"]]
Y = [[0, 2, 1], [1], [2, 0, 0, 1, 2], [0, 1]]

each_loss = pytest.mark.parametrize("crf", [False, True], ids=["softmax", "crf"])


def tagger(**arguments: Any) -> Tagger:
    """With dropout switched off, as after training."""
    return with_biases(Tagger(TABLES, TAGS, **SMALL | arguments)).eval()


def batch(model: Tagger, *rows: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Some of the sentences, or all of them, as ids, tags and mask."""
    rows = rows or tuple(range(len(SENTENCES)))
    ids, mask = padded([model.features.ids(SENTENCES[i]) for i in rows])
    y, _ = padded([np.array(Y[i]) for i in rows])
    return ids, y, mask


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_is_its_equations(cell: str) -> None:
    model = tagger(cell=cell, layers=2)
    p = model.state_dict()
    network = Stack(cell, 3, 3, layers=2, bidirectional=True)
    network.load_state_dict({n[8:]: x for n, x in p.items() if n.startswith("network.")})
    ids, _, mask = batch(model, 2)
    x = [
        [*p["embeddings.0.table"][word], *p["embeddings.1.table"][shape]]
        for word, shape in ids[:, 0]
    ]
    h, _ = network(np.array(x))
    expected = h.data @ p["output.W"].T + p["output.b"]
    np.testing.assert_allclose(model(ids, mask).data[:, 0], expected, rtol=1e-10)


@each_loss
def test_a_batch_is_its_sentences(crf: bool) -> None:
    model = tagger(crf=crf, layers=2)
    ids, y, mask = batch(model)
    alone: Any = 0.0
    for i, words in enumerate(SENTENCES):
        one = batch(model, i)
        np.testing.assert_allclose(
            model(ids, mask).data[: len(words), i], model(one[0], one[2]).data[:, 0], rtol=1e-10
        )
        alone += len(words) * model.loss(*one) / mask.sum()
    expected = gradients(model, alone)
    together = model.loss(ids, y, mask)
    np.testing.assert_allclose(together.item(), alone.item(), rtol=1e-12)
    assert_same(*(dense(found) for found in (gradients(model, together), expected)))


def dense(found: dict[str, Any]) -> dict[str, np.ndarray]:
    return {name: np.asarray(gradient) for name, gradient in found.items()}


@each_loss
def test_the_loss_is_the_mean_log_probability_of_a_word(crf: bool) -> None:
    model = tagger(crf=crf)
    ids, y, mask = batch(model)
    scores = model(ids, mask)
    if crf:
        expected = model.crf(scores, y, mask).data.sum() / mask.sum()
    else:
        p = ad.softmax(scores).data
        expected = -np.log(np.take_along_axis(p, y[..., None], -1)[mask]).mean()
    np.testing.assert_allclose(model.loss(ids, y, mask).item(), expected, rtol=1e-12)


@each_loss
def test_gradients_are_slopes(crf: bool) -> None:
    model = tagger(crf=crf, cell="rnn", hidden=1, word_size=1)
    arguments = batch(model, 1, 3)
    ad.testing.check_gradients(lambda model: model.loss(*arguments), model)


@each_loss
def test_tags_sentences_in_their_order(crf: bool) -> None:
    model = tagger(crf=crf)
    sentences = [SENTENCES[2], [], *SENTENCES, [], SENTENCES[0]]
    alone = [model.tag([words])[0] for words in sentences]
    for size in (1, 2, 64):
        assert model.tag(sentences, batch=size) == alone
    assert [len(tags) for tags in alone] == [len(words) for words in sentences]
    assert len({tag for tags in alone for tag in tags}) > 1


def test_tags_are_the_best_ones() -> None:
    for crf in (False, True):
        model = tagger(crf=crf)
        ids, _, mask = batch(model, 2)
        scores = model(ids, mask).data
        best = model.crf.decode(scores) if crf else scores.argmax(-1)
        assert model.tag([SENTENCES[2]]) == [[TAGS[i] for i in best[:, 0]]]


@each_loss
def test_no_sentences_no_words_and_unknown_words(crf: bool) -> None:
    model = tagger(crf=crf)
    assert model.tag([]) == []
    assert model.tag([[]]) == [[]]
    assert model.tag([[], []]) == [[], []]
    assert model.tag([["tulip", "😀", ""]]) == model.tag([[UNKNOWN.upper()] * 3])
    assert model.tag([("a", "b")]) == model.tag([["a", "b"]])


def test_tagging_records_nothing() -> None:
    model = tagger(crf=True)
    model.tag(SENTENCES)
    assert all(p.grad is None for p in model.parameters())


def toy_language() -> tuple[list[list[str]], list[list[str]]]:
    """30 sentences in which "can" is a noun after "the", and "so" leans on the word after it."""
    rng = np.random.default_rng(0)
    sentences = [[str(w) for w in rng.choice(["can", "the", "so"], n)] for n in [*range(3, 9)] * 5]
    kinds = {"the": "D", "so": "A", "can": "V"}
    tags = [[kinds[word] for word in words] for words in sentences]
    for words, found in zip(sentences, tags):
        for i, pair in enumerate(pairwise(words)):
            if pair == ("the", "can"):
                found[i + 1] = "N"
            if pair == ("so", "so"):
                found[i] = "P"
    return sentences, tags


@each_loss
def test_learns_a_toy_language(crf: bool) -> None:
    sentences, tags = toy_language()
    tables = Features.of(sentences, ["word", "suffix1"]).tables
    model = Tagger(
        tables, list("ADNPV"), word_size=4, feature_size=2, hidden=8, dropout=0.1, crf=crf
    )
    ids, mask = padded([model.features.ids(words) for words in sentences])
    y, _ = padded([model.tags.ids(t) for t in tags])
    optimizer = ad.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(40):
        optimizer.zero_grad()
        model.loss(ids, y, mask).backward()
        optimizer.step()
    assert model.eval().tag(sentences) == tags
    assert model.tag([["the", "can", "can"], ["so", "so", "the"]]) == [list("DNV"), list("PAD")]


def test_dropout_only_in_training() -> None:
    model = tagger()
    ids, _, mask = batch(model)
    np.testing.assert_array_equal(model(ids, mask).data, model(ids, mask).data)
    model.train()
    assert (model(ids, mask).data != model(ids, mask).data).any()


def test_dropout_acts_before_the_network_and_after_it() -> None:
    model = Tagger(TABLES, TAGS, **SMALL | {"word_size": 200, "feature_size": 200})
    ids, _, mask = batch(model)
    x = model.eval().vectors(ids).data
    model.network, model.output = (lambda x, mask: (x, None)), (lambda h: h)
    seen = model.train()(ids, mask).data
    assert abs(np.mean(seen != 0) - 0.25) < 0.03
    np.testing.assert_allclose(seen, np.where(seen == 0, 0, 4 * x))


@each_loss
def test_the_same_seed_gives_the_same_numbers(crf: bool) -> None:
    one, two, other = (Tagger(TABLES, TAGS, **SMALL, crf=crf, rng=seed) for seed in (3, 3, 4))
    assert_same(one.state_dict(), two.state_dict())
    arguments = batch(one)
    losses = [[model.loss(*arguments).item() for _ in range(3)] for model in (one, two, other)]
    assert losses[0] == losses[1] != losses[2]


@each_loss
def test_keeps_the_dtype(crf: bool) -> None:
    model = Tagger(TABLES, TAGS, hidden=3, crf=crf)
    ids, y, mask = batch(model)
    loss = model.loss(ids, y, mask)
    found = gradients(model, loss)
    values = [model(ids, mask), loss, *model.parameters(), *found.values()]
    assert {value.dtype for value in values} == {np.dtype("float32")}


@each_loss
def test_is_saved_and_loaded(path: Path, crf: bool) -> None:
    arguments = {"tables": TABLES, "tags": TAGS, **SMALL, "crf": crf}
    model = with_biases(Tagger(**arguments)).eval()
    models.save(path, model, arguments)
    loaded = models.load(path)
    assert_same(loaded.state_dict(), model.state_dict())
    assert [*loaded.features.tables.items()] == [*TABLES.items()]
    assert loaded.tag(SENTENCES) == model.tag(SENTENCES)


def test_vectors_from_elsewhere_take_the_places_of_their_words() -> None:
    model = Tagger({"shape": ["x"], "word": TABLES["word"]}, TAGS, **SMALL)
    before = model.state_dict()
    model.start_from(["c", "tulip", "a"], [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    expected = before["embeddings.1.table"].copy()
    expected[[3, 1]] = STD * np.array([[1, 2], [5, 6]])
    assert_same(model.state_dict(), before | {"embeddings.1.table": expected})


def test_vectors_of_no_word_that_is_known_change_nothing() -> None:
    model = Tagger(TABLES, TAGS, **SMALL)
    before = model.state_dict()
    model.start_from(["tulip"], np.ones((1, 2)))
    model.start_from([], np.ones((0, 2)))
    assert_same(model.state_dict(), before)


def test_vectors_keep_the_dtype_and_are_copied() -> None:
    model = Tagger(TABLES, TAGS, **SMALL | {"dtype": "float32"})
    vectors = np.ones((1, 2))
    model.start_from(["a"], vectors)
    vectors[:] = 7
    table = model.embeddings[0].table
    assert table.dtype == np.float32
    np.testing.assert_array_equal(table.data[1], np.float32(STD))


@pytest.mark.parametrize("shape", [(2, 3), (1, 2), (2, 1), (2,), (3, 2), ()])
def test_refuses_vectors_of_another_shape(shape: tuple[int, ...]) -> None:
    model = Tagger(TABLES, TAGS, **SMALL)
    before = model.state_dict()
    with pytest.raises(ad.errors.ShapeError, match=r"Tagger: vectors are .*; expected \(2, 2\)"):
        model.start_from(["a", "b"], np.ones(shape))
    assert_same(model.state_dict(), before)


def test_vectors_need_words() -> None:
    model = Tagger({"shape": [UNKNOWN]}, TAGS, **SMALL)
    with pytest.raises(ad.errors.DomainError, match="need the feature 'word'"):
        model.start_from(["a"], np.ones((1, 2)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tables": {"colour": ["red"]}}, "unknown feature 'colour'"),
        ({"tags": ["N", "N"]}, "this has 'N'"),
        ({"tags": []}, "this list is empty"),
        ({"cell": "gur"}, "unknown cell 'gur'"),
        ({"hidden": 0}, "'hidden': 0"),
        ({"word_size": 0}, "Tagger: sizes .*'word_size': 0"),
        ({"dropout": 1.0}, "outside"),
    ],
)
def test_refuses_settings(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ad.errors.DomainError, match=message):
        Tagger(**{"tables": TABLES, "tags": TAGS} | SMALL | arguments)


@each_loss
def test_refuses_tags_that_there_are_not(crf: bool) -> None:
    model = tagger(crf=crf)
    ids, y, mask = batch(model)
    for tag in (-1, 3):
        y[0, 0] = tag
        with pytest.raises((ad.errors.DomainError, IndexError)):
            model.loss(ids, y, mask)
