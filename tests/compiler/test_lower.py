"""From numpy's calls to work in C, before it is written as text."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autodiff.compiler.native.expand import expanded
from autodiff.compiler.native.lower import lowered
from autodiff.compiler.native.operations import Lowered
from autodiff.compiler.tracing.program import Instruction, Program, Value
from autodiff.ops.neural import softmax
from tests.compiler.tools import written_down

X, Y = np.ones((3, 4)), np.ones((4, 5))
STACK = np.ones((2, 3, 4))
IDS = np.array([0, 2])


def of(f: Callable[..., Any], *examples: Any) -> Lowered:
    return lowered(expanded(written_down(f, *examples)), {})


def kinds(f: Callable[..., Any], *examples: Any) -> list[str]:
    return [o.kind for o in of(f, *examples).operations]


def test_views_are_no_work() -> None:
    assert kinds(lambda x: np.reshape(x.T[:, ::-1][1:3], (2, 1, 3)), X) == []
    assert kinds(lambda x: np.broadcast_to(x[None], (2, 3, 4)), X) == []


def test_a_reshape_that_has_to_copy() -> None:
    assert kinds(lambda x: np.reshape(x.T, (12,)), X) == ["map"]


@pytest.mark.parametrize(
    ("f", "level"),
    [
        (lambda x: np.sum(x), "all"),
        (lambda x: np.sum(x, axis=-1), "row"),
        (lambda x: np.max(x, axis=(1, 2)), "row"),
        (lambda x: np.sum(x, axis=(0, 1)), "column"),
        (lambda x: np.any(x > 0, axis=-1), "row"),
    ],
)
def test_levels_of_reductions(f: Callable[..., Any], level: str) -> None:
    (found,) = [o for o in of(f, STACK).operations if o.kind == "reduce"]
    assert found.level == level


def test_products() -> None:
    assert kinds(np.matmul, X, Y) == ["matmul"]
    assert kinds(lambda x, y: x.T @ x, X, Y) == ["matmul"]
    assert kinds(lambda x, y: np.tensordot(x, y, 1), STACK, Y) == ["matmul"]
    assert kinds(lambda x: np.matmul(x, np.swapaxes(x, 1, 2)), STACK) == ["matmul"]
    assert kinds(lambda x, y: np.einsum("bij,jk->bik", x, y), STACK, Y) == ["matmul"]


@pytest.mark.parametrize(
    "f",
    [
        softmax, lambda x: np.var(x, axis=-1), lambda x: np.std(x),
        lambda x: np.clip(x, 0, 1), np.nan_to_num, np.sinc, lambda x: np.round(x, 2),
        lambda x: np.roll(x, 1, axis=1), lambda x: np.pad(x, 1), lambda x: np.tile(x, (2, 2)),
        lambda x: np.pad(x, ((1, 2), (0, 1)), "reflect"), lambda x: np.repeat(x, 2, axis=0),
        lambda x: np.tril(x, -1), lambda x: np.concatenate([x, x], axis=None),
        lambda x: x[:, IDS], lambda x: x[..., IDS, IDS], lambda x: x[x.example > 2],
        lambda x: np.take_along_axis(x, np.argmax(x, axis=1)[:, None], axis=1),
        lambda x: np.cumsum(x, axis=0), lambda x: np.argmin(x, axis=0), lambda x: np.cross(
            x[:, :3], x[:, 1:]), lambda x: np.sum(x, axis=0, dtype=np.float32),
    ],
)  # fmt: skip
def test_functions_that_have_a_form_in_c(f: Callable[..., Any]) -> None:
    assert "call" not in kinds(f, X)


def test_the_rest_is_left_to_numpy() -> None:
    assert kinds(lambda x: np.sort(x) + 1, X) == ["call", "map"]
    assert kinds(lambda x: np.exp(x), X.astype(np.float16)) == ["call"]


def test_parts_are_worked_out_where_they_are_joined() -> None:
    made = of(lambda x: np.concatenate([np.exp(x), x @ x.T], axis=1), X)
    assert [o.kind for o in made.operations] == ["map", "matmul"]


def update(check: bool) -> tuple[Program, Value, Value]:
    """``w - 0.1 g``, and then a look at a place."""
    w, g, ids = Value((3,), np.float64), Value((3,), np.float64), Value((2,), np.int64)
    step, new, taken = Value((3,), np.float64), Value((3,), np.float64), Value((2,), np.float64)
    made = [Instruction(np.multiply, (g, 0.1), {}, (step,)),
            Instruction(np.subtract, (w, step), {}, (new,))]  # fmt: skip
    if check:
        made.append(Instruction(operator.getitem, (g, ids), {}, (taken,)))
    return Program([w, g, ids], made, [new, *([taken] if check else [])]), new, w


def test_updates_are_written_in_place() -> None:
    program, new, w = update(check=False)
    made = lowered(program, {new: w})
    assert made.place(new) is made.place(w)


def test_no_update_before_what_may_fail() -> None:
    program, new, w = update(check=True)
    made = lowered(program, {new: w})
    assert made.place(new).storage.kind == "arena"
