"""Products of matrices, decompositions, and what is made of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.op import op, register
from autodiff.sparse import Product


def _swap(x: Any) -> Any:
    return np.swapaxes(x, -1, -2)


def _matmul(x: Any, y: Any) -> Any:
    """Matrix product in all of numpy's ranks, broadcasting over leading axes."""
    return np.matmul(x, y)


def _matmul_vjp_x(g: Any, x_shape: tuple[int, ...], y: Any) -> Any:
    if len(x_shape) == 2 and y.ndim == 2:
        return g @ y.T
    raise NotImplementedError


def _matmul_vjp_y(g: Any, x: Any, y_shape: tuple[int, ...]) -> Any:
    if len(y_shape) == 2 and x.ndim == 2:
        return Product([(x, g)])
    raise NotImplementedError


register([
    op("matmul", _matmul, _matmul_vjp_x, _matmul_vjp_y, linear="each", numpy=np.matmul),
])  # fmt: skip
