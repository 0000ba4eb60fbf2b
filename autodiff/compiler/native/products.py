"""Matrix products, of stacks of matrices too."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from autodiff.compiler.native.operations import Translation, shape_of
from autodiff.compiler.native.storage import Place
from autodiff.compiler.tracing.program import Instruction, Value

__all__ = ["PRODUCTS", "is_product", "matmul"]

PRODUCTS: frozenset[Any] = frozenset({np.dot, np.matmul, operator.matmul})


def is_product(instruction: Instruction) -> bool:
    """Whether it may be a matrix product in C."""
    dtype = instruction.out[0].dtype if instruction.out else np.dtype(bool)
    return instruction.function in PRODUCTS and dtype in (np.float32, np.float64)


def matmul(t: Translation) -> bool:
    """Products of matrices, and of vectors as matrices of one row or column."""
    x, y = t.args
    shapes = [shape_of(a) for a in (x, y)]
    if not all(shapes) or t.instruction.kwargs:
        return False
    if any(0 in s for s in shapes):
        return t.add("map", "copied", (t.out.dtype.type(0),))
    if any(a.dtype != t.out.dtype for a in (x, y)):
        x, y = (t.copy(a, shape_of(a), t.out.dtype) for a in (x, y))
    if len(shapes[1]) <= 2:
        return _one_product(t, x, y)
    return t.instruction.function is not np.dot and _stacked(t, x, y)


def _one_product(t: Translation, x: Any, y: Any) -> bool:
    a, b = _matrix(t, t.made.place(x), rows=True), _matrix(t, t.made.place(y), rows=False)
    out, c = _target(t, (a.shape[0], b.shape[1]))
    return _product(t, (x, y), (a, b, c), out)


def _target(t: Translation, shape: tuple[int, ...]) -> tuple[Value, Place]:
    """Where the result may be written: in its own place if that lies as products need it."""
    place = t.made.new(t.out).reshaped(shape)
    if place is not None and (place.strides[-1] == 1 or shape[-1] == 1):
        return t.out, place
    apart = Value(t.out.shape, t.out.dtype)
    place = t.made.new(apart).reshaped(shape)
    assert place is not None
    return apart, place


def _product(t: Translation, args: Any, matrices: Any, out: Value, loops: Any = ()) -> bool:
    t.add("matmul", "matmul", args, out=out, extra={"matrices": matrices, "loops": loops})
    return out is t.out or t.copied_to(out, t.made.place(t.out))


def _matrix(t: Translation, place: Place, rows: bool) -> Place:
    """As a matrix with entries one after the other along an axis."""
    if len(place.shape) == 1:
        made = place.reshaped((1, -1) if rows else (-1, 1))
    elif len(place.shape) > 2:
        made = place.reshaped((-1, place.shape[-1]))
    else:
        made = place
    if made is None:
        made = t.in_order(t.made.value_at(place)).reshaped((-1, place.shape[-1]))
    assert made is not None
    return made if _is_laid_out(made) else _copied(t, made)


def _is_laid_out(place: Place) -> bool:
    steps = list(zip(place.strides[-2:], place.shape[-2:], strict=True))
    return any(s == 1 or n == 1 for s, n in steps) and all(s > 0 or n == 1 for s, n in steps)


def _copied(t: Translation, place: Place) -> Place:
    x = t.made.value_at(place)
    return t.made.place(t.copy(x, place.shape, place.array.dtype))


def _stacked(t: Translation, x: Any, y: Any) -> bool:
    """A product for each matrix of the stacks."""
    batch = np.broadcast_shapes(shape_of(x)[:-2], shape_of(y)[:-2])
    a, b = _stack(t, x, batch, rows=True), _stack(t, y, batch, rows=False)
    out, c = _target(t, (*batch, a.shape[-2], b.shape[-1]))
    loops = [(f"b{k}", n) for k, n in enumerate(batch)]
    matrices = [a, b, c]
    for variable, _ in loops:
        matrices = [m.slice_of(variable) for m in matrices]
    return _product(t, (x, y), tuple(matrices), out, loops)


def _stack(t: Translation, x: Any, batch: tuple[int, ...], rows: bool) -> Place:
    place = t.made.place(x)
    if len(place.shape) == 1:
        place = place.reshaped((1, -1) if rows else (-1, 1)) or place
    place = place if _is_laid_out(place) else _copied(t, place)
    return place.broadcast((*batch, *place.shape[-2:]))
