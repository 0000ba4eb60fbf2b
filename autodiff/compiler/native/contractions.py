"""Sums of products over axes, as matrix products."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["FORMULAS"]


def _contracted(x: str, y: str, out: str, a: Any, b: Any) -> Any:
    """The product of two arrays with a letter for each axis, summed over what `out` lacks."""
    lengths = dict(zip(x + y, a.shape + b.shape, strict=True))
    shared = [c for c in x if c in y]
    batch = [c for c in shared if c in out]
    summed = [c for c in shared if c not in out]
    left, right = ([c for c in term if c not in shared] for term in (x, y))
    a = _in_order(a, x, [*batch, *left, *summed])
    b = _in_order(b, y, [*batch, *summed, *right])

    def size(*groups: list[str]) -> tuple[int, ...]:
        return tuple(math.prod(lengths[c] for c in group) for group in groups)

    each = tuple(lengths[c] for c in batch)
    if summed:
        a = np.reshape(a, (*each, *size(left, summed)))
        b = np.reshape(b, (*each, *size(summed, right)))
        made = np.matmul(a, b)
    else:
        made = np.reshape(a, (*each, *size(left), 1)) * np.reshape(b, (*each, 1, *size(right)))
    made = np.reshape(made, tuple(lengths[c] for c in [*batch, *left, *right]))
    return _in_order(made, "".join([*batch, *left, *right]), list(out))


def _in_order(x: Any, term: str, wanted: list[str]) -> Any:
    order = tuple(term.index(c) for c in wanted)
    return x if order == tuple(range(len(order))) else np.transpose(x, order)


def _letters(count: int, start: int = 0) -> str:
    return "".join(chr(ord("a") + start + k) for k in range(count))


def _tensordot(x: Any, y: Any, axes: Any = 2) -> Any:
    if isinstance(axes, (int, np.integer)):
        axes = (range(x.ndim - axes, x.ndim), range(axes))
    of_x, of_y = ((a,) if isinstance(a, (int, np.integer)) else tuple(a) for a in axes)
    if x.ndim + y.ndim > 26:
        return NotImplemented
    first, second = _letters(x.ndim), list(_letters(y.ndim, x.ndim))
    for a, b in zip(of_x, of_y, strict=True):
        second[b] = first[a]
    term = "".join(second)
    out = "".join(c for c in first + term if not (c in first and c in term))
    return _contracted(first, term, out, x, y)


def _einsum(subscripts: Any, *operands: Any, optimize: Any = False, **others: Any) -> Any:
    operands = tuple(np.asarray(x) if _is_list(x) else x for x in operands)
    is_known = isinstance(subscripts, str) and "->" in subscripts and "." not in subscripts
    if others or not is_known or any(x.dtype.kind != "f" for x in operands):
        return NotImplemented
    given, output = subscripts.replace(" ", "").split("->")
    terms, arrays = _without_diagonals(given.split(","), list(operands))
    lengths = {c: n for t, x in zip(terms, arrays, strict=True)
               for c, n in zip(t, x.shape, strict=True) if n != 1}  # fmt: skip
    pairs = [_without_short(t, x, lengths, output) for t, x in zip(terms, arrays, strict=True)]
    term, x = _summed(pairs, 0, output)
    for k in range(1, len(pairs)):
        other, y = _summed(pairs, k, output)
        needed = output + "".join(t for t, _ in pairs[k + 1 :])
        out = "".join(dict.fromkeys(c for c in term + other if c in needed))
        term, x = out, _contracted(term, other, out, x, y)
    return _in_order(x, term, list(output)) if set(term) == set(output) else NotImplemented


def _without_diagonals(terms: list[str], arrays: list[Any]) -> tuple[list[str], list[Any]]:
    for k, term in enumerate(terms):
        while len(set(term)) < len(term):
            c = next(c for c in term if term.count(c) > 1)
            first, second = (a for a in (term.index(c), term.rindex(c)))
            arrays[k] = np.diagonal(arrays[k], axis1=first, axis2=second)
            term = "".join(t for a, t in enumerate(term) if a not in (first, second)) + c
        terms[k] = term
    return terms, arrays


def _without_short(term: str, x: Any, lengths: dict[str, int], output: str) -> tuple[str, Any]:
    """Without axes of length 1 that are broadcast, or not needed."""
    kept = [a for a, c in enumerate(term) if x.shape[a] != 1 or (c in output and c not in lengths)]
    if len(kept) < len(term):
        x = np.reshape(x, tuple(x.shape[a] for a in kept))
    return "".join(term[a] for a in kept), x


def _summed(pairs: list[tuple[str, Any]], k: int, output: str) -> tuple[str, Any]:
    """Summed over what nothing else has."""
    term, x = pairs[k]
    needed = output + "".join(t for j, (t, _) in enumerate(pairs) if j != k)
    axes = tuple(a for a, c in enumerate(term) if c not in needed)
    return "".join(c for c in term if c in needed), np.sum(x, axis=axes) if axes else x


def _dot(x: Any, y: Any) -> Any:
    if _is_list(x) or _is_list(y):
        return np.dot(*(np.asarray(a) if _is_list(a) else a for a in (x, y)))
    if not x.ndim or not y.ndim:
        return x * y
    return _tensordot(x, y, ((-1,), (-2,))) if y.ndim > 2 else NotImplemented


def _cross(
    x: Any, y: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: Any = None
) -> Any:
    if axis is not None:
        axisa = axisb = axisc = axis
    x, y = np.moveaxis(x, axisa, -1), np.moveaxis(y, axisb, -1)
    if (x.shape[-1], y.shape[-1]) != (3, 3):
        return NotImplemented
    a, b, c = (x[..., k] for k in range(3))
    d, e, f = (y[..., k] for k in range(3))
    parts = [b * f - c * e, c * d - a * f, a * e - b * d]
    return np.moveaxis(np.stack(parts, axis=-1), -1, axisc)


def _of_arrays(formula: Callable[..., Any]) -> Callable[..., Any]:
    """For constants too that are numbers, or lists of them."""

    def call(x: Any, y: Any, *args: Any, **kwargs: Any) -> Any:
        x, y = (np.asarray(a) if _is_list(a) else a for a in (x, y))
        return formula(x, y, *args, **kwargs)

    return call


def _is_list(x: Any) -> bool:
    if isinstance(x, list):
        return all(map(_is_list, x))
    return type(x) in (bool, int, float)


FORMULAS: dict[Any, Callable[..., Any]] = {
    np.tensordot: _of_arrays(_tensordot),
    np.einsum: _einsum,
    np.dot: _dot,
    np.inner: _of_arrays(
        lambda x, y: _tensordot(x, y, ((-1,), (-1,))) if x.ndim and y.ndim else x * y
    ),
    np.outer: lambda x, y: np.reshape(x, (-1, 1)) * np.reshape(y, (1, -1)),
    np.vdot: lambda x, y: np.dot(np.reshape(x, (-1,)), np.reshape(y, (-1,))),
    np.cross: _of_arrays(_cross),
}
