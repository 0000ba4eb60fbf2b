"""draft"""
from __future__ import annotations
import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["HEADER", "Gemm", "source", "transpose", "uses_blas"]
_TEXT = (Path(__file__).parent / "c" / "gemm.h").read_text(encoding="utf-8")
_COMMON, _FLOAT = re.split(r"(?m)^/\* ---- .*\n", _TEXT)
HEADER = _COMMON + _FLOAT + re.sub(r"(?<![A-Za-z])float(?![A-Za-z])", "double", _FLOAT).replace("typedef int mask_double","typedef long long mask_double")
_C = {"float32": "float", "float64": "double"}

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

def uses_blas(gemm):
    return False

def source(g, name, has_blas):
    t = _C[g.dtype]
    head = f"static void {name}(const {t} *restrict a, const {t} *restrict b, {t} *restrict c) {{\n"
    if has_blas:
        la, lb = 111 + g.ta, 111 + g.tb
        return head + f"    blas_{t}(101, {la}, {lb}, {g.m}, {g.n}, {g.k}, 1, a, {g.lda}, b, {g.ldb}, {int(g.accumulate)}, c, {g.ldc});\n}}\n"
    return head + f"    gemm_{t}({g.m}, {g.n}, {g.k}, {int(g.ta)}, {int(g.tb)}, a, {g.lda}, b, {g.ldb}, c, {g.ldc}, {int(g.accumulate)});\n}}\n"

def transpose(dtype, rows, cols, lds, name):
    t = _C[dtype]
    return f"static void {name}(const {t} *restrict from, {t} *restrict to) {{\n    transpose_{t}({rows}, {cols}, from, {lds}, to, {rows});\n}}\n"
