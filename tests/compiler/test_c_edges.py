"""C programs at the edges: names that are taken, odd dtypes, numbers that are no ordinary ones."""

from __future__ import annotations

import operator
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.compiler.native.runner import Native
from autodiff.compiler.replay import Retry
from autodiff.compiler.tracing.traced import emit
from autodiff.sparse import padded_rows, replaced_rows, taken_or_zero
from tests.compiler.near import InC, assert_runs_in_c, needs_compiler
from tests.compiler.tools import assert_same, in_threads, written_down

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


@pytest.mark.skipif(
    np.lib.NumpyVersion(np.__version__) < "2.3.0", reason="roots are taken in other places"
)
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


# Tables


TABLE = np.arange(24.0).reshape(6, 4)


def native(f: Callable[..., Any], *args: Any, in_place: bool = False) -> Native:
    """The program of ``f(emit, *args)``; `in_place` if its result is a new value of the first."""
    program = written_down(partial(f, emit), *args)
    return Native(program, {program.outputs[0]: program.inputs[0]} if in_place else {}, True)


def called(function: Callable[..., Any], *args: Any) -> Any:
    """In place of `emit`: eager mode."""
    return function(*args)


def taken_and_put(call: Callable[..., Any], x: Any, twice: Any, part: Any) -> Any:
    table, rows = np.transpose(np.transpose(x) * 2.0), twice[::2]
    taken = call(taken_or_zero, table[::-1], rows)
    put = call(replaced_rows, table, rows, np.transpose(part))
    return taken, put, call(replaced_rows, table, rows, part[0, :, None])


@pytest.mark.parametrize("turn", [np.array, np.asfortranarray, lambda x: x[::-1]])
def test_rows_of_tables_in_any_order(turn: Callable[..., Any]) -> None:
    twice, part = np.array([5, 9, 0, 9, -1, 9]), np.arange(12, dtype=np.float32).reshape(4, 3)
    args = turn(TABLE), twice, part
    made = native(taken_and_put, *args)
    assert_same(made(*args), list(taken_and_put(called, *args)))
    assert all(isinstance(segment, str) for segment in made.emitted.segments)


def test_a_row_that_there_is_not_leaves_all_as_it_was() -> None:
    x, part = TABLE.copy(), -np.ones((2, 4))
    made = native(lambda call, *args: call(replaced_rows, *args), x, np.array([0, 1]), part,
                  in_place=True)  # fmt: skip
    with pytest.raises(Retry):
        made(x, np.array([2, 6]), part)
    np.testing.assert_array_equal(x, TABLE)
    assert made(x, np.array([2, 5]), part) == [None] and x[5, 0] == -1


@pytest.mark.parametrize("part", [float("inf"), float("-inf"), float("nan"), 2**60 + 1])
def test_numbers_added_at_places(part: Any) -> None:
    def added(x: Any, i: Any) -> Any:
        y = x * 1
        np.add.at(y, i, part)
        return y

    assert_exact(added, np.ones(4, type(part)), np.array([1, 1]))


def test_bools_added_at_places_stay_bools() -> None:
    def added(x: Any, i: Any) -> Any:
        np.add.at(x, i, True)
        return x.astype(int), x & True

    x, same = np.zeros(4, bool), np.zeros(4, bool)
    assert_same(InC(added)(x, np.array([0, 0, 1])), added(same, np.array([0, 0, 1])))
    assert_same(x.view(np.uint8), same.view(np.uint8))


def test_many_rows_in_a_thread_with_a_small_stack() -> None:
    values, rows = np.ones((60_000, 1)), np.random.default_rng(0).integers(0, 100, 60_000)
    made = native(lambda call, *args: call(padded_rows, *args), values, rows)
    found: list[Any] = []
    size = threading.stack_size(512 * 1024)
    try:
        in_threads(lambda k: found.extend(made(values, rows)), 1)
    finally:
        threading.stack_size(size)
    order, (kept, sums) = np.argsort(found[0][:100]), padded_rows(values, rows)
    assert_same([x[:100][order] for x in found], [kept[:100], sums[:100]])
