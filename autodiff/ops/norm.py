"""Norms of vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.op import op, register
from autodiff.ops.reduce import expand


def _vector_norm(x: Any, axis: Any = None, keepdims: bool = False, ord: float = 2) -> Any:
    """``sum(abs(x) ** ord) ** (1 / ord)`` over `axis` (int, tuple, or None for all).

    `ord` is finite and not 0. Where the norm is 0 its gradient is 0, and so is the slope along an
    entry of 0 for an `ord` of at most 1.
    """
    if ord == 2:
        return np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims))
    powers = np.abs(x) if ord == 1 else np.abs(x) ** ord
    total = np.sum(powers, axis=axis, keepdims=keepdims)
    return total if ord == 1 else total ** (1 / ord)


def _vector_norm_x(g: Any, out: Any, x: Any, axis: Any, keepdims: bool, ord: float) -> Any:
    g, out = (expand(value, x.shape, axis, keepdims) for value in (g, out))
    if ord == 2:
        return g * (x / (out + (out == 0)))
    size = np.abs(x)
    if ord >= 1:
        return g * np.sign(x) * (size / (out + (out == 0))) ** (ord - 1)
    return g * np.sign(x) * np.where(x == 0, 0.0, out / (size + (x == 0))) ** (1 - ord)


register([
    op("vector_norm", _vector_norm, _vector_norm_x, numpy=(), namespace="linalg"),
])  # fmt: skip
