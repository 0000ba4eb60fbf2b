"""A gradient compared with differences: the graph itself, run again with another input."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.inspect.expressions import constant
from autodiff.inspect.signals import Signals
from autodiff.nodes import Node
from autodiff.scalar import Scalar

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
    slope, doubt : array or None
        The doubt is what the differences to the two sides differ by, which says how far the slope
        can be trusted: much at a kink, or where the step is too long. Both are None where the
        graph cannot be run again: it is too large, or constants are not known.
    """
    value = signals.known.get(target)
    if value is None or target not in signals.deltas or len(signals.order) > LONGEST:
        return None, None
    value = np.asarray(value, float)
    if element is None and value.size > LARGEST:
        return None, None
    places = [element] if element is not None else list(np.ndindex(value.shape))
    middle = run_again(signals, target, value)
    slopes = [_slope(signals, target, value, place, middle) for place in places]
    if not slopes or any(slope is None for slope in slopes):
        return None, None
    shape = () if element is not None else value.shape
    return tuple(np.reshape(part, shape)[()] for part in zip(*slopes, strict=True))


def _slope(
    signals: Signals, target: Node, value: Any, place: Any, middle: Any
) -> tuple[float, float] | None:
    step = np.cbrt(np.finfo(float).eps) * max(1.0, abs(float(value[place])))
    ends = []
    for sign in (1, -1):
        moved = value.copy()
        moved[place] += sign * step
        ends.append(run_again(signals, target, moved))
    if middle is None or ends[0] is None or ends[1] is None:
        return None
    right, left = (float(np.sum(end - middle)) / step for end in ends)
    return (right - left) / 2, abs(right + left)


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
