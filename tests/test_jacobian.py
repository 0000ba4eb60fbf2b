"""Jacobians and Hessians of trees, and which arguments they are by."""

from __future__ import annotations

import numpy as np

import autodiff as ad

A, B = np.array([1.0, 2.0]), np.array([3.0, -1.0])
ZERO, ONE = np.zeros((2, 2)), np.eye(2)


def test_a_tree_of_results():
    found = ad.jacobian(lambda x: {"double": x * 2, "sum": np.sum(x)})(A)
    np.testing.assert_array_equal(found["double"], 2 * ONE)
    np.testing.assert_array_equal(found["sum"], np.ones(2))


def test_a_tree_of_arguments():
    found = ad.jacobian(lambda p: p["a"] * p["b"])({"a": A, "b": B})
    np.testing.assert_array_equal(found["a"], np.diag(B))
    np.testing.assert_array_equal(found["b"], np.diag(A))


def test_axes_of_the_result_come_first():
    matrix = np.arange(6.0).reshape(2, 3)
    found = ad.jacobian(lambda x: x @ matrix)(np.ones((4, 2)))
    assert found.shape == (4, 3, 4, 2)
    np.testing.assert_array_equal(found, np.einsum("in,jk->iknj", np.eye(4), matrix))


def test_hessian_of_a_tree_holds_every_pair():
    found = ad.hessian(lambda p: np.sum(p["a"] * p["b"]))({"a": A, "b": B})
    for i, j, block in [("a", "a", ZERO), ("a", "b", ONE), ("b", "a", ONE), ("b", "b", ZERO)]:
        np.testing.assert_array_equal(found[i][j], block)


def test_several_arguments_and_counting_from_the_end():
    ((aa, ab), (ba, bb)) = ad.hessian(lambda x, y: np.sum(x * y), (0, 1))(A, B)
    for block, expected in [(aa, ZERO), (ab, ONE), (ba, ONE), (bb, ZERO)]:
        np.testing.assert_array_equal(block, expected)
    np.testing.assert_array_equal(ad.jacobian(lambda x, y: x * y, -1)(A, B), np.diag(A))


def test_jacobian_of_a_gradient_is_the_hessian():
    def f(x):
        return np.sum(np.exp(x) * x[0])

    np.testing.assert_allclose(ad.jacobian(ad.grad(f))(A), ad.hessian(f)(A), rtol=1e-14)
