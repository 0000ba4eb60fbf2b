"""The C text of a program."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autodiff.compiler.native import gemm
from autodiff.compiler.native.along import along_source
from autodiff.compiler.native.blas import Blas
from autodiff.compiler.native.elements import C_TYPES
from autodiff.compiler.native.fuse import Nest
from autodiff.compiler.native.loops import NestWriter
from autodiff.compiler.native.lower import lowered
from autodiff.compiler.native.memory import laid_out
from autodiff.compiler.native.operations import Lowered, Operation
from autodiff.compiler.native.plan import lives, planned
from autodiff.compiler.native.storage import Place
from autodiff.compiler.native.tables import TableWriter
from autodiff.compiler.tracing.program import Program, Value

__all__ = ["MATHS", "Emitted", "emitted"]

_FOLDER = Path(__file__).parent / "c"
MATHS = "\n".join(
    (_FOLDER / f"{name}.h").read_text("utf-8")
    for name in ("maths", "logarithms", "error_function", "exact")
)
"""The elementary functions in C."""
_WORK = "\n".join((_FOLDER / f"{name}.h").read_text("utf-8") for name in ("sums", "rows"))


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
    longest : int
        Operations in the longest loop nest.
    outputs : list
        Values and constants.
    """

    source: str
    segments: list[Any]
    size: int
    made: Lowered
    longest: int
    outputs: list[Any]


class _File:
    """A C file being written."""

    def __init__(self, made: Lowered, blas: Blas | None) -> None:
        self.made, self.blas = made, blas
        self.products: dict[Any, str] = {}
        self.copies: dict[tuple[str, int, int, int], str] = {}
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
        dtype, (m, n), k = c.array.dtype.name, c.shape, a.shape[1]
        shape = gemm.Gemm(dtype, m, n, k, ta, tb, lda, ldb, ldc)
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

    def function(self, name: str, kernels: list[Any]) -> None:
        """A stretch of work without calls of numpy."""
        lines = []
        for kernel in kernels:
            lines += _comment(kernel)
            lines += self.kernel(kernel)
        text = _renumbered("\n".join(f"  {line}" for line in lines))
        self.functions.append(
            f"EXPORT int {name}(void **inputs, void **constants, char *memory)\n"
            f"{{\n{text}\n  return 0;\n}}\n"
        )

    def kernel(self, kernel: Any) -> list[str]:
        """The lines of one piece of work."""
        if isinstance(kernel, Nest):
            return NestWriter(kernel.passes, self.pointer).text()
        if kernel.kind == "matmul":
            return self.product(kernel)
        if kernel.kind == "loop":
            return self.loop(kernel)
        if kernel.kind == "transpose":
            return self.transpose(kernel)
        if kernel.kind == "along":
            return along_source(kernel, self.pointer)
        return TableWriter(self.made, self.pointer).text(kernel)

    def loop(self, operation: Operation) -> list[str]:
        """A loop over steps."""
        extra = operation.extra
        outer, self.made = self.made, operation.body
        lines = []
        for kernel in extra["kernels"]:
            lines += [*_comment(kernel), *self.kernel(kernel)]
        self.made = outer
        t, n = extra["variable"], extra["length"]
        head = f"for (int64_t {t} = 0; {t} < {n}; {t}++) {{"
        if extra["reverse"]:
            head = f"for (int64_t {t} = {n - 1}; {t} >= 0; {t}--) {{"
        return [head, *(f"  {line}" for line in lines), "}"]

    def text(self) -> str:
        """The whole file."""
        has_blas = self.blas is not None
        products = [gemm.source(g, name, has_blas) for g, name in self.products.items()]
        products += [
            gemm.transpose(dtype, rows, columns, step, name)
            for (dtype, rows, columns, step), name in self.copies.items()
        ]
        is_short = self.blas is not None and self.blas.int_bits == 32
        width = "#define BLAS_INT int\n" if is_short else ""
        return "\n".join([_HEAD, width, MATHS, _WORK, gemm.HEADER, *products, *self.functions])


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


_NUMBERED = re.compile(r"\b(v|s|t|bad|nan|at)(\d+)\b")


def _renumbered(text: str) -> str:
    """Names counted from 0, so that the same work has the same text in each process."""
    numbers: dict[str, int] = {}

    def name(match: re.Match[str]) -> str:
        return f"{match[1]}{numbers.setdefault(match[2], len(numbers))}"

    lines = (line if line.lstrip().startswith("//") else _NUMBERED.sub(name, line)
             for line in text.split("\n"))  # fmt: skip
    return "\n".join(lines)


_UNSAFE = re.compile(r"[^ -~]|[\\?]")


def _comment(kernel: Any) -> list[str]:
    members = kernel.members if isinstance(kernel, Nest) else [kernel]
    origins = dict.fromkeys(m.instruction.origin for m in members if m.instruction.origin)
    names = " ".join(m.name for m in members[:12]) + (" ..." if len(members) > 12 else "")
    text = f"{names}: {', '.join(list(origins)[:3])}"
    # Names of functions and files are the user's: none may end a comment.
    return ["// " + _UNSAFE.sub("_", text)]


def emitted(program: Program, updates: dict[Value, Value], blas: Blas | None) -> Emitted:
    """Write a program in C."""
    made = lowered(program, updates)
    outputs = [made.place(v).storage if isinstance(v, Value) else None for v in program.outputs]
    kernels, touched = planned(made, lambda s: s in outputs)
    size = laid_out(lives(touched, {s for s in outputs if s is not None}, kernels))
    file = _File(made, blas)
    segments: list[Any] = []
    for stretch in _stretches(kernels):
        if isinstance(stretch, Operation):
            segments.append(stretch)
            continue
        name = f"run_{len(segments)}"
        file.function(name, stretch)
        segments.append(name)
    longest = max((len(k.members) for k in kernels if isinstance(k, Nest)), default=0)
    return Emitted(file.text(), segments, size, made, longest, list(program.outputs))


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
