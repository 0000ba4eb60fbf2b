"""The window network against its equations, and learning a toy language."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autodiff as ad
import models
from models import saved
from models.features import Features
from models.window_tagger import WindowTagger
from tests.models.networks import assert_same, with_biases

TABLES = {"word": ["<unk>", "a", "b", "c"], "shape": ["<unk>", "x"]}
TAGS = ["N", "V"]
IDS = np.array([[[1, 1], [3, 1]], [[2, 0], [1, 1]], [[3, 1], [0, 0]]])  # (time, batch, features)
MASK = np.array([[True, True], [True, True], [True, False]])
SMALL: dict[str, Any] = {"word_size": 2, "feature_size": 1, "hidden": 3, "dtype": "float64"}


def tagger(**arguments: Any) -> WindowTagger:
    return with_biases(WindowTagger(TABLES, TAGS, **SMALL | arguments)).eval()


@pytest.mark.parametrize("window", [0, 1, 2, 5])
def test_is_its_equations(window: int) -> None:
    model = tagger(window=window)
    p = model.state_dict()
    scores = model(IDS, MASK)
    for i, length in enumerate(MASK.sum(0)):
        words, shapes = p["embeddings.0.table"], p["embeddings.1.table"]
        x = [[*words[word], *shapes[shape]] for word, shape in IDS[:length, i]]
        border = [list(p["outside"])] * window
        wide = border + x + border
        for t in range(length):
            window_at_t = np.concatenate(wide[t : t + 2 * window + 1])
            h = np.tanh(p["network.layers.0.W"] @ window_at_t + p["network.layers.0.b"])
            expected = p["network.layers.1.W"] @ h + p["network.layers.1.b"]
            np.testing.assert_allclose(scores.data[t, i], expected, rtol=1e-12)


def test_gradients_are_slopes() -> None:
    ad.testing.check_gradients(
        lambda model: model(IDS, MASK), tagger(hidden=2, word_size=1, window=1)
    )


def test_a_batch_with_a_mask_learns_what_its_sentences_teach() -> None:
    model, y = tagger(), np.array([[0, 1], [1, 1], [0, 0]])
    alone: Any = 0.0
    for i, length in enumerate(MASK.sum(0)):
        part = np.s_[:length, i : i + 1]
        alone += length * model.loss(IDS[part], y[part], MASK[part]) / MASK.sum()
    alone.backward()
    expected = {name: p.grad for name, p in model.named_parameters().items()}
    model.zero_grad()
    together = model.loss(IDS, y, MASK)
    together.backward()
    np.testing.assert_allclose(together.item(), alone.item(), rtol=1e-12)
    assert_same(
        {name: np.asarray(p.grad) for name, p in model.named_parameters().items()},
        {name: np.asarray(grad) for name, grad in expected.items()},
    )


def test_padding_changes_nothing() -> None:
    model, other = tagger(), IDS.copy()
    other[2, 1] = 1
    np.testing.assert_array_equal(model(IDS, MASK).data, model(other, MASK).data)


def test_sees_as_far_as_its_window() -> None:
    sentences = [["a", "a", "a", "b"], ["a", "a", "a", "c"]]
    for window, far in ((2, 1), (3, 0)):
        model = tagger(window=window)
        ids = np.stack([model.features.ids(words) for words in sentences], 1)
        scores = model(ids, np.ones((4, 2), bool)).data
        same = (scores[:, 0] == scores[:, 1]).all(-1)
        np.testing.assert_array_equal(same, [True] * far + [False] * (4 - far))


def test_learns_a_word_that_depends_on_the_one_before() -> None:
    rng = np.random.default_rng(0)
    sentences = [[str(word) for word in rng.choice(["can", "the"], 6)] for _ in range(60)]
    tags = [["D" if w == "the" else "N" if before == "the" else "V"
             for before, w in zip(["", *words], words)] for words in sentences]  # fmt: skip
    tables = Features.of(sentences, ["word"]).tables
    model = WindowTagger(tables, ["D", "N", "V"], word_size=4, hidden=8, dropout=0.1)
    ids = np.stack([model.features.ids(words) for words in sentences], 1)
    y = np.stack([model.tags.ids(t) for t in tags], 1)
    optimizer = ad.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(60):
        optimizer.zero_grad()
        model.loss(ids, y, np.ones(y.shape, bool)).backward()
        optimizer.step()
    assert model.eval().tag([["can", "the", "can", "can"], ["the"], []]) == [
        list("VDNV"),
        ["D"],
        [],
    ]


def test_dropout_only_in_training() -> None:
    model = tagger(dropout=0.5)
    np.testing.assert_array_equal(model(IDS, MASK).data, model(IDS, MASK).data)
    model.train()
    assert (model(IDS, MASK).data != model(IDS, MASK).data).any()


def test_keeps_the_dtype() -> None:
    model = WindowTagger(TABLES, TAGS, hidden=3)
    scores = model(IDS, MASK)
    ad.sum(scores).backward()
    values = [scores, *model.parameters(), *(p.grad for p in model.parameters())]
    assert {value.dtype for value in values} == {np.dtype("float32")}


def test_is_saved_and_loaded(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(saved.KINDS, "WindowTagger", WindowTagger)
    arguments = {"tables": TABLES, "tags": TAGS, **SMALL}
    model = with_biases(WindowTagger(**arguments)).eval()
    models.save(path, model, arguments)
    loaded = models.load(path)
    assert_same(loaded.state_dict(), model.state_dict())
    assert loaded.tag([["a", "b"]]) == model.tag([["a", "b"]])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"window": -1}, "WindowTagger: window=-1; it is at least 0"),
        ({"hidden": 0}, "WindowTagger: sizes .*'hidden': 0"),
        ({"tables": {"colour": ["red"]}}, "unknown feature"),
        ({"dropout": 1.0}, "outside"),
    ],
)
def test_refuses_settings(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ad.errors.DomainError, match=message):
        WindowTagger(**{"tables": TABLES, "tags": TAGS} | arguments)
