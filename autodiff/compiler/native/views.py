"""Instructions that move entries, or only look at them in another way."""

from __future__ import annotations

import operator
from itertools import pairwise
from typing import Any

import numpy as np

from autodiff.compiler.native.elements import has_c_type
from autodiff.compiler.native.operations import Translation, shape_of
from autodiff.compiler.native.storage import Place
from autodiff.compiler.tracing.program import Instruction, Value

__all__ = [
    "VIEWS", "getitem", "in_order", "join", "joined", "moved", "reshape", "slots", "whole_index",
    "written",
]  # fmt: skip

VIEWS: frozenset[Any] = frozenset({
    np.transpose, np.swapaxes, np.moveaxis, np.expand_dims, np.squeeze, np.broadcast_to, np.flip,
    np.rot90, np.diagonal,
})  # fmt: skip


def moved(t: Translation) -> bool:
    """The same entries in another order."""
    x, *rest = t.args
    return t.lie_at(t.made.place(x).view(t.instruction.function, *rest, **t.instruction.kwargs))


def reshape(t: Translation) -> bool:
    """Another shape, after a copy if the entries do not lie in order."""
    x, shape = t.args[0], t.out.shape
    if t.instruction.kwargs.get("order", "C") != "C":
        return False
    place = t.made.place(x).reshaped(shape)
    return t.lie_at(place if place is not None else t.in_order(x).reshaped(shape))


def in_order(t: Translation) -> bool:
    """A copy with the entries in order."""
    place = t.made.place(t.args[0])
    if len(place.shape) == 2 and place.strides[0] == 1 and place.array.dtype.kind == "f":
        return t.add("transpose", "transposed copy", t.args)
    return t.add("map", "copied", t.args)


def whole_index(index: Any) -> tuple[Any, ...] | None:
    """An index of numbers and slices, so that it gives a view; None for another one."""
    parts = index if isinstance(index, tuple) else (index,)
    if not all(isinstance(p, (int, np.integer, slice, type(None), type(...))) for p in parts):
        return None
    if any(isinstance(p, bool) for p in parts):
        return None
    return parts if ... in parts else (*parts, ...)  # a view, also of a single entry


def getitem(t: Translation) -> bool:
    """A part of an array, by slices."""
    index = whole_index(t.args[1])
    return index is not None and t.lie_at(t.made.place(t.args[0]).view(operator.getitem, index))


def written(t: Translation) -> bool:
    """An array with a part of it replaced."""
    x, index, part = t.args
    index = whole_index(index)
    if index is None or not isinstance(x, Value):
        return False
    if t.takes_over(x, part):
        t.made.places[t.out] = t.made.place(x)
    else:
        t.add("map", "copied", (x,))
    where = t.made.place(t.out).view(operator.getitem, index)
    return where is not None and t.copied_to(_trimmed(t, part, where), where)


def _trimmed(t: Translation, part: Any, where: Place) -> Any:
    """Without axes of length 1 in front, which numpy leaves out as well."""
    extra = len(shape_of(part)) - len(where.shape)
    if extra <= 0:
        return part
    place = t.made.place(part).reshaped(shape_of(part)[extra:])
    assert place is not None
    return t.made.value_at(place)


def join(t: Translation) -> bool:
    """Arrays side by side."""
    parts, axis, out = joined(t.instruction)
    if axis is None:
        return False
    whole = t.made.new(out)
    for part, where in zip(parts, slots(parts, axis, t.instruction), strict=True):
        target = whole.view(operator.getitem, where)
        if target is not None and target.array.size and not target.is_at(t.made.place(part)):
            t.copied_to(part, target)
    return True


def joined(instruction: Instruction) -> tuple[list[Any], int | None, Value]:
    """The parts of a concatenation, its axis (None: of all entries in order), the result."""
    parts, *rest = instruction.args
    out = instruction.out[0]
    axis = instruction.kwargs.get("axis", rest[0] if rest else 0)
    known = instruction.kwargs.keys() <= {"axis"} and has_c_type(out.dtype)
    if axis is None or not known or len(rest) > 1 or isinstance(parts, Value):
        return [], None, out
    return list(parts), int(axis) % len(out.shape), out


def slots(parts: list[Any], axis: int, instruction: Instruction) -> list[tuple[Any, ...]]:
    """The index of each part in the whole."""
    before = (slice(None),) * axis
    if instruction.function is np.stack:
        return [(*before, i, ...) for i in range(len(parts))]
    edges = np.cumsum([0, *(shape_of(p)[axis] for p in parts)]).tolist()
    return [(*before, slice(a, b)) for a, b in pairwise(edges)]
