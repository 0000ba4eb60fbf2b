"""Derivatives of functions that take complex arrays, to the last digit.

The imaginary part of ``f(x + ih)`` is ``h f'(x)`` for any tiny h, with nothing subtracted (Squire
and Trapp, SIAM Review 40, 1998), if f is analytic; so differences have to confirm it.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from autodiff.testing.line import Line, Slopes, Values
from autodiff.testing.numeric import slopes

__all__ = ["complex_slopes"]

TINY_STEP = 1e-30


def complex_slopes(
    line: Line, complex_values: Values, rows: np.ndarray, scale: np.ndarray, rng: Any
) -> Any:
    """Derivatives to the last digit by the complex step; None unless differences confirm them.

    `rows` are directions as in `slopes`. Absolute values, comparisons and conjugates make a
    function no longer analytic without any error, so all the derivatives together are compared
    with a difference along a random direction.
    """
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = []
        for row in rows:
            try:
                f = complex_values(line.z + 1j * TINY_STEP * row)
            except Exception:
                return None
            if f.dtype.kind != "c" or f.shape != line.base.shape:
                return None
            found.append(f)
        value = np.array([f.imag @ line.v for f in found]) / TINY_STEP
    weights = rng.uniform(0.5, 1.5, len(rows)) * rng.choice([-1.0, 1.0], len(rows))
    together = slopes(line, (weights * scale @ rows)[None], [np.ones(1)])
    expected = weights * scale @ value
    size = np.abs(weights * scale) @ np.abs(value)
    near = np.abs(together.value[0] - expected) <= 1e-9 * size + 10 * together.error[0]
    if not near or together.kink[0] or not together.error[0] <= 1e-6 * size or not size:
        return None
    exact = Slopes.unknown(len(rows))
    exact.value, exact.size = value, np.abs(value)
    exact.error = 16 * line.eps * np.abs(value)
    return exact
