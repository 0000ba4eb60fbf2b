"""The C text of a program."""

from __future__ import annotations

import math
from functools import partial
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from autodiff.compiler import gemm
from autodiff.compiler.along import along_source
from autodiff.compiler.blas import Blas
from autodiff.compiler.elements import C_TYPES
from autodiff.compiler.fuse import Nest, fused, reads, writes
from autodiff.compiler.loops import NestWriter
from autodiff.compiler.lower import lowered
from autodiff.compiler.memory import laid_out
from autodiff.compiler.operations import Lowered, Operation
from autodiff.compiler.program import Program, Value
from autodiff.compiler.sink import sunk
from autodiff.compiler.storage import Place, Storage

__all__ = ["Emitted", "emitted"]

_FOLDER = Path(__file__).parent / "c"
_MATHS = (_FOLDER / "maths.h").read_text()
_ROWS = (_FOLDER / "rows.h").read_text()


@dataclass
class Emitted:
    """A program in C.

    Attributes
    ----------
    source : str
    segments : list
        In order: the name of a C function, or an `Operation` that numpy does.
    size : int
        Bytes of memory that a call needs.
    made : Lowered
    """

    source: str
    segments: list[Any]
    size: int
    made: Lowered
    outputs: list[Any] = field(default_factory=list)


class _File:
    """A C file being written."""

    def __init__(self, made: Lowered, blas: Blas | None) -> None:
        self.made, self.blas = made, blas
        self.products: dict[Any, str] = {}
        self.copies: dict[Any, str] = {}
        self.functions: list[str] = []

    def pointer(self, place: Place) -> str:
        """The address of the first entry of a place."""
        kind = C_TYPES[place.array.dtype.name]
        storage, offset = place.storage, place.offset
        if storage.kind == "arena":
            base = f"({kind} *)(memory + {storage.offset})"
        else:
            base = f"({kind} *){storage.kind}s[{storage.index}]"
        steps = "".join(f" + {variable} * {stride}" for variable, stride in place.steps if stride)
        return f"{base}{f' + {offset}' if offset else ''}{steps}"

    def product(self, operation: Operation) -> list[str]:
        """The call of a matrix product, which is written once for each shape."""
        a, b, c = operation.extra["matrices"]
        (ta, lda), (tb, ldb), (_, ldc) = map(_layout, (a, b, c))
        accumulate = bool(operation.extra.get("accumulate"))
        shape = gemm.Gemm(
            c.array.dtype.name, c.shape[0], c.shape[1], a.shape[1], ta, tb, lda, ldb, ldc,
            accumulate,
        )  # fmt: skip
        name = self.products.setdefault(shape, f"product_{len(self.products)}")
        lines = [f"{name}({self.pointer(a)}, {self.pointer(b)}, {self.pointer(c)});"]
        for t, n in reversed(operation.extra.get("loops", ())):
            head = f"for (int64_t {t} = 0; {t} < {n}; {t}++) {{"
            lines = [head, *(f"  {line}" for line in lines), "}"]
        return lines

    def transpose(self, operation: Operation) -> list[str]:
        """A copy of a matrix that lies transposed."""
        source = self.made.place(operation.args[0])
        (n, m), (_, ld) = source.shape, source.strides
        key = (source.array.dtype.name, m, n, ld)
        name = self.copies.setdefault(key, f"transposed_{len(self.copies)}")
        assert operation.out is not None
        return [f"{name}({self.pointer(source)}, {self.pointer(self.made.place(operation.out))});"]

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
        return ["{", f"  const int64_t *rows = {self.pointer(places[1])};",
                f"  {kind} *to = {to};", f"  const {kind} *from = {source};",
                f"  for (int64_t i = 0; i < {n}; i++) {{", f"    {bounds}", f"    {work}", "  }", "}"]  # fmt: skip

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
                f"    for (int64_t j = 0; j < {d}; j++) to[i * {d} + j] = 0;", "  }", "}"]  # fmt: skip

    def _over(self, parts: list[Any], body: list[str], lines: list[str]) -> list[str]:
        shape = np.broadcast_shapes(*(np.shape(p) if not isinstance(p, Value) else p.shape
                                      for p in parts))  # fmt: skip
        n = math.prod(shape)
        return [f"for (int64_t i = 0; i < {n}; i++) {{", *(f"  {t}" for t in [*body, *lines]), "}"]

    def _rows(self, x: Place, parts: list[Any], strict: bool = False) -> tuple[list[str], tuple[int, ...]]:
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

    def function(self, name: str, kernels: list[Any], needed: Any) -> None:
        """A stretch of work without calls of numpy."""
        lines = []
        for kernel in kernels:
            lines += _comment(kernel)
            lines += self.kernel(kernel, needed)
        text = "\n".join(f"  {line}" for line in lines)
        self.functions.append(
            f"EXPORT int {name}(void **inputs, void **constants, char *memory)\n"
            f"{{\n{text}\n  return 0;\n}}\n"
        )

    def kernel(self, kernel: Any, needed: Any) -> list[str]:
        """The lines of one piece of work."""
        if isinstance(kernel, Nest):
            return kernel.writer.text(self.pointer)
        if kernel.kind == "matmul":
            return self.product(kernel)
        if kernel.kind == "loop":
            return self.loop(kernel, needed)
        if kernel.kind == "transpose":
            return self.transpose(kernel)
        if kernel.kind == "along":
            return along_source(kernel, self.pointer)
        return {"take": self.take, "add_at": self.add_at, "rows": self.rows}[kernel.kind](kernel)

    def loop(self, operation: Operation, needed: Any) -> list[str]:
        """A loop over steps."""
        extra = operation.extra
        outer, self.made = self.made, operation.body
        lines = []
        for kernel in extra["kernels"]:
            lines += [*_comment(kernel), *self.kernel(kernel, extra["needed"])]
        self.made = outer
        t, n = extra["variable"], extra["length"]
        head = f"for (int64_t {t} = 0; {t} < {n}; {t}++) {{"
        if extra["reverse"]:
            head = f"for (int64_t {t} = {n - 1}; {t} >= 0; {t}--) {{"
        return [head, *(f"  {line}" for line in lines), "}"]

    def text(self) -> str:
        """The whole file."""
        products = [gemm.source(g, name, self.blas is not None) for g, name in self.products.items()]
        is_short = self.blas is not None and self.blas.int_bits == 32
        width = "#define BLAS_INT int\n" if is_short else ""
        products += [gemm.transpose(*key, name) for key, name in self.copies.items()]
        return "\n".join([_HEAD, width, _MATHS, _ROWS, gemm.HEADER, *products, *self.functions])


_HEAD = """#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#ifdef _WIN32
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif
"""


def _layout(place: Place) -> tuple[bool, int]:
    """Whether a matrix lies transposed, and the entries from one row (or column) to the next."""
    (n, m), (rows, columns) = place.shape, place.strides
    if columns == 1 or m == 1:
        return False, rows if n > 1 else m
    return True, columns if m > 1 else n


def _comment(kernel: Any) -> list[str]:
    members = kernel.members if isinstance(kernel, Nest) else [kernel]
    origins = dict.fromkeys(m.instruction.origin for m in members if m.instruction.origin)
    names = " ".join(m.name for m in members[:12]) + (" ..." if len(members) > 12 else "")
    return [f"// {names}: {', '.join(list(origins)[:3])}"]


def emitted(program: Program, updates: dict[Value, Value], blas: Blas | None) -> Emitted:
    """Write a program in C."""
    made = lowered(program, updates)
    outputs = [made.place(v).storage if isinstance(v, Value) else None for v in program.outputs]
    kernels, touched, needed = _planned(made, lambda s: s in outputs)
    size = laid_out(_lives(touched, {s for s in outputs if s is not None}, kernels))
    file = _File(made, blas)
    segments: list[Any] = []
    for stretch in _stretches(kernels):
        if isinstance(stretch, Operation):
            segments.append(stretch)
            continue
        name = f"run_{len(segments)}"
        file.function(name, stretch, needed)
        segments.append(name)
    return Emitted(file.text(), segments, size, made, list(program.outputs))


def _planned(made: Lowered, kept: Callable[[Storage], bool]) -> tuple[list[Any], Any, Any]:
    """Pieces of work in order, which of them touch a storage, and whether it is needed beyond.

    Parameters
    ----------
    made : Lowered
    kept : callable
        Whether a storage is needed outside of all these pieces.
    """
    kernels = sunk(made, fused(made), kept)
    touched = _touched(made, kernels)

    def needed(storage: Storage, kernel: Any) -> bool:
        return storage.kind != "arena" or kept(storage) or any(
            k is not kernel for k in touched[storage]
        )  # fmt: skip

    for kernel in kernels:
        if isinstance(kernel, Nest):
            outside = partial(needed, kernel=kernel)
            kernel.keep_rows(made, outside)
            kernel.writer = NestWriter(made, kernel, outside)
        elif kernel.kind == "loop":
            carried = {p.storage for p in kernel.extra["carries"]}
            inner = _planned(
                kernel.body, lambda s, k=kernel, c=carried: s in c or needed(s, k)
            )
            kernel.extra["kernels"], _, kernel.extra["needed"] = inner
    return kernels, touched, needed


def _touched(made: Lowered, kernels: list[Any]) -> dict[Storage, list[Any]]:
    found: dict[Storage, list[Any]] = {}
    for kernel in kernels:
        for member in kernel.members if isinstance(kernel, Nest) else [kernel]:
            for place in [*reads(made, member), *writes(made, member)]:
                found.setdefault(place.storage, []).append(kernel)
    return found


def _lives(
    touched: dict[Storage, list[Any]], outputs: set[Storage], kernels: list[Any]
) -> dict[Storage, tuple[int, int]]:
    order = {id(kernel): n for n, kernel in enumerate(kernels)}
    lives = {}
    for storage, users in touched.items():
        if storage.kind == "arena" and _in_memory(storage, users, outputs):
            times = [order[id(k)] for k in users]
            lives[storage] = (min(times), len(kernels) if storage in outputs else max(times))
    return lives


def _in_memory(storage: Storage, users: list[Any], outputs: set[Storage]) -> bool:
    """Whether anything but the registers of one nest holds it."""
    (first, *others) = dict.fromkeys(users)
    if others or storage in outputs:
        return True
    if isinstance(first, Nest):
        return storage in first.writer.in_memory()
    if first.kind != "loop":
        return True
    inner = [k for k in first.extra["kernels"] if isinstance(k, Nest)]
    return not any(
        storage in k.writer.only_in_registers() for k in inner
    )  # fmt: skip


def _stretches(kernels: list[Any]) -> Iterable[Any]:
    """Runs of kernels in C, and single calls of numpy."""
    run: list[Any] = []
    for kernel in kernels:
        if isinstance(kernel, Operation) and kernel.kind == "call":
            if run:
                yield run
            yield kernel
            run = []
        else:
            run.append(kernel)
    if run:
        yield run
