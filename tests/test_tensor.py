"""`Tensor`: how it is made, read, printed, and reached through numpy; and what it refuses."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.errors import DTypeError, GraphError, ShapeError

X = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


def tracked(data: Any = X, **settings: Any) -> ad.Tensor:
    return ad.Tensor(data, requires_grad=True, **settings)


# Making and reading


def test_constructor_copies() -> None:
    source = X.copy()
    t = ad.Tensor(source)
    source[:] = 0
    np.testing.assert_array_equal(t.data, X)


@pytest.mark.parametrize(
    ("data", "dtype", "expected"),
    [
        (1, None, int), (1.0, None, float), (True, None, bool), ([1, 2.5], None, float),
        ([[1], [2]], np.float32, np.float32), (np.float16(2), None, np.float16),
        (ad.Tensor([1, 2]), float, float), (ad.Scalar(2.0), None, float), ([], None, float),
    ],
)  # fmt: skip
def test_dtype(data: Any, dtype: Any, expected: type) -> None:
    assert ad.Tensor(data, dtype=dtype).dtype == expected


def test_attributes() -> None:
    t = tracked(name="x")
    assert (t.shape, t.ndim, t.size, len(t), t.name) == ((2, 3), 2, 6, 2, "x")
    assert t.requires_grad and t.grad is None
    assert not ad.Tensor(X).requires_grad
    assert (t * 2).requires_grad and not (ad.Tensor(X) * 2).requires_grad
    assert t.T.shape == (3, 2)


def test_a_name_can_be_given_later() -> None:
    plain, inner = ad.Tensor(X), tracked() * 2
    plain.name, inner.name = "data", "double"
    assert (plain.name, inner.name) == ("data", "double")
    assert not plain.requires_grad and not (plain * 2).requires_grad
    ad.sum(plain * inner).backward()
    assert plain.grad is None


def test_data_is_read_only() -> None:
    t = tracked()
    for value in (t, t * 2, t[0], ad.Tensor(1.0)):
        with pytest.raises(ValueError, match="read-only"):
            value.data[...] = 0


def test_data_can_be_replaced_in_a_leaf() -> None:
    t = tracked()
    y = ad.sum(t * t)
    t.data = 10 * X
    np.testing.assert_array_equal(t.data, 10 * X)
    y.backward()
    np.testing.assert_array_equal(t.grad, 2 * X)  # the graph keeps what it was made with
    with pytest.raises(ShapeError, match=r"\(3,\).*\(2, 3\)"):
        t.data = np.ones(3)
    with pytest.raises(GraphError, match="result of multiply"):
        (t * t).data = X


def test_replaced_data_keeps_the_dtype_and_is_a_copy() -> None:
    t = tracked(dtype=np.float32)
    new = np.zeros((2, 3))
    t.data = new
    new[:] = 7
    assert t.dtype == np.float32
    assert not t.data.any()


def test_writable_is_never_an_array_that_a_graph_holds() -> None:
    t = tracked()
    y = ad.sum(t * t)
    t._writable()[:] = 0
    y.backward()
    np.testing.assert_array_equal(t.grad, 2 * X)
    array = t._writable()
    address = array.ctypes.data
    del array
    assert t._writable().ctypes.data == address  # alone, it is not copied again
    with pytest.raises(GraphError, match="leaf"):
        (t * 1)._writable()


def test_numpy_gives_an_own_copy() -> None:
    t = tracked()
    array = t.numpy()
    array[:] = 0
    np.testing.assert_array_equal(t.data, X)


def test_item_and_conversions() -> None:
    t = ad.Tensor([[2.5]])
    assert t.item() == float(t) == 2.5 and int(t) == 2 and bool(t)
    assert type(t.item()) is float
    with pytest.raises(ShapeError, match=r"\(2, 3\)"):
        tracked().item()
    with pytest.raises(ValueError, match="ambiguous"):
        bool(tracked())


def test_detach_cuts_off_the_graph() -> None:
    x = tracked()
    ad.sum(x * x.detach()).backward()
    np.testing.assert_array_equal(x.grad, X)
    assert not x.detach().requires_grad


def test_iteration_is_over_the_first_axis() -> None:
    x = tracked()
    first, second = x
    ad.sum(first * second).backward()
    np.testing.assert_array_equal(x.grad, X[::-1])
    with pytest.raises(TypeError, match="0-d"):
        iter(ad.Tensor(1.0))
    with pytest.raises(TypeError, match="0-d"):
        len(ad.Tensor(1.0))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (lambda: tracked([1.0, 2.0]), "Tensor([1., 2.], requires_grad=True)"),
        (lambda: tracked([1.0, 2.0]) * 2, "Tensor([2., 4.], op=multiply)"),
        (lambda: ad.Tensor(1.5, name="w"), "Tensor(1.5, name='w')"),
        (lambda: ad.Tensor([1, 2]), "Tensor([1, 2], dtype=int64)"),
        (lambda: ad.Tensor(X), "Tensor([[1., 2., 3.],\n        [4., 5., 6.]])"),
        (lambda: np.tanh(tracked([0.0], dtype="f4")), "Tensor([0.], dtype=float32, op=tanh)"),
    ],
)
def test_repr(value: Any, text: str) -> None:
    assert repr(value()) == text


def test_repr_of_a_large_tensor_is_short() -> None:
    assert len(repr(ad.Tensor(np.zeros((100, 100))))) < 500


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        ([1j], DTypeError, "complex128"),
        ("abc", DTypeError, "real numbers"),
        (None, DTypeError, "object"),
        ([[1.0], [1.0, 2.0]], ValueError, "different lengths"),
        ([tracked(), tracked()], GraphError, r"ad.stack"),
        ([[1.0, ad.Scalar(2.0)]], GraphError, r"ad.stack"),
    ],
)
def test_constructor_refuses(data: Any, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        ad.Tensor(data)


@pytest.mark.parametrize("data", [1, [1, 2], [True], np.arange(3)])
def test_only_floating_leaves_require_gradients(data: Any) -> None:
    with pytest.raises(DTypeError, match=r"only floating values.*write 1\.0"):
        tracked(data)


def test_no_gradient_leads_through_an_integer() -> None:
    x = tracked()
    assert not x.astype(int).requires_grad
    assert (x.astype(np.float32) * 2).requires_grad


# Operators


BINARY = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow, operator.mod,
          operator.floordiv]  # fmt: skip
OTHERS = [
    2,
    2.0,
    np.float64(2.0),
    np.float32(2.0),
    np.int64(2),
    X[0],
    X.astype(int),
    [1.0, 2.0, 3.0],
]


@pytest.mark.parametrize("other", OTHERS, ids=lambda o: type(o).__name__)
@pytest.mark.parametrize("op", BINARY)
def test_operators_with_numbers_and_arrays_on_either_side(op: Any, other: Any) -> None:
    for tensor in (tracked(), ad.Tensor(X)):
        for actual, expected in [
            (op(tensor, other), op(X, other)),
            (op(other, tensor), op(other, X)),
        ]:
            assert type(actual) is ad.Tensor
            assert actual.requires_grad == tensor.requires_grad
            np.testing.assert_array_equal(actual.data, expected)
            assert actual.dtype == expected.dtype


@pytest.mark.parametrize("op", [*BINARY[:4], operator.pow])
def test_reflected_operators_differentiate(op: Any) -> None:
    value = np.array([0.5, 1.5, 2.5])
    left, right = tracked(X[0]), tracked(X[0])
    ad.sum(op(left, value)).backward()
    ad.sum(op(value, right)).backward()
    both = tracked(X[0]), tracked(value)
    ad.sum(op(*both)).backward()
    np.testing.assert_array_equal(left.grad, both[0].grad)
    both = tracked(value), tracked(X[0])
    ad.sum(op(*both)).backward()
    np.testing.assert_array_equal(right.grad, both[1].grad)


def test_matmul_with_arrays_on_either_side() -> None:
    x, other = tracked(), np.ones((3, 2))
    np.testing.assert_array_equal((x @ other).data, X @ other)
    np.testing.assert_array_equal((other @ x).data, other @ X)


def test_unary_operators() -> None:
    x = tracked([-1.0, 2.0])
    for op in (operator.neg, operator.pos, operator.abs):
        np.testing.assert_array_equal(op(x).data, op(x.data))


def test_in_place_operators_rebind_and_differentiate() -> None:
    x, u = tracked(), tracked(2 * X)
    t = x
    t += u
    t *= u
    t -= 1.0
    t /= 2.0
    assert t is not x
    np.testing.assert_array_equal(x.data, X)
    ad.sum(t).backward()
    np.testing.assert_allclose(x.grad, u.data / 2)
    np.testing.assert_allclose(u.grad, (x.data + 2 * u.data) / 2)


def test_an_array_cannot_take_a_tensor_in_place() -> None:
    a = np.ones((2, 3))
    with pytest.raises(DTypeError, match="out="):
        a += tracked()


def test_setitem_says_what_to_do() -> None:
    with pytest.raises(TypeError, match=r"t = t\.at\[0\]\.set\(value\)"):
        tracked()[0] = 1.0


@pytest.mark.parametrize("name", ["less", "less_equal", "greater", "greater_equal", "equal",
                                  "not_equal"])  # fmt: skip
@pytest.mark.parametrize("other", [2.0, X[::-1], ad.Tensor(X[::-1]), ad.Scalar(2.0)], ids=type)
def test_comparisons_give_plain_arrays(name: str, other: Any) -> None:
    ufunc, op = getattr(np, name), getattr(operator, OPERATORS[name])
    expected = ufunc(X, other.data if isinstance(other, (ad.Tensor, ad.Scalar)) else other)
    for actual in (op(tracked(), other), ufunc(tracked(), other)):
        assert type(actual) is np.ndarray and actual.dtype == bool
        np.testing.assert_array_equal(actual, expected)


OPERATORS = {"less": "lt", "less_equal": "le", "greater": "gt", "greater_equal": "ge",
             "equal": "eq", "not_equal": "ne"}  # fmt: skip


def test_tensors_are_hashed_by_identity() -> None:
    x, y = tracked(), tracked()
    assert len({x, y, x}) == 2


@pytest.mark.parametrize("other", [None, "a", 1j, object()])
def test_operators_refuse_what_is_no_number(other: Any) -> None:
    for op in (operator.add, operator.mul):
        with pytest.raises(TypeError):
            op(tracked(), other)
        with pytest.raises(TypeError):
            op(other, tracked())


def test_numbers_are_formatted_as_floats_are() -> None:
    x = ad.Tensor([1.0, 2.0], requires_grad=True)
    assert f"{x.sum():.2f} {ad.Scalar(0.5):6.3f}" == "3.00  0.500"
    assert f"{x}" == repr(x)
    with pytest.raises(ad.errors.ShapeError):
        format(x, ".2f")


def test_a_plain_array_made_of_a_tensor_is_a_copy() -> None:
    t = ad.Tensor(X)
    np.array(t).fill(0)
    np.testing.assert_array_equal(t.data, X)
