"""The conditional random field against sums over all sequences of tags."""

from __future__ import annotations

from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from models.crf import CRF
from tests.models.networks import assert_same, draw, gradients, with_biases

TAGS = 3
LENGTHS = [4, 1, 3]
MASK = np.arange(4)[:, None] < LENGTHS
Y = np.array([[0, 2, 1], [1, 0, 1], [1, 0, 2], [2, 0, 0]])

each_length = pytest.mark.parametrize("length", [1, 2, 3, 4])


def crf() -> CRF:
    """Tags seldom follow themselves, so that it matters which way a sequence came."""
    model = with_biases(CRF(TAGS))
    model.A.data = model.A.data - 3 * np.eye(TAGS)
    return model


def scores(*shape: int) -> np.ndarray:
    return draw(*(shape or (4, 3)), TAGS)


def by_hand(model: CRF, e: np.ndarray) -> dict[tuple[int, ...], float]:
    """The score of each sequence of tags, for scores of shape (time, tags)."""
    A, start, end = model.A.data, model.start.data, model.end.data
    return {
        y: start[y[0]] + sum(e[t, k] for t, k in enumerate(y)) + end[y[-1]]
        + sum(A[i, j] for i, j in pairwise(y))
        for y in product(range(TAGS), repeat=len(e))
    }  # fmt: skip


def probabilities(model: CRF, e: np.ndarray) -> dict[tuple[int, ...], float]:
    weights = {y: np.exp(s) for y, s in by_hand(model, e).items()}
    return {y: w / sum(weights.values()) for y, w in weights.items()}


def marginals_by_hand(model: CRF, e: np.ndarray) -> np.ndarray:
    found = np.zeros(e.shape)
    for y, p in probabilities(model, e).items():
        found[range(len(y)), y] += p
    return found


def slope(model: CRF, e: np.ndarray) -> np.ndarray:
    """Of the loss of the batch, with respect to `e`."""
    with ad.no_grad():  # outside, so that it is a plain array
        return ad.grad(lambda e: ad.sum(model(e, Y, MASK)))(e)


@each_length
def test_log_partition_is_the_sum_over_all_sequences(length: int) -> None:
    model, e = crf(), scores(length, 2)
    expected = [np.log(sum(np.exp([*by_hand(model, e[:, i]).values()]))) for i in (0, 1)]
    np.testing.assert_allclose(model.log_partition(e).data, expected, rtol=1e-12)


@each_length
def test_scores_and_probabilities_of_every_sequence(length: int) -> None:
    model, e = crf(), scores(length, 1)
    found, p = by_hand(model, e[:, 0]), probabilities(model, e[:, 0])
    all_y, many = np.array([*found]).T, np.repeat(e, len(found), 1)
    np.testing.assert_allclose(model.score(many, all_y).data, [*found.values()], rtol=1e-12)
    np.testing.assert_allclose(np.exp(-model(many, all_y).data), [*p.values()], rtol=1e-12)


@each_length
def test_marginals_are_sums_of_probabilities(length: int) -> None:
    model, e = crf(), scores(length, 2)
    expected = np.stack([marginals_by_hand(model, e[:, i]) for i in (0, 1)], 1)
    found = model.marginals(e)
    np.testing.assert_allclose(found, expected, rtol=1e-10)
    np.testing.assert_allclose(found.sum(-1), 1, rtol=1e-12)


@each_length
def test_decode_finds_the_best_sequence(length: int) -> None:
    model, e = crf(), scores(length, 20)
    found = [by_hand(model, e[:, i]) for i in range(20)]
    best = [max(f, key=f.__getitem__) for f in found]
    np.testing.assert_array_equal(model.decode(e).T, best)


def test_the_best_sequence_is_not_that_of_the_best_tags() -> None:
    model = CRF(2)
    model.A.data = np.array([[0.0, -9.0], [-9.0, 0.0]])
    e = np.array([[[0.0, 1.0]], [[0.5, 0.0]], [[0.0, 1.0]]])
    np.testing.assert_array_equal(model.decode(e)[:, 0], [1, 1, 1])
    np.testing.assert_array_equal(e.argmax(-1)[:, 0], [1, 0, 1])


def test_of_equally_good_sequences_one_is_found() -> None:
    model, e = CRF(TAGS), np.zeros((4, 1, TAGS))
    np.testing.assert_array_equal(model.decode(e), np.zeros((4, 1)))
    model.A.data = np.where(np.eye(TAGS), -1.0, 0.0)  # any sequence without repetition is best
    y = model.decode(e)
    np.testing.assert_array_equal(model.score(e, y).data, [0.0])
    p = [p for y, p in probabilities(model, e[:, 0]).items() if 0 not in np.diff(y)]
    np.testing.assert_allclose(p, p[0], rtol=1e-12)


def test_a_batch_with_a_mask_is_its_sequences() -> None:
    model, e = crf(), scores()
    alone = [model(e[:n, i : i + 1], Y[:n, i : i + 1]) for i, n in enumerate(LENGTHS)]
    expected = gradients(model, sum(ad.sum(loss) for loss in alone))
    loss = model(e, Y, MASK)
    np.testing.assert_allclose(loss.data, np.concatenate([x.data for x in alone]), rtol=1e-12)
    assert_same(gradients(model, ad.sum(loss)), expected)


@pytest.mark.parametrize("method", ["decode", "marginals"])
def test_sequences_of_a_batch_do_not_see_each_other(method: str) -> None:
    model, e, lengths = crf(), scores(4, 20), [1, 2, 3, 4] * 5
    mask = np.arange(4)[:, None] < lengths
    found = getattr(model, method)(e, mask)
    assert not found[~mask].any()
    for i, n in enumerate(lengths):
        alone = getattr(model, method)(e[:n, i : i + 1])
        np.testing.assert_allclose(found[:n, i], alone[:, 0], rtol=1e-12)


def test_what_stands_past_an_end_does_not_matter() -> None:
    model, e = crf(), scores()
    padded, y = np.where(MASK[..., None], e, np.nan), np.where(MASK, Y, -100)
    np.testing.assert_array_equal(model(padded, y, MASK).data, model(e, Y, MASK).data)
    np.testing.assert_array_equal(model.decode(padded, MASK), model.decode(e, MASK))
    found = slope(model, padded)
    np.testing.assert_array_equal(found, slope(model, e))
    assert not found[~MASK].any()


def test_gradients_are_slopes() -> None:
    model, e, y, mask = crf(), scores()[:2, :2], Y[:2, :2], MASK[:2, :2]
    ad.testing.check_gradients(lambda model, e: model(e, y, mask), model, e)
    ad.testing.check_gradients(lambda e: model(e, y, mask), e, order=2)


def test_the_gradient_is_the_marginal_less_the_tag() -> None:
    model, e = crf(), scores()
    tags = MASK[..., None] & (np.arange(TAGS) == Y[..., None])
    np.testing.assert_allclose(slope(model, e), model.marginals(e, MASK) - tags, atol=1e-14)


def test_marginals_need_no_recording_and_leave_no_gradients() -> None:
    model, e = crf(), scores()
    with ad.no_grad():
        found = model.marginals(ad.Tensor(e), MASK)
        assert not model(e, Y).requires_grad
    np.testing.assert_array_equal(found, model.marginals(e, MASK))
    assert isinstance(found, np.ndarray)
    assert all(p.grad is None for p in model.parameters())


@pytest.mark.parametrize("size", [1e4, -1e4])
def test_scores_whose_exponential_overflows(size: float) -> None:
    model, e = crf(), scores()
    moved = e + size  # the same at each step: probabilities stay what they are
    np.testing.assert_allclose(model(moved, Y, MASK).data, model(e, Y, MASK).data, rtol=1e-9)
    np.testing.assert_array_equal(model.decode(moved, MASK), model.decode(e, MASK))
    np.testing.assert_allclose(model.marginals(moved, MASK), model.marginals(e, MASK), rtol=1e-9)


def test_a_tag_that_scores_far_above_the_others_is_certain() -> None:
    model, e = crf(), np.where(np.arange(TAGS) == Y[..., None], 1e300, 0.0)
    np.testing.assert_array_equal(model(e, Y, MASK).data, 0)
    np.testing.assert_array_equal(model.marginals(e, MASK), np.where(MASK[..., None], e, 0) / 1e300)


def test_one_tag_is_certain() -> None:
    model, e = with_biases(CRF(1)), draw(3, 2, 1)
    np.testing.assert_allclose(model(e, np.zeros((3, 2), int)).data, 0, atol=1e-14)
    np.testing.assert_array_equal(model.decode(e), np.zeros((3, 2)))


def test_keeps_the_dtype() -> None:
    model, e = CRF(TAGS, "float32"), ad.Tensor(scores().astype("float32"), requires_grad=True)
    loss = model(e, Y, MASK)
    found = gradients(model, ad.sum(loss))
    values = [loss, e.grad, model.marginals(e, MASK), *model.parameters(), *found.values()]
    assert {value.dtype for value in values} == {np.dtype("float32")}
    assert model.decode(e, MASK).dtype == np.int64


HOLE, LATE = MASK.copy(), MASK.copy()
HOLE[1, 0] = LATE[0, 1] = False


@pytest.mark.parametrize(
    ("e", "y", "mask", "message"),
    [
        (scores(), Y, HOLE, "each sequence true from its first step to its last"),
        (scores(), Y, LATE, "each sequence true from its first step to its last"),
        (scores(), Y, MASK.T, r"mask is \(3, 4\); expected \(4, 3\)"),
        (scores(4), Y, None, r"scores are \(4, 3\); expected \(time, batch, 3\)"),
        (scores(0, 3), Y[:0], None, "with a step or more"),
        (draw(4, 3, 1), Y, None, r"scores are \(4, 3, 1\); expected \(time, batch, 3\)"),
        (draw(4, 3, 4), Y, None, r"scores are \(4, 3, 4\); expected \(time, batch, 3\)"),
        (scores(), Y[:, :1], None, r"tags are \(4, 1\); expected \(4, 3\)"),
        (scores(), Y[:1], None, r"tags are \(1, 3\); expected \(4, 3\)"),
        (scores(), Y[:, 0], None, r"tags are \(4,\); expected \(4, 3\)"),
    ],
)
def test_refuses_shapes(e: Any, y: Any, mask: Any, message: str) -> None:
    with pytest.raises(ad.errors.ShapeError, match=f"CRF: .*{message}"):
        crf()(e, y, mask)


@pytest.mark.parametrize("method", ["decode", "marginals", "log_partition"])
def test_every_way_in_is_guarded(method: str) -> None:
    for arguments in ((scores(), HOLE), (draw(4, 3, 1), None)):
        with pytest.raises(ad.errors.ShapeError):
            getattr(crf(), method)(*arguments)


@pytest.mark.parametrize("tag", [-1, 3, 0.5])
def test_refuses_what_is_no_tag(tag: float) -> None:
    y = np.where((Y == 2) & MASK, tag, Y)
    with pytest.raises(ad.errors.DomainError, match=f"CRF: there is no tag {tag}; .* from 0 to 2"):
        crf()(scores(), y, MASK)
