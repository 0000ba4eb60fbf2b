"""What the results of a function are held to: a twin's, and the shapes of a signature."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

import numpy as np

from autodiff.errors import describe
from autodiff.testing.check import ULPS
from autodiff.testing.failure import GradientError
from autodiff.testing.problem import Problem
from autodiff.testing.sources import as_arrays

__all__ = ["require_same", "require_shapes"]


def require_shapes(problem: Problem, expected: list[tuple[int, ...]]) -> None:
    """Raise a `GradientError` unless the results have these shapes."""
    shapes = [v.shape for v in problem.values(problem.inputs)]
    if shapes != expected:
        raise GradientError(
            f"{problem.name}() gave {shapes}, and its signature says {expected} for inputs of "
            f"shapes {[x.shape for x in problem.inputs]}"
        )


def require_same(problem: Problem, ours: Any, theirs: Any) -> None:
    """Raise a `GradientError` unless the results are those of the twin, in value, shape and dtype.

    Values may be off by 64 units in the last place of the largest.
    """
    for a, b in zip_longest(as_arrays(ours), as_arrays(theirs)):
        if a is None or b is None or (a.shape, a.dtype) != (b.shape, b.dtype):
            given, wanted = ("nothing" if r is None else describe(r) for r in (a, b))
            raise GradientError(
                f"{problem.name}() gave {given}, and its twin {wanted}, {_at(problem)}"
            )
        largest = np.max(np.abs(b), initial=0.0, where=np.isfinite(b))
        tolerance = ULPS * float(np.finfo(b.dtype).eps)
        same = np.isclose(a, b, tolerance, tolerance * largest, equal_nan=True)
        if not same.all():
            place = tuple(int(i) for i in np.argwhere(~same)[0])
            raise GradientError(
                f"{problem.name}() gave {a[place]!r} at {list(place)}, and its twin "
                f"{b[place]!r}, {_at(problem)}"
            )


def _at(problem: Problem) -> str:
    pairs = zip(problem.names, problem.inputs, strict=True)
    return f"at {', '.join(f'{name} = {x!r}' for name, x in pairs)}"
