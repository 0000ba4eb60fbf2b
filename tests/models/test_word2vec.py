"""Skip-gram and CBOW: losses against the formulas, gradients against differences."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autodiff as ad
import models
from models import CBOW, SkipGram
from models.words.counted import WordCounts

WORDS, COUNTS, SIZE = list("abcdefg"), [20, 9, 8, 5, 3, 2, 1], 3
CENTRES = np.array([0, 3, 6, 3])
WINDOWS = np.array([[0, 1, -1, -1], [2, 2, 5, 4], [-1, -1, -1, 6], [1, 0, 3, 3]])
ANSWERS = np.array([1, 2, 0, 6])
NOISE = np.array([[4, 4, 0], [5, 1, 3], [6, 6, 6], [0, 1, 2]])  # with repetitions
KINDS = [(kind, output) for kind in (SkipGram, CBOW) for output in models.word2vec.OUTPUTS]


def made(kind: Any, output: str, **options: Any) -> Any:
    model = kind(WORDS, COUNTS, size=SIZE, output=output, dtype=float, **options)
    rng = np.random.default_rng(5)
    for parameter in model.parameters():
        parameter.data = rng.normal(size=parameter.shape)
    return model


def arguments(model: Any, rows: slice = slice(None)) -> tuple[Any, ...]:
    """What the loss of a model takes for some of the examples above."""
    inputs, answers = (CENTRES if isinstance(model, SkipGram) else WINDOWS)[rows], ANSWERS[rows]
    if model.output == "softmax":
        return inputs, answers
    if model.output == "hierarchical":
        return inputs, model.tree.nodes[answers], model.tree.signs[answers]
    return inputs, np.column_stack([answers, NOISE[rows]]), np.array([1, -1, -1, -1])


def log_sigmoid(x: Any) -> Any:
    return -np.log1p(np.exp(-x))


def by_hand(model: Any) -> float:
    """J as the docstrings state it, example by example."""
    V, U, total = model.V.numpy(), model.U.numpy(), 0.0
    for i, o in enumerate(ANSWERS):
        window = WINDOWS[i][WINDOWS[i] >= 0]
        h = V[CENTRES[i]] if isinstance(model, SkipGram) else V[window].mean(0)
        s = U @ h
        if model.output == "softmax":
            total -= np.log(np.exp(s[o]) / np.exp(s).sum())
        elif model.output == "negative":
            total -= log_sigmoid(s[o]) + sum(log_sigmoid(-s[n]) for n in NOISE[i])
        else:
            length = model.tree.lengths[o]
            way = zip(model.tree.nodes[o, :length], model.tree.signs[o, :length], strict=True)
            total -= sum(log_sigmoid(sign * s[j]) for j, sign in way)
    return total


@pytest.mark.parametrize(("kind", "output"), KINDS)
def test_loss_is_the_formula(kind: Any, output: str) -> None:
    model = made(kind, output)
    np.testing.assert_allclose(model.loss(*arguments(model)).item(), by_hand(model), rtol=1e-13)


@pytest.mark.parametrize(("kind", "output"), KINDS)
def test_gradients(kind: Any, output: str) -> None:
    model = made(kind, output)
    ad.testing.check_gradients(lambda model: model.loss(*arguments(model)), model)


def test_gradient_of_skip_gram_with_noise_in_closed_form() -> None:
    model = made(SkipGram, "negative")
    V, U = model.V.numpy(), model.U.numpy()
    dV, dU = np.zeros_like(V), np.zeros_like(U)
    for c, o, noise in zip(CENTRES, ANSWERS, NOISE, strict=True):
        for word, yes in [(o, 1), *((n, 0) for n in noise)]:
            error = 1 / (1 + np.exp(-U[word] @ V[c])) - yes
            dV[c] += error * U[word]
            dU[word] += error * V[c]
    model.loss(*arguments(model)).backward()
    np.testing.assert_allclose(dense(model.V), dV, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(dense(model.U), dU, rtol=1e-12, atol=1e-14)


def dense(parameter: Any) -> np.ndarray:
    grad = parameter.grad
    return grad.dense() if isinstance(grad, ad.RowGrad) else np.asarray(grad)


@pytest.mark.parametrize("output", models.word2vec.OUTPUTS)
def test_whole_error_moves_each_word_by_the_error_of_the_mean(output: str) -> None:
    share, whole = made(CBOW, output), made(CBOW, output, whole_error=True)
    losses = [model.loss(*arguments(model)) for model in (share, whole)]
    assert losses[0].item() == losses[1].item()
    for i, window in enumerate(WINDOWS):
        for model in (share, whole):
            model.zero_grad()
            model.loss(*arguments(model, slice(i, i + 1))).backward()
        words = np.count_nonzero(window >= 0)
        np.testing.assert_allclose(dense(whole.V), words * dense(share.V), rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(dense(whole.U), dense(share.U), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("counts", [COUNTS, [1] * 7, [64, 32, 16, 8, 4, 2, 1]])
def test_leaves_of_the_tree_have_probability_one_in_all(counts: list[int]) -> None:
    model = made(SkipGram, "hierarchical")
    model.tree = type(model.tree).of(counts)
    n = len(WORDS)
    losses = [
        model.loss([4], model.tree.nodes[[o]], model.tree.signs[[o]]).item() for o in range(n)
    ]
    np.testing.assert_allclose(np.exp(-np.array(losses)).sum(), 1, rtol=1e-13)


def test_starts_small_and_from_a_seed() -> None:
    one, same, other = (SkipGram(WORDS, COUNTS, size=8, rng=rng) for rng in (1, 1, 2))
    np.testing.assert_array_equal(one.V.numpy(), same.V.numpy())
    assert not np.array_equal(one.V.numpy(), other.V.numpy())
    assert abs(one.V.numpy()).max() <= 1 / 16 and not one.U.numpy().any()
    assert one.V.dtype == np.float32


def test_takes_words_as_a_list_or_counted_and_counts_as_an_array() -> None:
    for words in ((WordCounts(WORDS, COUNTS),), (WORDS, COUNTS), (WORDS, np.array(COUNTS))):
        model = CBOW(*words, size=2)
        assert model.words.words == tuple(WORDS) and model.words.counts.tolist() == COUNTS


@pytest.mark.parametrize("kind", [SkipGram, CBOW])
def test_what_makes_no_model(kind: Any) -> None:
    with pytest.raises(ad.errors.DomainError, match=r"output is negative or hier.* not 'noise'"):
        kind(WORDS, COUNTS, output="noise")
    with pytest.raises(ad.errors.DomainError, match="size is at least 1, not 0"):
        kind(WORDS, COUNTS, size=0)
    with pytest.raises(ad.errors.DomainError, match="at least 2 leaves"):
        kind(["a"], [1], output="hierarchical")
    with pytest.raises(ad.errors.ShapeError, match="7 words"):
        kind(WORDS)


@pytest.mark.parametrize(("kind", "output"), KINDS)
def test_saved_and_loaded(path: Path, kind: Any, output: str) -> None:
    model = made(kind, output)
    models.save(path, model, model.arguments)
    loaded: Any = models.load(path)
    assert type(loaded) is kind and loaded.arguments == model.arguments
    assert loaded.loss(*arguments(loaded)).item() == model.loss(*arguments(model)).item()
    np.testing.assert_array_equal(loaded.vectors["c"], model.V.numpy()[2].astype(np.float32))
    assert loaded.vectors.counts.tolist() == COUNTS


def test_whole_error_is_saved(tmp_path: Path) -> None:
    model = made(CBOW, "negative", whole_error=True)
    models.save(tmp_path / "m.npz", model, model.arguments)
    assert models.load(tmp_path / "m.npz").whole_error  # type: ignore[attr-defined]
