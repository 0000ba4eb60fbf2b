"""What is done twice or for nothing goes; what stops a program or draws stays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.compiler.replay import replayed
from autodiff.compiler.tracing.program import Program
from autodiff.compiler.tracing.simplify import is_guard, is_random, simplified
from autodiff.composites.neural import uniform
from autodiff.op import array, asarray
from autodiff.ops.index import not_negative
from autodiff.strong_zero import has_nan
from tests.compiler.tools import assert_same, names, written_down

X = np.array([[0.5, -0.0, 2.0], [-1.0, 0.25, 4.0]])
IDS = np.array([1, 0])


def short(f: Callable[..., Any], *examples: Any) -> Program:
    """The simplified program, which gives the same as the whole one."""
    whole = written_down(f, *examples)
    program = simplified(whole)
    assert_same(replayed(program)(*examples), replayed(whole)(*examples))
    return program


SAME: dict[str, Callable[[Any], Any]] = {
    "copies": lambda x: array(x.copy()) * 2,
    "a cast to the same dtype": lambda x: x.astype(float) * asarray(2.0, float),
    "the same shape": lambda x: np.reshape(np.broadcast_to(+x, (2, 3)), (2, 3)) * 2,
    "dead code": lambda x: [np.exp(x), x.sum(), x * 2][2],
    "a chain of dead code": lambda x: [np.sin(np.exp(x)), np.tanh(x)][1],
}  # fmt: skip


@pytest.mark.parametrize("f", SAME.values(), ids=SAME)
def test_only_what_is_needed_is_left(f: Callable[[Any], Any]) -> None:
    assert len(short(f, X).instructions) == 1


def test_repetitions_are_one() -> None:
    program = short(lambda x: np.exp(x * 2) + np.exp(x * 2) * np.exp(x.copy() * 2), X)
    assert names(program) == ["mul", "exp", "mul", "add"]


def test_repetitions_with_several_results() -> None:
    program = short(lambda x: np.linalg.slogdet(x[:, :2])[1] + np.linalg.slogdet(x[:, :2])[0], X)
    assert names(program).count("slogdet") == 1


DIFFERENT: dict[str, tuple[Any, Any]] = {
    "zeros of both signs": (0.0, -0.0), "an integer and a float": (1, 1.0),
    "an integer and a boolean": (1, True), "float and float64": (0.1, np.float64(0.1)),
    "precisions": (np.float32(1), np.float64(1)),
    "zeros of both signs in arrays": (np.array([0.0]), np.array([-0.0])),
    "arrays of other dtypes": (np.array([1.0]), np.array([1])),
    "arrays of other shapes": (np.array([1.0]), np.array([[1.0]])),
    "sizes": (np.zeros(5000), np.zeros(5000)),
}  # fmt: skip


@pytest.mark.parametrize(("a", "b"), DIFFERENT.values(), ids=DIFFERENT)
def test_constants_that_are_not_the_same(a: Any, b: Any) -> None:
    x = np.ones(1)
    program = short(lambda x: (np.copysign(x, a), np.copysign(x, b)), x)
    assert len(program.instructions) == 2


EQUAL: dict[str, tuple[Any, Any]] = {
    "nan": (float("nan"), float("nan")), "numbers": (np.float32(2), np.float32(2)),
    "arrays": (np.array([1.0, np.nan]), np.array([1.0, np.nan])),
    "texts": ("C", "C"),
}  # fmt: skip


@pytest.mark.parametrize(("a", "b"), EQUAL.values(), ids=EQUAL)
def test_constants_that_are_the_same(a: Any, b: Any) -> None:
    def f(x: Any) -> Any:
        if isinstance(a, str):
            return np.reshape(x, 6, order=a) + np.reshape(x, 6, order=b)
        return x[:, :2] * a + x[:, :2] * b

    assert len(short(f, X).instructions) == (2 if isinstance(a, str) else 3)


def test_indices() -> None:
    program = short(lambda x: x[0:1] + x[0:1], X)
    assert names(program) == ["getitem", "add"]
    assert len(short(lambda x: x[0:1] + x[1:2] + x[:1, 0:3], X).instructions) == 5
    assert len(short(lambda x: x[[0, 1]] + x[[0, 1]] + x[np.array([1, 0])], X).instructions) == 4
    assert len(short(lambda x, i: x[i, i] * x[i, i], X, IDS).instructions) == 2
    assert len(short(lambda x: x[1] + x[True][0], X).instructions) == 4


def test_settings_by_name() -> None:
    program = short(lambda x: x.sum(axis=0, keepdims=True) + x.sum(keepdims=True, axis=0), X)
    assert names(program) == ["sum", "add"]


def test_guards_stay_where_nobody_needs_them() -> None:
    def f(x: Any, ids: Any) -> Any:
        not_negative(ids, "{}")
        has_nan(x * 2)
        return x + 1

    program = short(f, X, IDS)
    assert sum(map(is_guard, program.instructions)) == 2
    assert names(program) == ["not_negative", "mul", "holds_nan", "add"]


def test_draws_stay_and_are_not_one() -> None:
    def f(x: Any, rng: Any) -> Any:
        uniform(x, rng)
        return uniform(x, rng) + uniform(x, rng)

    rng = np.random.default_rng(0)
    program = simplified(written_down(lambda x: f(x, rng), X))
    assert sum(map(is_random, program.instructions)) == 3
    same = np.random.default_rng(0)
    assert_same(replayed(program)(X), [f(X, same)])
    assert rng.random() == same.random()


def test_of_a_loop_stays_what_is_needed() -> None:
    """The second state serves the first one, the third one nobody; the third y is not used."""

    def f(x: Any) -> Any:
        def cell(s: Any, x: Any) -> Any:
            a, b, c = s
            return (a + b, b * x, np.sin(c)), (np.exp(a), a * x, np.tanh(c))

        (a, _, _), ys = ad.scan(cell, (0.0, 1.0, 2.0), x)
        return getattr(a, "_value", a), ys[1]._value

    (loop,) = (i for i in short(f, np.array([0.5, 2.0, 3.0])).instructions if i.body is not None)
    assert len(loop.out) == 3
    assert names(loop.body) == ["add", "mul", "mul"]


def test_outputs_are_renamed() -> None:
    program = short(lambda x: (x.copy(), np.exp(x), np.exp(x)), X)
    assert program.outputs[0] is program.inputs[0]
    assert program.outputs[1] is program.outputs[2]


def test_a_step_of_training_becomes_shorter() -> None:
    def step(x: Any, w: Any) -> Any:
        value, gradient = ad.value_and_grad(lambda w: ad.sum(ad.tanh(w * x) ** 2))(w)
        return value, w - 0.1 * gradient

    whole = written_down(step, X, X + 1)
    assert len(simplified(whole).instructions) < len(whole.instructions)


def test_constants_that_lie_otherwise_are_others() -> None:
    rows = np.arange(6.0).reshape(2, 3)
    columns = np.asfortranarray(rows)
    assert len(short(lambda x: (x * rows, x * columns, x * rows.copy()), X).instructions) == 2
