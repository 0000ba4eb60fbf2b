"""The BLAS that numpy or scipy brings along, by the addresses of its functions."""

from __future__ import annotations

import ctypes
import functools
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["Blas", "find"]

_PATTERNS = {"win32": "*.dll", "darwin": "*.dylib"}
_NAMES = ("blas", "mkl_rt", "accelerate", "blis", "nvpl", "armpl", "flexi")
_ACCELERATE = "/System/Library/Frameworks/Accelerate.framework/Accelerate"

# What cblas_sgemm is called, and how many bits its integers have. The names of scipy's wheels come
# first: a library that has them is OpenBLAS, whatever else it has.
_SYMBOLS = (
    ("scipy_cblas_{}gemm64_", 64),
    ("scipy_cblas_{}gemm", 32),
    ("cblas_{}gemm64_", 64),
    ("cblas_{}gemm_64", 64),
    ("cblas_{}gemm$NEWLAPACK$ILP64", 64),
    ("cblas_{}gemm$NEWLAPACK", 32),
    ("cblas_{}gemm", 32),
)
_ROW_MAJOR, _PLAIN, _TRANSPOSED = 101, 111, 112


@dataclass(frozen=True)
class Blas:
    """Where CBLAS's matrix products are in memory.

    Parameters
    ----------
    sgemm, dgemm : int
        Addresses of cblas_sgemm and cblas_dgemm.
    int_bits : {32, 64}
        Bits of their integer arguments.
    """

    sgemm: int
    dgemm: int
    int_bits: int


@functools.cache
def find() -> Blas | None:
    """The first BLAS that multiplies two small matrices right, or None.

    Looked for in the folders of numpy's and scipy's wheels, then among the libraries of this
    process, then, on macOS, in Accelerate.
    """
    for path in _paths():
        for blas in _offered(path):
            if _multiplies(blas):
                return blas
    return None


def _paths() -> Iterator[str]:
    yield from _bundled("numpy")
    yield from (path for path in _loaded() if any(name in path.lower() for name in _NAMES))
    yield from _bundled("scipy")
    if sys.platform == "darwin":
        yield _ACCELERATE


def _bundled(package: str) -> Iterator[str]:
    """Libraries that the package's wheel carries."""
    site = Path(np.__file__).parents[1]
    pattern = _PATTERNS.get(sys.platform, "*.so*")
    for folder in (site / f"{package}.libs", site / package / ".dylibs"):
        yield from (str(path) for path in sorted(folder.glob(pattern)) if "blas" in path.name)


def _loaded() -> Iterator[str]:
    """Files of libraries that are in this process, where the system lists them as text."""
    try:
        lines = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    paths = (line.split(maxsplit=5)[-1] for line in lines if "/" in line)
    yield from dict.fromkeys(path for path in paths if ".so" in os.path.basename(path))


def _offered(path: str) -> Iterator[Blas]:
    try:
        library = ctypes.CDLL(path)
    except OSError:
        return
    for name, bits in _SYMBOLS:
        single, double = (_address(library, name.format(kind)) for kind in "sd")
        if single and double:
            yield Blas(single, double, bits)


def _address(library: ctypes.CDLL, name: str) -> int | None:
    try:
        return ctypes.cast(getattr(library, name), ctypes.c_void_p).value
    except AttributeError:
        return None


def _multiplies(blas: Blas) -> bool:
    """Whether a 2x3 by 3x4 product, with all its arguments in use, is what it should be."""
    return all(
        _product_is_right(address, dtype, blas.int_bits)
        for address, dtype in ((blas.sgemm, np.float32), (blas.dgemm, np.float64))
    )


def _product_is_right(address: int, dtype: type[np.floating[Any]], bits: int) -> bool:
    integer = ctypes.c_int64 if bits == 64 else ctypes.c_int32
    real = ctypes.c_float if dtype is np.float32 else ctypes.c_double
    array = (ctypes.c_void_p, integer)
    kinds = (*[ctypes.c_int] * 3, *[integer] * 3, real, *array, *array, real, *array)
    a = np.arange(1, 7, dtype=dtype).reshape(2, 3)
    b = np.arange(12, dtype=dtype).reshape(4, 3)
    c = np.arange(8, dtype=dtype).reshape(2, 4)
    expected = 2 * (a @ b.T) + 3 * c
    layout, sizes = (_ROW_MAJOR, _PLAIN, _TRANSPOSED), (2, 4, 3)
    operands = (2, a.ctypes.data, 3, b.ctypes.data, 3, 3, c.ctypes.data, 4)
    ctypes.CFUNCTYPE(None, *kinds)(address)(*layout, *sizes, *operands)
    return bool(np.array_equal(c, expected))
