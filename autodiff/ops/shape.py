"""Ops that only move entries: reshape, transpose, broadcasting, joining, padding."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.op import op, register, sum_to
from autodiff.sparse import Parts


def _reshape(x: Any, shape: Any) -> Any:
    """Same entries in another shape; one length may be -1."""
    return np.reshape(x, shape)


def _transpose(x: Any, axes: Any = None) -> Any:
    """Axes in another order, by default reversed."""
    return np.transpose(x, axes)


def _transpose_vjp(g: Any, axes: Any) -> Any:
    if axes is None or g.__class__.__name__ == "Product":
        return g.T
    return np.transpose(g, np.argsort(np.asarray(axes) % len(axes)))


def _concatenate(arrays: Any, axis: Any = 0) -> Any:
    """Join along an axis that is there (None: flattened)."""
    return np.concatenate(arrays, axis=axis)


def _concatenate_part(g: Any, i: int, arrays_shape: Any, axis: Any) -> Any:
    if axis is None:
        start = sum(math.prod(s) for s in arrays_shape[:i])
        return np.reshape(g[start : start + math.prod(arrays_shape[i])], arrays_shape[i])
    start = sum(s[axis] for s in arrays_shape[:i])
    index = [slice(None)] * len(arrays_shape[i])
    index[axis] = slice(start, start + arrays_shape[i][axis])
    return g[tuple(index)]


def _stack(arrays: Any, axis: int = 0) -> Any:
    """Join along a new axis."""
    return np.stack(arrays, axis=axis)


def _stack_part(g: Any, i: int, axis: int) -> Any:
    return g[(slice(None),) * (axis % g.ndim) + (i,)]


register([
    # One result of an op that has several; its gradient is a part of theirs.
    op("item", lambda x, k, specs: x[k], lambda g, k, specs: Parts({k: g}, specs),
       jvp=lambda g, k: g[0][k], linear="jointly", numpy=()),
    op("reshape", _reshape, lambda g, x_shape: np.reshape(g, x_shape), linear="jointly",
       numpy=np.reshape),
    op("transpose", _transpose, _transpose_vjp, linear="jointly", numpy=np.transpose, lazy=True,
       method="transpose"),
    op("broadcast_to", lambda x, shape: np.broadcast_to(x, shape),
       lambda g, x_shape: sum_to(g, x_shape), linear="jointly", numpy=np.broadcast_to),
    op("astype", lambda x, dtype: x.astype(dtype), lambda g: g, linear="jointly", numpy=()),
    op("swapaxes", lambda x, axis1, axis2: np.swapaxes(x, axis1, axis2),
       lambda g, axis1, axis2: np.swapaxes(g, axis1, axis2), linear="jointly",
       numpy=np.swapaxes, method="swapaxes"),
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
