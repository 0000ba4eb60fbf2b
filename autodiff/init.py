"""Starting values of parameters, as plain arrays of a given shape.

All share the signature ``(shape, ..., rng=None, dtype=float)``, so that one can stand in for
another. They are drawn in float64 whatever the dtype, so models in float32 and float64 start out
alike.

The first two axes of a weight are (outputs, inputs); further axes belong to a window, and count
for both.

>>> import autodiff as ad
>>> ad.init.xavier_uniform((2, 3), rng=0).round(2)
array([[ 0.3 , -0.5 , -1.01],
       [-1.06,  0.69,  0.9 ]])
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
    """Zeros, as for biases.

    Parameters
    ----------
    shape : tuple of int
    rng
        Not used.
    dtype : dtype
    """
    _require_lengths(shape)
    return np.zeros(shape, dtype)


def normal(
    shape: Shape, mean: float = 0.0, std: float = 1.0, *, rng: Any = None, dtype: Any = float
) -> np.ndarray:
    """Draws from a normal distribution.

    Parameters
    ----------
    shape : tuple of int
    mean, std : float
        Mean and standard deviation.
    rng : int or Generator, optional
        A seed, which gives the same numbers each time, or a generator, which goes on.
    dtype : dtype
        Floating.
    """
    _require_lengths(shape)
    return np.random.default_rng(rng).normal(mean, std, shape).astype(dtype)


def uniform(
    shape: Shape, low: float = -1.0, high: float = 1.0, *, rng: Any = None, dtype: Any = float
) -> np.ndarray:
    """Draws from the uniform distribution over [low, high).

    Parameters
    ----------
    shape : tuple of int
    low, high : float
        Least value, and what all values are below.
    rng, dtype
        As for `normal`.
    """
    _require_lengths(shape)
    return np.random.default_rng(rng).uniform(low, high, shape).astype(dtype)


def xavier_uniform(
    shape: Shape, gain: float = 1.0, *, rng: Any = None, dtype: Any = float
) -> np.ndarray:
    """Uniform draws with the variance of `xavier_normal` (Glorot and Bengio 2010, eq. 16).

    Parameters
    ----------
    shape, gain, rng, dtype
        As for `xavier_normal`.

    Raises
    ------
    ShapeError
        If the shape has fewer than two axes.
    """
    return _uniform(_xavier_std(shape, gain), shape, rng, dtype)


def xavier_normal(
    shape: Shape, gain: float = 1.0, *, rng: Any = None, dtype: Any = float
) -> np.ndarray:
    """Normal draws with variance ``gain^2 * 2 / (inputs + outputs)``.

    That keeps signals of the same size forwards and backwards through linear layers.

    Parameters
    ----------
    shape : tuple of int
        (outputs, inputs, ...).
    gain : float
        Factor on the standard deviation.
    rng, dtype
        As for `normal`.

    Raises
    ------
    ShapeError
        If the shape has fewer than two axes.

    References
    ----------
    Glorot and Bengio 2010, Understanding the difficulty of training deep feedforward neural
    networks, eq. 12.
    """
    return normal(shape, std=_xavier_std(shape, gain), rng=rng, dtype=dtype)


def he_uniform(
    shape: Shape, slope: float = 0.0, *, rng: Any = None, dtype: Any = float
) -> np.ndarray:
    """Uniform draws with the variance of `he_normal`.

    Parameters
    ----------
    shape, slope, rng, dtype
        As for `he_normal`.

    Raises
    ------
    ShapeError
        If the shape has fewer than two axes.
    """
    return _uniform(_he_std(shape, slope), shape, rng, dtype)


def he_normal(
    shape: Shape, slope: float = 0.0, *, rng: Any = None, dtype: Any = float
) -> np.ndarray:
    """Normal draws with variance ``2 / ((1 + slope^2) * inputs)``, for layers before a relu.

    Parameters
    ----------
    shape : tuple of int
        (outputs, inputs, ...).
    slope : float
        Slope of the relu on the negative side.
    rng, dtype
        As for `normal`.

    Raises
    ------
    ShapeError
        If the shape has fewer than two axes.

    References
    ----------
    He, Zhang, Ren and Sun 2015, Delving deep into rectifiers, eq. 15.
    """
    return normal(shape, std=_he_std(shape, slope), rng=rng, dtype=dtype)


def orthogonal(
    shape: Shape, gain: float = 1.0, *, rng: Any = None, dtype: Any = float
) -> np.ndarray:
    """A random matrix with orthonormal rows or columns, whichever are fewer, times `gain`.

    Parameters
    ----------
    shape : tuple of int
        (outputs, ...); the axes after the first are taken together.
    gain : float
    rng, dtype
        As for `normal`.

    Raises
    ------
    ShapeError
        If the shape has fewer than two axes.

    Notes
    -----
    Proposed by Saxe et al. 2014. Uniform over all such matrices, since the signs of the QR
    decomposition are settled (Mezzadri 2007, sec. 5).
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
    _require_lengths(shape)
    outputs, inputs, *window = shape
    return inputs * prod(window), outputs * prod(window)


def _require_lengths(shape: Any) -> None:
    lengths = shape if isinstance(shape, (tuple, list)) else (shape,)
    if not all(isinstance(n, (int, np.integer)) and n >= 0 for n in lengths):
        raise ShapeError(f"shape {shape}: each length is a whole number of at least 0")
