"""The wrong gradients that checkers are measured on: right where they say so, wrong where not."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from benchmarks.checkers import CHECKERS, survey
from benchmarks.mutants import KINDS, MUTANTS, Mutant
from tests.cases import in_turn

SEEDS = range(3)


def drawn(mutant: Mutant, seed: int) -> tuple[Any, ...]:
    """Inputs, and a cotangent."""
    rng = np.random.default_rng(seed)
    inputs = mutant.inputs(rng)
    return inputs, np.asarray(rng.standard_normal(np.shape(mutant.forward(*inputs))))


def gradients(vjp: Callable[..., Any], g: Any, inputs: Any) -> tuple[Any, ...]:
    result = vjp(g, *inputs)
    return result if isinstance(result, tuple) else (result,)


def copies(arrays: Any) -> tuple[Any, ...]:
    return tuple(array.copy() for array in arrays)


def slope(f: Callable[[float], Any]) -> tuple[Any, Any]:
    """Fourth-order difference quotient at the best of several steps, and how sure it is."""
    found = []
    for step in (1e-2, 3e-3, 1e-3, 3e-4, 1e-4):
        near, far = f(step) - f(-step), f(2 * step) - f(-2 * step)
        found.append((8 * near - far) / (12 * step))
    gaps = np.abs(np.diff(found))
    best = int(gaps.argmin())
    return found[best], gaps[best]


def test_there_are_enough_of_every_kind() -> None:
    assert len(MUTANTS) >= 75
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
    assert {kind for mutant in MUTANTS for kind in mutant.kinds} == KINDS


@in_turn(MUTANTS)
def test_forward_gives_one_finite_array(mutant: Mutant) -> None:
    inputs, _ = drawn(mutant, 0)
    assert all(isinstance(x, np.ndarray) and x.dtype == np.float64 for x in inputs)
    value = mutant.forward(*inputs)
    assert isinstance(value, np.ndarray) and value.dtype == np.float64
    assert np.isfinite(value).all()


@in_turn(MUTANTS, SEEDS)
def test_right_gradient_agrees_with_differences(mutant: Mutant, seed: int) -> None:
    inputs, g = drawn(mutant, seed)
    grads = gradients(mutant.right, g.copy(), copies(inputs))
    rng = np.random.default_rng(seed + 100)
    for number, (x, grad) in enumerate(zip(inputs, grads, strict=True)):
        for _ in range(4):
            u = rng.standard_normal(x.shape)

            def along(t: float, number: int = number, u: Any = u) -> Any:
                moved = [y + t * u if i == number else y for i, y in enumerate(inputs)]
                return (g * mutant.forward(*moved)).sum()

            if "ties" in mutant.kinds:
                # At a tie the two sides differ, and half of each is what their mean asks for.
                numeric, error = (along(1e-6) - along(-1e-6)) / 2e-6, 1e-9
            else:
                numeric, error = slope(along)
            size = np.abs(grad * u).sum()
            assert abs((grad * u).sum() - numeric) <= 1e-8 * size + 10 * error + 1e-300


@in_turn(MUTANTS)
def test_right_gradient_keeps_the_contract(mutant: Mutant) -> None:
    inputs, g = drawn(mutant, 0)
    assert not faults(mutant, mutant.right, g, inputs)


@in_turn(MUTANTS, SEEDS)
def test_wrong_gradient_is_wrong(mutant: Mutant, seed: int) -> None:
    inputs, g = drawn(mutant, seed)
    found = faults(mutant, copy.deepcopy(mutant.wrong), g, inputs)
    contract = {"cotangent mutated", "input mutated", "state", "nondeterministic", "aliasing",
                "wrong dtype", "wrong shape", "nan"}  # fmt: skip
    said = contract & set(mutant.kinds)
    assert said <= found if said else "value" in found


def faults(mutant: Mutant, vjp: Callable[..., Any], g: Any, inputs: Any) -> set[str]:
    """All that is wrong with a gradient, except for the likely reason."""
    found = set()
    given, used = g.copy(), copies(inputs)
    first = gradients(vjp, given, used)
    found |= {"cotangent mutated"} if not np.array_equal(given, g) else set()
    found |= {"input mutated" for x, before in zip(used, inputs) if not np.array_equal(x, before)}
    for number, grad in enumerate(first):
        rest = [given, *used, *first[:number]]
        found |= {"aliasing" for other in rest if np.may_share_memory(grad, other)}
    right = gradients(mutant.right, g.copy(), copies(inputs))
    for grad, expected in zip(first, right, strict=True):
        found |= different(grad, expected)
    kept = copies(first)
    other, elsewhere = 0.5 * g[...], tuple(x * 1.01 for x in inputs)
    second = gradients(vjp, other.copy(), copies(elsewhere))
    if any(np.may_share_memory(a, b) for a, b in zip(first, second)):
        found.add("aliasing")
    again = gradients(vjp, g.copy(), copies(inputs))
    fresh = gradients(copy.deepcopy(mutant.right), other.copy(), copies(elsewhere))
    if any(not np.array_equal(a, b, equal_nan=True) for a, b in zip(kept, first)):
        found.add("state")
    if any(not np.array_equal(a, b, equal_nan=True) for a, b in zip(kept, again)):
        found |= {"state", "nondeterministic"}
    if "value" not in found and any(not np.allclose(a, b) for a, b in zip(second, fresh)):
        found.add("state")
    return found


def different(grad: Any, expected: Any) -> set[str]:
    if grad.shape != expected.shape:
        return {"wrong shape", "value"}
    found = {"wrong dtype"} if grad.dtype != expected.dtype else set()
    found |= {"nan"} if np.isnan(grad).any() else set()
    close = np.allclose(grad, expected, rtol=1e-10, atol=1e-12 * np.abs(expected).max())
    return found if close else found | {"value"}


LIBRARIES = {"torch_fast": "torch"}
SLOW = {"autodiff", "jax"}
"""One looks for causes, the other compiles every function anew."""


@pytest.mark.parametrize("name", CHECKERS)
def test_checker_accepts_what_is_right_and_not_what_is_wrong(name: str) -> None:
    pytest.importorskip(LIBRARIES.get(name, name))
    mutants = MUTANTS[:: 6 if name in SLOW else 1]
    found = survey(mutants, {name: CHECKERS[name]}, [0])[name]
    assert not found["wrongly_refused"]
    assert 0.7 <= found["caught"] <= 1
    assert len(found["missed"]) == round((1 - found["caught"]) * len(mutants))


def test_survey_counts_causes_by_case() -> None:
    chosen = [mutant for mutant in MUTANTS if mutant.kinds in (("leak",), ("state",))]
    found = survey(chosen, {"autodiff": CHECKERS["autodiff"]}, [0, 1])["autodiff"]
    caught = 2 * len(chosen) - len(found["missed"])
    assert found["named"] == (caught - len(found["misnamed"])) / (2 * len(chosen))
    assert set(found["misled"]) <= set(found["misnamed"])
    assert not set(found["missed"]) & set(found["misnamed"])


@pytest.mark.parametrize("name", CHECKERS)
def test_checker_leaves_inputs_and_settings_alone(name: str) -> None:
    library = pytest.importorskip(LIBRARIES.get(name, name))
    mutant = next(mutant for mutant in MUTANTS if mutant.kinds == ("input mutated",))
    inputs, _ = drawn(mutant, 0)
    before = copies(inputs), str(np.random.get_state())  # noqa: NPY002
    precision = library.config.jax_enable_x64 if name == "jax" else None
    CHECKERS[name](mutant, inputs, mutant.wrong)
    assert all(np.array_equal(x, y) for x, y in zip(inputs, before[0]))
    assert str(np.random.get_state()) == before[1]  # noqa: NPY002
    assert precision == (library.config.jax_enable_x64 if name == "jax" else None)
