"""The C text of a program."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from autodiff.compiler.native import gemm
from autodiff.compiler.native.along import along_source
from autodiff.compiler.native.blas import Blas
from autodiff.compiler.native.blocks import block, indented
from autodiff.compiler.native.elements import C_TYPES, SUFFIXES
from autodiff.compiler.native.fuse import Nest
from autodiff.compiler.native.loops import NestWriter
from autodiff.compiler.native.lower import lowered
from autodiff.compiler.native.maths import maths_for
from autodiff.compiler.native.memory import laid_out
from autodiff.compiler.native.operations import Lowered, Operation
from autodiff.compiler.native.plan import lives, planned
from autodiff.compiler.native.storage import Place
from autodiff.compiler.native.tables import TableWriter
from autodiff.compiler.tracing.program import Program, Value

__all__ = ["Emitted", "emitted"]

_SHOWN = 3  # shapes of arrays that share a place


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
        self.arrays: dict[tuple[str, str], dict[str, dict[str, None]]] = {}

    def pointer(self, place: Place) -> str:
        """The address of the first entry of a place."""
        steps = "".join(f" + {variable} * {stride}" for variable, stride in place.steps if stride)
        return f"{self.array(place)}{f' + {place.offset}' if place.offset else ''}{steps}"

    def array(self, place: Place) -> str:
        """The name of a storage in the function that is being written."""
        storage, kind = place.storage, C_TYPES[place.array.dtype.name]
        if storage.kind == "arena":
            name, address = f"m{storage.offset}", f"(memory + {storage.offset})"
        else:
            name, address = f"{storage.kind}{storage.index}", f"{storage.kind}s[{storage.index}]"
        kinds = self.arrays.setdefault((name, address), {})
        shapes = kinds.setdefault(kind, {})
        shapes[str(list(place.root.shape))] = None
        return _named(name, kind, kinds)

    def declared(self) -> list[str]:
        """The arrays that the function uses, with their shapes."""
        lines = []
        for (first, address), kinds in self.arrays.items():
            for kind, shapes in kinds.items():
                name, what = _named(first, kind, kinds), ", ".join([*shapes][:_SHOWN])
                lines.append(f"{kind} *const {name} = ({kind} *){address}; // {what}")
        return lines

    def product(self, operation: Operation) -> list[str]:
        """The call of a matrix product, which is written once for each shape."""
        a, b, c = operation.extra["matrices"]
        (ta, lda), (tb, ldb), (_, ldc) = map(_layout, (a, b, c))
        dtype, (m, n), k = c.array.dtype.name, c.shape, a.shape[1]
        shape = gemm.Gemm(dtype, m, n, k, ta, tb, lda, ldb, ldc)
        name = self.products.setdefault(shape, f"product_{len(self.products)}")
        lines = [f"{name}({self.pointer(a)}, {self.pointer(b)}, {self.pointer(c)});"]
        for t, n in reversed(operation.extra.get("loops", ())):
            lines = block(f"for (int64_t {t} = 0; {t} < {n}; {t}++)", lines)
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
        self.arrays = {}
        lines = [line for kernel in kernels for line in [*_comment(kernel), *self.kernel(kernel)]]
        text = _renumbered("\n".join(indented([*self.declared(), *lines])))
        self.functions.append(
            f"EXPORT int {name}(void **inputs, void **constants, char *memory)\n"
            f"{{\n{text}\n  return 0;\n}}\n"
        )

    def kernel(self, kernel: Any) -> list[str]:
        """The lines of one piece of work."""
        if isinstance(kernel, Nest):
            return self.tests(kernel) or NestWriter(kernel.passes, self.pointer).text()
        if kernel.kind == "matmul":
            return self.product(kernel)
        if kernel.kind == "loop":
            return self.loop(kernel)
        if kernel.kind == "transpose":
            return self.transpose(kernel)
        if kernel.kind == "along":
            return along_source(kernel, self.pointer)
        return TableWriter(self.made, self.pointer).text(kernel)

    def tests(self, nest: Nest) -> list[str]:
        """Of a nest that only looks for nan."""
        if any((m.kind, m.name) != ("guard", "nan") for m in nest.members):
            return []
        places = [self.made.place(m.args[0]) for m in nest.members]
        if not all(p.is_contiguous and p.array.dtype.name in SUFFIXES for p in places):
            return []
        return [
            f"if (has_nan_{SUFFIXES[p.array.dtype.name]}({self.pointer(p)}, {p.array.size})) "
            "return 1;"
            for p in places
        ]

    def loop(self, operation: Operation) -> list[str]:
        """A loop over steps."""
        extra = operation.extra
        outer, self.made = self.made, operation.body
        lines = []
        for kernel in extra["kernels"]:
            lines += [*_comment(kernel), *self.kernel(kernel)]
        self.made = outer
        t, n = extra["variable"], extra["length"]
        if extra["reverse"]:
            return block(f"for (int64_t {t} = {n - 1}; {t} >= 0; {t}--)", lines)
        return block(f"for (int64_t {t} = 0; {t} < {n}; {t}++)", lines)

    def text(self, program: Program, segments: list[Any]) -> str:
        """The whole file."""
        has_blas = self.blas is not None
        products = [gemm.source(g, name, has_blas) for g, name in self.products.items()]
        products += [
            gemm.transpose(dtype, rows, columns, step, name)
            for (dtype, rows, columns, step), name in self.copies.items()
        ]
        dtypes = {g.dtype for g in self.products} | {dtype for dtype, *_ in self.copies}
        if dtypes:
            is_short = self.blas is not None and self.blas.int_bits == 32
            width = "#define BLAS_INT int\n" if is_short else ""
            products = [width, gemm.header(dtypes), *products]
        maths = maths_for("\n".join(self.functions))
        contents = _contents(program, segments)
        return "\n".join([contents, _HEAD, maths, *products, *self.functions])


def _named(array: str, kind: str, kinds: Iterable[str]) -> str:
    """Apart from the same memory read as another type."""
    return array if kind == next(iter(kinds)) else f"{array}_{kind.removesuffix('_t')}"


def _contents(program: Program, segments: list[Any]) -> str:
    """What a reader finds in the file, and what it is given."""
    lines = [
        "First what programs have in common, as far as this one needs it: elementary functions and",
        "matrix products. Then the work of this one, in this order:",
        *(f"  {s}" if isinstance(s, str) else f"  numpy's {s.name}" for s in segments),
        "It is given:",
        *(f"  inputs[{k}]: {v.dtype}{list(v.shape)}" for k, v in enumerate(program.inputs)),
    ]
    return "".join(f"// {_UNSAFE.sub('_', line)}\n" for line in lines)


_HEAD = """#ifdef _WIN32
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
    text = file.text(program, segments)
    return Emitted(text, segments, size, made, longest, list(program.outputs))


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
