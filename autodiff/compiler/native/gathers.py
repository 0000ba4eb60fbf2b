"""Rearrangements and indices, written as views, joins, and places along the first axes."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.compiler.tracing.copies import added_at
from autodiff.ops.index import scatter_add

__all__ = ["FORMULAS"]


def _along(x: Any, index: Any, axis: int) -> Any:
    """``np.take(x, index, axis)`` for places that are known."""
    return x[(slice(None),) * (axis % x.ndim) + (index,)]


def _getitem(x: Any, index: Any) -> Any:
    """Basic indices first, then places along the first axes."""
    plan = _plan(index, x.shape)
    if plan is None or (plan.is_done and not plan.is_new):
        return NotImplemented
    if plan.is_done:
        return x[plan.places]
    taken = np.transpose(x[plan.slices], plan.order)[plan.places]
    return np.moveaxis(taken, range(plan.count), range(plan.at, plan.at + plan.count))


def _scatter_add(g: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """The way back of `_getitem`."""
    plan = _plan(index, shape)
    if plan is None or (plan.is_done and not plan.is_new):
        return NotImplemented
    if plan.is_done:
        return scatter_add(g, plan.places, shape)
    part = np.moveaxis(g, range(plan.at, plan.at + plan.count), range(plan.count))
    moved = scatter_add(part, plan.places, tuple(plan.shape[a] for a in plan.order))
    whole = np.transpose(moved, tuple(np.argsort(plan.order).tolist()))
    return whole if plan.is_whole else scatter_add(whole, plan.slices, shape)


class _Plan:
    """An index in parts.

    Attributes
    ----------
    slices : tuple
        The basic part, with all of each axis that an array is for.
    order : tuple of int
        The axes after that, those with arrays first.
    places : tuple
        What indexes these.
    count, at : int
        How many axes the places give, and where in the result they are.
    is_done : bool
        Whether there is nothing but places for the first axes.
    is_new : bool
        Whether `places` is written otherwise than the index was.
    is_whole : bool
        Whether the slices leave nothing out.
    """

    def __init__(self, index: Any, parts: list[Any], shape: tuple[int, ...]) -> None:
        with_places = [k for k, p in enumerate(parts) if not isinstance(p, slice)]
        self.places = tuple(parts[k] for k in with_places)
        self.slices = tuple(p if isinstance(p, slice) else slice(None) for p in parts)
        rest = [k for k in range(len(parts)) if k not in with_places]
        self.order = (*with_places, *rest)
        self.shape = tuple(
            len(range(*p.indices(n))) for p, n in zip(self.slices, shape, strict=True)
        )
        self.count = len(np.broadcast_shapes(*(getattr(p, "shape", ()) for p in self.places)))
        adjacent = with_places == list(range(with_places[0], with_places[0] + len(with_places)))
        self.at = with_places[0] if adjacent else 0
        self.is_whole = self.shape == tuple(shape) and all(p.step in (None, 1) for p in self.slices)
        given = index if isinstance(index, tuple) else (index,)
        self.is_new = len(given) != len(self.places) or any(
            a is not b for a, b in zip(given, self.places, strict=True)
        )
        self.is_done = self.order == tuple(range(len(parts))) and self.is_whole


def _plan(index: Any, shape: tuple[int, ...]) -> _Plan | None:
    """None if the index is basic, or has new axes."""
    parts = _without_masks(index)
    if not any(hasattr(p, "dtype") and not isinstance(p, np.generic) for p in parts):
        return None
    if any(p is None for p in parts) or not all(map(_is_known, parts)):
        return None
    full = [k for k, p in enumerate(parts) if p is ...]
    at, missing = (full or [len(parts)])[0], len(shape) - len(parts) + len(full)
    parts = [*parts[:at], *[slice(None)] * missing, *parts[at + len(full) :]]
    return _Plan(index, parts, shape)


def _is_known(part: Any) -> bool:
    if hasattr(part, "dtype"):
        return bool(part.dtype.kind in "iu")
    return part is ... or (isinstance(part, (int, slice)) and not isinstance(part, bool))


def _without_masks(index: Any) -> list[Any]:
    """Masks as the places where they are true."""
    parts: list[Any] = []
    for p in index if isinstance(index, tuple) else (index,):
        if isinstance(p, list):
            p = np.asarray(p, None if p else np.intp)
        if isinstance(p, np.ndarray) and p.dtype == bool and p.ndim:
            parts += np.nonzero(p)
        else:
            parts.append(p)
    return parts


def _added_at(x: Any, ufunc: Any, index: Any, *part: Any) -> Any:
    plan = _plan(index, x.shape)
    if plan is None or len(part) != 1 or ufunc is not np.add:
        return NotImplemented
    if plan.is_done and not plan.is_new:
        return NotImplemented
    shape = x[index].shape
    return x + scatter_add(np.broadcast_to(part[0], shape), index, x.shape)


def _take(x: Any, indices: Any, axis: Any = None, out: Any = None, mode: str = "raise") -> Any:
    if out is not None or mode != "raise" or not hasattr(indices, "dtype"):
        return NotImplemented
    if indices.dtype.kind not in "iu" or not x.ndim:
        return NotImplemented
    return np.reshape(x, (-1,))[indices] if axis is None else _along(x, indices, axis)


def _take_along_axis(x: Any, indices: Any, axis: Any = -1) -> Any:
    if axis is None:
        return np.reshape(x, (-1,))[np.reshape(indices, (-1,))]
    axis = axis % x.ndim
    grid = np.ogrid[tuple(slice(n) for n in x.shape)]
    return x[tuple(indices if a == axis else g for a, g in enumerate(grid))]


def _tri(keep: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def formula(x: Any, k: int = 0) -> Any:
        height, width = (*x.shape, *x.shape)[-2:]
        rows, columns = np.ogrid[:height, :width]
        return np.where(keep(columns - rows, k), x, x.dtype.type(0))

    return formula


def _roll(x: Any, shift: Any, axis: Any = None) -> Any:
    if hasattr(shift, "is_traced") or not x.size:
        return NotImplemented
    if axis is None:
        return np.reshape(_roll(np.reshape(x, (-1,)), shift, 0), x.shape)
    for step, a in np.broadcast(shift, axis):
        n, before = x.shape[a], (slice(None),) * (a % x.ndim)
        cut = int(n - step) % n
        if cut:
            x = np.concatenate([x[(*before, slice(cut, n))], x[(*before, slice(0, cut))]], axis=a)
    return x


_GATHERED = {"edge", "reflect", "symmetric", "wrap"}


def _pad(x: Any, pad_width: Any, mode: Any = "constant", **settings: Any) -> Any:
    widths = np.broadcast_to(pad_width, (x.ndim, 2)).tolist()
    value = settings.get("constant_values", 0)
    if mode in _GATHERED and not settings and x.size:
        for axis, width in enumerate(widths):
            if any(width):
                x = _along(x, np.pad(np.arange(x.shape[axis]), width, mode), axis)
        return x
    if mode != "constant" or settings.keys() - {"constant_values"} or hasattr(value, "is_traced"):
        return NotImplemented
    values = np.broadcast_to(value, (x.ndim, 2)).tolist()
    for axis, width in enumerate(widths):
        shapes = [(*x.shape[:axis], n, *x.shape[axis + 1 :]) for n in width]
        pairs = zip(shapes, values[axis], strict=True)
        first, last = (np.full(shape, fill, x.dtype) for shape, fill in pairs)
        x = np.concatenate([a for a in (first, x, last) if a.size or a is x], axis=axis)
    return x


def _tile(x: Any, reps: Any) -> Any:
    reps = (reps,) if isinstance(reps, (int, np.integer)) else tuple(reps)
    ndim = max(len(reps), x.ndim)
    shape = (*(1,) * (ndim - x.ndim), *x.shape)
    reps = (*(1,) * (ndim - len(reps)), *map(int, reps))
    apart = np.reshape(x, [n for length in shape for n in (1, length)])
    pairs = list(zip(reps, shape, strict=True))
    wide = np.broadcast_to(apart, tuple(n for pair in pairs for n in pair))
    return np.reshape(wide, tuple(r * n for r, n in pairs))


def _repeat(x: Any, repeats: Any, axis: Any = None) -> Any:
    if hasattr(repeats, "is_traced"):
        return NotImplemented
    if axis is None:
        return _repeat(np.reshape(x, (-1,)), repeats, 0)
    counts = np.broadcast_to(repeats, (x.shape[axis],))
    return _along(x, np.repeat(np.arange(x.shape[axis]), counts), axis)


def _concatenate(parts: Any, axis: Any = 0, **others: Any) -> Any:
    if axis is not None or others or hasattr(parts, "is_traced"):
        return NotImplemented
    return np.concatenate([np.reshape(p, (-1,)) for p in parts], axis=0)


FORMULAS: dict[Any, Callable[..., Any]] = {
    operator.getitem: _getitem,
    scatter_add: _scatter_add,
    added_at: _added_at,
    np.take: _take,
    np.take_along_axis: _take_along_axis,
    np.tril: _tri(lambda offset, k: offset <= k),
    np.triu: _tri(lambda offset, k: offset >= k),
    np.roll: _roll,
    np.pad: _pad,
    np.tile: _tile,
    np.repeat: _repeat,
    np.concatenate: _concatenate,
}
