"""Programs in C beside eager mode: how far apart results are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autodiff.compiler.native import toolchain
from autodiff.compiler.native.operations import Operation
from tests.compiler.tools import Counted, arrays

__all__ = []

ULPS = 8
"""What C may be off by, in units of the last place of the largest entry of an array: functions of
the C library round otherwise than numpy's, and sums and products add up in another order. What
only moves or selects entries, and all of integers and bools, is exact."""

needs_compiler = pytest.mark.skipif(toolchain.find() is None, reason="there is no C compiler")


def ulps(actual: np.ndarray, expected: np.ndarray, least: float = 0.0) -> float:
    """How far apart two arrays are; infinite where a nan or inf is in one of them only.

    `least` stands for the largest entry if that is smaller: of sums in which large terms cancel.
    """
    if (actual.dtype, actual.shape) != (expected.dtype, expected.shape):
        return np.inf
    if actual.dtype.kind != "f":
        return 0.0 if np.array_equal(actual, expected) else np.inf
    finite = np.isfinite(expected)
    if not np.array_equal(actual[~finite], expected[~finite], equal_nan=True):
        return np.inf
    if not finite.any():
        return 0.0
    largest = np.maximum(np.abs(expected[finite]).max(), expected.dtype.type(least))
    distance = np.abs(actual[finite].astype(np.float64) - expected[finite]).max()
    return float(distance / np.spacing(largest).astype(np.float64))


def assert_near(
    actual: Any, expected: Any, limit: float = ULPS, name: str = "", least: float = 0.0
) -> None:
    """The same shapes, dtypes, nan and inf, and nearly the same values."""
    found, wanted = arrays(actual), arrays(expected)
    assert len(found) == len(wanted)
    for a, e in zip(found, wanted, strict=True):
        assert ulps(a, e, least) <= limit, f"{name}: {a} is not {e}"


class InC(Counted):
    """The same in C."""

    backend = "c"

    @property
    def numpy_calls(self) -> list[str]:
        """What has no form in C."""
        segments = self.compiled._last.run.emitted.segments  # type: ignore[union-attr]
        return [s.name for s in segments if isinstance(s, Operation)]


def assert_runs_in_c(f: Callable[..., Any], *calls: tuple[Any, ...], limit: float = ULPS) -> InC:
    """`f` in C gives about what it gives in eager mode, for each of these tuples of arguments."""
    made = InC(f)
    for args in calls:
        assert_near(made(*args), f(*args), limit)
    assert made.calls == 1, "eager mode had to help out"
    return made
