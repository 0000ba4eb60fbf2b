"""The C text of work on rows of tables: taken, added to, merged, put back."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.compiler.native.elements import C_TYPES
from autodiff.compiler.native.operations import Lowered, Operation
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
        body, row = self._rows(source, parts, operation.name == "lookup")
        n = math.prod(row)
        copy = f"to[i * {n} + j] = from[j];"
        kind = C_TYPES[source.array.dtype.name]
        lines = [f"const {kind} *from = {self.pointer(source)} + at;",
                 f"for (int64_t j = 0; j < {n}; j++) {copy}"]  # fmt: skip
        head = f"{kind} *to = {self.pointer(target)};"
        return ["{", f"  {head}", *(f"  {line}" for line in self._over(parts, body, lines)), "}"]

    def add_at(self, operation: Operation) -> list[str]:
        """Entries added at places, one after the other."""
        x, part, *parts = operation.args
        target = self.made.place(x)
        body, row = self._rows(target, parts, operation.instruction.name == "lookup")
        n, kind = math.prod(row), C_TYPES[target.array.dtype.name]
        if isinstance(part, Value) or np.ndim(part):
            source = self.made.place(part)
            text = f"({self.pointer(source)})[{f'i * {n} + j' if source.array.size > 1 else 0}]"
        else:
            text = repr(float(part))
        lines = [f"for (int64_t j = 0; j < {n}; j++) "
                 f"({self.pointer(target)})[at + j] {operation.name}= ({kind}){text};"]  # fmt: skip
        return ["{", *(f"  {line}" for line in self._over(parts, body, lines)), "}"]

    def rows(self, operation: Operation) -> list[str]:
        """Rows merged, taken or put back."""
        places = [self.made.place(a) for a in operation.args]
        outs = [self.made.place(v) for v in operation.instruction.out]
        n = places[1].array.size
        d = math.prod(outs[-1].shape[1:])
        kind = C_TYPES[places[0].array.dtype.name]
        if operation.name == "padded_rows":
            return self._merged(places, outs, n, d, kind)
        bounds = f"if (rows[i] >= {places[0].shape[0]} || rows[i] < -1) return 1;"
        if operation.name == "taken_or_zero":
            to, source = self.pointer(outs[0]), self.pointer(places[0])
            work = (f"for (int64_t j = 0; j < {d}; j++) "
                    f"to[i * {d} + j] = rows[i] < 0 ? 0 : from[rows[i] * {d} + j];")  # fmt: skip
        else:
            to, source = self.pointer(outs[0]), self.pointer(places[2])
            work = (f"if (rows[i] >= 0) for (int64_t j = 0; j < {d}; j++) "
                    f"to[rows[i] * {d} + j] = from[i * {d} + j];")  # fmt: skip
        return [
            "{",
            f"  const int64_t *rows = {self.pointer(places[1])};",
            f"  {kind} *to = {to};",
            f"  const {kind} *from = {source};",
            f"  for (int64_t i = 0; i < {n}; i++) {{",
            f"    {bounds}",
            f"    {work}",
            "  }",
            "}",
        ]

    def _merged(
        self, places: list[Place], outs: list[Place], n: int, d: int, kind: str
    ) -> list[str]:
        size = 1 << (2 * n).bit_length()
        return ["{", f"  int32_t table[{size}], slot[{n}];",
                f"  const int64_t *rows = {self.pointer(places[1])};",
                f"  const {kind} *from = {self.pointer(places[0])};",
                f"  int64_t *kept = {self.pointer(outs[0])};",
                f"  {kind} *to = {self.pointer(outs[1])};",
                f"  const int64_t found = merged_rows(rows, {n}, table, {size}, slot);",
                f"  for (int64_t i = 0; i < {n}; i++) {{",
                "    const int64_t k = slot[i] < 0 ? -1 - slot[i] : slot[i];",
                "    if (slot[i] >= 0) kept[k] = rows[i];",
                f"    for (int64_t j = 0; j < {d}; j++)",
                f"      to[k * {d} + j] = slot[i] < 0 ? to[k * {d} + j] + from[i * {d} + j]"
                f" : from[i * {d} + j];",
                "  }",
                f"  for (int64_t i = found; i < {n}; i++) {{", "    kept[i] = -1;",
                f"    for (int64_t j = 0; j < {d}; j++) to[i * {d} + j] = 0;",
                "  }", "}"]  # fmt: skip

    def _over(self, parts: list[Any], body: list[str], lines: list[str]) -> list[str]:
        shape = np.broadcast_shapes(*(np.shape(p) if not isinstance(p, Value) else p.shape
                                      for p in parts))  # fmt: skip
        n = math.prod(shape)
        return [f"for (int64_t i = 0; i < {n}; i++) {{", *(f"  {t}" for t in [*body, *lines]), "}"]

    def _rows(
        self, x: Place, parts: list[Any], strict: bool = False
    ) -> tuple[list[str], tuple[int, ...]]:
        """Lines that work out `at`, the entry where row number i begins."""
        shape = np.broadcast_shapes(*(p.shape if isinstance(p, Value) else np.shape(p)
                                      for p in parts))  # fmt: skip
        lines = ["int64_t at = 0;"]
        for axis, part in enumerate(parts):
            n, stride = x.shape[axis], x.strides[axis]
            lines += [
                f"int64_t k{axis} = {self._index_entry(part, shape)};",
                *([] if strict else [f"if (k{axis} < 0) k{axis} += {n};"]),
                f"if (k{axis} < 0 || k{axis} >= {n}) return 1;", f"at += k{axis} * {stride};",
            ]  # fmt: skip
        return lines, x.shape[len(parts) :]

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
