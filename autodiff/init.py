"""Starting values of parameters, as plain arrays.

All share the signature ``(shape, ..., rng=None, dtype=float)``, so that one can stand in for
another. `rng` is a seed or a `numpy.random.Generator`; the same seed gives the same numbers. They
are drawn in float64 whatever the dtype, so models in float32 and float64 start out alike.

The first two axes of a weight are (outputs, inputs); further axes belong to a window, and count
for both.
"""

from __future__ import annotations

from math import prod, sqrt
from typing import Any

import numpy as np

from autodiff.errors import ShapeError

__all__ = [
    "he_normal",
    "he_uniform",
    "normal",
    "orthogonal",
    "uniform",
    "xavier_normal",
    "xavier_uniform",
    "zeros",
]

Shape = tuple[int, ...]


def zeros(shape: Shape, *, rng: Any = None, dtype: Any = float) -> np.ndarray:
    """Zeros, as for biases. `rng` is not used."""
    return np.zeros(shape, dtype)


def normal(
    shape: Shape, mean: float = 0.0, std: float = 1.0, *, rng: Any = None, dtype: Any = float
) -> np.ndarray:
    """Draws from a normal distribution."""
    return np.random.default_rng(rng).normal(mean, std, shape).astype(dtype)


def uniform(
    shape: Shape, low: float = -1.0, high: float = 1.0, *, rng: Any = None, dtype: Any = float
) -> np.ndarray:
    """Draws from the uniform distribution over [low, high)."""
    return np.random.default_rng(rng).uniform(low, high, shape).astype(dtype)


def xavier_uniform(
    shape: Shape, gain: float = 1.0, *, rng: Any = None, dtype: Any = float
) -> np.ndarray:
    """Uniform, with the variance of `xavier_normal` (Glorot and Bengio 2010, eq. 16)."""
    return _uniform(_xavier_std(shape, gain), shape, rng, dtype)


def xavier_normal(
    shape: Shape, gain: float = 1.0, *, rng: Any = None, dtype: Any = float
) -> np.ndarray:
    """Normal with variance ``gain^2 * 2 / (inputs + outputs)``, which keeps signals of the same
    size forwards and backwards through linear layers (Glorot and Bengio 2010, eq. 12)."""
    return normal(shape, std=_xavier_std(shape, gain), rng=rng, dtype=dtype)


def he_uniform(
    shape: Shape, slope: float = 0.0, *, rng: Any = None, dtype: Any = float
) -> np.ndarray:
    """Uniform, with the variance of `he_normal`."""
    return _uniform(_he_std(shape, slope), shape, rng, dtype)


def he_normal(
    shape: Shape, slope: float = 0.0, *, rng: Any = None, dtype: Any = float
) -> np.ndarray:
    """Normal with variance ``2 / ((1 + slope^2) * inputs)``, for layers followed by a relu with
    this slope on the negative side (He et al. 2015, eq. 15)."""
    return normal(shape, std=_he_std(shape, slope), rng=rng, dtype=dtype)


def orthogonal(
    shape: Shape, gain: float = 1.0, *, rng: Any = None, dtype: Any = float
) -> np.ndarray:
    """A random matrix with orthonormal rows or columns, whichever are fewer, times `gain`.

    Saxe et al. 2014. Uniform over all such matrices, since the signs of the QR decomposition are
    settled (Mezzadri 2007, sec. 5). Axes after the first are taken together.
    """
    _fans(shape)
    rows, columns = shape[0], prod(shape[1:])
    square = (max(rows, columns), min(rows, columns))
    q, r = np.linalg.qr(np.random.default_rng(rng).normal(size=square))
    q *= np.where(np.diagonal(r) < 0, -gain, gain)
    return (q if rows >= columns else q.T).reshape(shape).astype(dtype)


def _uniform(std: float, shape: Shape, rng: Any, dtype: Any) -> np.ndarray:
    bound = sqrt(3) * std
    return uniform(shape, -bound, bound, rng=rng, dtype=dtype)


def _xavier_std(shape: Shape, gain: float) -> float:
    return gain * sqrt(2 / max(sum(_fans(shape)), 1))


def _he_std(shape: Shape, slope: float) -> float:
    inputs, _ = _fans(shape)
    return sqrt(2 / ((1 + slope**2) * max(inputs, 1)))


def _fans(shape: Shape) -> tuple[int, int]:
    if len(shape) < 2:
        raise ShapeError(
            f"shape {shape} has no inputs and outputs: this initialiser is for weights of shape "
            "(outputs, inputs); use zeros, normal or uniform for a bias"
        )
    outputs, inputs, *window = shape
    return inputs * prod(window), outputs * prod(window)
