"""Ops that only move entries: reshape, transpose, broadcasting, joining, padding."""

from __future__ import annotations

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


register([
    # One result of an op that has several; its gradient is a part of theirs.
    op("item", lambda x, k, specs: x[k], lambda g, k, specs: Parts({k: g}, specs),
       linear="jointly", numpy=()),
    op("reshape", _reshape, lambda g, x_shape: np.reshape(g, x_shape), linear="jointly",
       numpy=np.reshape),
    op("transpose", _transpose, _transpose_vjp, linear="jointly", numpy=np.transpose, lazy=True,
       method="transpose"),
    op("broadcast_to", lambda x, shape: np.broadcast_to(x, shape),
       lambda g, x_shape: sum_to(g, x_shape), linear="jointly", numpy=np.broadcast_to),
    op("astype", lambda x, dtype: x.astype(dtype), lambda g: g, linear="jointly", numpy=()),
])  # fmt: skip
