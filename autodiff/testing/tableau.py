"""Extrapolation of difference quotients to a step of zero."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["Tableau"]


class Tableau:
    """Richardson's extrapolation of slopes at steps that halve, with Ridders' error.

    `power` is 4 where the error is a series in the square of the step, 2 where in the step.
    """

    def __init__(self, power: int) -> None:
        self.power = power
        self.row: list[np.ndarray] = []
        self.value: Any = np.nan
        self.error: Any = np.inf

    def add(self, slope: np.ndarray, noise: np.ndarray) -> None:
        """Take in the slope at the next step, and keep the best number so far."""
        row = [slope]
        for m, before in enumerate(self.row):
            row.append(row[m] + (row[m] - before) / (self.power ** (m + 1) - 1))
            spread = np.maximum(np.abs(row[-1] - row[m]), np.abs(row[-1] - before))
            own = np.maximum(spread, noise)
            better = own < self.error
            self.value = np.where(better, row[-1], self.value)
            self.error = np.where(better, own, self.error)
        self.row = row
