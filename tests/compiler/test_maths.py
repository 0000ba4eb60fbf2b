"""The C functions of ``maths.h``: errors in units in the last place, and all special values."""

from __future__ import annotations

import ctypes
import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autodiff.compiler.native import toolchain
from autodiff.compiler.native.maths import MATHS

C_TYPES = {"f32": "float", "f64": "double"}
DTYPES = {"f32": np.float32, "f64": np.float64}
INF, NAN = np.inf, np.nan

# The largest errors, as stated in maths.h.
BOUNDS = {
    "exp": 1.0, "exp2": 1.1, "expm1": 2.0, "tanh": 2.7, "sigmoid": 2.5, "sinh": 2.5, "cosh": 1.6,
    "log": 0.9, "log2": 1.9, "log10": 2.0, "log1p": 1.5, "erf": 1.8, "erfc": 4.0,
}  # fmt: skip
BOUNDS_2 = {"logaddexp": 3.0, "logaddexp2": 3.5}
WITHOUT_FMA = 0.5

# These equal numpy's, and of these only the right function is to be called.
EXACT = ("sqrt", "absolute", "sign", "rint", "floor", "ceil", "trunc")
EXACT_2 = (
    "maximum", "minimum", "fmax", "fmin", "copysign", "heaviside", "fmod", "remainder",
    "floor_divide",
)  # fmt: skip
LIBRARY = (
    "sin", "cos", "tan", "arcsin", "arccos", "arctan", "arcsinh", "arccosh", "arctanh", "cbrt",
)  # fmt: skip
LIBRARY_2 = ("power", "arctan2", "hypot")
ALL, ALL_2 = (*BOUNDS, *EXACT, *LIBRARY), (*BOUNDS_2, *EXACT_2, *LIBRARY_2)

LOOP = """
void {name}_{kind}_loop(int n, const {T} *restrict x, const {T} *restrict y, {T} *restrict out) {{
    _Pragma("omp simd")
    for (int i = 0; i < n; i++) out[i] = {name}_{kind}({arguments});
}}
"""

pytestmark = [
    pytest.mark.skipif(toolchain.find() is None, reason="there is no C compiler"),
    pytest.mark.filterwarnings("ignore:.* encountered in:RuntimeWarning"),
    pytest.mark.parametrize("kind", C_TYPES),
]


@pytest.fixture(scope="module")
def library() -> ctypes.CDLL:
    loops = [
        LOOP.format(name=name, kind=kind, T=C_TYPES[kind], arguments=arguments)
        for names, arguments in ((ALL, "x[i]"), (ALL_2, "x[i], y[i]"))
        for name in names
        for kind in C_TYPES
    ]
    fused = "int fused(void) { return FUSED; }"
    return toolchain.build("\n".join([MATHS, fused, *loops]), cache=False)


@pytest.fixture
def call(library, kind) -> Callable[..., Any]:
    def run(name: str, x: Any, y: Any = None) -> Any:
        out = np.empty_like(x)
        pointers = (ctypes.c_void_p(a.ctypes.data) for a in (x, x if y is None else y, out))
        getattr(library, f"{name}_{kind}_loop")(x.size, *pointers)
        return out

    return run


def specials(kind: str) -> Any:
    about = np.finfo(DTYPES[kind])
    ends = [about.smallest_subnormal, about.tiny, about.max, about.eps, INF, NAN, 0.0]
    whole = [0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 10.0, 88.7, 104.0, 150.0, 710.0, 746.0, 1076.0, 1e6]
    x = np.array([*ends, *whole], DTYPES[kind])
    return np.concatenate([x, -x, np.nextafter(x, -x), np.nextafter(-x, x)])


def samples(kind: str, seed: Any, part: int = 12_000) -> Any:
    """All magnitudes, every n-th bit pattern; as many ordinary numbers; and the special ones."""
    rng = np.random.default_rng(seed)
    start, step = int(rng.integers(2**40)), np.uint64(2**64 // (4 * part))
    bits = np.arange(4 * part, dtype=np.uint64) * step + np.uint64(start)
    spread = bits.view("f8") if kind == "f64" else (bits >> np.uint64(32)).astype("u4").view("f4")
    spreads = [rng.normal(0, scale, part) for scale in (0.1, 1.0, 10.0, 300.0)]
    near_1 = rng.normal(1, 0.1, part)
    return np.concatenate([spread, *spreads, near_1, specials(kind)]).astype(DTYPES[kind])


@functools.cache
def pairs(kind: str, part: int = 4_000) -> tuple[Any, Any]:
    """Samples with samples of any magnitude, and of like ones; all pairs of special values."""
    x, order = samples(kind, 1, part), np.random.default_rng(2)
    near = x * np.linspace(-2, 2, x.size, dtype=x.dtype)
    every = np.meshgrid(specials(kind), specials(kind))
    others = order.permutation(x), near
    return np.concatenate([x, x, every[0].ravel()]), np.concatenate([*others, every[1].ravel()])


def wider(*arguments: Any) -> list[Any]:
    if arguments[0].dtype == np.float32:
        return [a.astype(np.float64) for a in arguments]
    if np.finfo(np.longdouble).nmant < 63:
        pytest.skip("numpy has nothing wider than float64 here")
    return [a.astype(np.longdouble) for a in arguments]


def errors(got: Any, exact: Any, scale: Any = 0.0) -> Any:
    """Distances in units in the last place of the exact result, or of `scale` if that is larger."""
    about, wide = np.finfo(got.dtype), exact.dtype.type
    # The step from the largest number to infinity is one unit as well.
    edge = np.ldexp(wide(1), about.maxexp)
    got, exact = (np.clip(a.astype(wide), -edge, edge) for a in (got, exact))
    size = np.clip(np.fmax(np.abs(exact), np.abs(scale)), wide(about.tiny), wide(about.max))
    unit = np.ldexp(wide(1), np.frexp(size)[1] - about.nmant - 1)
    distance = np.nan_to_num(np.abs(got - exact) / unit, nan=INF)
    return np.where(np.isnan(got) & np.isnan(exact), 0.0, distance)


def same(got: Any, expected: Any, zeros: bool = True) -> Any:
    """Where both are equal, with the sign of zero, or nan."""
    alike = np.signbit(got) == np.signbit(expected) if zeros else True
    return (got == expected) & alike | (np.isnan(got) & np.isnan(expected))


def sigmoid(x: Any) -> Any:
    z = np.exp(-np.abs(x))
    return np.where(x < 0, z, 1) / (1 + z)


def exactly(name: str, x: Any) -> Any:
    if name in ("erf", "erfc"):
        return np.vectorize(getattr(math, name), otypes="d")(x)
    return (sigmoid if name == "sigmoid" else getattr(np, name))(*wider(x))


@pytest.mark.parametrize("name", BOUNDS)
def test_errors_are_as_stated(name, kind, call, library):
    x = samples(kind, len(name))
    got, exact = call(name, x), exactly(name, x)
    bound = BOUNDS[name] + (0.0 if library.fused() else WITHOUT_FMA)
    if exact.dtype == got.dtype:  # a reference that is no better than the result
        bound += 1.0
    assert errors(got, exact).max() <= bound
    assert (np.signbit(got) == np.signbit(exact))[~np.isnan(exact)].all()


@pytest.mark.parametrize("name", BOUNDS)
def test_values_at_the_edges(name, kind, call):
    x = np.array([0.0, -0.0, INF, -INF, NAN], DTYPES[kind])
    assert same(call(name, x), exactly(name, x)).all()


def test_powers_of_2_are_exact(kind, call):
    about = np.finfo(DTYPES[kind])
    n = np.arange(about.minexp - about.nmant, about.maxexp, dtype=DTYPES[kind])
    powers = np.ldexp(DTYPES[kind](1), n.astype(int))
    assert np.array_equal(call("exp2", n), powers)
    assert np.array_equal(call("log2", powers), n)


@pytest.mark.parametrize("name", BOUNDS_2)
def test_errors_of_sums_in_the_logarithm_are_as_stated(name, kind, call):
    x, y = pairs(kind)
    exact = getattr(np, name)(*wider(x, y))
    # Near 0 the sum cancels, and the rounding of the difference shows: as in numpy.
    distance = np.abs(x - y)
    scale = np.fmax(np.abs(np.maximum(x, y)), distance * np.exp2(-distance))
    assert errors(call(name, x, y), exact, scale).max() <= BOUNDS_2[name]


@pytest.mark.parametrize("name", BOUNDS_2)
def test_softplus_keeps_its_left_tail(name, kind, call):
    x = samples(kind, 3)
    zero = np.zeros_like(x)
    exact = getattr(np, name)(*wider(x, zero))
    assert errors(call(name, x, zero), exact).max() <= BOUNDS_2[name]


@pytest.mark.parametrize("name", LIBRARY)
def test_functions_of_the_library(name, kind, call):
    x = samples(kind, len(name), 2_000)
    assert errors(call(name, x), getattr(np, name)(*wider(x))).max() <= 5


@pytest.mark.parametrize("name", LIBRARY_2)
def test_functions_of_the_library_of_two_arguments(name, kind, call):
    x, y = pairs(kind)
    assert errors(call(name, x, y), getattr(np, name)(*wider(x, y))).max() <= 5


@pytest.mark.parametrize("name", EXACT)
def test_exact_functions_equal_numpy(name, kind, call):
    x = samples(kind, len(name), 2_000)
    assert same(call(name, x), getattr(np, name)(x)).all()


@pytest.mark.parametrize("name", EXACT_2)
def test_exact_functions_of_two_arguments_equal_numpy(name, kind, call):
    x, y = pairs(kind)
    # Which of two zeros is the larger, numpy itself leaves to the processor.
    zeros = name not in ("maximum", "minimum", "fmax", "fmin")
    assert same(call(name, x, y), getattr(np, name)(x, y), zeros).all()


@pytest.mark.parametrize("name", (*ALL, *ALL_2))
def test_vectors_and_single_numbers_give_the_same_bits(name, kind, call):
    x, y = (a[-300:].copy() for a in pairs(kind))
    alone = [call(name, x[i : i + 1], y[i : i + 1]) for i in range(x.size)]
    assert same(call(name, x, y), np.concatenate(alone)).all()
