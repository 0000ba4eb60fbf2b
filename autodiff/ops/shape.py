"""Ops that only move, repeat and leave out entries."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.op import op, register, sum_to
from autodiff.sparse import Parts, Product


def along(axis: int, part: Any) -> tuple[Any, ...]:
    """The index that takes `part` along an axis that is not negative."""
    return (*(slice(None),) * axis, part)


def _reshape(x: Any, shape: Any) -> Any:
    """Same entries in another shape; one length may be -1."""
    return np.reshape(x, shape)


def _transpose(x: Any, axes: Any = None) -> Any:
    """Axes in another order, by default reversed."""
    return np.transpose(x, axes)


def _transpose_vjp(g: Any, axes: Any) -> Any:
    """g with its axes in their old order."""
    if axes is None:
        return g.T
    back = np.argsort(np.asarray(axes) % len(axes))
    if isinstance(g, Product):  # a matrix, of which the axes are exchanged or stay
        return g.T if back[0] else g
    return np.transpose(g, back)


def _astype(x: Any, dtype: Any) -> Any:
    """The entries in another floating dtype."""
    if np.dtype(dtype).kind not in "fiub":
        raise TypeError("a tensor holds real numbers")
    return x.astype(dtype)


def _concatenate(arrays: Any, axis: Any = 0) -> Any:
    """Join along an axis that is there (None: flattened)."""
    return np.concatenate(arrays, axis=axis)


def _concatenate_part(g: Any, i: int, arrays_shape: Any, axis: Any) -> Any:
    """The part of g where array number i stands."""
    start, stop = arrays_shape.edges(axis)[i : i + 2]
    if axis is None:
        return np.reshape(g[start:stop], arrays_shape[i])
    return g[along(axis % g.ndim, slice(start, stop))]


def _stack(arrays: Any, axis: int = 0) -> Any:
    """Join along a new axis."""
    return np.stack(arrays, axis=axis)


def _stack_part(g: Any, i: int, axis: int) -> Any:
    return g[along(axis % g.ndim, i)]


def _roll(x: Any, shift: Any, axis: Any = None) -> Any:
    """Entries moved on by `shift` places; those beyond the end come first."""
    return np.roll(x, shift, axis)


def _rot90(x: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    """Turned by `k` right angles in the plane of two axes."""
    return np.rot90(x, k, axes)


def _tile(x: Any, reps: Any) -> Any:
    """`x` repeated as a whole, `reps` times along each axis."""
    return np.tile(x, reps)


def _tile_x(g: Any, x_shape: tuple[int, ...], reps: Any) -> Any:
    """g summed over the copies of each entry."""
    counts = (reps,) if isinstance(reps, (int, np.integer)) else tuple(reps)
    lengths = (1,) * (len(counts) - len(x_shape)) + x_shape
    counts = (1,) * (len(lengths) - len(counts)) + counts
    apart = [n for pair in zip(counts, lengths, strict=True) for n in pair]
    copies = np.sum(np.reshape(g, apart), axis=tuple(range(0, len(apart), 2)))
    return np.reshape(copies, x_shape)


def _pad(x: Any, pad_width: Any, constant_values: Any = 0) -> Any:
    """Constants before and after the entries along each axis."""
    return np.pad(x, pad_width, constant_values=constant_values)


def _pad_x(g: Any, x_shape: tuple[int, ...], pad_width: Any) -> Any:
    """What g has in place of the entries of x."""
    widths = zip(pad_width, x_shape, strict=True)
    return g[tuple(slice(before, before + n) for (before, _), n in widths)]


def _item_jvp(g: Any, k: int, specs: Any) -> Any:
    (parts,) = g
    return np.zeros(*specs[k]) if parts[k] is None else parts[k]


register([
    # One result of an op that has several; its gradient is a part of theirs.
    op("item", lambda x, k, specs: x[k], lambda g, k, specs: Parts({k: g}, specs),
       jvp=_item_jvp, linear="jointly", numpy=()),
    op("reshape", _reshape, lambda g, x_shape: np.reshape(g, x_shape), linear="jointly",
       numpy=np.reshape, aliases={"a": "x", "newshape": "shape"}),
    op("transpose", _transpose, _transpose_vjp, linear="jointly", numpy=np.transpose, lazy=Product,
       aliases={"a": "x"}),
    op("broadcast_to", lambda x, shape: np.broadcast_to(x, shape),
       lambda g, x_shape: sum_to(g, x_shape), linear="jointly", numpy=np.broadcast_to),
    op("astype", _astype, lambda g: g, linear="jointly", numpy=()),
    op("swapaxes", lambda x, axis1, axis2: np.swapaxes(x, axis1, axis2),
       lambda g, axis1, axis2: np.swapaxes(g, axis1, axis2), linear="jointly",
       numpy=np.swapaxes, method="swapaxes", aliases={"a": "x"}),
    op("moveaxis", lambda x, source, destination: np.moveaxis(x, source, destination),
       lambda g, source, destination: np.moveaxis(g, destination, source), linear="jointly",
       numpy=np.moveaxis, aliases={"a": "x"}),
    op("flip", lambda x, axis=None: np.flip(x, axis), lambda g, axis: np.flip(g, axis),
       linear="jointly", numpy=np.flip, aliases={"m": "x"}),
    op("roll", _roll, lambda g, shift, axis: np.roll(g, np.negative(shift), axis),
       linear="jointly", numpy=np.roll, aliases={"a": "x"}),
    op("rot90", _rot90, lambda g, k, axes: np.rot90(g, -k, axes), linear="jointly",
       numpy=np.rot90, aliases={"m": "x"}),
    op("tile", _tile, _tile_x, linear="jointly", numpy=np.tile, aliases={"A": "x"}),
    op("tril", lambda x, k=0: np.tril(x, k), lambda g, k, x_shape: sum_to(np.tril(g, k), x_shape),
       linear="jointly", numpy=np.tril, aliases={"m": "x"}),
    op("triu", lambda x, k=0: np.triu(x, k), lambda g, k, x_shape: sum_to(np.triu(g, k), x_shape),
       linear="jointly", numpy=np.triu, aliases={"m": "x"}),
    op("pad", _pad, _pad_x, jvp=lambda g, pad_width: np.pad(g[0], pad_width), numpy=()),
    op("expand_dims", lambda x, axis: np.expand_dims(x, axis),
       lambda g, x_shape: np.reshape(g, x_shape), linear="jointly", numpy=np.expand_dims,
       aliases={"a": "x"}),
    op("squeeze", lambda x, axis=None: np.squeeze(x, axis),
       lambda g, x_shape: np.reshape(g, x_shape), linear="jointly", numpy=np.squeeze,
       method="squeeze", aliases={"a": "x"}),
    op("concatenate", _concatenate, _concatenate_part, variadic=True, linear="jointly",
       numpy=np.concatenate),
    op("stack", _stack, _stack_part, variadic=True, linear="jointly", numpy=np.stack),
])  # fmt: skip
