"""Matrix products in C against numpy's: values, bits, memory, threads."""

from __future__ import annotations

import ctypes
import itertools
import subprocess
import sys
import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodiff.compiler.native import blas, toolchain
from autodiff.compiler.native.gemm import Gemm, header, source, transpose, uses_blas

pytestmark = pytest.mark.skipif(toolchain.find() is None, reason="there is no C compiler")

DTYPES = ("float32", "float64")
C_TYPES = {"float32": "float", "float64": "double"}
GUARD = 100

# One row, ragged and whole widths of every target, blocks of rows, several chains over k, and
# a b that is laid out anew.
SHAPES = (
    (1, 1, 1), (1, 16, 3), (1, 230, 300), (4, 64, 256), (5, 17, 300), (13, 33, 31), (32, 100, 64),
    (66, 50, 20), (70, 130, 257), (100, 10, 30), (65, 777, 256),
)  # fmt: skip


def made(dtype: str, m: int, n: int, k: int, ta=False, tb=False, pad=0) -> Gemm:
    """With `pad` elements between the rows of each matrix."""
    lda, ldb = (m if ta else k) + pad, (k if tb else n) + pad
    return Gemm(dtype, m, n, k, ta, tb, lda, ldb, n + pad)


LAYOUTS = tuple(itertools.product((False, True), (False, True)))


def grid() -> list[Gemm]:
    """Each shape in each layout, in double precision in one of them; the rest takes turns."""
    pads, products = itertools.cycle((0, 3, 0)), []
    for i, (shape, (j, layout)) in enumerate(itertools.product(SHAPES, enumerate(LAYOUTS))):
        products.append(made("float32", *shape, *layout, next(pads)))
        if (i // 4 + j) % 4 == 0:
            products.append(made("float64", *shape, *layout, next(pads)))
    return products


def c_text(products: list[Gemm], has_blas: bool = False) -> str:
    lines = ["#define BLAS_INT int"] if has_blas and blas.find().int_bits == 32 else []
    lines.append(header(DTYPES))
    for i, gemm in enumerate(products):
        real = C_TYPES[gemm.dtype]
        lines.append(source(gemm, f"product_{i}", has_blas))
        lines.append(
            f"void call_{i}(const {real} *a, const {real} *b, {real} *c) {{"
            f" product_{i}(a, b, c); }}"
        )
    return "\n".join(lines)


class Built:
    """Products in one library."""

    def __init__(self, products: list[Gemm], has_blas=False, cache=False) -> None:
        self.library = toolchain.build(c_text(products, has_blas), cache=cache)
        self.index = {gemm: i for i, gemm in enumerate(products)}

    def __call__(self, gemm: Gemm, a: Any, b: Any, c: Any) -> Any:
        function = getattr(self.library, f"call_{self.index[gemm]}")
        function(*(ctypes.c_void_p(x.ctypes.data) for x in (a, b, c)))
        return c


def stored(x: Any, transposed: bool, step: int) -> Any:
    """`x` as it is stored, amid nan: in the gaps between its rows, before and behind."""
    x = x.T if transposed else x
    memory = np.full(2 * GUARD + x.shape[0] * step, np.nan, x.dtype)
    inside = memory[GUARD : GUARD + x.shape[0] * step].reshape(x.shape[0], step)
    inside[:, : x.shape[1]] = x
    return inside[:, : x.shape[1]]


def operands(gemm: Gemm, seed: int = 0) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(seed)
    shapes = ((gemm.m, gemm.k), (gemm.k, gemm.n), (gemm.m, gemm.n))
    return tuple(rng.normal(size=shape).astype(gemm.dtype) for shape in shapes)


def run(built: Built, gemm: Gemm, a: Any, b: Any, c: Any) -> Any:
    """The product, where nothing but c may change."""
    a, b = stored(a, gemm.ta, gemm.lda), stored(b, gemm.tb, gemm.ldb)
    out = stored(c, False, gemm.ldc)
    around = out.base.base if out.base.base is not None else out.base
    before = np.isnan(around)
    built(gemm, a, b, out)
    assert before.sum() == around.size - out.size
    assert np.isnan(around[before]).all(), "written outside of c"
    return out


def assert_right(gemm: Gemm, a: Any, b: Any, got: Any) -> None:
    a, b = (x.astype("float64") for x in (a, b))
    bound = (gemm.k + 3) * np.finfo(gemm.dtype).eps * (abs(a) @ abs(b))
    assert (abs(got - a @ b) <= bound).all()


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Built:
    """All of the grid, in a file that stays until the tests end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTODIFF_CACHE", str(tmp_path_factory.mktemp("cache")))
        return Built(grid(), cache=True)


@pytest.mark.parametrize("gemm", grid(), ids=str)
def test_products_are_numpys(built, gemm):
    a, b, c = operands(gemm)
    assert_right(gemm, a, b, run(built, gemm, a, b, c))


@st.composite
def products(draw) -> Gemm:
    size = st.one_of(st.integers(1, 20), st.integers(1, 150), st.sampled_from((256, 257, 300)))
    m, n, k = (draw(size) for _ in range(3))
    flags = (draw(st.booleans()) for _ in range(2))
    return made(draw(st.sampled_from(DTYPES)), m, n, k, *flags, draw(st.integers(0, 5)))


@settings(max_examples=2, deadline=None)
@given(st.lists(products(), min_size=6, max_size=8, unique=True))
def test_products_of_any_shape(gemms):
    built = Built(gemms)
    for gemm in gemms:
        a, b, c = operands(gemm)
        assert_right(gemm, a, b, run(built, gemm, a, b, c))


ROWS = (1, 7, 100)
SAME = [made(d, m, 100, 700, layout, layout) for d in DTYPES for m in ROWS
        for layout in (False, True)]  # fmt: skip
EMPTY = [made("float32", *shape) for shape in ((3, 4, 0), (0, 4, 3), (3, 0, 4))]
SPECIAL = [made("float32", 9, 100, 20, *layout) for layout in LAYOUTS]
FUSED = made("float32", 1, 16, 2)


@pytest.fixture(scope="module")
def others() -> Built:
    return Built([*SAME, *EMPTY, *SPECIAL, FUSED])


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_row_has_the_same_bits_whatever_the_other_rows_and_the_layout(others, dtype):
    a, b, c = operands(made(dtype, max(ROWS), 100, 700))
    rows = [run(others, gemm, a[: gemm.m], b, c[: gemm.m]) for gemm in SAME if gemm.dtype == dtype]
    for row in rows:
        np.testing.assert_array_equal(row, rows[-1][: len(row)])


@pytest.mark.parametrize("gemm", EMPTY, ids=str)
def test_sums_of_no_terms_are_zero(others, gemm):
    c = np.ones((gemm.m, gemm.n), "float32")
    others(gemm, np.ones((gemm.m, gemm.k)), np.ones((gemm.k, gemm.n)), c)
    np.testing.assert_array_equal(c, 0.0)


@pytest.mark.parametrize("gemm", SPECIAL, ids=str)
def test_nan_and_infinity_stay_in_their_rows_and_columns(others, gemm):
    a, b, c = operands(gemm)
    a[4, 3], b[3, 99], b[5, 0], a[8, 7] = 0.0, np.inf, np.nan, -np.inf
    got = run(others, gemm, a, b, c)
    with np.errstate(invalid="ignore"):
        expected = np.einsum("ik,kj->ij", a, b)
    assert np.isnan(got[4, 99])
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(np.isfinite(got), finite)
    np.testing.assert_array_equal(got[~finite], expected[~finite])


def test_multiply_and_add_round_once(others):
    """Twice the speed, though the compiler is told not to fuse what numpy computes in two steps."""
    fused = toolchain.build(
        "#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)\nint fused = 1;\n"
        "#else\nint fused = 0;\n#endif\n",
        cache=False,
    )
    if not ctypes.c_int.in_dll(fused, "fused").value:
        pytest.skip("this processor has no fused multiply-add")
    x = np.float32(1 + 2.0**-12)
    a, b = np.array([[-1, x]], "float32"), np.full((2, 16), x, "float32")
    b[0] = x * x
    c = run(others, FUSED, a, b, np.zeros((1, 16), "float32"))
    np.testing.assert_array_equal(c, float(x) ** 2 - float(x * x))


def test_two_threads_at_once(built):
    """The scratch memory of each call is its own."""
    gemm = next(g for g in built.index if (g.m, g.tb, g.dtype) == (70, True, "float32"))
    cases = [operands(gemm, seed) for seed in range(2)]
    expected = [np.array(run(built, gemm, *case)) for case in cases]
    differ = []

    def work(case: Any, result: Any) -> None:
        same = [np.array_equal(run(built, gemm, *case), result) for _ in range(30)]
        differ.append(same.count(False))

    threads = [threading.Thread(target=work, args=pair) for pair in zip(cases, expected)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert differ == [0, 0]


SIZES = ((1, 1), (3, 100), (100, 3), (16, 16), (17, 33), (100, 64), (40, 19), (7, 8))


@pytest.fixture(scope="module")
def transposed() -> ctypes.CDLL:
    lines = [header(DTYPES)]
    for dtype, (rows, columns) in itertools.product(DTYPES, SIZES):
        name, real = f"{dtype}_{rows}_{columns}", C_TYPES[dtype]
        lines.append(transpose(dtype, rows, columns, columns + 2, name))
        lines.append(f"void call_{name}(const {real} *x, {real} *y) {{ {name}(x, y); }}")
    return toolchain.build("\n".join(lines), cache=False)


@pytest.mark.parametrize("shape", SIZES, ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
def test_transposed_copies(transposed, dtype, shape):
    x = np.random.default_rng(0).normal(size=shape).astype(dtype)
    memory = np.full(x.size + 2 * GUARD, 7, dtype)
    inside, start = memory[GUARD:-GUARD], stored(x, False, shape[1] + 2)
    call = getattr(transposed, "call_{}_{}_{}".format(dtype, *shape))
    call(ctypes.c_void_p(start.ctypes.data), ctypes.c_void_p(inside.ctypes.data))
    np.testing.assert_array_equal(inside.reshape(shape[::-1]), x.T)
    assert (memory[:GUARD] == 7).all() and (memory[-GUARD:] == 7).all()


AT_THE_EDGE = """
import ctypes, mmap, sys
library = ctypes.CDLL(sys.argv[1])
page, kept = mmap.PAGESIZE, []
def edge(size, at_end):
    pages = -(-size // page)
    memory = mmap.mmap(-1, (pages + 2) * page)
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    for closed in (start, start + (pages + 1) * page):
        assert not ctypes.CDLL(None).mprotect(ctypes.c_void_p(closed), page, 0)
    kept.append(memory)
    return ctypes.c_void_p(start + page + (pages * page - size if at_end else 0))
for line in sys.stdin:
    name, *sizes = line.split()
    for at_end in (False, True):
        getattr(library, name)(*(edge(int(size), at_end) for size in sizes))
print("done")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs mprotect")
def test_no_read_outside(built):
    """Each operand lies between pages that may not be read, in a process that would die of it."""
    lines = []
    for gemm, i in built.index.items():
        size = np.dtype(gemm.dtype).itemsize
        counts = (
            _extent(gemm.m, gemm.k, gemm.ta, gemm.lda),
            _extent(gemm.k, gemm.n, gemm.tb, gemm.ldb),
            _extent(gemm.m, gemm.n, False, gemm.ldc),
        )
        lines.append(" ".join([f"call_{i}", *(str(size * count) for count in counts)]))
    command = [sys.executable, "-c", AT_THE_EDGE, built.library._name]
    done = subprocess.run(command, input="\n".join(lines), capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


def _extent(rows: int, columns: int, transposed: bool, step: int) -> int:
    """Elements from the first to the last of a matrix."""
    rows, columns = (columns, rows) if transposed else (rows, columns)
    return (rows - 1) * step + columns


LARGE = [made(d, 65, 1030, 256, *layout) for d in DTYPES for layout in LAYOUTS]


@pytest.mark.skipif(blas.find() is None, reason="there is no CBLAS by name here")
def test_large_products_are_given_to_blas():
    found, built = blas.find(), Built(LARGE, has_blas=True)
    built.library.bind_blas(ctypes.c_void_p(found.sgemm), ctypes.c_void_p(found.dgemm))
    for gemm in LARGE:
        a, b, c = operands(gemm)
        assert_right(gemm, a, b, run(built, gemm, a, b, c))


def test_the_text_says_which_product_it_is_and_how_it_is_done():
    large = LARGE[1]
    assert uses_blas(large) and not uses_blas(replace(large, m=32))
    assert "c[65, 1030] = a[65, 256] b[1030, 256]^T, by BLAS" in source(large, "f", True)
    assert "blas_float" not in source(large, "f", False)
    small = source(made("float64", 32, 100, 64, ta=True), "f", True)
    assert "c[32, 100] = a[64, 32]^T b[64, 100], own tiles" in small


def test_the_same_product_has_the_same_text():
    gemm = made("float32", 70, 130, 257, ta=True)
    assert source(gemm, "f", True) == source(replace(gemm), "f", True)
