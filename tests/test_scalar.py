"""`Scalar`: graphs on Python floats, alone and mixed with tensors."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.errors import DTypeError, GraphError


def test_the_gradient_of_an_expression() -> None:
    a, b = ad.Scalar(2.0), ad.Scalar(-3.0)
    c = (a * b + b**3 - a / b) * (a + 1) - b
    c.backward()
    x, y = 2.0, -3.0
    outer = x * y + y**3 - x / y
    assert c.data == outer * (x + 1) - y
    assert a.grad == pytest.approx((y - 1 / y) * (x + 1) + outer, rel=1e-14)
    assert b.grad == pytest.approx((x + 3 * y**2 + x / y**2) * (x + 1) - 1, rel=1e-14)


def test_attributes() -> None:
    s = ad.Scalar(2, name="w")
    assert (s.data, s.item(), float(s.detach()), s.name, s.shape, s.ndim, s.size) == (
        2.0, 2.0, 2.0, "w", (), 0, 1)  # fmt: skip
    assert type(s.data) is float and s.requires_grad and s.grad is None
    assert not ad.Scalar(2.0, requires_grad=False).requires_grad
    assert s.numpy().shape == () and bool(s) and not ad.Scalar(0.0)


def test_repr() -> None:
    assert repr(ad.Scalar(2.0)) == "Scalar(2)"
    assert repr(ad.Scalar(0.1, name="w")) == "Scalar(0.1, name='w')"
    assert repr(ad.Scalar(0.5).tanh()) == "Scalar(0.462117, op=tanh)"


@pytest.mark.parametrize("data", ["a", None, True, 1j, [1.0], np.ones(1), ad.Tensor(1.0)])
def test_constructor_refuses(data: Any) -> None:
    with pytest.raises(DTypeError, match="real number"):
        ad.Scalar(data)


@pytest.mark.parametrize("number", [3, 3.0, np.float64(3), np.float32(3), np.int64(3), True])
@pytest.mark.parametrize("op", [operator.add, operator.sub, operator.mul, operator.truediv,
                                operator.pow, operator.mod, operator.floordiv])  # fmt: skip
def test_operators_with_numbers_on_either_side(op: Any, number: Any) -> None:
    s = ad.Scalar(2.5)
    for out, expected in [(op(s, number), op(2.5, float(number))),
                          (op(number, s), op(float(number), 2.5))]:  # fmt: skip
        assert type(out) is ad.Scalar and type(out.data) is float
        assert out.data == expected


def test_comparisons_and_hash() -> None:
    a, b = ad.Scalar(1.0), ad.Scalar(2.0)
    assert a < b and a <= 1.0 and b > 1 and b >= a and a == 1.0 and a != b
    assert len({a, b, a}) == 2
    assert max(a, b) is b


def test_all_elementwise_functions_are_methods_too() -> None:
    s = ad.Scalar(0.5)
    assert s.tanh().data == math.tanh(0.5)
    assert type(np.exp(s)) is ad.Scalar and np.exp(s).data == math.exp(0.5)
    assert type(ad.exp(s)) is ad.Scalar
    assert type(np.maximum(s, 0.7)) is ad.Scalar


@pytest.mark.parametrize(
    "f",
    [
        lambda x, zero: x / zero, lambda x, zero: -x / zero, lambda x, zero: zero / zero,
        lambda x, zero: zero**-1.0, lambda x, zero: 1 / zero, lambda x, zero: np.log(zero),
        lambda x, zero: np.log10(zero), lambda x, zero: np.log1p(zero - 1),
        lambda x, zero: np.sqrt(-x), lambda x, zero: np.log(-x), lambda x, zero: (-x) ** 0.5,
        lambda x, zero: np.exp(1000 * x), lambda x, zero: np.sinh(1000 * x),
        lambda x, zero: (1e200 * x) ** 2.0, lambda x, zero: np.arcsin(2 * x),
        lambda x, zero: np.arctanh(x), lambda x, zero: np.arccosh(zero),
        lambda x, zero: np.sqrt(zero), lambda x, zero: np.reciprocal(zero),
        lambda x, zero: x % zero, lambda x, zero: x * 1e308 * 10,
        lambda x, zero: np.arctan2(zero, zero), lambda x, zero: np.hypot(zero, zero),
        lambda x, zero: np.sin(x / zero),
    ],
)  # fmt: skip
def test_outside_the_domain_as_numpy(f: Any) -> None:
    scalars, tensors = make(ad.Scalar), make(lambda v: ad.Tensor(v, requires_grad=True))
    with np.errstate(all="ignore"):
        expected = f(*tensors)
        actual = f(*scalars)
    np.testing.assert_equal(actual.data, float(expected.data))
    actual.backward()
    expected.backward()
    for s, t in zip(scalars, tensors):
        np.testing.assert_equal(s.grad, None if t.grad is None else float(t.grad))


def make(kind: Any) -> tuple[Any, Any]:
    return kind(1.0), kind(0.0)


def test_integers_become_floats() -> None:
    s = ad.Scalar(3) ** 2 // 2
    assert s.data == 4.0 and type(s.data) is float
    x = ad.Scalar(7)
    (x**3).backward()
    assert x.grad == 147.0


def test_mixing_with_tensors() -> None:
    s, t = ad.Scalar(2.0), ad.Tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = s * t + t / s - (s - t) ** 2
    assert type(y) is ad.Tensor
    ad.sum(y).backward()
    x = t.data
    assert type(s.grad) is float
    assert s.grad == pytest.approx(np.sum(x - x / 4 - 2 * (2 - x)), rel=1e-14)
    np.testing.assert_allclose(t.grad, 2 + 0.5 + 2 * (2 - x), rtol=1e-14)


def test_mixing_with_arrays_on_either_side() -> None:
    s, a = ad.Scalar(2.0), np.array([1.0, 2.0])
    for y, slope in [(s * a, 3.0), (a * s, 3.0), (a - s, -2.0), (s + a, 2.0)]:
        assert type(y) is ad.Tensor
        s.zero_grad()
        ad.sum(y).backward()
        assert s.grad == slope


def test_scalars_take_part_in_every_op() -> None:
    s, t = ad.Scalar(2.0), ad.Scalar(3.0)
    y = ad.sum(ad.stack([s, t, s * t]) * np.array([1.0, 10.0, 100.0]))
    y.backward()
    assert (s.grad, t.grad) == (301.0, 210.0)


def test_mixed_second_order() -> None:
    def f(s: Any, t: Any) -> Any:
        return ad.sum(s * s * t * t * t)

    s, t = ad.Scalar(2.0), np.array([1.0, 2.0])
    gs = ad.grad(lambda s: ad.grad(f)(s, t))(s)
    assert float(gs) == pytest.approx(2 * np.sum(t**3))
    cross = ad.grad(lambda t: ad.grad(f)(s, t))(t)
    np.testing.assert_allclose(cross, 4.0 * 3 * t**2)


def test_a_zero_is_a_value_like_any_other() -> None:
    # A Scalar of 0.0 counts as False; no walk over a graph may take it for a missing one.
    for x in (0.0, ad.Scalar(0.0)):
        assert ad.grad(lambda x: 3.0 * x + x * x)(x) == 3.0
        assert ad.grad(ad.grad(lambda x: np.exp(-(x * x))))(x) == -2.0
        assert ad.jvp(lambda x: np.sin(x), (x,), (2.0,))[1] == 2.0
        assert ad.vjp(lambda x, y: x * y, x, ad.Scalar(2.0))[1](1.0) == (2.0, 0.0)


def test_second_order_of_an_op_on_a_tensor_and_a_scalar() -> None:
    for op in (np.hypot, np.arctan2, np.logaddexp, lambda s, t: t / (s * s + t)):
        both = lambda s, t, op=op: ad.sum(op(s, t) + op(t, s))  # noqa: E731
        t = np.array([1.0, 2.0])
        for f in (lambda s, t=t, b=both: b(s, t), lambda s, b=both: b(s, ad.Tensor(1.5))):
            found = ad.grad(ad.grad(f))(ad.Scalar(0.5))
            expected = ad.grad(ad.grad(f))(np.array(0.5))
            assert float(found) == pytest.approx(float(expected), rel=1e-12)


def test_float32_tensors_stay_float32_beside_scalars() -> None:
    s, t = ad.Scalar(2.0), ad.Tensor([1.0, 2.0], requires_grad=True, dtype=np.float32)
    y = s * t
    assert y.dtype == np.float32
    ad.sum(y).backward()
    assert t.grad.dtype == np.float32 and s.grad == 3.0


def test_a_tensor_of_scalars_second_order_float32() -> None:
    t = np.array([1.0, 2.0], np.float32)
    found = ad.grad(lambda t: ad.sum(ad.grad(lambda u: ad.sum(ad.Scalar(2.0) * u**3))(t)))(t)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, 12 * t)


def test_a_leaf_takes_a_new_value_and_graphs_keep_the_old() -> None:
    x = ad.Scalar(2.0)
    y = x * x
    x.data = 5.0
    y.backward()
    assert x.grad == 4.0
    with pytest.raises(GraphError, match="set data of a leaf"):
        y.data = 1.0
    with pytest.raises(GraphError, match="changed after multiply recorded"):
        y.backward(create_graph=True)


def test_detach() -> None:
    x = ad.Scalar(3.0)
    (x * x.detach()).backward()
    assert x.grad == 3.0
    with pytest.raises(GraphError, match="depends on nothing"):
        (x.detach() * 2.0).backward()


def test_no_grad() -> None:
    x = ad.Scalar(3.0)
    with ad.no_grad():
        y, z = x * x, x.tanh()
    assert not y.requires_grad and not z.requires_grad
    assert (y.parents, y.saved) == ((), ())


def test_zero_error_signals_stay_zero() -> None:
    x = ad.Scalar(0.0)
    (np.log(x) * 0.0 + x).backward()
    assert x.grad == 1.0


def test_sum_of_a_list() -> None:
    xs = [ad.Scalar(float(i)) for i in range(5)]
    sum(x * x for x in xs).backward()
    assert [x.grad for x in xs] == [0.0, 2.0, 4.0, 6.0, 8.0]


def test_matrices_of_scalars_are_tensors() -> None:
    with pytest.raises(GraphError, match="stack"):
        ad.Tensor([ad.Scalar(1.0), ad.Scalar(2.0)])


@pytest.mark.parametrize(
    "convert",
    [float, int, math.exp, lambda s: np.array([s, s], dtype=float), lambda s: np.mean([s, s])],
)
def test_a_tracked_scalar_is_not_made_a_number_in_passing(convert: Any) -> None:
    with pytest.raises(GraphError, match=r"lose its gradient.*\.item\(\)"):
        convert(ad.Scalar(1.0))


@pytest.mark.parametrize(
    "name", ["sum", "mean", "max", "min", "prod", "cumprod", "logsumexp", "std", "var"]
)
def test_reductions_of_a_scalar(name: str) -> None:
    s = ad.Scalar(2.0)
    out = getattr(ad, name)(s)
    ad.sum(out).backward()
    flat = name in ("std", "var")
    assert out.item() == (0.0 if flat else 2.0) and s.grad == (0.0 if flat else 1.0)
