"""Matrix products and transposed copies as C, of sizes known to the C compiler."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from autodiff.compiler.native.blocks import block

__all__ = ["VECTORS", "Gemm", "header", "source", "transpose", "uses_blas"]

_TYPES = {"float32": ("float", 4), "float64": ("double", 8)}


def header(dtypes: Iterable[str]) -> str:
    """The C text that products and transposed copies of these dtypes need, once per file.

    `BLAS_INT` may be defined before it, for the integers of the BLAS that ``bind_blas(sgemm,
    dgemm)`` is given (64 bits).
    """
    common, single = re.split(r"(?m)^/\* ---- .*\n", _TEXT)
    # The lanes of a mask are integers as wide as the numbers.
    double = single.replace("typedef int ", "typedef long long ")
    double = _aligned(re.sub(r"(?<![a-z])float(?![a-z])", "double", double))
    parts = {"float32": single, "float64": double}
    return VECTORS + common + "".join(parts[dtype] for dtype in sorted(dtypes))


_FOLDER = Path(__file__).parent / "c"
VECTORS = (_FOLDER / "vectors.h").read_text("utf-8")
"""The width of the target's vectors, and how a text for several compilers uses them."""
_TEXT = (_FOLDER / "gemm.h").read_text("utf-8")


def _aligned(text: str) -> str:
    """With lines that go on within parentheses below these, and ends of lines of macros in line."""
    lines, within = [], list[int]()
    for line in text.split("\n"):
        if within:
            line = " " * within[-1] + line.lstrip()
        if line.endswith("\\"):
            line = f"{line[:-1].rstrip():<97}\\"
        for column, sign in enumerate(line):
            if sign == "(":
                within.append(column + 1)
            elif sign == ")":
                within.pop()
        lines.append(line)
    return "\n".join(lines)


K_BLOCK = 256
"""Terms per chain of multiply-adds: a panel of b and the rows of a stay in the first cache."""

ROW_BLOCK = 64
"""Rows of c done before the next rows, if b is read where it stands. More of them touch more pages
than the processor has at hand: 1024x1000x64 is a tenth faster than without blocks."""

WIDTHS = {True: 12, False: 3}
"""Columns of a panel, in 64 bytes, for a single row and for more."""

HEIGHTS = (8, 4, 2, 1)
_LARGE = 3 << 18  # bytes


@dataclass(frozen=True)
class Gemm:
    """``c[m, n] = op(a)[m, k] op(b)[k, n]``, row-major.

    Parameters
    ----------
    dtype : {"float32", "float64"}
        Of all three.
    m, n, k : int
        Rows and columns of c, and terms of each sum.
    ta, tb : bool
        Whether a is stored as [k, m] and b as [n, k].
    lda, ldb, ldc : int
        Elements from one stored row to the next.
    """

    dtype: str
    m: int
    n: int
    k: int
    ta: bool
    tb: bool
    lda: int
    ldb: int
    ldc: int

    @property
    def ctype(self) -> str:
        """The name of the dtype in C."""
        return _TYPES[self.dtype][0]

    @property
    def lanes(self) -> int:
        """Elements in 64 bytes, the width of which panels are a multiple on all targets."""
        return 64 // _TYPES[self.dtype][1]


def uses_blas(gemm: Gemm) -> bool:
    """Whether BLAS is the faster for this shape; a fixed rule, so that bits never change.

    Up to 64 rows each panel of b is read once, and own tiles reach 0.9 to 1.7 of OpenBLAS (one
    thread, AVX-512). Above, b is read anew for every 64 rows: while the rows of b in one chain take
    less than a third of a second cache of 2 MB that is as fast, beyond it 0.75 to 0.95, and
    products of that size are those that gain from BLAS's threads.
    """
    return gemm.m > ROW_BLOCK and _large(gemm)


def _large(gemm: Gemm) -> bool:
    return min(gemm.k, K_BLOCK) * gemm.n * _TYPES[gemm.dtype][1] >= _LARGE


def source(gemm: Gemm, name: str, has_blas: bool) -> str:
    """The C function ``NAME(a, b, c)`` for one product.

    Of its own tiles the result of a row does not depend on the other rows, nor on how many there
    are: each entry is summed over k in order. They need `header`, and BLAS needs `bind_blas`.
    """
    blas = has_blas and uses_blas(gemm)
    lines = [_call(gemm)] if blas else _Writer(gemm).product()
    a = f"a[{gemm.k}, {gemm.m}]^T" if gemm.ta else f"a[{gemm.m}, {gemm.k}]"
    b = f"b[{gemm.n}, {gemm.k}]^T" if gemm.tb else f"b[{gemm.k}, {gemm.n}]"
    title = f"c[{gemm.m}, {gemm.n}] = {a} {b}"
    real = gemm.ctype
    parameters = f"const {real} *restrict a, const {real} *restrict b, {real} *restrict c"
    return "".join(
        f"{line}\n" for line in [
            f"/* {title}, {'by BLAS' if blas else 'own tiles'} */",
            *block(f"static void {name}({parameters})", lines),
        ]
    )  # fmt: skip


def _call(gemm: Gemm) -> str:
    row_major, plain = 101, 111  # of CBLAS; a transposed operand is 112
    sizes = f"{row_major}, {plain + gemm.ta}, {plain + gemm.tb}, {gemm.m}, {gemm.n}, {gemm.k}"
    operands = f"a, {gemm.lda}, b, {gemm.ldb}, 0, c, {gemm.ldc}"
    return f"blas_{gemm.ctype}({sizes}, 1, {operands});"


def transpose(dtype: str, rows: int, cols: int, lds: int, name: str) -> str:
    """The C function ``NAME(from, to)``: ``to[cols, rows]`` is ``from[rows, cols]`` transposed.

    `lds` is the number of elements from one row of the source to the next; the copy is contiguous.
    """
    real = _TYPES[dtype][0]
    return (
        f"/* to[{cols}, {rows}] = from[{rows}, {cols}]^T */\n"
        f"static void {name}(const {real} *restrict from, {real} *restrict to) {{\n"
        f"    transpose_{real}({rows}, {cols}, from, {lds}, to, {rows});\n}}\n"
    )


def _loop(index: str, start: int, stop: int, step: int, lines: list[str]) -> list[str]:
    head = f"for (ptrdiff_t {index} = {start}; {index} < {stop}; {index} += {step})"
    return block(head, lines)


@dataclass(frozen=True)
class _Matrix:
    """Where an operand starts, in C, and its strides."""

    at: str
    row: int
    column: int = 1

    def moved(self, rows: str = "0", columns: str = "0") -> _Matrix:
        """The part that starts there."""
        steps = ((rows, self.row), (columns, self.column))
        terms = [at if step == 1 else f"{at} * {step}" for at, step in steps if at != "0"]
        return _Matrix(" + ".join((self.at, *terms)), self.row, self.column)


@dataclass(frozen=True)
class _Panel:
    """Columns of c that are done together, and how many panels follow one another.

    The tiles of a panel are `width` wide. What has fewer `columns` takes the columns before it
    again, from `first` on, or zeros behind it where there are none.
    """

    start: int
    columns: int
    width: int
    first: int
    count: int = 1

    @property
    def ragged(self) -> bool:
        return self.columns < self.width

    @property
    def padded(self) -> bool:
        return self.first + self.width > self.start + self.columns


def _panels(gemm: Gemm) -> Iterator[_Panel]:
    """Panels as wide as each other, and what is left; a single row shall need no copy of b."""
    n, lanes, single = gemm.n, gemm.lanes, gemm.m == 1 and not gemm.tb
    units = max(n // lanes if single else -(-n // lanes), 1)
    width = lanes * -(-units // -(-units // WIDTHS[single]))
    left = n % width
    if n >= width:
        yield _Panel(0, width, width, 0, n // width)
    if left:
        width = -(-left // lanes) * lanes
        yield _Panel(n - left, left, width, max(n - width, 0))


@dataclass
class _Writer:
    """Writes one product; `scratch` collects the arrays it needs."""

    gemm: Gemm
    scratch: dict[str, int] = field(default_factory=dict)

    def product(self) -> list[str]:
        gemm = self.gemm
        if not gemm.k:
            row = f"memset(c + i * {gemm.ldc}, 0, {gemm.n} * sizeof *c);"
            return _loop("i", 0, gemm.m, 1, [row])
        a = _Matrix("a", 1, gemm.lda) if gemm.ta else _Matrix("a", gemm.lda)
        b = _Matrix("b", 1, gemm.ldb) if gemm.tb else _Matrix("b", gemm.ldb)
        lines = self.chain(a, b) if gemm.k <= K_BLOCK else self.chains(a, b)
        return [*self.declarations(), *lines]

    def declarations(self) -> list[str]:
        arrays = self.scratch.items()
        return [
            f"{self.gemm.ctype} {name}[{n}] __attribute__((aligned(64)));" for name, n in arrays
        ]

    def chains(self, a: _Matrix, b: _Matrix) -> list[str]:
        """All blocks of k, each added to those before."""
        k = self.gemm.k
        depth = f"const int depth = p + {K_BLOCK} < {k} ? {K_BLOCK} : {k} - (int)p, add = p > 0;"
        lines = self.chain(a.moved(columns="p"), b.moved(rows="p"))
        return _loop("p", 0, k, K_BLOCK, [depth, *lines])

    @property
    def depth(self) -> str:
        return str(self.gemm.k) if self.gemm.k <= K_BLOCK else "depth"

    @property
    def add(self) -> str:
        return "0" if self.gemm.k <= K_BLOCK else "add"

    def chain(self, a: _Matrix, b: _Matrix) -> list[str]:
        """One block of k: all rows of c, in blocks where that pays."""
        m, step, c = self.gemm.m, self.row_block, _Matrix("c", self.gemm.ldc)
        if m <= step:
            return self.rows(m, a, b, c)
        whole = m // step * step
        block = self.gathered(step, a.moved(rows="r"), b, c.moved(rows="r"))
        lines = _loop("r", 0, whole, step, block)
        if whole < m:
            a, c = a.moved(rows=str(whole)), c.moved(rows=str(whole))
            lines += self.gathered(m - whole, a, b, c)
        return lines

    @property
    def row_block(self) -> int:
        gemm = self.gemm
        if gemm.tb or _large(gemm) or gemm.n <= WIDTHS[False] * gemm.lanes:
            return gemm.m  # each panel of b is laid out once, or there is but one
        return min(ROW_BLOCK, 4 * gemm.lanes) if gemm.ta else ROW_BLOCK

    def gathered(self, m: int, a: _Matrix, b: _Matrix, c: _Matrix) -> list[str]:
        """`m` rows of c. Those of a transposed a are copied: they touch a page for each term."""
        if not self.gemm.ta:
            return self.rows(m, a, b, c)
        copy = self.copy(self.depth, m, a.at, a.column, self.array("block", m), m)
        return [copy, *self.rows(m, _Matrix("block", 1, m), b, c)]

    def rows(self, m: int, a: _Matrix, b: _Matrix, c: _Matrix) -> list[str]:
        return [line for panel in _panels(self.gemm) for line in self.panel(panel, m, a, b, c)]

    def panel(self, panel: _Panel, m: int, a: _Matrix, b: _Matrix, c: _Matrix) -> list[str]:
        if panel.count == 1:
            b, c = b.moved(columns=str(panel.first)), c.moved(columns=str(panel.start))
            return self.one_panel(panel, m, a, b, c)
        lines = self.one_panel(panel, m, a, b.moved(columns="j"), c.moved(columns="j"))
        return _loop("j", 0, panel.count * panel.width, panel.width, lines)

    def one_panel(self, panel: _Panel, m: int, a: _Matrix, b: _Matrix, c: _Matrix) -> list[str]:
        b, lines = self.laid_out(panel, b)
        return [*lines, *self.tiles(panel, m, a, b, c)]

    def laid_out(self, panel: _Panel, b: _Matrix) -> tuple[_Matrix, list[str]]:
        """A panel of b that is transposed, too narrow or far apart, copied together."""
        gemm, width = self.gemm, panel.width
        if not (gemm.tb or panel.padded or (gemm.m > ROW_BLOCK and _large(gemm))):
            return b, []
        to, columns = self.array("panel", width), min(width, gemm.n)
        lines = [f"memset({to}, 0, sizeof {to});"] if panel.padded else []
        if gemm.tb:
            where = f"{b.at}, {b.column}, {to}, {width}"
            lines += [f"transpose_{gemm.ctype}({columns}, {self.depth}, {where});"]
        else:
            lines += [self.copy(self.depth, columns, b.at, b.row, to, width)]
        return _Matrix(to, width), lines

    def tiles(self, panel: _Panel, m: int, a: _Matrix, b: _Matrix, c: _Matrix) -> list[str]:
        """The rows of a panel, as many at a time as there are registers for."""
        lines, start = [], 0
        for height in HEIGHTS:
            stop = start + (m - start) // height * height
            i = str(start) if stop == start + height else "i"
            tile = self.tile(panel, height, a.moved(rows=i), b, c.moved(rows=i))
            if stop > start:
                lines += tile if i != "i" else _loop("i", start, stop, height, tile)
            start = stop
        return lines

    def tile(self, panel: _Panel, height: int, a: _Matrix, b: _Matrix, c: _Matrix) -> list[str]:
        width = panel.width
        name = f"tile_{self.gemm.ctype}_{height}x{width // self.gemm.lanes}"
        head = f"{name}({self.depth}, {a.at}, {a.row}, {a.column}, {b.at}, {b.row}"
        if not panel.ragged:
            return [f"{head}, {c.at}, {c.row}, {self.add});"]
        self.scratch["tile"] = max(self.scratch.get("tile", 0), height * width)
        inside = _Matrix("tile", width).moved(columns=str(panel.start - panel.first))
        copy = self.copy(str(height), panel.columns, inside.at, width, c.at, c.row, self.add)
        return [f"{head}, tile, {width}, 0);", copy]

    def copy(
        self, rows: str, columns: int, at: str, row: int, to: str, to_row: int, add: str = "0"
    ) -> str:
        return f"copy_{self.gemm.ctype}({rows}, {columns}, {at}, {row}, {to}, {to_row}, {add});"

    def array(self, name: str, width: int) -> str:
        """A scratch array of a block of k by `width`."""
        size = min(self.gemm.k, K_BLOCK) * width
        self.scratch[name] = max(self.scratch.get(name, 0), size)
        return name
