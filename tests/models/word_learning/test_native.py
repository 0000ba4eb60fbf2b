"""word2vec's C against plain Python in float64, and against the graph, one example at a time."""

from __future__ import annotations

import platform
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from models import CBOW, SkipGram
from models.word_learning.draws import Draws, Piece, Window, keys_of
from models.word_learning.native import Native
from models.word_learning.word2vec import InC, on_graph
from models.words import WordCounts
from tests.compiler.near import needs_compiler
from tests.models.word_learning.test_draws import chunk

pytestmark = needs_compiler

WORDS, RATE = 12, 0.2
COUNTS = [60, 30, 20, 15, 10, 8, 5, 4, 3, 2, 1, 1]
FIBONACCI = [1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987, 1597, 2584, 4181, 6765]


def made(kind: Any, counts: list[int], size: int, **options: Any) -> Any:
    model = kind([f"w{i}" for i in range(len(counts))], counts, size=size, **options)
    rng = np.random.default_rng(3)
    for parameter in model.parameters():
        parameter.data = rng.normal(0, 0.4, parameter.shape).astype(np.float32)
    return model


def piece_of(model: Any, lengths: tuple[int, ...] = (9, 1, 0, 14, 2), most: int = 0) -> Piece:
    """Sentences in which the same word may come twice in a row; the last words never occur."""
    rng = np.random.default_rng(4)
    words = (most or len(model.words)) - 1
    ids = chunk(*(rng.integers(words, size=n).tolist() for n in lengths))
    return Piece(ids, keys_of(5, 6, 7), RATE)


def draws_of(model: Any, window: Window) -> Draws:
    return Draws(model.words.counts, window, isinstance(model, CBOW), model.output == "negative")


def in_python(model: Any, draws: Draws, piece: Piece) -> tuple[np.ndarray, np.ndarray, float]:
    """word2vec as published: a few lines in float64, one example after the other."""
    V, U = model.V.numpy().astype(float), model.U.numpy().astype(float)
    loss, whole = 0.0, getattr(model, "whole_error", False)
    for seen, asked in zip(*draws.examples(piece.ids, piece.keys), strict=True):
        seen = np.atleast_1d(seen)[np.atleast_1d(seen) >= 0]
        if model.tree is None:
            rows, signs = asked, np.array([1, *[-1] * (len(asked) - 1)])
        else:
            length = model.tree.lengths[asked]
            rows, signs = model.tree.nodes[asked, :length], model.tree.signs[asked, :length]
        h = V[seen].mean(0)
        z = signs * (U[rows] @ h)
        loss += np.log1p(np.exp(-z)).sum()
        moves = piece.rate * signs / (1 + np.exp(z))
        error = moves @ U[rows]
        np.add.at(U, rows, moves[:, None] * h)
        np.add.at(V, seen, error if whole else error / len(seen))
    return V, U, loss


CASES: list[tuple[Any, list[int], int, Window, dict[str, Any]]] = [
    (SkipGram, COUNTS, 1, Window(2, True, 1, 0), {}),
    (SkipGram, COUNTS, 7, Window(3, True, 20, 0.1), {}),  # noise in which words come twice
    (SkipGram, COUNTS, 16, Window(1, False, 15, 0), {}),
    (SkipGram, COUNTS, 100, Window(5, True, 16, 0), {}),
    (SkipGram, [3, 2], 100, Window(5, True, 5, 0), {}),
    (SkipGram, FIBONACCI, 16, Window(3, True, 5, 0), {"output": "hierarchical"}),
    (SkipGram, COUNTS, 7, Window(400, False, 20, 0), {}),
    (CBOW, COUNTS, 1, Window(2, True, 2, 0), {}),
    (CBOW, COUNTS, 100, Window(5, True, 5, 0.1), {"whole_error": True}),
    (CBOW, COUNTS, 17, Window(4, False, 15, 0), {}),
    (CBOW, FIBONACCI, 7, Window(3, True, 5, 0), {"output": "hierarchical"}),
]
each_case = pytest.mark.parametrize(("kind", "counts", "size", "window", "options"), CASES)


@each_case
def test_c_is_the_published_step(
    kind: Any, counts: list[int], size: int, window: Window, options: dict[str, Any]
) -> None:
    model = made(kind, counts, size, **options)
    draws, piece = draws_of(model, window), piece_of(model)
    V, U, loss = in_python(model, draws, piece)
    before = model.state_dict()
    learner = InC(model, draws)
    [(found, examples)] = learner.learn([piece])
    learner.state()
    inputs, outputs = draws.examples(piece.ids, piece.keys)
    assert examples == len(inputs) > 10
    np.testing.assert_allclose(found, loss, rtol=3e-6)
    np.testing.assert_allclose(model.V.numpy(), V, rtol=2e-4, atol=2e-6)
    np.testing.assert_allclose(model.U.numpy(), U, rtol=2e-4, atol=2e-6)
    for parameter, name, used in (
        (model.V, "V", inputs), (model.U, "U", asked(model, outputs)),
    ):  # fmt: skip
        idle = np.setdiff1d(np.arange(len(parameter.data)), used)
        np.testing.assert_array_equal(parameter.numpy()[idle], before[name][idle])
        assert name == "U" or len(idle)


def asked(model: Any, outputs: np.ndarray) -> np.ndarray:
    if model.tree is None:
        return outputs
    return model.tree.nodes[outputs][model.tree.signs[outputs] != 0]


@pytest.mark.parametrize("case", [CASES[1], CASES[5], CASES[8], CASES[9], CASES[10]])
def test_c_is_the_graph_one_example_at_a_time(case: Any) -> None:
    kind, counts, size, window, options = case
    model, other = (made(kind, counts, size, **options) for _ in range(2))
    draws, piece = draws_of(model, window), piece_of(model)
    learner = InC(model, draws)
    [(loss, _)] = learner.learn([piece])
    learner.state()
    graph, expected = on_graph(other, draws, "off"), 0.0
    optimizer = ad.optim.SGD(other.parameters(), lr=RATE)
    arrays = graph.examples(piece)
    for i in range(len(arrays[0])):
        J = other.loss(*(array[i : i + 1] for array in arrays))
        J.backward()
        optimizer.step()
        optimizer.zero_grad()
        expected += J.item()
    np.testing.assert_allclose(loss, expected, rtol=3e-6)
    for mine, theirs in zip(model.parameters(), other.parameters(), strict=True):
        np.testing.assert_allclose(mine.numpy(), theirs.numpy(), rtol=2e-4, atol=2e-6)


def test_a_chunk_of_many_blocks() -> None:
    """Thousands of examples, which C takes up some at a time; one word a hundred times in a row."""
    model = made(SkipGram, COUNTS, 8)
    draws = draws_of(model, Window(5, True, 5, 0))
    piece = piece_of(model, (1500,))._replace(rate=0.01)
    piece.ids[200:300] = 3
    V, U, loss = in_python(model, draws, piece)
    learner = InC(model, draws)
    [(found, examples)] = learner.learn([piece])
    learner.state()
    assert examples > 5000
    np.testing.assert_allclose(found, loss, rtol=1e-6)
    np.testing.assert_allclose(model.V.numpy(), V, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(model.U.numpy(), U, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("is_bag", [False, True])
def test_the_widest_windows_fit_on_the_stack(is_bag: bool) -> None:
    for window in (Window(10_000, False, 1, 0), Window(100, False, 100, 0)):
        draws = Draws(np.array(COUNTS), window, is_bag, has_noise=True)
        ids, keys = chunk(list(range(WORDS))), keys_of(0, 0, 0)
        found = Native(draws, 4).examples(ids, keys)
        for mine, in_c in zip(draws.examples(ids, keys), found, strict=True):
            np.testing.assert_array_equal(mine, in_c)


def test_no_words_no_examples() -> None:
    model = made(SkipGram, COUNTS, 5)
    before = model.state_dict()
    learner = InC(model, draws_of(model, Window()))
    assert learner.learn([Piece(np.array([-1, -1], np.int32), keys_of(0, 0, 0), 1.0)]) == [(0, 0)]
    for name, value in learner.state().items():
        np.testing.assert_array_equal(value, before[name])


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="has other vectors")
@pytest.mark.parametrize("kind", [SkipGram, CBOW])
def test_the_width_of_vectors_does_not_change_a_bit(
    kind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = WordCounts([f"w{i}" for i in range(50)], range(100, 50, -1))
    draws = Draws(words.counts, Window(3, subsample=0), kind is CBOW, True)
    ids = chunk(np.random.default_rng(0).integers(0, 50, 300).tolist())
    found = []
    for option in ("", " -mno-avx512f"):
        monkeypatch.setenv("CC", f"cc{option}")
        model = kind(words, size=50, rng=0)
        learner = InC(model, draws)
        learner.learn([Piece(ids, keys_of(1, 0, 0), 0.1)] * 3)
        found.append(learner.state())
    for name in "VU":
        np.testing.assert_array_equal(found[0][name], found[1][name])
