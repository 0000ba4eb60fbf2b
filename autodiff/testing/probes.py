"""Fresh generic points at which a wrong gradient is looked at again, to find its cause.

The smallest failing example is the worst place to tell one mistake from another: at a single
zero, a sign, a factor and a transpose look alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from autodiff.op import sum_to
from autodiff.testing.failure import GradientError
from autodiff.testing.point import joined
from autodiff.testing.problem import Arrays, Problem
from autodiff.testing.trace import Trace, record

__all__ = ["Call", "Family", "Guess", "Probe", "differences", "is_near", "jacobian", "make_probes",
           "slope"]  # fmt: skip

COUNT = 3
LARGEST = 200
"""Inputs of more entries are not looked at again whole."""
NEAR = 1e-6
"""How near a guess has to be, relative to each entry (and a hundredth of the largest)."""
STEP = 2.0**-9

Draw = Callable[[np.random.Generator], Arrays]
Call = Callable[..., Arrays]


@dataclass
class Probe:
    """A function at a point, with all that guesses are made from.

    Attributes
    ----------
    call : callable
        ``call(*inputs)``, the results.
    names : sequence of str
        Of the inputs, for texts.
    inputs, results, cotangents : list of ndarray
    blocks : list of ndarray
        The Jacobian by each input: ``(entries of the results, entries of the input)``.
    analytic : list of ndarray
        The gradient to check; for one step within a computation, the right one.
    trace : Trace
        The steps of the function; without any where they cannot be had.
    """

    call: Call
    names: Sequence[str]
    inputs: list[np.ndarray]
    results: list[np.ndarray]
    cotangents: list[np.ndarray]
    blocks: list[np.ndarray]
    analytic: list[np.ndarray] = field(default_factory=list)
    trace: Trace = field(default_factory=Trace)

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

    def fitted(self) -> np.ndarray:
        """The gradient to check as one vector, summed to the inputs' shapes."""
        pairs = zip(self.analytic, self.inputs, strict=True)
        return joined([_summed(a, x.shape) for a, x in pairs])


def _summed(a: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    try:
        return a if a.shape == shape else np.asarray(sum_to(a, shape))
    except ValueError:
        return np.full(shape, np.nan)


@dataclass(frozen=True)
class Guess:
    """The gradient for one input, had a mistake been made.

    Attributes
    ----------
    kind : str
        One of `autodiff.testing.causes.KINDS`.
    text : str
    value : ndarray
    """

    kind: str
    text: str
    value: np.ndarray


Family = Callable[[Probe, int, np.ndarray], Iterator[Guess]]
"""Takes a probe, the number of an input, and the right gradient for it."""


def is_near(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether every entry is the same, but for the error of differences."""
    if np.shape(a) != np.shape(b) or not np.all(np.isfinite(b)):
        return False
    largest = np.max(np.abs(b), initial=0.0)
    return bool(np.all(np.abs(a - b) <= NEAR * np.abs(b) + 1e-2 * NEAR * largest))


def make_probes(problem: Problem, draw: Draw | None, seed: int = 12345) -> list[Probe]:
    """Points of one kind at which the gradient is wrong: the most generic kind that has any."""
    sizes = [x.size for x in problem.inputs]
    if not all(sizes) or (draw is None and sum(sizes) > LARGEST):
        return []
    for kind in _kinds(problem, draw):
        rng = np.random.default_rng(seed)
        drawn = (_probe(problem, kind, rng) for _ in range(3 * COUNT))
        wrong = (p for p in drawn if p and any(map(p.is_wrong, range(len(p.inputs)))))
        if found := list(islice(wrong, COUNT)):
            return found
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
    call = lambda *xs: problem.quiet_values(xs) or []  # noqa: E731
    blocks = differences(call, inputs, joined(results).size)
    if not all(np.all(np.isfinite(block)) for block in blocks):
        return None
    analytic = [np.array(g, float) for g in found]
    trace = record(lambda *xs: problem.source.forward(problem.filled(xs)), inputs)
    return Probe(call, problem.names, inputs, results, cotangents, blocks, analytic, trace)


def differences(call: Call, inputs: list[np.ndarray], size: int) -> list[np.ndarray]:
    """The Jacobian by each input, by differences; NaN by an entry that is beside a kink."""
    return [jacobian(call, inputs, i, size) for i in range(len(inputs))]


def jacobian(call: Call, inputs: Sequence[np.ndarray], i: int, size: int) -> np.ndarray:
    """The Jacobian by input `i`: ``(size, entries of the input)``."""
    columns = []
    for place, x in np.ndenumerate(inputs[i]):
        one = np.zeros_like(inputs[i])
        one[place] = max(abs(float(x)), 2.0**-5)
        columns.append(slope(call, inputs, i, one, size) / one[place])
    return np.array(columns).reshape(inputs[i].size, size).T


def slope(
    call: Call, inputs: Sequence[np.ndarray], i: int, direction: np.ndarray, size: int
) -> np.ndarray:
    """How the `size` results change as input `i` moves along `direction`.

    By differences of order six; NaN beside a kink, and where there are no such results.
    """

    def at(move: np.ndarray) -> np.ndarray:
        try:
            found = joined(call(*inputs[:i], inputs[i] + move, *inputs[i + 1 :]))
        except (ValueError, IndexError):
            found = np.zeros(0)
        return found if found.size == size else np.full(size, np.nan)

    ends = np.array([[at(s * STEP / k * direction) for s in (1, -1)] for k in (1, 2, 4)])
    one, two, four = (k * (up - down) for k, (up, down) in zip((1, 2, 4), ends, strict=True))
    apart = np.max(np.abs(one - four) + np.abs(two - four), initial=0.0)
    rounding = 1e-13 * np.max(np.abs(ends), initial=0.0)
    if apart > 1e-3 * np.max(np.abs(four), initial=0.0) + rounding:
        return np.full(size, np.nan)
    return np.asarray((one - 20 * two + 64 * four) / (90 * STEP))
