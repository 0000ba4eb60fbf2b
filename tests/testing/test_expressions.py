"""`op_cases`: every op of the table occurs, values are used again, a planted bug is found."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autodiff as ad
from autodiff.errors import DomainError
from autodiff.op import OPS
from autodiff.testing import GradientError, check_gradients, op_cases
from autodiff.testing.expressions import BOUND, LARGEST, OpCase
from autodiff.testing.recipes import RECIPES
from tests.testing.search import minimal, occurs

NAME = re.compile(r"\bv\d+\b")


def plain(case: OpCase, inputs: Any) -> list[np.ndarray]:
    """The results on arrays."""
    with ad.no_grad():
        out = case(*inputs)
    return [np.asarray(r) for r in (out if isinstance(out, tuple) else (out,))]


def is_wrong(case: OpCase) -> bool:
    try:
        check_gradients(case, *case.inputs, checks="none")
    except GradientError:
        return True
    return False


def test_every_op_has_a_recipe() -> None:
    inner = {"cofactors", "item"}  # what a rule uses; what leaves the graph's arrays
    assert OPS.keys() - RECIPES.keys() == inner


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_every_op_occurs_and_is_differentiable(name: str) -> None:
    case = occurs(op_cases(ops=[name], max_steps=2), lambda c: len(c.ops) == 2 and c.inputs[0].size)
    assert set(case.ops) == {name}
    check_gradients(case, *case.inputs)


@given(op_cases(max_steps=8))
def test_values_are_finite_and_bounded(case: OpCase) -> None:
    results = plain(case, case.inputs)
    assert all(np.all(np.isfinite(r)) and r.size <= LARGEST for r in results)
    assert all(np.max(np.abs(r)) < 1e3 * BOUND for r in results)


@given(op_cases(max_inputs=2, max_steps=3, ops=["tanh", "add"], shapes=[(2, 1), (3,)]))
def test_limits(case: OpCase) -> None:
    assert 1 <= len(case.inputs) <= 2
    assert len(case.lines) == len(case.ops) <= 3
    assert set(case.ops) <= {"tanh", "add"}
    assert {x.shape for x in case.inputs} <= {(2, 1), (3,)}


@given(op_cases())
def test_every_value_is_used_or_returned(case: OpCase) -> None:
    names = {f"v{i}" for i in range(len(case.inputs) + len(case.lines))}
    used = {name for line in case.lines for name in NAME.findall(line.partition("=")[2])}
    assert names - used == set(case.results)
    assert len(plain(case, case.inputs)) == len(case.results)


def used_by(case: OpCase) -> dict[str, set[str]]:
    """For each value the values that its line names."""
    sides = (line.split(" = ", 1) for line in case.lines)
    return {name: {*NAME.findall(code)} for name, code in sides}


def has_diamond(case: OpCase) -> bool:
    """Whether two values made of the same one meet in a third."""
    parents = used_by(case)
    return any(
        parents.get(a, set()) & parents.get(b, set())
        for above in parents.values() for a in above for b in above if a < b
    )  # fmt: skip


def test_values_are_used_again() -> None:
    occurs(op_cases(), has_diamond)
    occurs(op_cases(), lambda c: any("v0" in c.lines[i] for i in range(1, len(c.lines))))
    occurs(op_cases(), lambda c: "add(v0, v0)" in c.code)


@given(op_cases(), st.sampled_from([1.0, 1.0 / 3.0]))
def test_the_code_that_is_printed_runs(case: OpCase, factor: float) -> None:
    inputs = tuple(x * factor for x in case.inputs)
    space: dict[str, Any] = {"ad": ad, "np": np}
    exec(repr(OpCase(inputs, case.lines, case.ops, case.results)), space)
    again = [space[f"v{i}"] for i in range(len(inputs))]
    assert all(np.array_equal(x, y) and x.dtype == y.dtype for x, y in zip(inputs, again))
    assert all(map(np.array_equal, plain(case, inputs), plain(space["case"], inputs)))


def test_the_simplest_case() -> None:
    case = minimal(op_cases(ops=["tanh"]))
    assert case.code == "def case(v0):\n    v1 = ad.tanh(v0)\n    return v1"
    assert case.inputs[0] == 0.0


def test_what_is_sorted_comes_in_no_order() -> None:
    case = minimal(op_cases(ops=["sort"], shapes=[(4,)], max_steps=1))
    places = ad.grad(lambda x: ad.sum(case(x) * np.arange(4.0)))(case.inputs[0]).astype(int)
    assert sorted(places) == [0, 1, 2, 3]
    assert places[places].tolist() != [0, 1, 2, 3]  # nor is it the inverse of itself


def test_a_planted_bug_is_found_and_made_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(vars(OPS["cumsum"]), "rules", (lambda g, saved: g * 1.0,))
    ops = ["multiply", "tanh", "reshape", "sum", "sort", "cumsum"]
    case = minimal(op_cases(ops=ops), is_wrong)
    assert case.ops == ("cumsum",)
    assert all(np.all(x == 0) for x in case.inputs)


BAD: list[tuple[str, Callable[[], Any]]] = [
    ("no recipe for tahn; there are absolute", lambda: op_cases(ops=["tanh", "tahn"])),
    ("no recipe for no ops", lambda: op_cases(ops=[])),
]


@pytest.mark.parametrize(("text", "call"), BAD, ids=[b[0] for b in BAD])
def test_unknown_ops_are_refused(text: str, call: Callable[[], Any]) -> None:
    with pytest.raises(DomainError, match=text):
        call()
