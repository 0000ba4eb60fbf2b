"""C programs at the edges: names that are taken, odd dtypes, numbers that are no ordinary ones."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from tests.compiler.near import assert_runs_in_c, needs_compiler
from tests.compiler.tools import assert_same

pytestmark = [
    needs_compiler,
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
    pytest.mark.usefixtures("cache", "built_fast"),
]

X = np.array([1.0, 2.0, -3.0])


def assert_exact(f: Callable[..., Any], *args: Any) -> None:
    """The same bits in C as in eager mode."""
    made = assert_runs_in_c(f, args)
    assert_same(made(*args), f(*args))


# Functions are known by themselves


@pytest.mark.parametrize("name", ["square", "sign", "copied", "lookup", "padded_rows"])
def test_an_op_of_the_users_with_a_name_that_is_taken(name: str) -> None:
    def cubes(x: Any) -> Any:
        return np.array([float(v) ** 3 if v > 0 else 0.5 for v in x])

    cubes.__name__ = name
    assert_exact(ad.custom_op(cubes, lambda g, x: g * 1.0), X)


# Powers


EDGES = np.array([-0.0, 0, -np.inf, np.inf, 4, np.nan, -2])
HALVES = [0.5, np.float32(0.5), np.float64(0.5), np.array(0.5), np.array([0.5]), np.full(7, 0.5)]


def powers(x: Any) -> list[Any]:
    made = [f(b, e) for f in (np.power, operator.pow) for b in (x, x[2:3]) for e in HALVES]
    made += [f(x[k], e) for f in (np.power, operator.pow) for k in (0, 2) for e in HALVES]
    return [*made, np.float_power(x, 0.5), np.float_power(x[2], 0.5), x**2, x**-1, x**1, x**0]


def powers_given(x: Any, e: Any) -> list[Any]:
    return [f(b, e) for f in (np.power, operator.pow) for b in (x, x[0], x[2])]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_powers_and_roots(dtype: str) -> None:
    x = EDGES.astype(dtype)
    assert_same(assert_runs_in_c(powers, (x,))(x), powers(x))
    for e in (0.5, np.float64(0.5)):
        assert_exact(powers_given, x, e)


# Dtypes that C does not have


SWAPPED, HALF = np.array([5.0, -6.0, 7.0], ">f8"), np.array([5.0, -6.0, 7.0], "f2")


def beside_constants(x: Any) -> list[Any]:
    made = [f([x, c]) for f in (np.concatenate, np.stack) for c in (SWAPPED, HALF)]
    made += [x @ c for c in (SWAPPED, HALF, np.outer(SWAPPED, SWAPPED), np.outer(HALF, HALF))]
    made += [np.where(x > 0, x, SWAPPED), x + SWAPPED, x * HALF, np.sum(x * np.float16(0.1))]
    made += [ad.Tensor(x).at[1:].set(c[:2]) for c in (SWAPPED, HALF)]
    return [*made, np.einsum("i,ij->j", x, np.outer(SWAPPED, HALF))]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_constants_of_dtypes_that_c_does_not_have(dtype: str) -> None:
    assert_exact(beside_constants, X.astype(dtype))


# Numbers that are no ordinary ones


def test_sinc_of_integers() -> None:
    assert_runs_in_c(np.sinc, (np.array([0, 1, -2]),))
    assert_runs_in_c(np.sinc, (np.array([0.0, 1.0, -2.5, 5e-324]),))


@pytest.mark.parametrize("decimals", [400, -400, 23, 22, -22])
def test_rounding_to_very_many_digits(decimals: int) -> None:
    assert_exact(lambda x: np.round(x, decimals), np.array([0.5, 1.0, 3e23, -0.0]))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numbers_as_unsigned_integers(dtype: str) -> None:
    x = np.array([-5.5, -0.5, 0.0, 255.0, 3e9, -3e8, -1.0, 2.0] * 3, dtype)
    assert_exact(lambda x: (x.astype("uint32"), x.astype("uint64"), x.astype("uint8")), x)
    assert_exact(lambda x: x.astype("uint64"), np.array([2.0**63, -(2.0**62), 2.0**52], dtype))
