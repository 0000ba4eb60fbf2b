"""The C text of work on rows of tables: taken, added to, merged, put back."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.compiler.native.blocks import block
from autodiff.compiler.native.elements import C_TYPES, literal
from autodiff.compiler.native.operations import Lowered, Operation, shape_of_all
from autodiff.compiler.native.storage import Place
from autodiff.compiler.tracing.program import Value

__all__ = ["TableWriter"]


class TableWriter:
    """Writes the work at places that values tell; each place is checked.

    Parameters
    ----------
    made : Lowered
    pointer : callable
        The C text of the address of a place.
    """

    def __init__(self, made: Lowered, pointer: Callable[[Place], str]) -> None:
        self.made, self.pointer = made, pointer

    def text(self, operation: Operation) -> list[str]:
        """The C lines of an operation."""
        kinds = {"take": self.take, "add_at": self.add_at, "rows": self.rows}
        return kinds[operation.kind](operation)

    def take(self, operation: Operation) -> list[str]:
        """Rows of a table at places that are checked."""
        x, *parts = operation.args
        assert operation.out is not None
        source, target = self.made.place(x), self.made.place(operation.out)
        n = math.prod(source.shape[len(parts) :])
        kind = C_TYPES[source.array.dtype.name]
        lines = [
            *self._entry_of_row(source, parts, operation.name == "lookup"),
            f"const {kind} *from = {self.pointer(source)} + at;",
            f"for (int64_t j = 0; j < {n}; j++) to[i * {n} + j] = from[j];",
        ]
        return block("", [f"{kind} *to = {self.pointer(target)};", *_over(parts, lines)])

    def add_at(self, operation: Operation) -> list[str]:
        """Entries added at places, one after the other."""
        x, part, *parts = operation.args
        target = self.made.place(x)
        n, dtype = math.prod(target.shape[len(parts) :]), target.array.dtype
        entry = f"({self.pointer(target)})[at + j]"
        lines = [
            *self._entry_of_row(target, parts),
            f"for (int64_t j = 0; j < {n}; j++) {entry} {operation.name}= "
            f"{self._part(part, n, dtype)};",
        ]
        return block("", _over(parts, lines))

    def _part(self, part: Any, n: int, dtype: Any) -> str:
        """What is added to entry j of row i."""
        if not isinstance(part, Value) and not np.ndim(part):
            return literal(part, dtype)
        place = self.made.place(part)
        entry = f"i * {n} + j" if place.array.size > 1 else "0"
        return f"({C_TYPES[dtype.name]})({self.pointer(place)})[{entry}]"

    def rows(self, operation: Operation) -> list[str]:
        """Rows merged, taken or put back."""
        outs = [self.made.place(v) for v in operation.instruction.out]
        table, ids, *others = (self.made.place(a) for a in operation.args)
        kind, n = C_TYPES[table.array.dtype.name], ids.array.size
        d = math.prod(outs[-1].shape[1:])
        if operation.name == "padded_rows":
            work = self._merged(outs, n, d, *others)
        else:
            head = f"for (int64_t i = 0; i < {n}; i++)"
            check = f"  if (rows[i] >= {table.shape[0]} || rows[i] < -1) return 1;"
            work = [head, check, *block(head, _MOVED[operation.name](d))]
        source = others[0] if operation.name == "replaced_rows" else table
        return block("", [
            f"const int64_t *rows = {self.pointer(ids)};",
            f"const {kind} *from = {self.pointer(source)};",
            f"{kind} *to = {self.pointer(outs[-1])};",
            *work,
        ])  # fmt: skip

    def _merged(self, outs: list[Place], n: int, d: int, scratch: Place) -> list[str]:
        size = scratch.array.size - n
        merged = ["const int64_t k = slot[i] < 0 ? -1 - slot[i] : slot[i];",
                  "if (slot[i] >= 0) kept[k] = rows[i];",
                  f"for (int64_t j = 0; j < {d}; j++)",
                  f"  to[k * {d} + j] = slot[i] < 0 ? to[k * {d} + j] + from[i * {d} + j]"
                  f" : from[i * {d} + j];"]  # fmt: skip
        left = ["kept[i] = -1;", f"for (int64_t j = 0; j < {d}; j++) to[i * {d} + j] = 0;"]
        return [f"int64_t *kept = {self.pointer(outs[0])};",
                f"int32_t *slot = {self.pointer(scratch)}, *table = slot + {n};",
                f"const int64_t found = merged_rows(rows, {n}, table, {size}, slot);",
                *block(f"for (int64_t i = 0; i < {n}; i++)", merged),
                *block(f"for (int64_t i = found; i < {n}; i++)", left)]  # fmt: skip

    def _entry_of_row(self, x: Place, parts: list[Any], strict: bool = False) -> list[str]:
        """Lines that work out `at`, the entry where row number i begins."""
        lines = ["int64_t at = 0;"]
        for axis, part in enumerate(parts):
            n, stride = x.shape[axis], x.strides[axis]
            lines += [
                f"int64_t k{axis} = {self._index_entry(part, shape_of_all(parts))};",
                *([] if strict else [f"if (k{axis} < 0) k{axis} += {n};"]),
                f"if (k{axis} < 0 || k{axis} >= {n}) return 1;", f"at += k{axis} * {stride};",
            ]  # fmt: skip
        return lines

    def _index_entry(self, part: Any, shape: tuple[int, ...]) -> str:
        if not isinstance(part, Value) and not np.ndim(part):
            return str(int(part))
        place = self.made.place(part).broadcast(shape)
        terms, before = [], 1
        for n, stride in zip(reversed(shape), reversed(place.strides), strict=True):
            if n > 1 and stride:
                terms.append(f"i / {before} % {n} * {stride}")
            before *= n
        return f"({self.pointer(place)})[{' + '.join(terms) or 0}]"


def _over(parts: list[Any], lines: list[str]) -> list[str]:
    return block(f"for (int64_t i = 0; i < {math.prod(shape_of_all(parts))}; i++)", lines)


_MOVED: dict[str, Callable[[int], list[str]]] = {
    "taken_or_zero": lambda d: [
        f"for (int64_t j = 0; j < {d}; j++)",
        f"  to[i * {d} + j] = rows[i] < 0 ? 0 : from[rows[i] * {d} + j];",
    ],
    "replaced_rows": lambda d: [
        f"if (rows[i] >= 0) for (int64_t j = 0; j < {d}; j++)",
        f"  to[rows[i] * {d} + j] = from[i * {d} + j];",
    ],
}
