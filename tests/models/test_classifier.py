"""The text classifier against its equations; bags of words; vectors; files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autodiff as ad
import models
from models import saved
from models.classifier import POOLINGS, Classifier
from models.stack import CELLS
from tests.models.networks import assert_close, assert_same, with_biases

WORDS = ["<unk>", "good", "bad", "film"]
LABELS = ["negative", "positive"]
GRAMS = ["<unk>", "good", "bad", "good film"]
TEXTS = ["Good film", "bad bad film, bad", "good"]
SMALL: dict[str, Any] = {"size": 3, "hidden": 2, "dtype": "float64"}


def classifier(**arguments: Any) -> Classifier:
    return with_biases(Classifier(WORDS, LABELS, **SMALL | arguments)).eval()


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("bidirectional", [False, True], ids=["one", "both"])
def test_is_its_equations(cell: str, pooling: str, bidirectional: bool) -> None:
    model = classifier(cell=cell, pooling=pooling, bidirectional=bidirectional, layers=2)
    actual = model.scores(TEXTS).data
    for text, scores in zip(TEXTS, actual, strict=True):
        ids, _ = model.ids([text])
        h = model.network(model.E.table.data[ids[:, 0]])[0].data
        last = np.concatenate([h[-1, :2], h[0, 2:]])
        p = {"max": h.max(0), "mean": h.mean(0), "last": last}[pooling]
        expected = model.output.W.data @ p + model.output.b.data
        np.testing.assert_allclose(scores, expected, rtol=1e-12)


def test_the_bag_is_added() -> None:
    model, plain = classifier(grams=GRAMS), classifier()
    plain.load_state_dict({name: model.state_dict()[name] for name in plain.state_dict()})
    B, a = model.bag.B.table.data, model.bag.a.data
    bag = [a + B[1] + B[3], a + B[2], a + B[1]]
    np.testing.assert_allclose(model.scores(TEXTS).data, plain.scores(TEXTS).data + bag, rtol=1e-12)


def test_training_begins_at_the_bag() -> None:
    model = Classifier(WORDS, LABELS, GRAMS, **SMALL).eval()
    model.bag.start_from(["good film", "bad", "bad film"], np.array([1, 0, 0]), weight=0.3)
    expected = model.bag(model.bag.ids(TEXTS)).data
    np.testing.assert_array_equal(model.scores(TEXTS).data, expected)
    model.loss([1, 0, 1], *model.inputs(TEXTS)).backward()
    assert model.output.W.grad.any()


@pytest.mark.parametrize("pooling", POOLINGS)
def test_gradients_are_slopes(pooling: str) -> None:
    model = classifier(cell="rnn", pooling=pooling, hidden=1, size=1, grams=GRAMS)
    ad.testing.check_gradients(lambda model: model.scores(TEXTS), model)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_a_batch_teaches_what_its_texts_do(pooling: str) -> None:
    model, y = classifier(pooling=pooling, cell="lstm", grams=GRAMS), [1, 0, 1]
    alone = sum(ad.cross_entropy(model.scores([text]), [c]) for text, c in zip(TEXTS, y)) / 3
    alone.backward()
    expected = {name: np.asarray(p.grad) for name, p in model.named_parameters().items()}
    model.zero_grad()
    ad.cross_entropy(model.scores(TEXTS), y).backward()
    found = {name: np.asarray(p.grad) for name, p in model.named_parameters().items()}
    assert_same(found, expected)


def test_the_loss_is_that_of_the_scores_and_that_of_the_network_alone() -> None:
    model, y = classifier(grams=GRAMS), [1, 0, 1]
    alone, both = model(*model.ids(TEXTS)), model.scores(TEXTS)
    expected = (ad.cross_entropy(alone, y) + ad.cross_entropy(both, y)) / 2
    loss = model.loss(y, *model.inputs(TEXTS))
    np.testing.assert_allclose(loss.item(), expected.item(), rtol=1e-12)
    plain = classifier()
    expected = ad.cross_entropy(plain.scores(TEXTS), y)
    loss = plain.loss(y, *plain.inputs(TEXTS))
    np.testing.assert_allclose(loss.item(), expected.item(), rtol=1e-12)


def test_words_are_made_unknown() -> None:
    model = classifier()

    def loss(*arguments: Any) -> float:
        return model.loss([1, 0], *model.inputs(*arguments)).item()

    expected = loss(["tulip tulip", "tulip tulip tulip tulip"])
    texts = ["good film", "bad bad film film"]
    assert loss(texts, 1.0) == expected
    assert loss(texts) != expected
    some = [loss(texts, 0.5, seed) for seed in (0, 0, 1)]
    assert some[0] == some[1] != some[2]


def test_probabilities_do_not_depend_on_the_batch() -> None:
    model = classifier(grams=GRAMS)
    expected = np.concatenate([model.probabilities([text]) for text in TEXTS])
    for batch in (1, 2, 64):
        assert_close(model.probabilities(TEXTS, batch), expected)
    np.testing.assert_allclose(expected.sum(1), 1, rtol=1e-12)
    assert model.predict(TEXTS) == [LABELS[i] for i in expected.argmax(1)]


def test_case_does_not_matter_and_no_words_are_one_unknown() -> None:
    model = classifier(grams=GRAMS)
    assert_close(*(model.probabilities([text]) for text in ("GOOD film", "good film")))
    assert_close(*(model.probabilities([text]) for text in ("", "tulip")))
    assert model.predict([]) == []


def test_vectors_from_elsewhere_take_the_places_of_their_words() -> None:
    model, before = classifier(), classifier().E.table.numpy()
    vectors = np.arange(9.0).reshape(3, 3)
    assert model.start_from(["film", "tulip", "good"], vectors) == 2
    expected = np.stack([before[0], 0.3 * vectors[2], before[2], 0.3 * vectors[0]])
    np.testing.assert_allclose(model.E.table.data, expected, rtol=1e-12)


@pytest.mark.parametrize("shape", [(2, 4), (1, 3), (3,)])
def test_refuses_vectors_of_another_shape(shape: tuple[int, ...]) -> None:
    model = classifier()
    before = model.state_dict()
    with pytest.raises(ad.errors.ShapeError, match=r"vectors are .*; expected \(2, 3\)"):
        model.start_from(["good", "bad"], np.ones(shape))
    assert_same(model.state_dict(), before)


def test_dropout_only_in_training() -> None:
    model = Classifier(WORDS, LABELS, **SMALL | {"hidden": 20})
    assert (model.scores(TEXTS).data != model.scores(TEXTS).data).any()
    model.eval()
    np.testing.assert_array_equal(model.scores(TEXTS).data, model.scores(TEXTS).data)


def test_keeps_the_dtype() -> None:
    model = Classifier(WORDS, LABELS, GRAMS)
    model.bag.start_from(["good film", "bad"], np.array([1, 0]))
    model.start_from(["good"], np.ones((1, 100)))
    scores = model.scores(TEXTS)
    ad.cross_entropy(scores, [1, 0, 1]).backward()
    values = [scores, *model.parameters(), *(p.grad for p in model.parameters())]
    assert {value.dtype for value in values} == {np.dtype("float32")}


@pytest.mark.parametrize("grams", [(), GRAMS], ids=["network", "bag"])
def test_is_saved_and_loaded(path: Path, grams: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(saved.KINDS, "Classifier", Classifier)
    arguments = {"words": WORDS, "labels": LABELS, "grams": grams, **SMALL}
    model = with_biases(Classifier(**arguments)).eval()
    models.save(path, model, arguments)
    loaded = models.load(path)
    np.testing.assert_array_equal(loaded.probabilities(TEXTS), model.probabilities(TEXTS))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"pooling": "sum"}, "Classifier: unknown pooling 'sum'; there are max, mean, last"),
        ({"cell": "gur"}, "unknown cell 'gur'"),
        ({"words": ["a", "a"]}, "'a'"),
        ({"size": 0}, "at least 1"),
    ],
)
def test_refuses_settings(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ad.errors.DomainError, match=message):
        Classifier(**{"words": WORDS, "labels": LABELS} | arguments)
