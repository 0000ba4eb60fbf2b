"""Axes, indices, subscripts of einsum and cotangents: each fits, each kind of them occurs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autodiff as ad
from autodiff.testing import axes_of, cotangents_for, einsum_specs, grad_arrays, indices_of
from tests.testing.search import Condition, minimal, occurs

# ---- axes and indices


@given(x=grad_arrays(), data=st.data(), none=st.booleans(), several=st.booleans())
def test_axes(x: np.ndarray, data: st.DataObject, none: bool, several: bool) -> None:
    axis = data.draw(axes_of(x, none=none, several=several))
    np.sum(x, axis=axis)
    assert none or axis is not None or not x.ndim
    assert several or not isinstance(axis, tuple)


@pytest.mark.parametrize("condition", [
    lambda a: a is None, lambda a: a == 1, lambda a: a == -2,
    lambda a: isinstance(a, tuple) and len(a) == 2,
])  # fmt: skip
def test_each_kind_of_axis_occurs(condition: Condition) -> None:
    occurs(axes_of((2, 3)), condition)


def test_axes_shrink_to_none_and_zero() -> None:
    assert minimal(axes_of((2, 3))) is None
    assert minimal(axes_of((2, 3), none=False)) == 0


@given(x=grad_arrays(), data=st.data())
def test_indices(x: np.ndarray, data: st.DataObject) -> None:
    index = data.draw(indices_of(x))
    assert np.array_equal(ad.Tensor(x)[index].data, x[index])


@pytest.mark.parametrize("shape", [(), (2, 0), (1, 1), (4,), (3, 3), (2, 3, 2)])
@settings(max_examples=50)
@given(data=st.data())
def test_no_entry_is_chosen_twice(shape: tuple[int, ...], data: st.DataObject) -> None:
    index = data.draw(indices_of(shape, duplicates=False))
    chosen = np.arange(np.prod(shape, dtype=int)).reshape(shape)[index]
    assert len(np.unique(chosen)) == np.size(chosen)


def parts(index: Any) -> list[Any]:
    return list(index) if isinstance(index, tuple) else [index]


def is_mask(part: Any) -> bool:
    return isinstance(part, np.ndarray) and part.dtype == bool


INDICES: dict[str, Condition] = {
    "int": lambda i: isinstance(i, int),
    "negative int": lambda i: isinstance(i, int) and i < 0,
    "slice": lambda i: any(isinstance(p, slice) for p in parts(i)),
    "step": lambda i: any(isinstance(p, slice) and p.step not in (None, 1) for p in parts(i)),
    "ellipsis": lambda i: any(p is ... for p in parts(i)),
    "new axis": lambda i: any(p is None for p in parts(i)),
    "list": lambda i: any(isinstance(p, list) for p in parts(i)),
    "two lists": lambda i: sum(isinstance(p, list) for p in parts(i)) == 2,
    "row and column": lambda i: {np.ndim(p) for p in parts(i) if isinstance(p, list)} == {1, 2},
    "list and int around a slice": lambda i: (
        [type(p) for p in parts(i)] == [list, slice, int] and i[1] == slice(None)
    ),
    "mask": is_mask,
    "mask of an axis": lambda i: isinstance(i, tuple) and is_mask(i[-1]),
}


@pytest.mark.parametrize("kind", INDICES)
def test_each_kind_of_index_occurs(kind: str) -> None:
    occurs(indices_of((3, 2, 3)), INDICES[kind])
    occurs(indices_of((3, 2, 3), duplicates=False), INDICES[kind])


def test_duplicates_occur_and_an_index_shrinks_to_zero() -> None:
    x = np.arange(6).reshape(2, 3)
    occurs(indices_of(x), lambda i: len(np.unique(x[i])) < np.size(x[i]))
    assert minimal(indices_of(x)) == 0


def test_the_number_of_an_array_stands_for_what_is_drawn() -> None:
    x, y = np.zeros(2), np.zeros((2, 3))
    assert occurs(axes_of(1)(x, y), lambda a: a == 1) == 1
    assert occurs(indices_of(0)(x, y), lambda i: np.array_equal(x[i], x)) is not None


# ---- einsum and cotangents


@given(st.integers(1, 3).flatmap(einsum_specs))
def test_einsum_takes_the_subscripts(spec: tuple[Any, ...]) -> None:
    subscripts, *shapes = spec
    out = np.einsum(subscripts, *map(np.ones, shapes))
    assert out.ndim == len(subscripts.partition("->")[2])
    assert all(1 <= side <= 3 for shape in shapes for side in shape)


def terms(spec: tuple[Any, ...]) -> list[str]:
    """The letters of both operands and of the result."""
    return str(spec[0]).replace("->", ",").split(",")


PRODUCTS: dict[str, Callable[[str, str, str], Any]] = {
    "of matrices": lambda x, y, out: x[1:] == y[:1] and out == x[:1] + y[1:] and len(out) == 2,
    "inner": lambda x, y, out: len({*x} & {*y}) > 1 and not out,
    "outer": lambda x, y, out: not {*x} & {*y} and {*out} == {*x, *y} and x and y,
    "transposed": lambda x, y, out: len(x) == 2 and out == x[::-1],
    "summed alone": lambda x, y, out: {*x} - {*y} - {*out},
}


@pytest.mark.parametrize("kind", PRODUCTS)
def test_each_kind_of_product_occurs(kind: str) -> None:
    occurs(einsum_specs(2), lambda spec: PRODUCTS[kind](*terms(spec)))


def test_the_simplest_einsum() -> None:
    assert minimal(einsum_specs(2)) == (",->", (), ())


@given(grad_arrays(min_side=0, dtype=np.float32).flatmap(
    lambda x: st.tuples(st.just(x), cotangents_for(x))
))  # fmt: skip
def test_cotangents(pair: tuple[np.ndarray, np.ndarray]) -> None:
    out, v = pair
    assert (v.shape, v.dtype) == (out.shape, out.dtype)
    assert np.all((v == 0) | ((np.abs(v) >= 0.5) & (np.abs(v) <= 1.5)))
    assert np.any(v != 0) or not v.size


def test_cotangents_of_both_signs_occur_and_shrink_to_one() -> None:
    occurs(cotangents_for((3,)), lambda v: len({*np.abs(v)}) == 3 and np.ptp(np.sign(v)) == 2)
    assert np.array_equal(minimal(cotangents_for((2, 2))), [[1.0, 0.0], [0.0, 0.0]])
    one, other = minimal(cotangents_for([np.zeros(2), np.float64(3.0)]))
    assert np.array_equal(one, [1.0, 0.0])
    assert np.array_equal(other, 1.0)
