"""The errors of a gradient that is not right."""

from __future__ import annotations

from typing import Any

__all__ = ["GradientError", "UndecidedError"]


class GradientError(AssertionError):
    """A gradient is wrong, cannot be had, or breaks its contract.

    Attributes
    ----------
    report : GradientReport or None
        All that was found, where the check came that far.
    """

    def __init__(self, message: str, report: Any = None) -> None:
        super().__init__(message)
        self.report = report

    def __str__(self) -> str:
        # Only now is the cause looked for: while an example is made smaller, nobody reads it.
        return super().__str__() if self.report is None else str(self.report)


class UndecidedError(GradientError):
    """A test that shows nothing: too few of its entries could be decided.

    Attributes
    ----------
    report : GradientReport or None
        All that was found, where the check came that far.
    """
