"""Entries taken, and added, at places given by arrays."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from autodiff.compiler.native.elements import has_c_type
from autodiff.compiler.native.operations import Translation, shape_of, shape_of_all
from autodiff.compiler.native.storage import Place
from autodiff.compiler.native.views import whole_index
from autodiff.compiler.tracing.copies import added_at
from autodiff.compiler.tracing.program import Instruction, Value, values_in
from autodiff.ops.index import scatter_add as scattered
from autodiff.ops.neural import lookup as looked_up
from autodiff.sparse import padded_rows, replaced_rows, taken_or_zero

__all__ = ["ROWS", "add_at", "lookup", "may_miss", "rows", "scatter_add", "take"]

ROWS: frozenset[Any] = frozenset({padded_rows, taken_or_zero, replaced_rows})


def take(t: Translation) -> bool:
    """Entries, or rows, at places given by arrays of integers for the first axes."""
    x, index = t.args
    parts = index if isinstance(index, tuple) else (index,)
    return _are_places(parts) and _taken(t, "take", x, parts)


def lookup(t: Translation) -> bool:
    """Rows of a table; unlike an index, an id has no place from the end."""
    x, ids = t.args
    return _are_places((ids,)) and _taken(t, "lookup", x, (ids,))


def _taken(t: Translation, name: str, x: Any, parts: tuple[Any, ...]) -> bool:
    if not isinstance(x, (Value, np.ndarray)):
        return False
    if not _rows_lie_in_order(t.made.place(x), len(parts)):
        x = t.copy(x, x.shape, x.dtype)
    return t.add("take", name, (x, *parts))


def _rows_lie_in_order(place: Place, count: int) -> bool:
    """Whether the entries that an index with `count` parts takes follow each other."""
    row = place.shape[count:]
    expected = [int(np.prod(row[k + 1 :])) for k in range(len(row))]
    steps = zip(place.strides[count:], expected, row, strict=True)
    return all(s == e or n == 1 for s, e, n in steps)


def add_at(t: Translation) -> bool:
    """``ufunc.at`` for sums: entries added at places."""
    x, ufunc, index, *rest = t.args
    parts = index if isinstance(index, tuple) else (index,)
    if ufunc not in (np.add, np.subtract) or not _are_places(parts) or len(rest) != 1:
        return False
    part = rest[0]
    shape = shape_of_all(parts) + shape_of(x)[len(parts) :]
    if shape_of(part) not in ((), shape) or not isinstance(x, Value) or x.dtype == bool:
        return False
    if not t.takes_over(x, part):
        x = t.copy(x, x.shape, x.dtype)
    elif not _rows_lie_in_order(t.made.place(x), len(parts)):
        return False
    t.made.places[t.out] = t.made.place(x)
    sign = "+" if ufunc is np.add else "-"
    return t.add("add_at", sign, (x, _in_order(t, part), *parts))


def _in_order(t: Translation, part: Any) -> Any:
    if not shape_of(part):
        return part
    return t.made.value_at(t.in_order(part))


def scatter_add(t: Translation) -> bool:
    """Zeros with an array added at places."""
    x, index, *_ = t.args
    zero = np.zeros((), t.out.dtype)[()]
    where = whole_index(index)
    if where is not None:
        part = t.made.new(t.out).view(operator.getitem, where)
        t.add("map", "copied", (zero,))
        return part is not None and t.copied_to(x, part)
    parts = index if isinstance(index, tuple) else (index,)
    if not _are_places(parts) or x.dtype != t.out.dtype:
        return False
    shape = shape_of_all(parts) + t.out.shape[len(parts) :]
    if shape_of(x) != shape:
        x = t.copy(x, shape, t.out.dtype)
    t.add("map", "copied", (zero,))
    return t.add("add_at", "+", (t.out, _in_order(t, x), *parts))


def rows(t: Translation) -> bool:
    """Rows of a table merged, taken, or put back."""
    name, ids = t.instruction.name, t.args[1]
    if any(not isinstance(a, Value) for a in t.args) or len(ids.shape) != 1:
        return False
    if ids.dtype != np.int64:
        return False
    table, ids, *others = t.args
    ids = _in_order(t, ids)
    if name == "replaced_rows":
        if t.out not in t.made.in_place:
            t.add("map", "copied", (table,))
        others = [_alike(t, others[0], (ids.size, *table.shape[1:]))]
    else:
        table = _in_order(t, table)
    for v in t.instruction.out:
        t.made.new(v)
    if name == "padded_rows":
        others = [_scratch(t, ids.size)]
    return t.add("rows", name, (table, ids, *others))


def _alike(t: Translation, part: Any, shape: tuple[int, ...]) -> Any:
    if part.dtype != t.out.dtype or part.shape != shape:
        return t.copy(part, shape, t.out.dtype)
    return _in_order(t, part)


def _scratch(t: Translation, n: int) -> Value:
    """For the number of each row among the different ones, and a table of them that is half empty.

    In the memory of the call: the stack of a thread may be small.
    """
    made = Value((n + (1 << (2 * n).bit_length()),), np.int32)
    t.made.new(made)
    return made


def may_miss(instruction: Instruction) -> bool:
    """Whether there may be no entry at one of the places."""
    if instruction.body is not None:
        return any(map(may_miss, instruction.body.instructions))
    if instruction.function is looked_up or getattr(instruction.function, "is_opaque", False):
        return True
    if instruction.function not in (operator.getitem, scattered, added_at):
        return False
    return any(v.dtype.kind in "iu" for v in values_in(instruction.args[1:]))


def _are_places(parts: tuple[Any, ...]) -> bool:
    """Whether an index has an array of integers, or an integer, for each of the first axes."""
    kinds = [p.dtype for p in parts if hasattr(p, "dtype")]
    numbers = [type(p) is int for p in parts if not hasattr(p, "dtype")]
    return bool(kinds) and all(numbers) and all(k.kind in "iu" and has_c_type(k) for k in kinds)
