"""What a gradient has to keep to besides its value. Each check has a name and can be left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from autodiff.errors import DomainError
from autodiff.testing.failure import GradientError
from autodiff.testing.point import Point
from autodiff.testing.problem import Arrays, irregular
from autodiff.testing.sources import as_arrays

__all__ = ["CHECKS", "chosen", "run_checks"]

ROUNDING = 2.0**10
"""Two computations of the same thing may differ by so many units in the last place."""

CANCELLED = 16
"""So many times what a gradient moves by rounding may be the difference of two."""

Check = Callable[[Point, list[np.ndarray], np.random.Generator], "str | None"]


def chosen(checks: str | Iterable[str]) -> tuple[str, ...]:
    """The names of the checks to run.

    Raises
    ------
    DomainError
        If there is none of a name.
    """
    if checks in ("all", "none"):
        return tuple(CHECKS) if checks == "all" else ()
    names = {checks} if isinstance(checks, str) else set(checks)
    if unknown := names - CHECKS.keys():
        raise DomainError(f"no check {sorted(unknown)[0]!r}; there are {', '.join(CHECKS)}")
    return tuple(name for name in CHECKS if name in names)


def run_checks(
    names: Sequence[str], point: Point, found: list[np.ndarray], rng: np.random.Generator
) -> dict[str, str | None]:
    """What is wrong by each check, None where nothing is."""
    own = point.problem.source.kind != "library"
    results: dict[str, str | None] = {}
    for name in names:
        # What a library's own sweep takes care of is not the user's to keep.
        if own or name not in ("aliasing", "mutation", "forward"):
            with np.errstate(all="ignore"):
                results[name] = CHECKS[name](point, found, rng)
    return results


def _shape(point: Point, found: list[np.ndarray], rng: np.random.Generator) -> str | None:
    for name, x, g in _named(point, found):
        if g.shape != x.shape:
            return f"the gradient for {name} has shape {g.shape}, and {name} has {x.shape}"
    return None


def _dtype(point: Point, found: list[np.ndarray], rng: np.random.Generator) -> str | None:
    for name, x, g in _named(point, found):
        if g.dtype != x.dtype:
            return f"the gradient for {name} is of {g.dtype}, and {name} of {x.dtype}"
    return None


def _mutation(point: Point, found: list[np.ndarray], rng: np.random.Generator) -> str | None:
    inputs, cotangents = _copies(point.inputs), _copies(point.cotangents)
    point.problem.values(inputs)
    if name := _changed(point, inputs, point.inputs):
        return f"the forward writes into its input {name}"
    point.problem.gradients(inputs, cotangents)
    if name := _changed(point, inputs, point.inputs):
        return f"the gradient writes into the input {name}"
    if not all(map(_equal, cotangents, point.cotangents)):
        return "the gradient writes into the cotangent"
    return None


def _changed(point: Point, now: Arrays, before: Arrays) -> str | None:
    pairs = zip(point.problem.names, now, before, strict=True)
    return next((name for name, x, y in pairs if not _equal(x, y)), None)


def _aliasing(point: Point, found: list[np.ndarray], rng: np.random.Generator) -> str | None:
    inputs, cotangents = _copies(point.inputs), _copies(point.cotangents)
    grads = point.problem.gradients(inputs, cotangents)
    owners = [(f"the gradient for {n}", g) for n, _, g in _named(point, grads)]
    held = [(f"the input {n}", x) for n, x, _ in _named(point, grads, inputs)]
    held += [("the cotangent", v) for v in cotangents]
    for i, (name, g) in enumerate(owners):
        for other, array in held + owners[:i]:
            if g.size and np.shares_memory(g, array):
                return f"{name} shares memory with {other}: return a copy"
    return None


def _determinism(point: Point, found: list[np.ndarray], rng: np.random.Generator) -> str | None:
    again = _gradients(point, point.inputs)
    if name := _differs(point, found, again):
        return f"a second call gives another gradient for {name}"
    others = [np.ascontiguousarray(x[::-1]) if x.ndim else x * 1.0 for x in point.inputs]
    try:
        _gradients(point, others)
    except GradientError:
        return None  # there is nothing to differentiate there
    if name := _differs(point, found, _gradients(point, point.inputs)):
        return f"after a call with other inputs, the gradient for {name} is another one"
    return None


def _linearity(point: Point, found: list[np.ndarray], rng: np.random.Generator) -> str | None:
    cotangents = point.cotangents
    doubled = _gradients(point, point.inputs, [2 * v for v in cotangents])
    if name := _differs_clearly(point, [2 * g for g in found], doubled, rng):
        return f"the gradient for {name} does not double with the cotangent"
    nothing = _gradients(point, point.inputs, [0 * v for v in cotangents])
    if any(np.any(np.isfinite(f) & np.isfinite(g) & (g != 0))
           for f, g in zip(found, nothing, strict=True)):  # fmt: skip
        return "the gradient of a zero cotangent is not zero"
    part = [irregular(v, rng) for v in cotangents]
    rest = [v - w for v, w in zip(cotangents, part, strict=True)]
    one, other = (_gradients(point, point.inputs, v) for v in (part, rest))
    size = [np.abs(a) + np.abs(b) for a, b in zip(one, other, strict=True)]
    together = [a + b for a, b in zip(one, other, strict=True)]
    if name := _differs_clearly(point, found, together, rng, size):
        return f"the gradient for {name} is not additive in the cotangent"
    return None


def _layouts(point: Point, found: list[np.ndarray], rng: np.random.Generator) -> str | None:
    for kind, made in _LAYOUTS.items():
        try:
            grads = _gradients(point, list(map(made, point.inputs)))
        except GradientError as error:
            return f"with {kind} inputs: {error}"
        if name := _differs_clearly(point, found, grads, rng):
            return f"with {kind} inputs the gradient for {name} is another one"
    return None


def _forward(point: Point, found: list[np.ndarray], rng: np.random.Generator) -> str | None:
    problem = point.problem
    if problem.source.tracked is None:
        return None
    plain = problem.values(point.inputs)
    try:
        other = as_arrays(problem.source.tracked(problem.filled(point.inputs)))
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


def _named(point: Point, found: Arrays, inputs: Arrays | None = None) -> list[tuple[str, Any, Any]]:
    return list(zip(point.problem.names, inputs or point.inputs, found, strict=True))


def _copies(arrays: Arrays) -> list[np.ndarray]:
    return [x.copy() for x in arrays]


def _gradients(point: Point, inputs: Arrays, cotangents: Arrays | None = None) -> list[np.ndarray]:
    given = point.cotangents if cotangents is None else cotangents
    layouts = [x if not x.flags.c_contiguous or not x.flags.writeable else x.copy() for x in inputs]
    return [g.copy() for g in point.problem.gradients(layouts, _copies(given))]


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
    allowed = (
        ROUNDING * np.finfo(y.dtype).eps * np.maximum(largest, 0.1 * np.max(largest, initial=0.0))
    )
    allowed = allowed if more is None else allowed + more
    return bool(np.all((x == y) | (np.abs(x - y) <= allowed) | (np.isnan(x) & np.isnan(y))))


def _differs(
    point: Point, first: Arrays, second: Arrays, sizes: Arrays | None = None,
    more: Arrays | None = None,
) -> str | None:  # fmt: skip
    """The name of an input whose two gradients are not the same."""
    nothing = [None] * len(first)
    pairs = zip(first, second, sizes or nothing, more or nothing, strict=True)
    for name, (x, y, size, extra) in zip(point.problem.names, pairs, strict=True):
        if not _near(np.asarray(x), np.asarray(y), size, extra):
            return name
    return None


def _differs_clearly(
    point: Point, first: Arrays, second: Arrays, rng: np.random.Generator,
    sizes: Arrays | None = None,
) -> str | None:  # fmt: skip
    """The same, by more than the gradient moves when its inputs are rounded otherwise: where
    large parts cancel, what is left is rounding."""
    name = _differs(point, first, second, sizes)
    if not name or any(g.shape != x.shape for g, x in zip(first, point.inputs, strict=True)):
        return name
    eps = max(float(np.finfo(x.dtype).eps) for x in point.inputs)
    return _differs(point, first, second, sizes, point.split(CANCELLED * point.rounding(eps, rng)))
