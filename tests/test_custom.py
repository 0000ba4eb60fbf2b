"""Ops of the user's own, recomputation, mapping."""

from __future__ import annotations

import numpy as np
import pytest

import autodiff as ad
from autodiff.errors import DTypeError, GraphError, ShapeError

A, B = np.array([0.3, 0.4]), np.array([1.0, -2.0])


def test_custom_op_by_rules_has_every_derivative():
    cube = ad.custom_op(lambda x: x**3, lambda g, x: g * 3 * x**2)
    assert ad.grad(cube)(2.0) == pytest.approx(12.0)
    assert ad.grad(ad.grad(cube))(2.0) == pytest.approx(12.0)
    assert ad.jvp(cube, (2.0,), (0.5,))[1] == pytest.approx(6.0)


def test_custom_op_by_partials_and_settings():
    product = ad.custom_op(lambda x, y: x * y, partials=("y", lambda x: x))
    gx, gy = ad.grad(lambda x, y: np.sum(product(x, y)), (0, 1))(A, B)
    np.testing.assert_array_equal(gx, B)
    np.testing.assert_array_equal(gy, A)

    def shift(x, by=1.0):
        return x + by

    shifted = ad.custom_op(shift, lambda g: g)
    assert shifted(ad.Tensor(1.0), by=2.0).item() == 3.0
    assert shifted.__name__ == "shift"
    assert ad.custom_op(shift, lambda g: g, name="moved").__name__ == "moved"
    with pytest.raises(GraphError, match="rules or partials"):
        ad.custom_op(shift)


def test_a_wrong_rule_is_refused_by_name():
    wrong = ad.custom_op(lambda x: x * 2, lambda g: np.ones((5, 5)), name="wrong")
    with pytest.raises(GraphError, match="wrong"):
        ad.grad(lambda x: np.sum(wrong(x)))(A)


def plain(a, b):
    return np.tanh(a * b) * a


def test_checkpoint_gives_the_same_derivatives():
    kept = ad.checkpoint(plain)
    for transform in (ad.grad, ad.hessian):
        np.testing.assert_allclose(
            transform(lambda a: np.sum(kept(a, B)))(A), transform(lambda a: np.sum(plain(a, B)))(A)
        )
    ours = ad.hvp(lambda a, b: np.sum(kept(a, b)), (A, B), (B, A))
    theirs = ad.hvp(lambda a, b: np.sum(plain(a, b)), (A, B), (B, A))
    np.testing.assert_allclose(ours, theirs)


def test_checkpoint_reaches_parameters_that_the_function_holds():
    w = ad.Tensor(2.0, requires_grad=True)
    x = ad.Tensor(A, requires_grad=True)
    np.sum(ad.checkpoint(lambda a: np.tanh(a * w))(x)).backward()
    np.testing.assert_allclose(w.grad, np.sum(A / np.cosh(2 * A) ** 2))
    np.testing.assert_allclose(x.grad, 2 / np.cosh(2 * A) ** 2)


def test_checkpoint_counts_the_paths_outside_of_it_once():
    def f(w, wrap):
        u = np.sin(w)
        return np.sum(wrap(lambda a: a * u * w)(u) * u)

    for transform in (ad.grad, ad.hessian):
        ours, theirs = (transform(lambda w, k=k: f(w, k))(A) for k in (ad.checkpoint, lambda g: g))
        np.testing.assert_allclose(ours, theirs)


def test_checkpoint_keeps_strong_zeros():
    masked = ad.checkpoint(lambda x: np.where(x > 0, np.sqrt(x), 0.0))
    gradient = ad.grad(lambda x: np.sum(masked(x)))
    np.testing.assert_array_equal(gradient(np.array([0.0, 4.0])), [0.0, 0.25])


def test_checkpoint_runs_again_in_backward_and_keeps_nothing_else():
    runs = []

    def counted(a):
        runs.append(1)
        return np.sum(np.tanh(a) * a)

    out = ad.checkpoint(counted)(ad.Tensor(A, requires_grad=True))
    assert len(runs) == 1
    out.backward()
    assert len(runs) == 2


def test_vmap_maps_and_differentiates():
    rows = np.arange(6.0).reshape(3, 2)
    mapped = ad.vmap(lambda r, c: np.sum(r * r) * c, in_axes=(0, None))
    np.testing.assert_allclose(mapped(rows, 2.0).data, 2 * np.sum(rows**2, axis=1))
    g = ad.grad(lambda m: np.sum(mapped(m, 2.0)))(rows)
    np.testing.assert_allclose(g, 4 * rows)
    columns = ad.vmap(lambda c: c * 2, in_axes=1, out_axes=1)(rows)
    np.testing.assert_allclose(columns.data, rows * 2)
    with pytest.raises(ShapeError, match="lengths"):
        ad.vmap(lambda a, b: a)(rows, rows[:2])


def test_vmap_of_plain_arrays_is_plain():
    assert isinstance(ad.vmap(np.sum)(np.ones((3, 2))), np.ndarray)


def test_a_rule_may_ask_only_for_what_there_is():
    for rule in (lambda g, zz: g, lambda g, x, zz: g):
        with pytest.raises(GraphError, match="asks for zz"):
            ad.custom_op(lambda x: x, rule)
    with pytest.raises(GraphError, match="asks for a"):
        ad.grad(ad.custom_op(lambda x: x * x, partials=("2*a",)))(3.0)


def test_a_rule_may_give_numbers_and_arrays_only():
    assert ad.grad(ad.custom_op(lambda x: x * 2, partials=(2,)))(1.0) == 2.0
    with pytest.raises(DTypeError, match="list"):
        ad.grad(ad.custom_op(lambda x: x * 2, lambda g: [1, 2]))(1.0)


def test_the_forward_of_a_custom_op_cannot_write_into_its_inputs():
    def scale(x):
        x *= 2
        return x

    x = ad.Tensor(A, requires_grad=True)
    with pytest.raises(ShapeError, match=r"scale\(float64\(2,\)\).*read-only"):
        ad.custom_op(scale, lambda g: g * 2)(x)
    np.testing.assert_array_equal(x.data, A)


@pytest.mark.parametrize("out", [None, "x", 1j, [None], (A, A)])
def test_the_forward_of_a_custom_op_returns_one_array(out):
    with pytest.raises(DTypeError, match=r"returned .*, not one array"):
        ad.custom_op(lambda x: out, lambda g: g, name="odd")(ad.Tensor(A, requires_grad=True))


def test_the_result_of_a_custom_op_is_its_own():
    held = np.zeros(2)
    y = ad.custom_op(lambda x: np.multiply(x, 2, out=held), lambda g: g * 2)(ad.Tensor(A))
    held[:] = 7
    np.testing.assert_array_equal(y.data, 2 * A)


def test_a_nan_of_a_rule_is_kept():
    bad = np.array([[1.0, 1.0], [np.nan, 1.0]])
    product = ad.custom_op(lambda x: bad @ x, lambda g: bad.T @ g)
    np.testing.assert_array_equal(ad.grad(lambda x: product(x)[1])(np.ones(2)), [np.nan, 1.0])


def test_custom_ops_and_checkpoints_of_a_scalar():
    square = ad.custom_op(lambda x: x * x, lambda g, x: 2 * g * x)
    for f in (square, ad.checkpoint(lambda x: x * x)):
        s = ad.Scalar(3.0)
        f(s).backward()
        assert s.grad == 6.0


def test_a_checkpoint_has_one_result():
    with pytest.raises(GraphError, match="one result"):
        ad.checkpoint(lambda x: (x, x))(ad.Tensor(A, requires_grad=True))


def test_a_checkpoint_over_a_changed_value_is_an_error():
    w, x = ad.Tensor(A, requires_grad=True), ad.Tensor(B, requires_grad=True)
    y = np.sum(ad.checkpoint(lambda a: a * w * w)(x))
    w.data = np.array([10.0, 10.0])
    with pytest.raises(GraphError, match="changed"):
        y.backward()
    assert x.grad is None and w.grad is None


def test_vmap_refuses_what_it_cannot_map_over():
    with pytest.raises(ShapeError, match=r"lengths \[0\]"):
        ad.vmap(lambda a: a)(np.ones((0, 2)))
    with pytest.raises(ShapeError, match="no axis"):
        ad.vmap(lambda a: a)(1.0)
    scaled = ad.vmap(lambda a, b: a * b, in_axes=[0, None])(np.ones((2, 2)), 3.0)
    np.testing.assert_array_equal(scaled, np.full((2, 2), 3.0))
