"""A gradient compared with differences: the graph itself, run again with another input."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.expressions import constant
from autodiff.graph import Node
from autodiff.scalar import Scalar
from autodiff.signals import Signals

__all__ = ["difference", "run_again"]

LARGEST = 16
"""Entries of an input that is moved entry by entry."""
LONGEST = 20_000
"""Nodes of a graph that is run again so often."""
_UNREPEATABLE = frozenset({"checkpoint", "pack"})


def difference(signals: Signals, target: Node, element: Any = None) -> Any:
    """The derivative of the result with respect to `target`, by central differences.

    Returns
    -------
    array or None
        None where the graph cannot be run again: it is too large, or constants are not known.
    """
    value = signals.values.get(target)
    if value is None or target not in signals.deltas or len(signals.order) > LONGEST:
        return None
    value = np.asarray(value, float)
    if element is None and value.size > LARGEST:
        return None
    places = [element] if element is not None else list(np.ndindex(value.shape))
    slopes = [_slope(signals, target, value, place) for place in places]
    if any(slope is None for slope in slopes):
        return None
    return slopes[0] if element is not None else np.reshape(slopes, value.shape)[()]  # type: ignore[arg-type]


def _slope(signals: Signals, target: Node, value: Any, place: Any) -> float | None:
    step = np.cbrt(np.finfo(float).eps) * max(1.0, abs(float(value[place])))
    ends = []
    for sign in (1, -1):
        moved = value.copy()
        moved[place] += sign * step
        ends.append(run_again(signals, target, moved))
    if ends[0] is None or ends[1] is None:
        return None
    return float(np.sum(ends[0] - ends[1])) / (2 * step)


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
        found[p] if p in found else _double(signals.values.get(p) if p is not None
                                            else constant(node, i, signals.values))
        for i, p in enumerate(node.parents)
    ]  # fmt: skip
    if op.name in _UNREPEATABLE or any(a is None for a in args):
        return None
    if isinstance(node, Scalar):
        return op.forward(*args)
    saved = dict(zip(op.needs, node.saved, strict=False))
    settings = {name: saved[name] for name in op.params}
    return op.forward(args, **settings) if op.variadic else op.forward(*args, **settings)


def _double(value: Any) -> Any:
    is_floating = getattr(getattr(value, "dtype", None), "kind", "") == "f"
    return value.astype(float) if is_floating else value
