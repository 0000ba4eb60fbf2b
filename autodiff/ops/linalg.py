"""Products of matrices, decompositions, and what is made of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.op import op, register
from autodiff.sparse import Product


def _matmul(x: Any, y: Any) -> Any:
    """Matrix product in all of numpy's ranks, broadcasting over leading axes."""
    return np.matmul(x, y)


def _swap(x: Any) -> Any:
    return np.swapaxes(x, -1, -2)


def _matmul_x(g: Any, x_shape: tuple[int, ...], y: Any) -> Any:
    if y.ndim == 1:
        if len(x_shape) == 2:
            return Product([(g[None, :], y[None, :])])
        return g * y if len(x_shape) == 1 else g[..., None] * y
    if len(x_shape) == 1:
        return (y @ g[..., None])[..., 0]
    return g @ _swap(y)


def _matmul_y(g: Any, x: Any, y_shape: tuple[int, ...]) -> Any:
    if x.ndim == 1:
        if len(y_shape) == 2:
            return Product([(x[None, :], g[None, :])])
        return g * x if len(y_shape) == 1 else x[:, None] * g[..., None, :]
    if len(y_shape) == 1:
        return (_swap(x) @ g[..., None])[..., 0]
    return Product([(rows(x), rows(g))]) if len(y_shape) == 2 else _swap(x) @ g


def rows(x: Any) -> Any:
    """Leading axes flattened into one."""
    return x if x.ndim == 2 else np.reshape(x, (-1, x.shape[-1]))


register([
    op("matmul", _matmul, _matmul_x, _matmul_y, linear="each", numpy=np.matmul),
])  # fmt: skip
