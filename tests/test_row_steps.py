"""Steps along row-sparse gradients: they touch the rows used, and no others."""

from __future__ import annotations

import numpy as np
import pytest

import autodiff as ad
from autodiff import optim
from tests.step_rules import draw, each_case, each_rule, leaf, steps


def rows_of(gradient, rows, shape):
    """A row-sparse gradient with each entry in two halves, as two uses of a row give it."""
    return ad.RowGrad(np.tile(rows, 2), np.tile(gradient / 2, (2, 1)), shape)


@each_case
def test_only_the_rows_used_change(rule, formula, settings):
    x, rows, gs = draw(5, 3), np.array([3, 1]), draw(10, 2, 3, seed=1)
    table = leaf(x)
    steps(rule([table], **settings), [rows_of(g, rows, x.shape) for g in gs])
    np.testing.assert_allclose(table.data[rows], formula(x[rows], gs, **settings), rtol=1e-12)
    np.testing.assert_array_equal(table.data[[0, 2, 4]], x[[0, 2, 4]])


@each_rule
def test_all_rows_used_is_the_dense_step(rule, settings):
    x, gs = draw(4, 3), draw(6, 4, 3, seed=1)
    dense, sparse = leaf(x), leaf(x)
    steps(rule([dense], **settings), gs)
    rows = np.array([2, 0, 3, 1])
    steps(rule([sparse], **settings), [rows_of(g[rows], rows, x.shape) for g in gs])
    np.testing.assert_allclose(sparse.data, dense.data, rtol=1e-12)


def test_the_means_of_unused_rows_rest():
    table = leaf(draw(3, 2))
    optimizer = optim.Adam([table])
    for row in (0, 1, 0):
        table.grad = ad.RowGrad(np.array([row]), np.ones((1, 2)), (3, 2))
        optimizer.step()
    mean = optimizer.state_dict()["mean.0"]
    np.testing.assert_allclose(mean[:, 0], [0.19, 0.1, 0.0])


@each_rule
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_rows_keep_the_dtype(rule, settings, dtype):
    table = leaf(draw(4, 3), dtype)
    gradient = ad.RowGrad(np.array([1, 1]), np.ones((2, 3), dtype), (4, 3))
    steps(rule([table], **settings), [gradient] * 3)
    assert table.dtype == dtype and np.isfinite(table.data).all()


def test_no_row_used():
    table = leaf(draw(4, 3))
    before = table.numpy()
    empty = ad.RowGrad(np.array([], int), np.zeros((0, 3)), (4, 3))
    steps(optim.Adam([table]), [empty] * 2)
    np.testing.assert_array_equal(table.data, before)
