"""Functions of functions, against analytic values and against each other."""

from __future__ import annotations

import numpy as np
import pytest

import autodiff as ad
from autodiff.errors import DTypeError, GraphError, ShapeError

X = np.array([0.3, -0.5, 1.2])


def energy(x):
    return np.sum(np.tanh(x) * x)


def test_derivatives_of_any_order():
    f = ad.grad(lambda x: np.exp(2.0 * x))
    for order in range(1, 5):
        assert f(0.5) == pytest.approx(2**order * np.exp(1.0), rel=1e-12)
        f = ad.grad(f)


def test_gradient_has_the_structure_and_kind_of_the_argument():
    tree = {"a": X, "b": [2.0, (np.float32(1.5), 7)], "name": "kept"}
    g = ad.grad(lambda t: np.sum(t["a"]) * t["b"][0] + 3 * t["b"][1][0])(tree)
    np.testing.assert_array_equal(g["a"], [2.0, 2.0, 2.0])
    assert g["b"][0] == pytest.approx(X.sum())
    assert g["b"][1][0] == 3.0 and g["b"][1][0].dtype == np.float32
    assert g["b"][1][1] is None and g["name"] is None


def test_value_and_grad_with_aux_and_argnums():
    def f(x, y):
        return np.sum(x * y), {"y": y}

    (value, aux), (gx, gy) = ad.value_and_grad(f, argnums=(0, 1), has_aux=True)(X, 2 * X)
    assert value == pytest.approx(2 * np.sum(X**2))
    np.testing.assert_allclose(gx, 2 * X)
    np.testing.assert_allclose(gy, X)
    assert isinstance(aux["y"], np.ndarray)


def test_nested_gradients_do_not_mix_up_their_variables():
    # d/dx [x * d/dy (x + y)] = 1: the classic of perturbation confusion.
    assert ad.grad(lambda x: x * ad.grad(lambda y: x + y)(1.0))(1.0) == 1.0
    assert ad.grad(lambda y: ad.grad(lambda x: x * x * y)(3.0))(2.0) == 6.0


def test_a_gradient_of_something_tracked_outside_is_tracked():
    w = ad.Tensor(2.0, requires_grad=True)
    slope = ad.grad(lambda x: x * x * w)(3.0)
    slope.backward()
    assert w.grad == 6.0
    with ad.no_grad():
        assert ad.grad(lambda x: x * x * w)(3.0) == 12.0


def test_unused_arguments():
    with pytest.raises(GraphError, match="does not depend on argument 0"):
        ad.grad(lambda x: 3.0)(1.0)
    with pytest.raises(GraphError, match="argument 1"):
        ad.grad(lambda x, y: x, argnums=(0, 1))(1.0, 2.0)
    assert ad.grad(lambda x: 3.0, allow_unused=True)(1.0) == 0.0
    with pytest.raises(GraphError, match="depend"):
        ad.grad(lambda x: ad.stop_gradient(x) * 2.0)(1.0)


def test_bad_arguments_are_named():
    with pytest.raises(DTypeError, match="argument 0 holds no floating value"):
        ad.grad(lambda x: x)(2)
    with pytest.raises(ShapeError, match="reduce"):
        ad.grad(lambda x: x * x)(X)
    with pytest.raises(ShapeError, match="argnums"):
        ad.grad(lambda x: x, argnums=3)(1.0)
    with pytest.raises(ShapeError, match="twice"):
        ad.grad(lambda x, y: x * y, argnums=(0, -2))(1.0, 2.0)
    for out in (1.0, (1.0, 2.0, 3.0)):
        with pytest.raises(DTypeError, match=r"has_aux=True: .*\(value, aux\)"):
            ad.value_and_grad(lambda x: out, has_aux=True)(1.0)  # noqa: B023


def test_vjp_of_a_tree_of_results():
    value, pullback = ad.vjp(lambda x: {"double": x * 2, "sum": np.sum(x)}, X)
    assert value["sum"] == pytest.approx(X.sum())
    (g,) = pullback({"double": X, "sum": 5.0})
    np.testing.assert_allclose(g, 2 * X + 5)
    (again,) = pullback({"double": 0 * X, "sum": 1.0})
    np.testing.assert_array_equal(again, np.ones(3))
    with pytest.raises(ShapeError, match=r"a dict of .* and a leaf"):
        pullback(X)


def test_jvp_is_the_directional_derivative():
    t = np.array([1.0, 2.0, -1.0])
    value, tangent = ad.jvp(lambda x: np.tanh(x) * x, (X,), (t,))
    np.testing.assert_allclose(value, np.tanh(X) * X)
    np.testing.assert_allclose(tangent, (np.tanh(X) + X / np.cosh(X) ** 2) * t, rtol=1e-12)
    with pytest.raises(ShapeError, match="tangent of shape"):
        ad.jvp(lambda x: x, (X,), (np.ones(2),))


def test_hessian_and_hvp_agree_with_the_formula():
    second = 2 / np.cosh(X) ** 2 - 2 * X * np.tanh(X) / np.cosh(X) ** 2
    np.testing.assert_allclose(ad.hessian(energy)(X), np.diag(second), atol=1e-12)
    (product,) = ad.hvp(energy, (X,), (np.ones(3),))
    np.testing.assert_allclose(product, second, rtol=1e-12)
    np.testing.assert_array_equal(ad.hessian(lambda x: np.sum(x))(X), np.zeros((3, 3)))


def test_jacobian_in_both_directions():
    wide = ad.jacobian(lambda x: np.sum(x * x) * np.ones(1))(X)
    np.testing.assert_allclose(wide, 2 * X[None, :])
    tall = ad.jacobian(lambda x: np.exp(x[0]) * np.array([1.0, 2.0, 3.0, 4.0]))(X[:1])
    np.testing.assert_allclose(tall, np.exp(0.3) * np.array([[1.0], [2.0], [3.0], [4.0]]))


def test_scalars_go_through_the_same_transforms():
    s = ad.Scalar(2.0)
    assert ad.grad(lambda x: x * x * x)(s) == 12.0
    assert ad.jvp(lambda x: x * x, (s,), (1.0,))[1] == 4.0


def test_float32_in_float32_out():
    x = X.astype(np.float32)
    assert ad.grad(energy)(x).dtype == np.float32
    assert ad.hvp(energy, (x,), (x,))[0].dtype == np.float32
    assert ad.jvp(np.tanh, (x,), (x,))[1].dtype == np.float32


def test_tangents_and_cotangents_match_by_key():
    def f(p):
        return 2 * p["a"] + 3 * p["b"]

    assert ad.jvp(f, ({"a": 1.0, "b": 1.0},), ({"b": 0.0, "a": 1.0},))[1] == 2.0
    assert ad.vjp(lambda x: {"a": 2 * x, "b": 3 * x}, 1.0)[1]({"b": 0.0, "a": 1.0}) == (2.0,)


def test_what_an_argument_does_not_reach_is_an_error_in_every_transform():
    def cut(x):
        return x.detach() * 2

    for call in (
        lambda **how: ad.vjp(cut, X, **how)[1](X)[0],
        lambda **how: ad.jvp(cut, (X,), (X,), **how)[1],
        lambda **how: ad.jacobian(cut, **how)(X),
    ):
        with pytest.raises(GraphError, match="argument 0"):
            call()
        assert not np.any(call(allow_unused=True))


def test_a_value_may_be_written_into():
    value, pullback = ad.vjp(np.exp, np.zeros(2))
    value *= 100
    np.testing.assert_array_equal(pullback(np.ones(2))[0], np.ones(2))
    value, _ = ad.value_and_grad(lambda x: x[0])(x := X.copy())
    assert value == X[0] and not np.shares_memory(value, x)


def test_a_cotangent_is_real():
    with pytest.raises(DTypeError, match="complex"):
        (ad.Tensor(X, requires_grad=True) * 2).backward(X * 1j)
