"""numpy's functions on arrays of a trace: with all of their arguments, however they are given."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.compiler import TraceError
from autodiff.compiler.native import toolchain
from tests.compiler.tools import assert_compiles, assert_same

BACKENDS = ["numpy", pytest.param("c", marks=pytest.mark.skipif(
    toolchain.find() is None, reason="there is no C compiler"))]  # fmt: skip
on_both = pytest.mark.parametrize("backend", BACKENDS)
pytestmark = pytest.mark.usefixtures("cache")

X, M = np.array([1.0, -2.0, 3.0]), np.arange(1.0, 10.0).reshape(3, 3)


def filled(x: Any, **settings: Any) -> Any:
    out = np.empty_like(x, **settings)
    out[...] = x * 1.5
    return out


def two_outs(x: Any) -> Any:
    q, r = np.empty_like(x), np.empty_like(x)
    a, b = np.divmod(x, 2.0, out=(q, r))
    return q + r, a, b, np.modf(x, q, r), np.frexp(x, out=(r, None))


def masked_outs(x: Any) -> Any:
    q, r = x.copy(), x.copy()
    np.divmod(x, 2.0, out=(q, r), where=x > 0)
    return q, r


def copied_to(x: Any) -> Any:
    y = x.copy()
    np.copyto(dst=y, src=0.0, where=x > 0)
    np.put(a=y, ind=[1], v=5.0)
    return y


def sorted_in_place(x: Any) -> Any:
    x = x.copy()
    x.sort()
    return x


def flat_copy(x: Any) -> Any:
    y = x.flatten()
    y += 1
    return x, y


CASES: dict[str, Callable[[Any], Any]] = {
    "where of a reduction": lambda x: np.add.reduce(x, where=x > 0),
    "where and initial": lambda x: np.maximum.reduce(x, where=x < 0, initial=-9.0),
    "where of a sum": lambda x: np.sum(x, where=x > 0),
    "empty_like of a dtype": lambda x: filled(x, dtype=np.int64) if x.dtype == int else x,
    "empty_like of a shape": lambda x: filled(x, shape=(2, 3)),
    "zeros_like of a shape": lambda x: x.sum() + np.zeros_like(x, shape=(5,)),
    "ones_like by place": lambda x: np.ones_like(x, np.float32, "K", True, (2, 3)) * x,
    "size along an axis": lambda x: x * np.size(x, 0) + np.size(x, axis=0) + np.size(a=x),
    "repeats by name": lambda x: (np.repeat(x, repeats=2), x.repeat(repeats=2), x.repeat(2)),
    "several outs": two_outs,
    "several outs, masked": masked_outs,
    "the first argument by name": copied_to,
    "a sort in place": sorted_in_place,
    "flatten": flat_copy,
    "methods": lambda x: (x.round(), x.round(1), x.cumprod(), (x * M).diagonal(), (x * M).trace()),
    "divmod": lambda x: (divmod(x, 2), divmod(2.5, x), divmod(x[0], x)),
    "named results": lambda x: np.linalg.svd(M).S * np.linalg.eigh(np.outer(x, x) + M).eigenvalues,
    "a plain array of names": lambda x: np.linalg.slogdet(np.outer(x, x) + M).sign * x,
}


@pytest.mark.parametrize("case", CASES)
def test_as_in_eager_mode(case: str) -> None:
    assert_compiles(CASES[case], (X,), (X + 0.75,))


# Writes into arguments


def by_place(x: Any, out: Any) -> Any:
    np.clip(x, 0.0, 1.0, out)
    return out.sum()


def in_products(x: Any, out: Any) -> Any:
    np.dot(M, x, out)
    return np.take(x, [0, 0, 1], 0, out) + 1


def without_copy(x: Any, out: Any) -> Any:
    out *= np.nan
    return np.nan_to_num(out, copy=False, nan=2.0) * x


def same_object(x: Any, out: Any) -> Any:
    y = np.atleast_1d(out)
    y += 1
    (z, _) = np.atleast_1d(out, x)
    z += 1
    return y.sum()


def unsafe(x: Any, out: Any) -> Any:
    n = np.array([1, 2, 3]) + np.zeros_like(x, int) + (x > 0)
    np.add(n, 0.7, out=n, casting="unsafe")
    return n


@on_both
@pytest.mark.parametrize("f", [by_place, in_products, without_copy, same_object, unsafe])
def test_what_is_written(backend: str, f: Callable[..., Any]) -> None:
    compiled = ad.compile(f, backend=backend)
    for x in (X, X + 1, X):
        a, b = np.zeros(3), np.zeros(3)
        assert_same(compiled(x, a), f(x, b))
        assert_same(a, b)


def test_writes_into_other_arrays_are_refused() -> None:
    other = np.zeros(3)
    for f in (
        lambda x: np.clip(x, 0.0, 1.0, other),
        lambda x: np.take(x, [0, 0, 0], 0, other),
        lambda x: np.nan_to_num(other, copy=False, nan=x[0]),
        lambda x: np.modf(x, other, x),
    ):
        with pytest.raises(TraceError, match=r"test_protocols.py:\d+ writes into an array"):
            ad.compile(f, backend="numpy")(X)
    assert not other.any()


def into_ints(n: Any, x: Any) -> Any:
    n += x
    return n


def out_of_ints(n: Any, x: Any) -> Any:
    return np.multiply(n, x, out=n)


@pytest.mark.parametrize("f", [into_ints, out_of_ints])
def test_casts_that_numpy_refuses(f: Any) -> None:
    for g in (f, ad.compile(f, backend="numpy")):
        with pytest.raises(TypeError, match=r"(?i)cannot cast"):
            g(np.array([1, 2, 3]), X)


def test_an_out_of_another_shape() -> None:
    def f(x: Any, out: Any) -> Any:
        return np.sum(x, axis=0, out=out)

    with pytest.raises(ad.errors.ShapeError, match=r"test_protocols.py:\d+ has out= of shape"):
        ad.compile(f, backend="numpy")(M, np.zeros((2, 3)))


def test_a_reshape_may_be_a_view() -> None:
    def f(x: Any) -> Any:
        y = x.reshape(-1)
        y += 1
        return y.sum()

    for x in (M.copy(), np.asfortranarray(M)):
        with pytest.raises(TraceError, match="of which there are views"):
            ad.compile(f, backend="numpy")(x)
    assert_compiles(lambda x: (x * 2).reshape(-1).__iadd__(1), (M,))


# Lengths

LENGTHS: dict[str, tuple[Callable[[Any, Any], Any], str]] = {
    "reshape": (lambda x, n: x.reshape((n, -1)), "shape"),
    "reshape of a tensor": (lambda x, n: ad.reshape(x, (n, -1)), "shape"),
    "diag": (lambda x, n: np.diag(x, k=n), "k"),
    "sum": (lambda x, n: x.sum(axis=n), "axis"),
    "a reduction": (lambda x, n: np.add.reduce(x, n), "axis"),
    "broadcast_to": (lambda x, n: np.broadcast_to(x, (n, 3, 3)), "shape"),
    "tile": (lambda x, n: np.tile(x, n), "reps"),
    "split": (lambda x, n: np.split(x, [n]), "indices_or_sections"),
    "pad": (lambda x, n: np.pad(x, ((0, n), (0, 0))), "pad_width"),
    "linspace": (lambda x, n: np.linspace(x[0], x[1], num=n), "num"),
}


@pytest.mark.parametrize("case", LENGTHS)
def test_values_as_lengths_are_refused(case: str) -> None:
    f, name = LENGTHS[case]
    message = rf"test_protocols.py:\d+ takes a value for {name}= of np.*pass an int"
    with pytest.raises(TraceError, match=message):
        ad.compile(f, backend="numpy")(M, np.int64(1))
    assert_same(ad.compile(f, backend="numpy")(M, 1), f(M, 1))


def test_shifts_may_be_values() -> None:
    assert_compiles(lambda x, n: np.roll(x, n), (X, np.int64(1)), (X, np.int64(2)))


@pytest.mark.parametrize("name", ["values", "counts", "inverse", "all"])
def test_distinct_values_are_refused(name: str) -> None:
    f = getattr(np, f"unique_{name}")
    with pytest.raises(TraceError, match=f"uses np.unique_{name}.*its shape depends on values"):
        ad.compile(lambda x: f(x), backend="numpy")(X)


@on_both
def test_another_shape_than_at_first_is_no_result(backend: str) -> None:
    def f(x: Any) -> Any:
        return np.histogram_bin_edges(x, "fd") * 1.0

    compiled, x, far = ad.compile(f, backend=backend), np.arange(10.0), np.arange(10.0)
    assert_same(compiled(x), f(x))
    far[-1] = 1000.0
    if backend == "numpy":
        assert_same(compiled(far), f(far))
        return
    with pytest.raises(TraceError, match=r"test_protocols.py:\d+ gets .* from np.histogram_bin_"):
        compiled(far)


# What arrays of a trace do not have


def test_what_is_missing() -> None:
    for f, message in (
        (lambda x: x.flat[0], r"test_protocols.py:\d+ takes .flat of an array.*functions of numpy"),
        (lambda x: x.argpartition(1), r"test_protocols.py:\d+ takes .argpartition.*np.argpart"),
        (lambda x: round(x[0]), r"test_protocols.py:\d+ takes round()"),
        (lambda x: np.array2string(x), r"test_protocols.py:\d+ gets a str from array2string"),
    ):
        with pytest.raises(TraceError, match=message):
            ad.compile(f, backend="numpy")(X)


def test_to_ask_for_what_is_missing_is_no_error() -> None:
    def f(x: Any) -> Any:
        assert not hasattr(x, "flat") and not hasattr(x, "anything")
        return copy.copy(x) if hasattr(x, "shape") else x

    with pytest.raises(AttributeError, match="no attribute 'anything'"):
        ad.compile(lambda x: x.anything, backend="numpy")(X)
    assert_same(ad.compile(f, backend="numpy")(X), X)


# Python's numbers


def divided(s: Any) -> Any:
    made = s - 1
    made /= s
    return made


NUMBERS: dict[str, tuple[Callable[[Any, Any], Any], list[float]]] = {
    "/": (lambda x, s: x * (1 / s), [2.0, 0.0]),
    "//": (lambda x, s: x * (1.0 // s), [0.3, 0.0]),
    "%": (lambda x, s: x * (7.5 % s), [2.0, 0.0]),
    "divmod": (lambda x, s: x * divmod(7.5, s)[1], [2.0, 0.0]),
    "/=": (lambda x, s: x * divided(s), [2.0, 0.0]),
    "** below 0": (lambda x, s: x * s**0.5, [2.0, -2.0, 3.0]),
    "** of 0": (lambda x, s: x * s**-1.0, [2.0, 0.0]),
    "** too large": (lambda x, s: x * 10.0**s, [2.0, 400.0]),
}


def outcome(f: Callable[..., Any], *args: Any) -> Any:
    try:
        return f(*args)
    except ArithmeticError as error:
        return error


@on_both
@pytest.mark.parametrize("case", NUMBERS)
def test_numbers_of_pythons(backend: str, case: str) -> None:
    f, numbers = NUMBERS[case]
    compiled = ad.compile(f, backend=backend)
    for s in numbers:
        found, wanted = outcome(compiled, X, s), outcome(f, X, s)
        assert type(found) is type(wanted)
        if not isinstance(wanted, Exception):
            np.testing.assert_allclose(found, wanted, rtol=1e-15)
    assert compiled.programs == 1


def test_complex_numbers_are_refused() -> None:
    with pytest.raises(TraceError, match=r"test_protocols.py:\d+ gets a complex from pow"):
        ad.compile(lambda x, s: x * s**0.5, backend="numpy")(X, -2.0)
