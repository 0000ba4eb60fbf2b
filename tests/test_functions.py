"""numpy's functions on tensors: what they reach, what they refuse, and how errors read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.errors import DTypeError, GraphError, ShapeError

X = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


def tracked(data: Any = X, **settings: Any) -> ad.Tensor:
    return ad.Tensor(data, requires_grad=True, **settings)


def test_ufuncs_and_their_methods() -> None:
    x, other = tracked(), np.array([1.0, 2.0])
    for actual, expected in [
        (np.tanh(x), np.tanh(X)),
        (np.add(X, x), X + X),
        (np.add.reduce(x), np.add.reduce(X)),
        (np.add.reduce(x, axis=1, keepdims=True), np.add.reduce(X, axis=1, keepdims=True)),
        (np.add.reduce(x, axis=None), np.add.reduce(X, axis=None)),
        (np.multiply.reduce(x, axis=-1), np.multiply.reduce(X, axis=-1)),
        (np.maximum.reduce(x), np.maximum.reduce(X)),
        (np.minimum.reduce(x, axis=1), np.minimum.reduce(X, axis=1)),
        (np.add.accumulate(x), np.add.accumulate(X)),
        (np.multiply.accumulate(x, axis=1), np.multiply.accumulate(X, axis=1)),
        (np.multiply.outer(x, other), np.multiply.outer(X, other)),
        (np.subtract.outer(other, x), np.subtract.outer(other, X)),
    ]:
        assert type(actual) is ad.Tensor and actual.requires_grad
        np.testing.assert_array_equal(actual.data, expected)


def test_outer_differentiates_by_both() -> None:
    x, y = tracked(), tracked([1.0, 2.0])
    np.sum(np.multiply.outer(x, y) * np.ones((2, 3, 2))).backward()
    np.testing.assert_array_equal(x.grad, np.full((2, 3), 3.0))
    np.testing.assert_array_equal(y.grad, np.full(2, X.sum()))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: np.add(x, 1, out=np.zeros((2, 3))), r"add\(\): out="),
        (lambda x: np.add(x, 1, where=X > 2), r"add\(\): where="),
        (lambda x: np.add(x, 1, dtype=np.float32), r"add\(\): dtype="),
        (lambda x: np.sum(x, out=np.zeros(())), r"sum\(\): out="),
        (lambda x: np.sum(x, where=X > 2), r"sum\(\): where="),
        (lambda x: np.sum(x, initial=1.0), r"sum\(\): initial="),
        (lambda x: np.fft.fft(x), r"numpy\.fft\.fft has no derivative here.*custom_op"),
        (lambda x: np.frexp(x), r"np\.frexp has no derivative here.*\.data"),
        (lambda x: np.add.at(x, [0], 1.0), r"np\.add\.at"),
        (lambda x: np.subtract.reduce(x), r"np\.subtract\.reduce"),
        (lambda x: np.add(x, np.array([1j])), "real arrays"),
        (lambda x: ad.add(x, object()), r"add\(\) takes real arrays"),
        (lambda x: ad.add(object(), x), "real arrays"),
    ],
)
def test_numpy_calls_without_a_derivative_are_refused(call: Any, message: str) -> None:
    with pytest.raises(DTypeError, match=message):
        call(tracked())


def test_arguments_of_no_effect_are_accepted() -> None:
    x = tracked()
    np.testing.assert_array_equal(np.sum(x, axis=0, out=None, dtype=None).data, X.sum(0))
    np.testing.assert_array_equal(np.add(x, x, out=None).data, 2 * X)


def test_functions_without_derivative_give_plain_arrays() -> None:
    x = tracked()
    for actual, expected in [
        (np.argmax(x, axis=1), np.argmax(X, axis=1)), (x.argmax(), X.argmax()),
        (np.argsort(x), np.argsort(X)), (np.isnan(x), np.isnan(X)), (np.shape(x), X.shape),
        (np.zeros_like(x), np.zeros_like(X)), (np.nonzero(x), np.nonzero(X)),
        (np.logical_and(x, X > 2), X > 2), (np.all(x > 0), True), (np.ndim(x), 2),
        (np.allclose(x, X), True), (np.size(x, 1), 3),
    ]:  # fmt: skip
        assert not isinstance(actual, ad.Tensor)
        np.testing.assert_array_equal(actual, expected)


def test_asarray_of_a_tracked_tensor_is_an_error() -> None:
    x = tracked()
    for convert in (np.asarray, np.array, lambda t: np.array([t, t]), lambda t: np.asarray(t * 2)):
        with pytest.raises(GraphError, match=r"lose its gradient.*\.detach\(\)"):
            convert(x)
    np.testing.assert_array_equal(np.asarray(x.detach()), X)
    np.testing.assert_array_equal(np.asarray(ad.Tensor(X), dtype=np.float32), X)


def test_assigning_a_tracked_tensor_into_an_array_is_an_error() -> None:
    with pytest.raises((GraphError, ValueError), match=r"gradient|sequence"):
        np.zeros((2, 3))[0] = tracked()[0]


def test_errors_name_op_shapes_and_dtypes() -> None:
    x = tracked()
    for call, message in [
        (lambda: x + np.ones(2), r"add\(float64\(2, 3\), float64\(2,\)\)"),
        (lambda: np.ones(2) * x, r"multiply\(float64\(2,\), float64\(2, 3\)\)"),
        (lambda: x @ np.ones((2, 2), np.float32), r"matmul\(float64\(2, 3\), float32\(2, 2\)\)"),
        (lambda: ad.reshape(x, (4, 2)), r"reshape\(float64\(2, 3\)"),
        (lambda: ad.concatenate([x, np.ones(3)]), r"concatenate\(float64\(2, 3\), float64\(3,\)"),
    ]:
        with pytest.raises(ShapeError, match=message):
            call()
    with pytest.raises(IndexError, match=r"getitem\(float64\(2, 3\).*7"):
        x[7]
    for call in (lambda: ad.concatenate([x], axes=1), lambda: ad.sum(x, axes=1)):
        with pytest.raises(TypeError, match=r"(concatenate|sum)\(\).*axes"):
            call()


@pytest.mark.parametrize(
    "call",
    [
        lambda t: np.bincount([0, 1, 1], weights=t),
        lambda t: np.histogram([0, 1, 1], weights=t),
        lambda t: np.unique(t),
        lambda t: np.pad(t, 1, constant_values=t[0]),
        lambda t: ad.tile(t, t[0]),
        lambda t: ad.ldexp(t, t),
        lambda t: ad.layer_norm(t, eps=t[0]),
    ],
)
def test_what_has_no_derivative_is_refused_wherever_the_tensor_stands(call: Any) -> None:
    with pytest.raises(DTypeError, match="has no derivative"):
        call(tracked(X[0]))


def test_ops_on_plain_numbers() -> None:
    assert ad.add(2.0, 3.0).item() == 5.0
    assert ad.negative(2.0).shape == ()
    assert ad.dropout(1.0, 0.0, rng=0).item() == 1.0


def test_a_missing_argument_is_named() -> None:
    with pytest.raises(TypeError, match=r"reshape\(\).*'shape'"):
        ad.reshape(np.ones(2))


def test_masked_arrays_do_not_lose_a_gradient() -> None:
    with pytest.raises(GraphError, match="lose its gradient"):
        np.ma.array(X) * tracked()


@pytest.mark.parametrize(
    "call",
    [
        lambda: ad.softmax(None), lambda: ad.exp(None), lambda: ad.arctan2(X, None),
        lambda: ad.cross_entropy(2.5, []), lambda: ad.linalg.eigh(X, X), lambda: ad.astype(None, X),
        lambda: ad.linalg.inv(None), lambda: ad.partition(None, 1), lambda: ad.sum(object()),
        lambda: ad.concatenate(None), lambda: ad.embedding(None, None),
    ],
)  # fmt: skip
def test_what_is_no_array_is_named(call: Any) -> None:
    with pytest.raises((DTypeError, ShapeError, TypeError), match=r"\w+\("):
        call()
