"""GloVeTrainer: C against the graph and AdaGrad, and the pairs that it learns from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autodiff as ad
from models import GloVe, GloVeTrainer
from models.word_learning.glove import EPS, InC, Pairs, Piece, on_graph
from models.word_learning.graph import OnGraph
from models.words.cooccurrence import Triples, cooccurrences
from tests.compiler.near import needs_compiler
from tests.models.word_learning.runs import WORDS, chunked, trainer

LR = 0.1


def made(size: int, dtype: Any = np.float32) -> Any:
    model = GloVe(WORDS, size=size, dtype=dtype)
    rng = np.random.default_rng(2)
    for parameter in model.parameters():
        parameter.data = rng.normal(0, 0.5, parameter.shape).astype(np.float32).astype(dtype)
    return model


def piece(words: int = len(WORDS) - 1, n: int = 200) -> Piece:
    """Pairs, some of them twice and some of a word with itself; the last word is in none."""
    rng = np.random.default_rng(3)
    i, j = rng.integers(words, size=(2, n)).astype(np.int32)
    return Piece(Triples(i, j, rng.uniform(0.1, 30, n)), LR)


def in_python(model: Any, pairs: Triples) -> tuple[dict[str, np.ndarray], dict[str, Any], float]:
    """The published step in float64: each pair by itself, with AdaGrad."""
    x = {name: value.astype(float) for name, value in model.state_dict().items()}
    s = {name: np.zeros_like(value) for name, value in x.items()}
    loss = 0.0
    for i, j, count in zip(*pairs, strict=True):
        error = x["W"][i] @ x["C"][j] + x["b"][i] + x["d"][j] - np.log(count)
        weight = min(count / model.x_max, 1) ** 0.75
        loss += 0.5 * weight * error**2
        g = weight * error
        moves = [("W", i, g * x["C"][j]), ("C", j, g * x["W"][i]), ("b", i, g), ("d", j, g)]
        for name, row, gradient in moves:
            s[name][row] += gradient**2
            x[name][row] -= LR * gradient / (np.sqrt(s[name][row]) + EPS)
    return x, s, loss


@needs_compiler
@pytest.mark.parametrize("size", [1, 7, 14, 15, 16, 100])
def test_c_is_the_published_step(size: int) -> None:
    model, one = made(size), piece()
    before = model.state_dict()
    x, s, loss = in_python(model, one.pairs)
    learner = InC(model)
    [(found, count)] = learner.learn([one])
    state = learner.state()
    assert count == len(one.pairs.rows)
    np.testing.assert_allclose(found, loss, rtol=1e-4)
    for name in "WCbd":
        np.testing.assert_allclose(state[name], x[name], rtol=2e-3, atol=2e-5, err_msg=name)
        np.testing.assert_array_equal(model.state_dict()[name], state[name])
        np.testing.assert_array_equal(state[name][-1], before[name][-1])
    W, C = state["squares 0"], state["squares 1"]
    np.testing.assert_allclose(W[:, :size], s["W"], rtol=2e-3, atol=1e-6)
    np.testing.assert_allclose(C[:, :size], s["C"], rtol=2e-3, atol=1e-6)
    np.testing.assert_allclose(W[:, size], s["b"], rtol=2e-3, atol=1e-6)
    np.testing.assert_allclose(C[:, size + 1], s["d"], rtol=2e-3, atol=1e-6)


@pytest.mark.parametrize("size", [1, 7])
def test_the_graph_one_pair_at_a_time_is_the_published_step(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.word_learning.glove.BATCH", 1)
    model, one = made(size, float), piece()
    x, s, loss = in_python(model, one.pairs)
    learner = on_graph(model, "off")
    [(found, _)] = learner.learn([one])
    np.testing.assert_allclose(found, loss, rtol=1e-10)
    sums = learner._optimizer.state_dict()
    for i, (name, parameter) in enumerate(model.named_parameters().items()):
        np.testing.assert_allclose(parameter.numpy(), x[name], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(sums[f"square_sum.{i}"], s[name], rtol=1e-9, atol=1e-12)


def test_each_epoch_has_all_pairs_in_another_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.word_learning.glove.PIECE", 7)
    encoded = chunked()
    counts = cooccurrences(encoded, len(WORDS), 4, memory=32 * 50)  # several parts
    assert counts.blocks > 1
    pairs = Pairs(counts, encoded.checksum, 1, 0.05)
    assert pairs.sizes.sum() == len(counts)
    expected = sorted(zip(*counts.read(0, len(counts)), strict=True))
    epochs = []
    for epoch in range(2):
        pieces = [pairs.piece(epoch, i, 0.0) for i in range(len(pairs.sizes))]
        assert [len(one.pairs.rows) for one in pieces] == pairs.sizes.tolist()
        assert {one.rate for one in pieces} == {0.05}
        epochs.append([pair for one in pieces for pair in zip(*one.pairs, strict=True)])
        assert sorted(epochs[-1]) == expected
    assert epochs[0] != epochs[1]


@pytest.mark.parametrize("how", ["off", pytest.param("c", marks=needs_compiler)])
def test_the_loss_of_an_epoch_is_the_mean_over_its_pairs(how: str) -> None:
    """With a learning rate so small that the model stays, and can be asked afterwards."""
    run = trainer(GloVe, epochs=1, lr=1e-30, compile=how)
    [row] = run.fit()
    exact = made(6, float)
    exact.load_state_dict({k: x.astype(float) for k, x in run.learner.model.state_dict().items()})
    counts = cooccurrences(chunked(), len(WORDS), 4)
    expected = exact.loss(*counts.read(0, len(counts))).item() / len(counts)
    np.testing.assert_allclose(row["loss"], expected, rtol=1e-6)


def test_a_program_on_numpy_gives_the_same_as_step_by_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("models.word_learning.glove.BATCH", 50)
    one, two = (trainer(GloVe, compile=how) for how in ("off", "numpy"))
    assert one.fit() == two.fit()
    for name, value in one.learner.state().items():
        np.testing.assert_array_equal(value, two.learner.state()[name], err_msg=name)


def test_a_text_encoded_with_more_words_is_refused() -> None:
    few = GloVe(WORDS.words[:5], WORDS.counts[:5], size=4)
    with pytest.raises(ad.errors.DomainError, match="id 17 of 5 words"):
        GloVeTrainer(few, chunked(), compile="off")


@needs_compiler
def test_float64_goes_by_the_graph() -> None:
    model = GloVe(WORDS, size=3, dtype=float)
    assert isinstance(GloVeTrainer(model, chunked(), compile="c").learner, OnGraph)
    with pytest.raises(ad.errors.DomainError, match="2 threads learn in C only"):
        GloVeTrainer(model, chunked(), compile="c", threads=2)
