"""What difference quotients are made of, and what they give."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

__all__ = ["Line", "Slopes", "Values"]

Values = Callable[[np.ndarray], np.ndarray]
"""All results in one vector, as a function of all inputs in one vector."""


@dataclass(frozen=True)
class Line:
    """A point, and the cotangent that makes one number of the results.

    Attributes
    ----------
    values : callable
    z : ndarray
        The point, as one vector.
    v : ndarray
        The cotangent of all results, as one vector.
    base : ndarray
        The results at `z`.
    eps : float
        Rounding of the dtype in which the function works.
    """

    values: Values
    z: np.ndarray
    v: np.ndarray
    base: np.ndarray
    eps: float = 2.0**-52

    def difference(self, upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
        """The cotangent times the difference of results.

        Equal infinities differ by nothing, nor does what is NaN at the point, too.
        """
        apart = upper - lower
        if not np.all(np.isfinite(apart)):
            same = (upper == lower) | (np.isnan(upper) & np.isnan(lower) & np.isnan(self.base))
            apart = np.where(same, 0.0, apart)
        return np.asarray(apart @ self.v)


@dataclass
class Slopes:
    """Derivatives along directions.

    Attributes
    ----------
    value : ndarray
        NaN where nothing is known.
    error : ndarray
        How far the value may be off; inf where it is not known.
    size : ndarray
        The largest secant slope that was seen: the scale by which a derivative of zero is zero.
    kink : ndarray of bool
        Whether the slopes to both sides differ however near.
    edge : ndarray of bool
        Whether only one side lies in the domain; the value is that of this side.
    infinite : ndarray
        +1 or -1 where the slope grows without end, else 0.
    alone : ndarray of bool
        Whether it comes from differences along this direction by itself.
    whole : ndarray of bool
        Whether all results are finite.
    """

    value: np.ndarray
    error: np.ndarray
    size: np.ndarray
    kink: np.ndarray
    edge: np.ndarray
    infinite: np.ndarray
    alone: np.ndarray
    whole: np.ndarray

    @classmethod
    def unknown(cls, count: int) -> Slopes:
        """Nothing known yet along `count` directions."""
        full, no = np.full, np.zeros(count, bool)
        return cls(full(count, np.nan), full(count, np.inf), np.zeros(count), no, no.copy(),
                   np.zeros(count), no.copy(), ~no)  # fmt: skip

    def put(self, places: np.ndarray, other: Slopes) -> None:
        """Take over what is known along some of the directions."""
        for name, mine in vars(self).items():
            mine[places] = getattr(other, name)
