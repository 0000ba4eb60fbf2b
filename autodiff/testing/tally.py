"""What all examples of a test came to: whether they show anything."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autodiff.testing.failure import UndecidedError
from autodiff.testing.report import GradientReport

__all__ = ["Tally"]

_MANY = 10  # of fewer examples one may hold most of the entries


@dataclass
class Tally:
    """What all examples of one run came to."""

    examples: int = 0
    checked: int = 0
    kinks: int = 0
    undecided: int = 0
    digits: float = 16.0

    def clear(self) -> None:
        vars(self).update(vars(Tally()))

    def add(self, report: GradientReport) -> None:
        self.examples += 1
        self.checked += report.checked
        self.kinks += 0 if report.verdict is None else int(np.sum(report.verdict.kink))
        self.undecided += report.undecided
        self.digits = min([self.digits, *(r.digits for r in (report, report.second) if r)])

    def __str__(self) -> str:
        return (
            f"right to {self.digits:.1f} digits; {self.examples} examples, {self.checked} "
            f"entries, {self.kinks} without a derivative, {self.undecided} undecided"
        )

    def require_judged(self, name: str) -> None:
        if not self.checked:
            raise UndecidedError(
                f"the test of {name}() drew nothing that could be checked: "
                f"in {self.examples} examples there was not one entry"
            )
        limit = self.checked / 2 if self.examples >= _MANY else self.checked - 1
        if self.undecided > limit:
            raise UndecidedError(
                f"the test of {name}() shows nothing: {self.undecided} of {self.checked} entries "
                "could not be decided, since the values there are too rough, or not finite, for "
                "difference quotients; state domain= or avoid="
            )
