"""What a gradient has to keep to besides its value. Each check has a name and can be left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from autodiff.errors import DomainError
from autodiff.testing.failure import GradientError
from autodiff.testing.numeric import slopes
from autodiff.testing.point import CANCELLED, Point, joined
from autodiff.testing.problem import Arrays, copies, irregular
from autodiff.testing.sources import as_arrays

__all__ = ["CHECKS", "chosen", "run_checks"]

ROUNDING = 0.6
"""Two computations of the same thing may differ by this power of the rounding unit."""
FAR, NEAR = 1e-3, 1e-5
"""A gradient that is so far off along a direction, and so near elsewhere, is that of there."""


@dataclass(frozen=True)
class _Case:
    """A gradient that was found at a point, and a second call for the same one."""

    point: Point
    found: list[np.ndarray]
    rng: np.random.Generator

    @cached_property
    def again(self) -> _Call:
        return _Call(self.point)

    def named(self, arrays: Arrays) -> list[tuple[str, np.ndarray]]:
        return list(zip(self.point.problem.names, arrays, strict=True))

    def gradients(
        self, inputs: Arrays | None = None, cotangents: Arrays | None = None
    ) -> list[np.ndarray]:
        """A copy of the gradients of copies, which keep their layout."""
        given = self.point.inputs if inputs is None else inputs
        layouts = [x.copy() if x.flags.c_contiguous and x.flags.writeable else x for x in given]
        turned = copies(self.point.cotangents if cotangents is None else cotangents)
        return copies(self.point.problem.gradients(layouts, turned))


class _Call:
    """The arrays that one call was given, and those that it gave."""

    def __init__(self, point: Point) -> None:
        self.inputs, self.cotangents = copies(point.inputs), copies(point.cotangents)
        self.grads = point.problem.gradients(self.inputs, self.cotangents)
        self.values = copies(self.grads)


Check = Callable[[_Case], "str | None"]


def chosen(checks: str | Iterable[str]) -> tuple[str, ...]:
    """The names of the checks to run.

    Raises
    ------
    DomainError
        If there is none of a name.
    """
    if checks in ("all", "none"):
        return tuple(CHECKS) if checks == "all" else ()
    if not isinstance(checks, Iterable):
        raise DomainError(f"checks={checks!r}: it is 'all', 'none', or names")
    names = {checks} if isinstance(checks, str) else set(checks)
    if unknown := names - CHECKS.keys():
        raise DomainError(f"no check {sorted(unknown)[0]!r}; there are {', '.join(CHECKS)}")
    return tuple(name for name in CHECKS if name in names)


def run_checks(
    names: Sequence[str], point: Point, found: list[np.ndarray], rng: np.random.Generator
) -> dict[str, str | None]:
    """What is wrong by each check, None where nothing is."""
    # What a library's own sweep takes care of is not the user's to keep.
    others = ("aliasing", "mutation", "forward") if point.problem.source.kind == "library" else ()
    case = _Case(point, found, rng)
    return {name: CHECKS[name](case) for name in names if name not in others}


def _shape(case: _Case) -> str | None:
    for (name, g), x in zip(case.named(case.found), case.point.inputs, strict=True):
        if g.shape != x.shape:
            return f"the gradient for {name} has shape {g.shape}, and {name} has {x.shape}"
    return None


def _dtype(case: _Case) -> str | None:
    for (name, g), x in zip(case.named(case.found), case.point.inputs, strict=True):
        if g.dtype != x.dtype:
            return f"the gradient for {name} is of {g.dtype}, and {name} of {x.dtype}"
    return None


def _mutation(case: _Case) -> str | None:
    point, inputs = case.point, copies(case.point.inputs)
    point.problem.values(inputs)
    if name := _changed(case, inputs):
        return f"the forward writes into its input {name}"
    if name := _changed(case, case.again.inputs):
        return f"the gradient writes into the input {name}"
    if not all(map(_equal, case.again.cotangents, point.cotangents)):
        return "the gradient writes into the cotangent"
    return None


def _changed(case: _Case, now: Arrays) -> str | None:
    pairs = zip(case.named(now), case.point.inputs, strict=True)
    return next((name for (name, x), before in pairs if not _equal(x, before)), None)


def _aliasing(case: _Case) -> str | None:
    call, later = case.again, _Call(case.point)
    owners = [(f"the gradient for {name}", g) for name, g in case.named(call.grads)]
    held = [(f"the input {name}", x) for name, x in case.named(call.inputs)]
    held += [("the cotangent", v) for v in call.cotangents]
    held += [("that of the next call", g) for g in later.grads]
    for i, (name, g) in enumerate(owners):
        for other, array in held + owners[:i]:
            if g.size and np.shares_memory(g, array):
                return f"{name} shares memory with {other}: return a copy"
    return None


def _determinism(case: _Case) -> str | None:
    first, second = (case.point.problem.values(copies(case.point.inputs)) for _ in range(2))
    if not all(map(_near, first, second)):
        return "a second call of the forward gives another value"
    if name := _differs(case, case.found, case.again.values):
        return f"a second call gives another gradient for {name}"
    point = case.point
    others = [np.ascontiguousarray(x[::-1]) if x.ndim else x * 1.25 for x in point.inputs]
    try:
        there = case.gradients(others)
    except GradientError:
        return None  # there is nothing to differentiate there
    if name := _differs(case, case.found, case.gradients()):
        return f"after a call with other inputs, the gradient for {name} is another one"
    if not _differs(case, case.found, there) and _is_stale(case, others, there):
        return "at other inputs, the gradient is still that of the first call"
    return None


def _is_stale(case: _Case, inputs: Arrays, gradients: Arrays) -> bool:
    """Whether gradients are right at the point, and not at these inputs, along one direction."""
    if any(g.shape != x.shape for g, x in zip(case.found, case.point.inputs, strict=True)):
        return False
    here, there = case.point, case.point.moved(joined(inputs))
    pattern = irregular(here.z, case.rng)
    if _apart(there, gradients, pattern) <= FAR or _apart(here, case.found, pattern) > NEAR:
        return False
    row, a = there.scales[0] * pattern, joined(gradients)
    found = slopes(there.line, row[None], [np.ones(1)])
    allowed = FAR * float(np.abs(a) @ np.abs(row)) + 10 * found.error[0]
    return bool(abs(float(a @ row) - found.value[0]) > allowed and not found.kink[0])


def _apart(point: Point, gradients: Arrays, pattern: np.ndarray) -> float:
    """How far a difference quotient is from what gradients say, relative to their size."""
    row, step, line, a = point.scales[0] * pattern, 2.0**-10, point.line, joined(gradients)
    rise = line.difference(*(line.values(point.z + move) for move in (step * row, -step * row)))
    apart, size = abs(float(a @ row) - float(rise) / (2 * step)), float(np.abs(a) @ np.abs(row))
    return apart / size if size else float(apart > 0)


def _linearity(case: _Case) -> str | None:
    cotangents = case.point.cotangents
    doubled = case.gradients(cotangents=[2 * v for v in cotangents])
    if name := _differs_clearly(case, [2 * g for g in case.found], doubled):
        return f"the gradient for {name} does not double with the cotangent"
    nothing = case.gradients(cotangents=[0 * v for v in cotangents])
    if any(np.any(np.isfinite(f) & np.isfinite(g) & (g != 0))
           for f, g in zip(case.found, nothing, strict=True)):  # fmt: skip
        return "the gradient of a zero cotangent is not zero"
    part = [irregular(v, case.rng) for v in cotangents]
    rest = [v - w for v, w in zip(cotangents, part, strict=True)]
    one, other = (case.gradients(cotangents=v) for v in (part, rest))
    size = [np.abs(a) + np.abs(b) for a, b in zip(one, other, strict=True)]
    # An infinite derivative has no sum.
    together = [np.where(np.isfinite(s), a + b, f)
                for f, a, b, s in zip(case.found, one, other, size, strict=True)]  # fmt: skip
    if name := _differs_clearly(case, case.found, together, size):
        return f"the gradient for {name} is not additive in the cotangent"
    return None


def _layouts(case: _Case) -> str | None:
    for kind, made in _LAYOUTS.items():
        inputs = list(map(made, case.point.inputs))
        if all(x.flags.c_contiguous and x.flags.writeable for x in inputs):
            continue  # as they were
        try:
            grads = case.gradients(inputs)
        except GradientError as error:
            return f"with {kind} inputs: {error}"
        if name := _differs_clearly(case, case.found, grads):
            return f"with {kind} inputs the gradient for {name} is another one"
    return None


def _forward(case: _Case) -> str | None:
    problem, inputs = case.point.problem, case.point.inputs
    if problem.source.tracked is None:
        return None
    plain = problem.values(inputs)
    try:
        other = as_arrays(problem.source.tracked(problem.filled(inputs)))
    except Exception as error:
        return f"the forward that the gradient belongs to raised {type(error).__name__}: {error}"
    if len(plain) != len(other) or not all(map(_near, plain, other)):
        return "the forward that the gradient belongs to gives another value"
    return None


CHECKS: dict[str, Check] = {
    "shape": _shape,
    "dtype": _dtype,
    "mutation": _mutation,
    "aliasing": _aliasing,
    "determinism": _determinism,
    "linearity": _linearity,
    "layouts": _layouts,
    "forward": _forward,
}
"""By name, in the order in which they run."""


def _strided(x: np.ndarray) -> np.ndarray:
    return np.repeat(x, 2, axis=-1)[..., ::2] if x.ndim else x.copy()


def _read_only(x: np.ndarray) -> np.ndarray:
    x = x.copy()
    x.flags.writeable = False
    return x


_LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "Fortran-ordered": lambda x: np.array(x, order="F"),
    "strided": _strided,
    "read-only": _read_only,
}


def _equal(x: np.ndarray, y: np.ndarray) -> bool:
    return bool(np.array_equal(x, y, equal_nan=True))


def _near(
    x: np.ndarray, y: np.ndarray, size: np.ndarray | None = None, more: np.ndarray | None = None
) -> bool:
    """Whether the arrays are equal to rounding, of `size` where that is more than their own;
    `more` is allowed besides."""
    if x.shape != y.shape:
        return False
    largest = np.maximum(np.abs(x), np.abs(y)) if size is None else size
    largest = np.where(np.isfinite(largest), largest, 0.0)
    # Sums of many parts round by the size of the parts, which the largest entry stands for.
    allowed = np.finfo(y.dtype).eps ** ROUNDING * np.maximum(
        largest, 0.1 * np.max(largest, initial=0.0)
    )
    allowed = allowed if more is None else allowed + more
    return bool(np.all((x == y) | (np.abs(x - y) <= allowed) | (np.isnan(x) & np.isnan(y))))


def _differs(
    case: _Case, first: Arrays, second: Arrays, sizes: Arrays | None = None,
    more: Arrays | None = None,
) -> str | None:  # fmt: skip
    """The name of an input whose two gradients are not the same."""
    nothing = [None] * len(first)
    pairs = zip(first, second, sizes or nothing, more or nothing, strict=True)
    for name, (x, y, size, extra) in zip(case.point.problem.names, pairs, strict=True):
        if not _near(np.asarray(x), np.asarray(y), size, extra):
            return name
    return None


def _differs_clearly(
    case: _Case, first: Arrays, second: Arrays, sizes: Arrays | None = None
) -> str | None:
    """The same, by more than the gradient moves when its inputs are rounded otherwise: where
    large parts cancel, what is left is rounding."""
    point, name = case.point, _differs(case, first, second, sizes)
    if not name or any(g.shape != x.shape for g, x in zip(first, point.inputs, strict=True)):
        return name
    more = point.split(CANCELLED * (point.rounding(case.rng) + point.cancelled(1)))
    return _differs(case, first, second, sizes, more)
