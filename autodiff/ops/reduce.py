"""Ops that reduce along axes, and their running forms."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.op import op, register


def expand(g: Any, shape: tuple[int, ...], axis: Any, keepdims: bool) -> Any:
    """Lay the cotangent of a reduction out over the `shape` of its argument."""
    if axis is not None and not keepdims:
        g = np.expand_dims(g, axis)
    return np.broadcast_to(g, shape)


def _sum(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Sum over `axis` (int, tuple or None for all)."""
    return np.sum(x, axis=axis, keepdims=keepdims)


register([
    op("sum", _sum, lambda g, x_shape, axis, keepdims: expand(g, x_shape, axis, keepdims),
       linear="jointly", numpy=np.sum, method="sum"),
])  # fmt: skip
