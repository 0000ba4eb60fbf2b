"""Fresh generic points at which a wrong gradient is looked at again, to find its cause.

The smallest failing example is the worst place to tell one mistake from another: at a single
zero, a sign, a factor and a transpose look alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from autodiff.testing.failure import GradientError
from autodiff.testing.point import joined
from autodiff.testing.problem import Arrays, Problem

__all__ = ["Probe", "differences", "is_near", "make_probes"]

COUNT = 3
LARGEST = 150
"""Inputs of more entries are not looked at again whole."""
NEAR = 1e-6
"""How near a guess has to be, relative to each entry (and a hundredth of the largest)."""

Draw = Callable[[np.random.Generator], Arrays]
Call = Callable[..., Arrays]


@dataclass
class Probe:
    """A function at a point, with all that guesses are made from.

    Attributes
    ----------
    call : callable
        ``call(*inputs)``, the results.
    inputs, results, cotangents : list of ndarray
    blocks : list of ndarray
        The Jacobian by each input: ``(entries of the results, entries of the input)``.
    analytic : list of ndarray
        The gradient to check; for one step within a computation, the right one.
    """

    call: Call
    inputs: list[np.ndarray]
    results: list[np.ndarray]
    cotangents: list[np.ndarray]
    blocks: list[np.ndarray]
    analytic: list[np.ndarray]

    @property
    def v(self) -> np.ndarray:
        """The cotangents in one vector."""
        return joined(self.cotangents)

    def numeric(self, i: int) -> np.ndarray:
        """The right gradient for input `i`."""
        return (self.v @ self.blocks[i]).reshape(self.inputs[i].shape)

    def is_wrong(self, i: int) -> bool:
        """Whether the gradient for input `i` is wrong here."""
        return not is_near(self.analytic[i], self.numeric(i))


def is_near(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether every entry is the same, but for the error of differences."""
    if np.shape(a) != np.shape(b) or not np.all(np.isfinite(b)):
        return False
    largest = np.max(np.abs(b), initial=0.0)
    return bool(np.all(np.abs(a - b) <= NEAR * np.abs(b) + 1e-2 * NEAR * largest))


def make_probes(problem: Problem, draw: Draw | None, seed: int = 12345) -> list[Probe]:
    """Points of one kind at which the gradient is wrong: the most generic kind that has any."""
    if draw is None and sum(x.size for x in problem.inputs) > LARGEST:
        return []
    for kind in _kinds(problem, draw):
        rng = np.random.default_rng(seed)
        drawn = (_probe(problem, kind, rng) for _ in range(2 * COUNT))
        wrong = [p for p in drawn if p and any(map(p.is_wrong, range(len(p.inputs))))]
        if wrong:
            return wrong[:COUNT]
    return []


def _kinds(problem: Problem, draw: Draw | None) -> Iterator[Draw]:
    """Ways to draw inputs: the caller's own, then general ones, then near the failing point."""
    if draw is not None:
        yield draw
    for low, high, signed in ((0.3, 1.7, True), (0.3, 1.7, False), (0.05, 0.95, False),
                              (1.1, 3.0, False)):  # fmt: skip
        yield _between(low, high, signed, [x.shape for x in problem.inputs])
    yield lambda rng: [x * rng.uniform(0.7, 1.3, x.shape) for x in problem.inputs]


def _between(low: float, high: float, signed: bool, shapes: list[tuple[int, ...]]) -> Draw:
    signs = [-1.0, 1.0] if signed else [1.0]
    return lambda rng: [rng.uniform(low, high, s) * rng.choice(signs, s) for s in shapes]


def _probe(problem: Problem, draw: Draw, rng: np.random.Generator) -> Probe | None:
    inputs = [np.asarray(x, float) for x in draw(rng)]
    results = problem.quiet_values(inputs)
    if not results or any(r.dtype != float or not np.all(np.isfinite(r)) for r in results):
        return None
    at = problem.at(*inputs)
    try:
        cotangents = at.cotangents(rng)
        found = at.gradients([x.copy() for x in inputs], [v.copy() for v in cotangents])
    except GradientError:
        return None
    blocks = differences(lambda *xs: problem.quiet_values(xs) or [], inputs, joined(results).size)
    if not all(np.all(np.isfinite(block)) for block in blocks):
        return None
    analytic = [np.array(g, float) for g in found]
    return Probe(lambda *xs: problem.values(xs), inputs, results, cotangents, blocks, analytic)


def differences(call: Call, inputs: list[np.ndarray], size: int) -> list[np.ndarray]:
    """The Jacobian by each input, by differences of order six."""

    def block(i: int) -> np.ndarray:
        columns = [_column(call, inputs, i, place, size) for place in np.ndindex(inputs[i].shape)]
        return np.array(columns).reshape(inputs[i].size, size).T

    return [block(i) for i in range(len(inputs))]


def _column(
    call: Call, inputs: list[np.ndarray], i: int, place: tuple[int, ...], size: int
) -> np.ndarray:
    step = 2.0**-5 * max(abs(float(inputs[i][place])), 2.0**-5)

    def at(move: float) -> np.ndarray:
        moved = [x.copy() for x in inputs]
        moved[i][place] += move
        found = joined(call(*moved))
        return found if found.size == size else np.full(size, np.nan)

    weights = ((1, 1 / 45), (2, -20 / 45), (4, 64 / 45))
    return sum((w * k * (at(step / k) - at(-step / k)) for k, w in weights), np.zeros(size)) / (
        2 * step
    )
