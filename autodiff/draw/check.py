"""A gradient compared with differences: the graph itself, run again with another input."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from autodiff.inspect.expressions import constant
from autodiff.inspect.partials import flat
from autodiff.inspect.signals import Signals
from autodiff.nodes import Node, needed
from autodiff.scalar import Scalar

__all__ = ["along", "difference", "run_again", "verdict"]

LARGEST = 16
"""Entries of an input that is moved entry by entry."""
LONGEST = 10_000
"""Nodes of a graph that is run again so often."""
STEP = 2.0**-17
"""The shorter of two steps, near the cube root of the rounding of numbers near one. Powers of two
are added to most numbers without rounding, so that a step is as long as it says."""
WIDER = 4
"""How many times as long the other step is."""
SMALL = 1e-4
"""What counts as small beside a gradient."""
UNKNOWN = (math.nan, math.inf)
"""A slope of which nothing is known, and its doubt."""
ROUNDING = 4 * np.finfo(float).eps
"""What the value of an op may be off by, relatively."""
_UNREPEATABLE = frozenset({"checkpoint", "pack"})


def difference(signals: Signals, target: Node, element: Any = None) -> tuple[Any, Any]:
    """The derivative of the result with respect to `target`, by central differences.

    Returns
    -------
    slope, doubt : array
        The doubt says how far the slope can be trusted: little at a kink, where the steps are too
        long, or where rounding hides what they change. The slope is nan, and the doubt infinite,
        where the graph cannot be run again: it, or what is to be moved, is too large, or constants
        are not known.
    """
    probe = _probe(signals, target)
    if probe is None or (element is None and probe.value.size > LARGEST):
        return UNKNOWN
    shape = probe.value.shape
    places = list(np.ndindex(shape)) if element is None else [element]
    found = np.transpose([probe.slope(_unit(shape, place)) for place in places])
    slope, doubt = found.reshape(2, *(shape if element is None else ()))
    return slope[()], doubt[()]


def along(signals: Signals, target: Node) -> tuple[Any, Any, Any]:
    """As `difference`, along one direction for all entries, and what the gradient says of it.

    Returns
    -------
    slope, doubt, gradient : float
    """
    probe, delta = _probe(signals, target), signals.deltas.get(target)
    if probe is None or delta is None:
        return (*UNKNOWN, np.nan)
    signs = np.random.default_rng(0).choice([-1.0, 1.0], probe.value.shape)
    shares = signs.ravel() * flat(delta)
    slope, doubt = probe.slope(signs)
    # Where the entries cancel, less of the gradient is left than of its rounding.
    rounding = 4 * np.finfo(target.spec[1]).eps * np.abs(shares).sum()
    return slope, doubt + rounding, shares.sum()


def verdict(slope: Any, doubt: Any, gradient: Any) -> bool | None:
    """Whether the gradient is right; None where the differences cannot tell."""
    sizes = np.abs(np.concatenate([np.ravel(slope), np.ravel(gradient)]))
    largest = np.max(sizes[np.isfinite(sizes)], initial=0.0)
    tolerance = SMALL * np.abs(slope) + SMALL / 100 * largest
    is_known = doubt <= tolerance
    is_near = np.abs(slope - gradient) <= tolerance + doubt
    if np.any(is_known & ~is_near):
        return False
    return True if np.all(is_known) else None


@dataclass(frozen=True)
class _Probe:
    """The result as a function of one value."""

    signals: Signals
    target: Node
    value: Any

    def slope(self, way: Any) -> tuple[float, float]:
        """The slope along a way, and its doubt: of the first step that leaves little doubt."""
        best = UNKNOWN
        for step in _steps(self.value[way != 0]):
            wide, near = self._sides(way, WIDER * step), self._sides(way, step)
            best = min(best, _judged(wide, near, self.noise / step), key=lambda found: found[1])
            if best[1] <= SMALL / 10 * abs(best[0]):
                break
        return best

    def _sides(self, way: Any, step: float) -> Any:
        """The slopes to the right and to the left."""
        right, left = (self._result(self.value + move * way) for move in (step, -step))
        return np.array([right - self.middle, self.middle - left]) / step

    def _result(self, value: Any) -> float:
        result = run_again(self.signals, self.target, value)
        return math.nan if result is None else float(np.sum(result))

    @cached_property
    def middle(self) -> float:
        """The result where the value is what it was."""
        return self._result(self.value)

    @cached_property
    def noise(self) -> float:
        """What rounding may do to the result: that of each value, times its error signal."""
        known, deltas = self.signals.known, self.signals.deltas
        moved = needed(self.signals.order, [self.target]) - {self.target}
        with np.errstate(all="ignore"):
            parts = [np.abs(flat(deltas[node]) * flat(known[node]))
                     for node in moved if node in known and deltas[node] is not None]  # fmt: skip
        return float(ROUNDING * sum(part[np.isfinite(part)].sum() for part in parts))


def _probe(signals: Signals, target: Node) -> _Probe | None:
    """None where nothing can be moved, or the graph is too large to be run again and again."""
    value = signals.known.get(target)
    if target not in signals.deltas or len(signals.order) > LONGEST:
        return None
    if value is None or isinstance(value, tuple) or not np.size(value):
        return None
    return _Probe(signals, target, np.asarray(value, float))


def _unit(shape: tuple[int, ...], place: Any) -> Any:
    way = np.zeros(shape)
    way[place] = 1.0
    return way


def _steps(moved: Any) -> Iterator[float]:
    """Steps for numbers near one; before them for larger ones, after them for smaller ones."""
    sizes = np.abs(moved[moved != 0])
    scales = [np.max(sizes, initial=1.0), 1.0, np.min(sizes, initial=1.0)]
    yield from dict.fromkeys(STEP * 2.0 ** np.round(np.log2(scales)))


def _judged(wide: Any, near: Any, rounding: float) -> tuple[float, float]:
    slope = float(np.mean(near))
    # Curvature makes the sides differ in proportion to the step; the rest is a kink.
    kink = abs(WIDER * np.diff(near) - np.diff(wide)).item() / (WIDER - 1)
    doubt = abs(slope - float(np.mean(wide))) + kink + rounding
    return (slope, doubt) if math.isfinite(doubt) else UNKNOWN


def run_again(signals: Signals, target: Node, value: Any) -> Any:
    """The result in float64 with another value of `target`; None if that cannot be known."""
    found: dict[Node, Any] = {target: value}
    with np.errstate(all="ignore"):
        for node in reversed(signals.order):
            if node is not target and any(parent in found for parent in node.parents):
                out = _forward(signals, node, found)
                if out is None:
                    return None
                found[node] = out
    return found.get(signals.root)


def _forward(signals: Signals, node: Node, found: dict[Node, Any]) -> Any:
    op = node.op
    args = [
        constant(node, i, signals.known) if p is None else found.get(p, signals.known.get(p))
        for i, p in enumerate(node.parents)
    ]
    unknown = [i for i, a in enumerate(args) if a is None]
    if op.name in _UNREPEATABLE or (unknown and not _are_left_out(node, unknown)):
        return None
    if op.name == "astype":  # nothing is rounded to less than float64
        return args[0]
    if isinstance(node, Scalar):
        return op.forward(*args)
    saved = dict(zip(op.needs, node.saved, strict=False))
    settings = {name: saved[name] for name in op.params}
    return op.forward(args, **settings) if op.variadic else op.forward(*args, **settings)


def _are_left_out(node: Node, unknown: list[int]) -> bool:
    """Whether these arguments were None from the start, as the bias of a linear map may be."""
    op, told = node.op, node.info.constants if node.info is not None else None
    optional = not op.variadic and all(op.args[i] in op.optional for i in unknown)
    return optional and told is not None and all(told[i] is None for i in unknown)
