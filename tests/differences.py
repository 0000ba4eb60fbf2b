"""Derivatives without automatic differentiation, to compare with."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

__all__ = ["assert_close", "central", "complex_step", "directional", "gradient"]

Arrays = Sequence[np.ndarray]

_STEP = 2.0**-8
_WEIGHTS = ((1, 1 / 45), (2, -20 / 45), (4, 64 / 45))
"""Central differences at h, h/2 and h/4, combined so that the error is of order h**6
(Richardson's extrapolation, Phil. Trans. A 226, 1927)."""


def central(f: Callable[[float], Any]) -> Any:
    """Derivative of ``f(t)`` at t = 0."""
    terms = [w * (f(_STEP / k) - f(-_STEP / k)) * (k / (2 * _STEP)) for k, w in _WEIGHTS]
    return terms[0] + terms[1] + terms[2]


def directional(f: Callable[..., Any], xs: Arrays, direction: Arrays) -> Any:
    """Derivative of ``f(*xs)`` (an array) as all `xs` move along `direction`."""
    return central(lambda t: f(*(x + t * d for x, d in zip(xs, direction, strict=True))))


def gradient(f: Callable[..., float], xs: Arrays) -> list[np.ndarray]:
    """Gradient of ``f(*xs)`` (a number) with respect to each array."""
    return [
        _entries(x, lambda x, i=i: f(*xs[:i], x, *xs[i + 1 :]), _by_differences)
        for i, x in enumerate(xs)
    ]


def complex_step(f: Callable[..., complex], xs: Arrays) -> list[np.ndarray] | None:
    """The gradient to the last digit, if `f` takes complex arrays and is analytic; else None.

    ``imag(f(x + ih)) / h`` has no cancellation, so h may be tiny (Squire and Trapp, SIAM
    Review 40, 1998). Whether `f` is analytic shows in the comparison with differences.
    """
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            found = [
                _entries(x, lambda x, i=i: f(*xs[:i], x, *xs[i + 1 :]), _by_complex_step)
                for i, x in enumerate(xs)
            ]
        except (TypeError, ValueError, IndexError, np.linalg.LinAlgError):
            return None
    return found


def _entries(x: np.ndarray, f: Callable[[np.ndarray], Any], method: Any) -> np.ndarray:
    out = np.empty(x.shape)
    for place in np.ndindex(x.shape):
        out[place] = method(f, x, place)
    return out


def _by_differences(f: Callable[[np.ndarray], float], x: np.ndarray, place: Any) -> float:
    def along(t: float) -> float:
        moved = x.copy()
        moved[place] += t
        return f(moved)

    return float(central(along))


def _by_complex_step(f: Callable[[np.ndarray], complex], x: np.ndarray, place: Any) -> float:
    moved = x.astype(complex)
    moved[place] += 1e-30j
    return float(np.imag(f(moved)) / 1e-30)


def assert_close(actual: Any, expected: Any, tolerance: float, where: str = "") -> None:
    """All entries within `tolerance` of `expected`, relative to its largest."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape, f"{where}: shape {actual.shape}, not {expected.shape}"
    finite = np.abs(expected[np.isfinite(expected)])
    scale = max(1.0, float(np.max(finite, initial=0.0)))
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance * scale, err_msg=where)
