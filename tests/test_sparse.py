"""Gradients left unevaluated for a while, against the plain ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.sparse import Lazy, Parts, Product, RowGrad

RNG = np.random.default_rng(0)
ROWS = np.array([2, 0, 2, 2])
VALUES = RNG.normal(size=(4, 3))


def dense(rows: Any, values: Any, shape: tuple[int, ...]) -> np.ndarray:
    out = np.zeros(shape)
    for row, value in zip(rows, values, strict=True):
        out[row] += value
    return out


def test_row_gradient_adds_up_repeated_rows() -> None:
    g = RowGrad(ROWS, VALUES, (5, 3))
    expected = dense(ROWS, VALUES, (5, 3))
    np.testing.assert_allclose(g.dense(), expected, rtol=1e-15)
    np.testing.assert_allclose(np.asarray(g), expected, rtol=1e-15)
    once = g.coalesce()
    np.testing.assert_array_equal(once.rows, [0, 2])
    np.testing.assert_allclose(once.values, expected[[0, 2]], rtol=1e-15)
    np.testing.assert_array_equal(
        RowGrad(np.array([3, 1]), VALUES[:2], (5, 3)).coalesce().rows, [1, 3]
    )


def test_row_gradients_add_up_with_each_other_and_with_arrays() -> None:
    g, other = RowGrad(ROWS, VALUES, (5, 3)), RowGrad(np.array([4, 2]), VALUES[:2], (5, 3))
    full = RNG.normal(size=(5, 3))
    both = g + other
    assert isinstance(both, RowGrad)
    np.testing.assert_allclose(both.dense(), g.dense() + other.dense(), rtol=1e-14)
    np.testing.assert_allclose(g + full, g.dense() + full, rtol=1e-15)
    np.testing.assert_allclose(full + g, g.dense() + full, rtol=1e-15)
    np.testing.assert_allclose((g * 2.0).dense(), 2 * g.dense(), rtol=1e-15)


def test_row_gradient_attributes() -> None:
    g = RowGrad(ROWS, VALUES.astype(np.float32), (5, 3))
    assert (g.shape, g.dtype) == ((5, 3), np.float32)
    assert g.dense().dtype == np.float32
    assert repr(g) == "RowGrad(4 rows of (5, 3), float32)"


def test_row_gradient_of_no_rows() -> None:
    g = RowGrad(np.array([], int), np.zeros((0, 3)), (5, 3))
    np.testing.assert_array_equal(g.dense(), np.zeros((5, 3)))
    assert len(g.coalesce().rows) == 0


def test_rows_of_any_rank() -> None:
    values = RNG.normal(size=(4, 2, 2))
    expected = dense(ROWS, values, (3, 2, 2))
    np.testing.assert_allclose(RowGrad(ROWS, values, (3, 2, 2)).dense(), expected, rtol=1e-15)
    flat = RowGrad(ROWS, VALUES[:, 0], (3,))
    np.testing.assert_allclose(flat.dense(), dense(ROWS, VALUES[:, 0], (3,)), rtol=1e-15)


def lookups(table: Any, way: Any) -> Any:
    return ad.sum(way(table, ROWS) * VALUES)


def test_a_lookup_has_a_row_gradient_equal_to_indexing() -> None:
    table = ad.Tensor(RNG.normal(size=(5, 3)), requires_grad=True)
    lookups(table, ad.embedding).backward()
    assert isinstance(table.grad, RowGrad)
    np.testing.assert_allclose(table.grad.dense(), dense(ROWS, VALUES, (5, 3)), rtol=1e-15)
    lookups(table, ad.embedding).backward()  # adds up, still in rows
    assert isinstance(table.grad, RowGrad)
    np.testing.assert_allclose(table.grad.dense(), 2 * dense(ROWS, VALUES, (5, 3)), rtol=1e-14)


def test_a_table_used_in_rows_and_as_a_whole() -> None:
    table = ad.Tensor(RNG.normal(size=(5, 3)), requires_grad=True)
    for order in (0, 1):
        parts = [lambda: lookups(table, ad.embedding), lambda: ad.sum(table * table)]
        table.zero_grad()
        (parts[order]() + parts[1 - order]()).backward()
        expected = dense(ROWS, VALUES, (5, 3)) + 2 * table.data
        np.testing.assert_allclose(table.grad, expected, rtol=1e-14)


def test_a_lookup_below_other_ops() -> None:
    table = RNG.normal(size=(5, 3))
    for inner in (lambda t: t * 2.0, np.tanh, ad.transpose, lambda t: t[::-1], lambda t: -t):
        f = lambda t, way, i=inner: ad.sum(way(i(t), ROWS[:2]) ** 2)  # noqa: E731
        found = ad.grad(lambda t, f=f: f(t, ad.embedding))(table)
        expected = ad.grad(lambda t, f=f: f(t, lambda t, rows: t[rows]))(table)
        np.testing.assert_allclose(np.asarray(found), expected, rtol=1e-14)


def test_the_rows_of_a_gradient_are_its_own() -> None:
    table = ad.Tensor(RNG.normal(size=(5, 3)), requires_grad=True)
    y = (ad.embedding(table, ROWS) * 1.0).retain_grad()
    inner = ad.embedding(table, ROWS).retain_grad()
    v = np.ones((4, 3))
    (y + inner).backward(v)
    arrays = [table.grad.values, y.grad, inner.grad, v]
    for i, a in enumerate(arrays):
        assert not any(np.shares_memory(a, b) for b in arrays[:i])


def test_higher_derivatives_of_a_lookup() -> None:
    table = RNG.normal(size=(5, 3))
    f = lambda t: ad.sum(ad.embedding(t, ROWS) ** 3)  # noqa: E731
    second = ad.grad(lambda t: ad.sum(ad.grad(f)(t) * 1.0))(table)
    expected = dense(ROWS, 6 * table[ROWS], (5, 3))
    np.testing.assert_allclose(np.asarray(second), expected, rtol=1e-14)


def test_product_is_the_plain_sum() -> None:
    pairs = [(RNG.normal(size=(n, 4)), RNG.normal(size=(n, 3))) for n in (1, 5, 2)]
    expected = sum(a.T @ b for a, b in pairs)
    first, second, third = (Product([pair]) for pair in pairs)
    np.testing.assert_allclose((first + second + third).dense(), expected, rtol=1e-13)
    np.testing.assert_allclose((first + second + third).T.dense(), expected.T, rtol=1e-13)
    total = first + second
    total += third
    assert isinstance(total, Product)
    np.testing.assert_allclose(total.dense(), expected, rtol=1e-13)
    assert len(first.pairs) == len(second.pairs) == 1  # adding left its terms alone
    full = RNG.normal(size=(4, 3))
    np.testing.assert_allclose(total + full, expected + full, rtol=1e-13)
    np.testing.assert_allclose(full + total, expected + full, rtol=1e-13)
    total += full
    np.testing.assert_allclose(total, expected + full, rtol=1e-13)


@pytest.mark.parametrize(
    "use",
    [
        lambda h, W: h @ W, lambda h, W: ad.linear(h, W.T),
        lambda h, W: ad.linear(h, ad.transpose(W)), lambda h, W: h @ ad.transpose(W, (0, 1)),
        lambda h, W: h @ ad.transpose(W, (1, 0)), lambda h, W: h @ ad.transpose(W, (-1, -2)),
        lambda h, W: (W.T @ h[0])[None, :] + h @ W, lambda h, W: h[0] @ W + h @ W + W[0],
        lambda h, W: ad.reshape(h, (1, 2, 3)) @ W, lambda h, W: h @ (W * 2.0) + h @ W,
        lambda h, W: np.matmul(h, W) + ad.sum(W), lambda h, W: h @ W.astype(np.float64),
    ],
)  # fmt: skip
def test_a_weight_used_at_each_step(use: Any) -> None:
    x, W = RNG.normal(size=(2, 3)), RNG.normal(size=(3, 3)) / 2

    def run(weights: list[Any]) -> Any:
        h = ad.Tensor(x)
        for W in weights:
            h = ad.reshape(np.tanh(use(h, W)), (-1, 3))[:2]
        return ad.sum(h * h)

    shared = ad.grad(lambda W: run([W] * 4))(W)
    alone = ad.grad(lambda weights: run(weights))([W] * 4)  # one gradient for each use
    np.testing.assert_allclose(shared, sum(alone), rtol=1e-11)
    assert type(shared) is np.ndarray


def test_hooks_and_kept_gradients_see_arrays_in_place_of_products() -> None:
    W, seen = ad.Tensor(np.ones((3, 2)), requires_grad=True), []
    inner = (W * 1.0).retain_grad()
    inner.register_hook(seen.append)
    ad.sum(np.ones((4, 3)) @ inner).backward()
    for g in (seen[0], inner.grad, W.grad):
        assert type(g) is np.ndarray
        np.testing.assert_array_equal(g, np.full((3, 2), 4.0))


def test_parts_hold_the_gradients_of_several_results() -> None:
    specs = (((2,), np.dtype(float)), ((), np.dtype(float)), ((3,), np.dtype(np.float32)))
    parts = Parts({0: np.ones(2)}, specs) + Parts({1: 2.0}, specs) + Parts({0: np.ones(2)}, specs)
    first, second, third = parts.dense()
    np.testing.assert_array_equal(first, [2.0, 2.0])
    assert second == 2.0
    np.testing.assert_array_equal(third, np.zeros(3, np.float32))
    assert third.dtype == np.float32


def test_an_op_with_several_results() -> None:
    def forward(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.sin(x), np.cos(x)

    def rule(g: Any, x: Any) -> Any:
        return g[0] * np.cos(x) - g[1] * np.sin(x)

    both = ad.custom_op(forward, rule, outputs=2)
    x = RNG.normal(size=3)
    for pick, slope in [
        (lambda s, c: s, np.cos(x)), (lambda s, c: c, -np.sin(x)),
        (lambda s, c: s * s + c * c, 0 * x),
        (lambda s, c: s + s + 3 * c, 2 * np.cos(x) - 3 * np.sin(x)),
    ]:  # fmt: skip
        f = lambda x, p=pick: ad.sum(p(*both(x)))  # noqa: E731
        np.testing.assert_allclose(ad.grad(f)(x), slope, atol=1e-14)
        np.testing.assert_allclose(ad.jvp(f, (x,), (np.ones(3),))[1], slope.sum(), atol=1e-13)
    f = lambda x: ad.sum(both(x)[0] * both(x)[1])  # noqa: E731
    np.testing.assert_allclose(ad.hessian(f)(x), np.diag(-2 * np.sin(2 * x)), atol=1e-14)


def test_a_lazy_gradient_has_to_have_a_dense_form() -> None:
    class Idle(Lazy):
        __slots__ = ()

    with pytest.raises(TypeError, match="Idle states no dense form"):
        Idle().dense()


def test_arithmetic_from_either_side() -> None:
    g, full = RowGrad(ROWS, VALUES, (5, 3)), RNG.normal(size=(5, 3))
    half = 0.5 * g
    assert isinstance(half, RowGrad)
    np.testing.assert_array_equal(half.dense(), 0.5 * g.dense())
    np.testing.assert_allclose(full - g, full - g.dense(), rtol=1e-15)


def test_a_lookup_of_nothing() -> None:
    assert ad.embedding(np.ones((3, 2)), []).shape == (0, 2)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint64])
def test_rows_by_numbers_of_any_width(dtype: Any) -> None:
    table = ad.Tensor(np.ones((300, 2)), requires_grad=True)
    ad.sum(table[np.array([1, 250, 1], dtype)]).backward()
    expected = np.zeros((300, 2))
    expected[[1, 250]] = [[2.0, 2.0], [1.0, 1.0]]
    np.testing.assert_array_equal(table.grad, expected)


def test_float32_is_kept_through_a_product_in_float64() -> None:
    w = ad.Tensor(np.ones((3, 2), np.float32), requires_grad=True)
    ad.sum(np.ones((4, 3)) @ w).backward()
    assert w.grad.dtype == np.float32


@pytest.mark.parametrize("axes", [None, (0, 1), (1, 0), (-2, -1), (-1, 0)])
def test_weight_that_is_transposed_gets_a_gradient_of_its_shape(axes: Any) -> None:
    x, w = np.arange(12.0).reshape(4, 3), np.arange(6.0).reshape(2, 3)
    given = w if np.transpose(w, axes).shape == (2, 3) else w.T
    _, pullback = ad.vjp(lambda w: ad.linear(x, np.transpose(w, axes)), given)
    g = np.arange(8.0).reshape(4, 2)
    expected = g.T @ x
    (found,) = pullback(g)
    np.testing.assert_allclose(found, expected if given is w else expected.T, rtol=1e-14)
