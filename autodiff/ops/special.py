"""The error function on numpy alone, to the last digits of float64.

Rational Chebyshev approximations on three intervals: W. J. Cody, "Rational Chebyshev
approximations for the error function", Mathematics of Computation 23 (1969), 631-637.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.op import overridable

_SMALL, _LARGE, _UNDERFLOW = 0.46875, 4.0, 27.3

# Coefficients from the highest power down, numerator and denominator.
_NEAR = (
    (1.85777706184603153e-1, 3.16112374387056560e0, 1.13864154151050156e2,
     3.77485237685302021e2, 3.20937758913846947e3),
    (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3,
     2.84423683343917062e3),
)  # fmt: skip
_MIDDLE = (
    (2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594e0,
     6.61191906371416295e1, 2.98635138197400131e2, 8.81952221241769090e2,
     1.71204761263407058e3, 2.05107837782607147e3, 1.23033935479799725e3),
    (1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2,
     1.62138957456669019e3, 3.29079923573345963e3, 4.36261909014324716e3,
     3.43936767414372164e3, 1.23033935480374942e3),
)  # fmt: skip
_FAR = (
    (1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1,
     1.25781726111229246e-1, 1.60837851487422766e-2, 6.58749161529837803e-4),
    (1.0, 2.56852019228982242e0, 1.87295284992346725e0, 5.27905102951428412e-1,
     6.05183413124413191e-2, 2.33520497626869185e-3),
)  # fmt: skip


@overridable
def erf(x: Any) -> Any:
    """Error function, ``2 / sqrt(pi)`` times the integral of ``exp(-t**2)`` from 0 to x."""
    return _by_size(x, _erf_near, lambda x: np.copysign(0.5 - _tail(np.abs(x)) + 0.5, x))


@overridable
def erfc(x: Any) -> Any:
    """``1 - erf(x)``, with all its digits also where erf(x) is close to 1."""
    return _by_size(x, lambda x: 1 - _erf_near(x), _erfc_beyond)


def _by_size(x: Any, near: Callable[[Any], Any], beyond: Callable[[Any], Any]) -> Any:
    x = np.asarray(x)
    wide = x.astype(np.float64)
    # nan counts as small, and stays nan there.
    far = np.abs(wide) > _SMALL
    out = np.empty_like(wide)
    out[~far], out[far] = near(wide[~far]), beyond(wide[far])
    return out.astype(x.dtype if x.dtype.kind == "f" else np.float64)[()]


def _erf_near(x: Any) -> Any:
    return x * _ratio(_NEAR, x * x)


def _erfc_beyond(x: Any) -> Any:
    tail = _tail(np.abs(x))
    return np.where(x < 0, 2 - tail, tail)


def _tail(x: Any) -> Any:
    """``erfc(x)`` for x above 0.46875."""
    x = np.minimum(x, _UNDERFLOW)
    middle = np.minimum(x, _LARGE)
    inverse = 1 / np.square(np.maximum(x, _LARGE))
    far = (1 / math.sqrt(math.pi) - inverse * _ratio(_FAR, inverse)) / x
    return _gauss(x) * np.where(x > _LARGE, far, _ratio(_MIDDLE, middle))


def _gauss(x: Any) -> Any:
    # exp(-x*x) with x cut to where its square is exact: the rounding of x*x would grow with it.
    cut = np.trunc(16 * x) / 16
    return np.exp(-cut * cut) * np.exp((cut - x) * (cut + x))


def _ratio(coefficients: tuple[tuple[float, ...], tuple[float, ...]], x: Any) -> Any:
    above, below = coefficients
    return _polynomial(above, x) / _polynomial(below, x)


def _polynomial(coefficients: tuple[float, ...], x: Any) -> Any:
    total: Any = 0.0
    for c in coefficients:
        total = total * x + c
    return total
