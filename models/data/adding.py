"""The adding problem: what has to be remembered stands anywhere in a sequence."""

from __future__ import annotations

from typing import Any

import numpy as np

import autodiff as ad

__all__ = ["adding_problem"]


def adding_problem(
    count: int, steps: int, rng: int | np.random.Generator, dtype: Any = np.float32
) -> tuple[np.ndarray, np.ndarray]:
    """Sequences of numbers, two of which are marked and to be added.

    After Hochreiter and Schmidhuber (Neural Computation 9, 1997, section 5.4), with numbers from
    0 to 1 and one mark in each half. Who always answers 1 has a mean squared error of 1/6.

    Parameters
    ----------
    count : int
        Number of sequences.
    steps : int
        Their length, at least 2.
    rng : int or Generator
        The same seed gives the same sequences.
    dtype : dtype
        float32 or float64.

    Returns
    -------
    xs : ndarray of shape (steps, count, 2)
        A number, uniform in [0, 1), and a mark: 1 at one step of each half, else 0. Of an odd
        number of steps the second half has one more.
    targets : ndarray of shape (count,)
        The sum of the two marked numbers.

    Raises
    ------
    DomainError
        If `count` is below 1, or `steps` below 2.
    DTypeError
        If the dtype is not floating.

    Examples
    --------
    >>> xs, targets = adding_problem(count=100, steps=20, rng=0)
    >>> xs.shape, targets.shape
    ((20, 100, 2), (100,))
    """
    if count < 1 or steps < 2:
        raise ad.errors.DomainError(
            f"adding problem: {count} sequences of {steps} steps; it takes at least 1 of 2"
        )
    if np.dtype(dtype).kind != "f":
        raise ad.errors.DTypeError(f"adding problem: dtype={dtype} would round all to 0")
    rng = np.random.default_rng(rng)
    marked = np.stack([rng.integers(0, steps // 2, count), rng.integers(steps // 2, steps, count)])
    # Drawn in float32, since a float64 just below 1 would be rounded to 1.
    numbers = rng.random((steps, count), np.float32)
    xs = np.stack([numbers, np.zeros_like(numbers)], axis=-1).astype(dtype)
    xs[marked, np.arange(count), 1] = 1
    return xs, xs[marked, np.arange(count), 0].sum(axis=0)
