"""Functions that only move, repeat and leave out entries, made of rows of the table."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from autodiff.errors import DTypeError, ShapeError
from autodiff.functions import FUNCTIONS, ArrayLike, as_tensor, composite, plain
from autodiff.op import array
from autodiff.ops.shape import along
from autodiff.tensor import Tensor

__all__ = [
    "append", "array_split", "atleast_1d", "atleast_2d", "atleast_3d", "broadcast_arrays",
    "column_stack", "copy", "delete", "diag", "diagflat", "diagonal", "dsplit", "dstack",
    "flatten", "fliplr", "flipud", "hsplit", "hstack", "insert", "meshgrid", "pad", "ravel",
    "repeat", "resize", "rollaxis", "split", "take", "unstack", "vsplit", "vstack",
]  # fmt: skip

_PAD = FUNCTIONS["pad"]
_SCATTER = FUNCTIONS["scatter_add"]


def _reshape_method(self: Any, *shape: Any) -> Any:
    """Same entries in another shape, given as a tuple or as several integers."""
    return np.reshape(self, shape[0] if len(shape) == 1 else shape)


def _transpose_method(self: Any, *axes: Any) -> Any:
    """Axes in another order, given as a tuple or as several integers; by default reversed."""
    return np.transpose(self, axes[0] if len(axes) == 1 else axes or None)


Tensor.reshape = _reshape_method  # type: ignore[method-assign]
Tensor.transpose = _transpose_method  # type: ignore[method-assign]


@composite("ravel", np.ravel, method=True)
def ravel(a: ArrayLike) -> Any:
    """All entries along one axis."""
    return np.reshape(as_tensor(a), (-1,))


@composite("flatten", method=True)
def flatten(a: ArrayLike) -> Any:
    """All entries along one axis.

    Parameters
    ----------
    a : array_like
    """
    return ravel(a)


@composite("copy", np.copy, method=True)
def copy(a: ArrayLike) -> Any:
    """The same entries."""
    return np.positive(as_tensor(a))


@composite("atleast_1d", np.atleast_1d)
def atleast_1d(*arys: ArrayLike) -> Tensor | Any:
    """With an axis, if there was none."""
    return _each(lambda x: x if x.ndim else x[None], arys)


@composite("atleast_2d", np.atleast_2d)
def atleast_2d(*arys: ArrayLike) -> Tensor | Any:
    """With two axes at least; a vector becomes a row."""
    return _each(lambda x: x if x.ndim > 1 else np.reshape(x, (1, -1)), arys)


@composite("atleast_3d", np.atleast_3d)
def atleast_3d(*arys: ArrayLike) -> Tensor | Any:
    """With three axes at least; those of a matrix come first, that of a vector in the middle."""
    return _each(lambda x: x if x.ndim > 2 else _first_two(x)[..., None], arys)


def _first_two(x: Any) -> Any:
    return x if x.ndim == 2 else np.reshape(x, (1, -1))


def _each(f: Any, arrays: Sequence[Any]) -> Any:
    found = tuple(f(as_tensor(x)) for x in arrays)
    return found[0] if len(found) == 1 else found


@composite("broadcast_arrays", np.broadcast_arrays)
def broadcast_arrays(*args: ArrayLike) -> tuple[Tensor, ...]:
    """All in the shape of their sum."""
    shape = np.broadcast_shapes(*map(np.shape, args))
    return tuple(np.broadcast_to(as_tensor(x), shape) for x in args)


@composite("meshgrid", np.meshgrid)
def meshgrid(*xi: ArrayLike, indexing: str = "xy") -> tuple[Tensor, ...]:
    """Vectors laid along an axis each, in the shape of the grid that they span."""
    if indexing not in ("xy", "ij"):
        raise ShapeError(f"meshgrid: indexing={indexing!r} is neither 'xy' nor 'ij'")
    swapped = indexing == "xy" and len(xi) > 1
    places = [1, 0, *range(2, len(xi))] if swapped else range(len(xi))
    shapes = [[-1 if p == k else 1 for k in range(len(xi))] for p in places]
    pairs = zip(xi, shapes, strict=True)
    return broadcast_arrays(*(np.reshape(as_tensor(x), shape) for x, shape in pairs))


@composite("append", np.append)
def append(arr: ArrayLike, values: ArrayLike, axis: int | None = None) -> Any:
    """`values` after the entries along `axis`; without one both are flattened."""
    return np.concatenate([as_tensor(arr), as_tensor(values)], axis=axis)


@composite("vstack", np.vstack)
def vstack(tup: Sequence[ArrayLike]) -> Any:
    """Joined along the first axis; vectors are rows."""
    return np.concatenate([atleast_2d(x) for x in tup], axis=0)


@composite("hstack", np.hstack)
def hstack(tup: Sequence[ArrayLike]) -> Any:
    """Joined along the second axis; vectors along their only one."""
    arrays = [atleast_1d(x) for x in tup]
    return np.concatenate(arrays, axis=0 if arrays and arrays[0].ndim == 1 else 1)


@composite("dstack", np.dstack)
def dstack(tup: Sequence[ArrayLike]) -> Any:
    """Joined along the third axis."""
    return np.concatenate([atleast_3d(x) for x in tup], axis=2)


@composite("column_stack", np.column_stack)
def column_stack(tup: Sequence[ArrayLike]) -> Any:
    """Joined along the second axis; vectors are columns."""
    arrays = [as_tensor(x) for x in tup]
    return np.concatenate([x if x.ndim > 1 else np.reshape(x, (-1, 1)) for x in arrays], axis=1)


@composite("array_split", np.array_split)
def array_split(ary: ArrayLike, indices_or_sections: Any, axis: int = 0) -> list[Tensor]:
    """Pieces along `axis`: so many, of lengths that differ by one at most, or cut at places."""
    x = as_tensor(ary)
    axis = normalize_axis_index(axis, x.ndim)
    edges = _edges(indices_or_sections, x.shape[axis])
    return [x[along(axis, slice(a, b))] for a, b in pairwise(edges)]


def _edges(places: Any, length: int) -> list[Any]:
    if np.ndim(places):
        return [0, *(int(p) for p in places), None]
    if places <= 0:
        raise ShapeError(f"array_split: {places} pieces; it takes at least 1")
    short, longer = divmod(length, int(places))
    return [0, *np.cumsum([short + (i < longer) for i in range(int(places))]).tolist()]


@composite("split", np.split)
def split(ary: ArrayLike, indices_or_sections: Any, axis: int = 0) -> list[Tensor]:
    """Pieces along `axis`: so many equal ones, or cut at places."""
    n = np.shape(ary)[axis]
    if not np.ndim(indices_or_sections) and n % indices_or_sections:
        raise ShapeError(
            f"split: an axis of {n} does not split into {indices_or_sections} equal pieces; "
            "array_split makes unequal ones"
        )
    return array_split(ary, indices_or_sections, axis)


@composite("hsplit", np.hsplit)
def hsplit(ary: ArrayLike, indices_or_sections: Any) -> list[Tensor]:
    """`split` along the second axis; of a vector along its only one."""
    return split(ary, indices_or_sections, axis=1 if np.ndim(ary) > 1 else 0)


@composite("vsplit", np.vsplit)
def vsplit(ary: ArrayLike, indices_or_sections: Any) -> list[Tensor]:
    """`split` along the first axis, of arrays with two at least."""
    _require_axes("vsplit", ary, 2)
    return split(ary, indices_or_sections, axis=0)


@composite("dsplit", np.dsplit)
def dsplit(ary: ArrayLike, indices_or_sections: Any) -> list[Tensor]:
    """`split` along the third axis."""
    _require_axes("dsplit", ary, 3)
    return split(ary, indices_or_sections, axis=2)


def _require_axes(name: str, x: Any, count: int) -> None:
    if np.ndim(x) < count:
        raise ShapeError(f"{name}() takes {count} axes or more, not shape {np.shape(x)}")


@composite("unstack", *([np.unstack] if hasattr(np, "unstack") else []))
def unstack(x: ArrayLike, /, *, axis: int = 0) -> tuple[Tensor, ...]:
    """The entries along `axis`, without it."""
    x = as_tensor(x)
    axis = normalize_axis_index(axis, x.ndim)
    return tuple(x[along(axis, i)] for i in range(x.shape[axis]))


@composite("take", np.take, method=True)
def take(a: ArrayLike, indices: ArrayLike, axis: int | None = None, mode: str = "raise") -> Any:
    """Entries at `indices` along `axis`; without one, of the flattened array.

    Beyond the end ``mode="wrap"`` starts again, ``"clip"`` takes the last, ``"raise"`` is an
    IndexError.
    """
    x = ravel(a) if axis is None else as_tensor(a)
    x = x if x.ndim else ravel(x)
    axis = normalize_axis_index(axis or 0, x.ndim)
    return x[along(axis, _within(array(indices), x.shape[axis], mode))]


def _within(indices: Any, length: int, mode: str) -> Any:
    indices = indices if indices.size else indices.astype(int)
    if mode == "raise":
        return indices
    return indices % length if mode == "wrap" else np.clip(indices, 0, length - 1)


@composite("repeat", np.repeat, method=True)
def repeat(a: ArrayLike, repeats: ArrayLike, axis: int | None = None) -> Any:
    """Each entry along `axis` so many times; without an axis, of the flattened array."""
    x, repeats = ravel(a) if axis is None or not np.ndim(a) else as_tensor(a), plain(repeats)
    axis = normalize_axis_index(axis or 0, x.ndim)
    return x[along(axis, np.repeat(np.arange(x.shape[axis]), repeats))]


@composite("resize", np.resize)
def resize(a: ArrayLike, new_shape: Any) -> Any:
    """Entries of the flattened array over and over, in a new shape."""
    x = ravel(a)
    places = np.resize(np.arange(x.size), plain(new_shape))
    if not x.size:  # there is nothing to repeat, and numpy gives zeros
        return np.reshape(_SCATTER(x, np.arange(0), (places.size,)), places.shape)
    return x[places]


@composite("delete", np.delete)
def delete(arr: ArrayLike, obj: Any, axis: int | None = None) -> Any:
    """Without the entries at `obj` along `axis`."""
    x, obj = ravel(arr) if axis is None else as_tensor(arr), plain(obj)
    axis = normalize_axis_index(axis or 0, x.ndim)
    return x[along(axis, np.delete(np.arange(x.shape[axis]), obj))]


@composite("insert", np.insert)
def insert(arr: ArrayLike, obj: Any, values: ArrayLike, axis: int | None = None) -> Any:
    """With `values` before the places `obj` along `axis`."""
    x, obj = ravel(arr) if axis is None else as_tensor(arr), plain(obj)
    axis = normalize_axis_index(axis or 0, x.ndim)
    n, new = x.shape[axis], FUNCTIONS["astype"](as_tensor(values), x.dtype)
    new = np.reshape(new, (1,) * (x.ndim - new.ndim) + new.shape)
    if np.ndim(obj) == 0 and not isinstance(obj, slice):
        new = np.moveaxis(new, 0, axis)  # the entries for one place come first, as in numpy
    places = np.arange(n)[obj] if isinstance(obj, slice) else np.asarray(obj)
    count = np.count_nonzero(places) if places.dtype == bool else places.size
    count = new.shape[axis] if count == 1 else count
    new = np.broadcast_to(new, (*x.shape[:axis], count, *x.shape[axis + 1 :]))
    # numpy's own insertion, of numbers from n on, says where each entry goes.
    order = np.insert(np.arange(n), obj, n + np.arange(count))
    return np.concatenate([x, new], axis=axis)[along(axis, order)]


@composite("diagonal", np.diagonal, method=True)
def diagonal(a: ArrayLike, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The entries with indices ``(i, i + offset)`` in two axes, along a new last axis."""
    x = as_tensor(a)
    _require_axes("diagonal", x, 2)
    if normalize_axis_index(axis1, x.ndim) == normalize_axis_index(axis2, x.ndim):
        raise ShapeError(f"diagonal() takes two axes, not {axis1} twice")
    x = np.moveaxis(x, (axis1, axis2), (-2, -1))
    down, right = max(-offset, 0), max(offset, 0)
    i = np.arange(max(min(x.shape[-2] - down, x.shape[-1] - right), 0))
    return x[..., i + down, i + right]


@composite("diag", np.diag)
def diag(v: ArrayLike, k: int = 0) -> Any:
    """The k-th diagonal of a matrix; or the matrix with a vector there, zeros elsewhere."""
    x = as_tensor(v)
    if x.ndim == 2:
        return diagonal(x, k)
    if x.ndim != 1:
        raise ShapeError(f"diag() takes one or two axes, not shape {x.shape}")
    n, i = len(x) + abs(k), np.arange(len(x))
    return _SCATTER(x, (i + max(-k, 0), i + max(k, 0)), (n, n))


@composite("diagflat", np.diagflat)
def diagflat(v: ArrayLike, k: int = 0) -> Any:
    """The matrix with the entries of `v` on its k-th diagonal."""
    return diag(ravel(v), k)


@composite("fliplr", np.fliplr)
def fliplr(m: ArrayLike) -> Any:
    """The second axis reversed."""
    _require_axes("fliplr", m, 2)
    return np.flip(as_tensor(m), 1)


@composite("flipud", np.flipud)
def flipud(m: ArrayLike) -> Any:
    """The first axis reversed."""
    _require_axes("flipud", m, 1)
    return np.flip(as_tensor(m), 0)


@composite("rollaxis", np.rollaxis)
def rollaxis(a: ArrayLike, axis: int, start: int = 0) -> Any:
    """An axis moved before that of number `start`."""
    x = as_tensor(a)
    axis = normalize_axis_index(axis, x.ndim)
    start = start + x.ndim if start < 0 else start
    return np.moveaxis(x, axis, start - (axis < start))


@composite("pad", np.pad)
def pad(a: ArrayLike, pad_width: Any, mode: str = "constant", **settings: Any) -> Any:
    """Entries added before and after along each axis.

    Parameters
    ----------
    a : array_like
    pad_width : int, pair, sequence of pairs, or dict from axis to pair
    mode : {"constant", "edge", "reflect", "symmetric", "wrap", "mean", "maximum", "minimum", \
"median", "linear_ramp"}
        As in numpy; "empty", which has no defined value, is not differentiable.
    **settings
        ``constant_values``, ``stat_length``, ``end_values``, ``reflect_type``, as in numpy. They
        are not differentiated.
    """
    x = as_tensor(a)
    widths = _widths(pad_width, x.ndim)
    if not widths:
        return copy(x)
    if mode == "constant":
        return _PAD(x, widths, **settings)
    if mode in ("edge", "reflect", "symmetric", "wrap") and set(settings.values()) <= {"even"}:
        return ravel(x)[np.pad(np.arange(x.size).reshape(x.shape), widths, mode)]
    if mode not in (*_STATISTICS, "linear_ramp"):
        raise DTypeError(f"pad: mode={mode!r} has no derivative here, or there is no such mode")
    for axis, width in enumerate(widths):
        if any(width) and not x.shape[axis]:
            raise ShapeError(f"pad(mode={mode!r}): axis {axis} of shape {x.shape} is empty")
        x = _grown(x, axis, width, mode, **settings) if any(width) else x
    return x


def _widths(pad_width: Any, ndim: int) -> tuple[tuple[int, int], ...]:
    if isinstance(pad_width, dict):
        axes = {normalize_axis_tuple(axis, ndim)[0]: width for axis, width in pad_width.items()}
        pad_width = [np.broadcast_to(axes.get(axis, 0), 2) for axis in range(ndim)]
    return tuple((int(a), int(b)) for a, b in np.broadcast_to(pad_width, (ndim, 2)))


_STATISTICS = {"mean": np.mean, "maximum": np.max, "minimum": np.min, "median": np.median}


def _grown(
    x: Any, axis: int, width: tuple[int, int], mode: str, stat_length: Any = None,
    end_values: Any = 0,
) -> Any:  # fmt: skip
    ends = np.broadcast_to(end_values, (x.ndim, 2))[axis]
    lengths = np.broadcast_to(x.shape[axis] if stat_length is None else stat_length, (x.ndim, 2))
    inner = [slice(None, lengths[axis][0]), slice(-min(lengths[axis][1], x.shape[axis]), None)]
    sides = []
    for side, (count, end) in enumerate(zip(width, ends, strict=True)):
        shape = [-1 if k == axis else 1 for k in range(x.ndim)]
        if mode == "linear_ramp":
            steps = np.arange(count, dtype=x.dtype) / max(count, 1)
            steps = np.reshape(steps if side == 0 else 1 - 1 / max(count, 1) - steps, shape)
            edge = x[along(axis, slice(0, 1) if side == 0 else slice(-1, None))]
            sides.append(float(end) + (edge - float(end)) * steps)
        else:
            one = _STATISTICS[mode](x[along(axis, inner[side])], axis=axis, keepdims=True)
            sides.append(np.repeat(one, count, axis=axis))
    return np.concatenate([sides[0], x, sides[1]], axis=axis)
