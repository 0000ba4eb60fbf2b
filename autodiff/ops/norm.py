"""Norms of vectors."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from autodiff.op import op, overridable, register
from autodiff.ops.reduce import expand


@overridable
def _vector_norm(x: Any, axis: Any = None, keepdims: bool = False, ord: float = 2) -> Any:
    """``sum(abs(x) ** ord) ** (1 / ord)`` over `axis` (int, tuple, or None for all).

    `ord` is finite and not 0. Where the norm is 0 its gradient is 0, and so is the slope along an
    entry of 0 for an `ord` of at most 1.
    """
    with np.errstate(over="ignore", under="ignore"):
        out = _root_of_powers(x, axis, keepdims, ord)
        if ((out > _least(out.dtype, ord)) & (out < np.inf)).all():
            return out
        scale = _scale(x, axis, ord)
        return _root_of_powers(x / scale, axis, keepdims, ord) * np.reshape(scale, out.shape)


def _root_of_powers(x: Any, axis: Any, keepdims: bool, ord: float) -> Any:
    if ord == 2:
        return np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims))
    powers = np.abs(x) if ord == 1 else np.abs(x) ** ord
    total = np.sum(powers, axis=axis, keepdims=keepdims)
    return total if ord == 1 else total ** (1 / ord)


@lru_cache
def _least(dtype: Any, ord: float) -> Any:
    """The norm below which powers lose digits by underflow."""
    limits = np.finfo(dtype)
    return float(limits.tiny / limits.eps) ** (1 / abs(ord))


def _scale(x: Any, axis: Any, ord: float) -> Any:
    """The entries that count most, by which powers neither overflow nor vanish; 1 instead of 0."""
    size = np.abs(x)
    if ord > 0:
        most = np.max(size, axis=axis, keepdims=True, initial=0)
    else:
        most = np.min(size, axis=axis, keepdims=True, initial=np.inf)
    return np.where((most > 0) & (most < np.inf), most, 1)


def _vector_norm_x(g: Any, out: Any, x: Any, axis: Any, keepdims: bool, ord: float) -> Any:
    """``g * sign(x) * (abs(x) / out) ** (ord - 1)``, and 0 where out is 0."""
    if ord >= 1:  # by an infinite norm instead of 0, all derivatives there are 0
        out = np.where(out == 0, np.inf, out)
    g, out = (expand(value, x.shape, axis, keepdims) for value in (g, out))
    if ord == 2:
        return g * (x / out)
    size = np.abs(x)
    if ord >= 1:
        return g * np.sign(x) * (size / out) ** (ord - 1)
    return g * np.sign(x) * np.where(x == 0, 0.0, out / (size + (x == 0))) ** (1 - ord)


register([
    op("vector_norm", _vector_norm, _vector_norm_x, numpy=(), namespace="linalg"),
])  # fmt: skip
