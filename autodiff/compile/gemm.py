"""Matrix products and transposed copies as C, of sizes known to the C compiler."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["HEADER", "Gemm", "source", "transpose", "uses_blas"]

_TEXT = (Path(__file__).parent / "c" / "gemm.h").read_text(encoding="utf-8")
_COMMON, _FLOAT = re.split(r"(?m)^/\* ---- .*\n", _TEXT)
_DOUBLE = re.sub(r"(?<![a-z])float(?![a-z])", "double", _FLOAT.replace("int mask", "long long mask"))
HEADER = _COMMON + _FLOAT + _DOUBLE

_C = {"float32": "float", "float64": "double"}
_BYTES = {"float32": 4, "float64": 8}
K_BLOCK = 256
PACK_ABOVE = 64


@dataclass(frozen=True)
class Gemm:
    dtype: str
    m: int
    n: int
    k: int
    ta: bool
    tb: bool
    lda: int
    ldb: int
    ldc: int
    accumulate: bool

    @property
    def c_type(self) -> str:
        return _C[self.dtype]

    @property
    def lanes(self) -> int:
        return 64 // _BYTES[self.dtype]


def uses_blas(gemm: Gemm) -> bool:
    return False


def source(gemm: Gemm, name: str, has_blas: bool) -> str:
    body = _blas(gemm) if has_blas else _own(gemm)
    t = gemm.c_type
    text = "\n".join(f"    {line}" for line in body)
    return (
        f"/* {_title(gemm)} */\n"
        f"static void {name}(const {t} *restrict a, const {t} *restrict b, {t} *restrict c) {{\n"
        f"{text}\n}}\n"
    )


def _title(g: Gemm) -> str:
    return f"c[{g.m}, {g.n}] {'+=' if g.accumulate else '='} a[{g.m}, {g.k}]{'^T'*g.ta} b{'^T'*g.tb}"


def _blas(g: Gemm) -> list[str]:
    return [
        f"blas_{g.c_type}(101, {111 + g.ta}, {111 + g.tb}, {g.m}, {g.n}, {g.k}, 1, a, {g.lda}, "
        f"b, {g.ldb}, {int(g.accumulate)}, c, {g.ldc});"
    ]


@dataclass(frozen=True)
class _Panel:
    """Columns of c that are done together."""

    start: int
    stop: int
    units: int
    used: int  # columns that belong to c


def _panels(g: Gemm) -> Iterator[_Panel]:
    single = g.m == 1 and not g.tb
    units = g.n // g.lanes if single else -(-g.n // g.lanes)
    if units:
        most = 12 if single else 3
        columns = -(-units // -(-units // most))
        width = columns * g.lanes
        stop = g.n // width * width
        if stop: yield _Panel(0, stop, columns, width)
    else: stop = 0
    rest = g.n - stop
    if single and rest >= g.lanes:
        w = rest // g.lanes
        yield _Panel(stop, stop + w * g.lanes, w, w * g.lanes)
        stop += w * g.lanes; rest = g.n - stop
    if rest:
        yield _Panel(stop, g.n, -(-rest // g.lanes), rest)



import os
SIXTEEN = 0
ROWS = int(os.environ.get("ROWS", "64"))
ORDER = os.environ.get("ORDER", "")

def _order(g):
    if g.m <= 64 or g.tb or g.n <= 3 * g.lanes: return "panels"
    if ORDER: return ORDER if not g.tb else "panels"
    return "rows"

def _own(g: Gemm) -> list[str]:
    if not g.k: return [] 
    lines = []
    t = g.c_type
    depth = min(g.k, K_BLOCK)
    rows_first = _order(g) == "rows"
    big = g.k > K_BLOCK
    head = []
    if rows_first:
        d = "depth" if big else str(depth)
        def block(height, first, i0):
            out = []
            if g.ta:
                a0 = f"a + {i0}" + (f" + p * {g.lda}" if big else "")
                out += [f"copy_{t}({d}, {height}, {a0}, {g.lda}, block, {height}, 0);"]
                A = ("block", 1, height)
            else:
                A = (f"a + {i0} * {g.lda}" + (" + p" if big else ""), g.lda, 1)
            for panel in _panels(g): out += _panel(g, panel, height, A, f"c + {i0} * {g.ldc}")
            return out
        full = g.m // ROWS * ROWS
        lines += [f"for (int r = 0; r < {full}; r += {ROWS}) {{", *("    " + l for l in block(ROWS, 0, "r")), "}"]
        if g.m > full: lines += block(g.m - full, full, str(full))
        if g.ta: head += [f"{t} block[{depth * ROWS}] __attribute__((aligned(64)));"]
    else:
        A = ("a", 1, g.lda) if g.ta else ("a", g.lda, 1)
        if big: A = (f"a + p * {A[2]}", A[1], A[2])
        for panel in _panels(g):
            lines += _panel(g, panel, g.m, A, "c")
    pack = [p.units for p in _panels(g) if _packs(g, p)]
    rows = max((_row_tiles(g.m, p.units)[0][2] * p.units for p in _panels(g) if p.used < p.units*g.lanes), default=0)
    if pack: head += [f"{t} panel[{depth * max(pack) * g.lanes}] __attribute__((aligned(64)));"]
    if rows: head += [f"{t} tile[{rows * g.lanes}] __attribute__((aligned(64)));"]
    if g.k > K_BLOCK:
        head += [f"for (int p = 0; p < {g.k}; p += {K_BLOCK}) {{", f"    const int depth = {g.k} - p < {K_BLOCK} ? {g.k} - p : {K_BLOCK}, add = {'1' if g.accumulate else 'p > 0'};"]
        return head + ["    " + l for l in lines] + ["}"]
    return head + lines

def _packs(g, p):
    return g.tb or p.used < p.units * g.lanes or (g.m > PACK_ABOVE and _order(g) == "panels" and g.n > 3 * g.lanes)

def _row_tiles(m, units):
    out = []; i = 0
    for r in ((16,) if units == 1 and SIXTEEN else ()) + (8, 4, 2, 1):
        stop = i + (m - i) // r * r
        if stop > i: out.append((i, stop, r))
        i = stop
    return out

def _panel(g: Gemm, p: _Panel, m: int, A, C) -> list[str]:
    big = g.k > K_BLOCK
    depth, add = ("depth", "add") if big else (str(g.k), str(int(g.accumulate)))
    t = g.c_type; width = p.units * g.lanes; loop = p.stop - p.start > p.used
    j = "j" if loop else str(p.start)
    lines = []
    b = f"b + {j} * {g.ldb}" if g.tb else f"b + {j}"
    if big: b += " + p" if g.tb else f" + p * {g.ldb}"
    b_row = g.ldb
    if _packs(g, p):
        if p.used < width: lines += ["memset(panel, 0, sizeof panel);"]
        if g.tb: lines += [f"transpose_{t}({p.used}, {depth}, {b}, {g.ldb}, panel, {width});"]
        else: lines += [f"copy_{t}({depth}, {p.used}, {b}, {g.ldb}, panel, {width}, 0);"]
        b, b_row = "panel", width
    a0, a_row, a_col = A
    for start, stop, r in _row_tiles(m, p.units):
        single = stop - start == r
        i = str(start) if single else "i"
        a = f"{a0} + {i} * {a_row}"
        c = f"{C} + {i} * {g.ldc} + {j}"
        pad = "" if single else "    "
        if not single: lines += [f"for (int i = {start}; i < {stop}; i += {r}) {{"]
        if p.used == width: lines += [f"{pad}tile_{t}_{r}x{p.units}({depth}, {a}, {a_row}, {a_col}, {b}, {b_row}, {c}, {g.ldc}, {add});"]
        else: lines += [f"{pad}tile_{t}_{r}x{p.units}({depth}, {a}, {a_row}, {a_col}, {b}, {b_row}, tile, {width}, 0);",
              f"{pad}copy_{t}({r}, {p.used}, tile, {width}, {c}, {g.ldc}, {add});"]
        if not single: lines += ["}"]
    if loop: lines = [f"for (int j = {p.start}; j < {p.stop}; j += {width}) {{", *("    " + l for l in lines), "}"]
    return lines


def transpose(dtype: str, rows: int, cols: int, lds: int, name: str) -> str:
    t = _C[dtype]
    return (
        f"static void {name}(const {t} *restrict from, {t} *restrict to) {{\n"
        f"    transpose_{t}({rows}, {cols}, from, {lds}, to, {rows});\n}}\n"
    )
