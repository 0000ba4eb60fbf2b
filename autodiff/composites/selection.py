"""Entries chosen by indices and conditions, and values with some entries replaced."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from autodiff.composites.rearrange import ravel
from autodiff.errors import ShapeError, describe, explained
from autodiff.functions import FUNCTIONS, ArrayLike, as_tensor, composite
from autodiff.op import array
from autodiff.ops.shape import along
from autodiff.tensor import Tensor

__all__ = ["At", "Place", "compress", "extract", "select", "take_along_axis"]

_SCATTER, _WHERE = FUNCTIONS["scatter_add"], FUNCTIONS["where"]


@composite("take_along_axis", np.take_along_axis)
def take_along_axis(arr: ArrayLike, indices: ArrayLike, axis: int | None = -1) -> Any:
    """Entries at `indices` along `axis`, a set of its own for each place in the other axes.

    Examples
    --------
    >>> import autodiff as ad
    >>> ad.take_along_axis([[1.0, 2.0], [3.0, 4.0]], [[1], [0]], axis=1).data.ravel()
    array([2., 3.])
    """
    indices = array(indices)
    if axis is None:
        return ravel(arr)[indices]
    x = as_tensor(arr)
    axis = normalize_axis_index(axis, x.ndim)
    if indices.ndim != x.ndim:
        raise ShapeError(f"take_along_axis: indices of {describe(indices)} for {describe(x)}")
    grid = list(np.ogrid[tuple(slice(n) for n in x.shape)])
    grid[axis] = indices
    return x[tuple(grid)]


@composite("compress", np.compress)
def compress(condition: ArrayLike, a: ArrayLike, axis: int | None = None) -> Any:
    """Entries along `axis` where the condition, a vector, holds."""
    x = ravel(a) if axis is None else as_tensor(a)
    return x[along(normalize_axis_index(axis or 0, x.ndim), np.flatnonzero(condition))]


@composite("extract", np.extract)
def extract(condition: ArrayLike, arr: ArrayLike) -> Any:
    """Entries where the condition, an array of the same size, holds."""
    return ravel(arr)[np.flatnonzero(condition)]


@composite("select", np.select)
def select(condlist: Sequence[ArrayLike], choicelist: Sequence[ArrayLike], default: Any = 0) -> Any:
    """From the first condition of the list that holds, its choice; else `default`."""
    if len(condlist) != len(choicelist):
        raise ShapeError(f"select: {len(condlist)} conditions for {len(choicelist)} choices")
    out = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        out = _WHERE(condition, choice, out)
    return out


class At:
    """The entries of a tensor at an index, ``t.at[index]``, to make a changed tensor of."""

    __slots__ = ("_tensor",)

    def __init__(self, tensor: Tensor) -> None:
        self._tensor = tensor

    def __getitem__(self, index: Any) -> Place:
        return Place(self._tensor, index)


class Place:
    """Entries of a tensor; each method gives a new tensor, and differentiates by both arguments.

    Parameters
    ----------
    tensor : Tensor
    index
        Whatever numpy takes between brackets.

    Examples
    --------
    >>> import autodiff as ad
    >>> x = ad.Tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> x.at[1:].multiply(10.0)
    Tensor([ 1., 20., 30.], op=where)
    """

    __slots__ = ("_places", "_tensor")

    def __init__(self, tensor: Tensor, index: Any) -> None:
        self._tensor = tensor
        try:
            self._places = np.arange(tensor.size).reshape(tensor.shape)[index]
        except IndexError as error:
            raise explained(error, "at", (tensor,), {"index": index}) from error

    def set(self, values: ArrayLike) -> Tensor:
        """`values` there; at a place that is named twice the last one stays."""
        return _replaced(self._tensor, self._places.ravel(), self._flat(values))  # type: ignore[no-any-return]

    def add(self, values: ArrayLike) -> Tensor:
        """`values` added; at a place that is named twice both are."""
        flat, x = self._flat(values), self._tensor
        return x + np.reshape(_SCATTER(flat, self._places.ravel(), (x.size,)), x.shape)  # type: ignore[no-any-return]

    def multiply(self, values: ArrayLike) -> Tensor:
        """Multiplied by `values`; at a place that is named twice by both."""
        flat, places, x = self._flat(values), self._places.ravel(), self._tensor
        for turn in _turns(places) or [places]:
            x = _replaced(x, places[turn], ravel(x)[places[turn]] * flat[turn])
        return x

    def _flat(self, values: Any) -> Any:
        shape = np.shape(self._places)
        values = as_tensor(values)
        try:
            spread = np.broadcast_to(values, shape)
        except ShapeError as error:
            raise ShapeError(
                f"at[...] names entries of shape {shape}, and the values have {values.shape}"
            ) from error
        return FUNCTIONS["astype"](np.reshape(spread, (-1,)), self._tensor.dtype)


def _replaced(x: Any, places: Any, values: Any) -> Any:
    if not places.size:
        return x + np.reshape(_SCATTER(values, places, (x.size,)), x.shape)
    source = np.full(x.size, -1)
    source[places] = np.arange(places.size)
    return _WHERE(np.reshape(source >= 0, x.shape), np.reshape(values[source], x.shape), x)


def _turns(places: Any) -> list[Any]:
    """The numbers of the places in sets, in each of which no place is named twice."""
    order = np.argsort(places, kind="stable")
    first = np.searchsorted(places[order], places[order])
    turn = np.empty(places.size, int)
    turn[order] = np.arange(places.size) - first
    return [np.flatnonzero(turn == k) for k in range(turn.max(initial=-1) + 1)]


setattr(Tensor, "at", property(At, doc=At.__doc__))  # noqa: B010 - unknown to its class body
