"""Products of matrices and of stacks of them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.op import op, register
from autodiff.sparse import Product


def dot(x: Any, y: Any) -> Any:
    """numpy's `dot`, as the method, which is faster, where nothing else is to be asked."""
    return x.dot(y) if isinstance(y, np.ndarray) else np.dot(x, y)


def _matmul(x: Any, y: Any) -> Any:
    """Matrix product in all of numpy's ranks, broadcasting over leading axes."""
    if 0 < getattr(x, "ndim", 0) <= 2 and 0 < getattr(y, "ndim", 0) <= 2:
        return dot(x, y)  # for matrices the same, and in half the time where they are small
    return np.matmul(x, y)


def _matmul_x(g: Any, x_shape: tuple[int, ...], y: Any) -> Any:
    """``g @ y.mT``, where a vector x counts as a row, and a vector y as a column."""
    if y.ndim == 1:
        if len(x_shape) == 2:
            return Product([(g[None, :], y[None, :])])
        return g * y if len(x_shape) == 1 else g[..., None] * y
    if len(x_shape) == 1:
        return np.matmul(y, g[..., None])[..., 0]
    return np.dot(g, y.T) if g.ndim == y.ndim == 2 else np.matmul(g, _swapped(y))


def _matmul_y(g: Any, x: Any, y_shape: tuple[int, ...]) -> Any:
    """``x.mT @ g``, where a vector x counts as a row, and a vector y as a column."""
    if x.ndim == 1:
        if len(y_shape) == 2:
            return Product([(x[None, :], g[None, :])])
        return g * x if len(y_shape) == 1 else x[:, None] * g[..., None, :]
    if len(y_shape) == 1:
        return np.matmul(_swapped(x), g[..., None])[..., 0]
    return Product([(rows(x), rows(g))]) if len(y_shape) == 2 else np.matmul(_swapped(x), g)


def _swapped(x: Any) -> Any:
    return np.swapaxes(x, -1, -2)


def rows(x: Any) -> Any:
    """Leading axes flattened into one; a vector becomes one row."""
    return x if x.ndim == 2 else np.reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))


def _tensordot(x: Any, y: Any, axes: Any = 2) -> Any:
    """Sum of products over pairs of axes: the last and first `axes`, or two lists of them."""
    return np.tensordot(x, y, axes)


def _tensordot_x(g: Any, x_shape: tuple[int, ...], y: Any, axes: Any) -> Any:
    """The product of g and y over the axes of y that are in the result."""
    summed_x, summed_y = _pairs(axes, len(x_shape), y.ndim)
    free_x, free_y = _others(summed_x, len(x_shape)), _others(summed_y, y.ndim)
    out = np.tensordot(g, y, (tuple(range(len(free_x), g.ndim)), free_y))
    partners = [a for _, a in sorted(zip(summed_y, summed_x, strict=True))]
    return _in_order(out, [*free_x, *partners])


def _tensordot_y(g: Any, x: Any, y_shape: tuple[int, ...], axes: Any) -> Any:
    """The product of x and g over the axes of x that are in the result."""
    summed_x, summed_y = _pairs(axes, x.ndim, len(y_shape))
    free_x, free_y = _others(summed_x, x.ndim), _others(summed_y, len(y_shape))
    out = np.tensordot(x, g, (free_x, tuple(range(len(free_x)))))
    partners = [a for _, a in sorted(zip(summed_x, summed_y, strict=True))]
    return _in_order(out, [*partners, *free_y])


def _pairs(axes: Any, x_ndim: int, y_ndim: int) -> tuple[list[int], list[int]]:
    """The axes summed over, of each side, in pairs."""
    if isinstance(axes, (int, np.integer)):
        return list(range(x_ndim - axes, x_ndim)), list(range(axes))
    of_x, of_y = ([a] if isinstance(a, (int, np.integer)) else list(a) for a in axes)
    return [a % x_ndim for a in of_x], [a % y_ndim for a in of_y]


def _others(axes: list[int], ndim: int) -> tuple[int, ...]:
    return tuple(a for a in range(ndim) if a not in axes)


def _in_order(x: Any, order: list[int]) -> Any:
    """Put axis k of `x` where ``order[k]`` says."""
    return np.transpose(x, tuple(int(k) for k in np.argsort(order))) if order else x


def _cross(x: Any, y: Any) -> Any:
    """Vector product of the 3-vectors along the last axis."""
    if np.shape(x)[-1:] != (3,) or np.shape(y)[-1:] != (3,):
        raise ValueError("the vectors need 3 components")
    return np.cross(x, y)


register([
    op("matmul", _matmul, _matmul_x, _matmul_y, linear="each",
       numpy=(np.matmul, np.linalg.matmul)),
    op("tensordot", _tensordot, _tensordot_x, _tensordot_y, linear="each",
       numpy=(np.tensordot, np.linalg.tensordot),
       aliases={"a": "x", "b": "y"}),
    op("cross", _cross, lambda g, y: np.cross(y, g), lambda g, x: np.cross(g, x), linear="each",
       numpy=()),
])  # fmt: skip
