"""The steps that are timed are right and the same on each peer; their time is not judged."""

import time
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from benchmarks.firstcall import grown
from benchmarks.harness import fresh
from benchmarks.memory import STATUS
from benchmarks.step_models import Problem, problems, scalars
from benchmarks.step_peers import PEERS
from benchmarks.step_scalar import MAKERS
from benchmarks.steps import agree, at_most, built, copies, tried

TINY = [*problems("tiny"), scalars(3)]
SETTINGS = [problem.setting for problem in TINY]


def beside_eager(problem: Problem, peer: str) -> dict[str, Any]:
    """Two steps to compare; the eager one stands for ours, as it needs no compiler."""
    return {"autodiff": PEERS["eager"]().step(problem), peer: PEERS[peer]().step(problem)}


def compared(peer: str) -> int:
    """In how many settings a peer agrees with us; called in a process of its own."""
    chosen = [TINY[i] for i in (0, 3, 5, 6)]  # an MLP, both cells at batch 2, the diamond
    for problem in chosen:
        agree(problem, beside_eager(problem, peer))
    return len(chosen)


@pytest.mark.parametrize("peer", ["torch", "jax", "autograd", "mygrad"])
def test_peer_does_the_same_step(peer: str) -> None:
    if not find_spec(peer):
        pytest.skip(f"{peer} is not installed")
    assert fresh(__name__, "compared", peer) == 4


@pytest.mark.parametrize("problem", TINY, ids=SETTINGS)
def test_step_by_hand_is_the_same(problem: Problem) -> None:
    agree(problem, beside_eager(problem, "numpy"))


@pytest.mark.parametrize("problem", [TINY[0], TINY[5], TINY[6]], ids=["MLP", "GRU", "diamond"])
def test_compiled_step_is_the_same(problem: Problem) -> None:
    agree(problem, {peer: PEERS[peer]().step(problem) for peer in ("autodiff", "eager")})


def test_micrograd_has_the_same_gradient() -> None:
    pytest.importorskip("micrograd")
    value, gradient = MAKERS["micrograd"]().step(scalars(3))()
    ours = PEERS["eager"]().step(scalars(3))()
    np.testing.assert_allclose(value, ours[0], 1e-12)
    np.testing.assert_allclose(gradient, ours[1], 1e-12, 1e-12)


@pytest.mark.parametrize("problem", TINY, ids=SETTINGS)
def test_gradient_is_a_slope(problem: Problem) -> None:
    """In float64, along a random direction."""
    lib, rng = PEERS["eager"](), np.random.default_rng(1)
    parameters = [p.astype(float) for p in problem.parameters]
    data = [x.astype(float) if x.dtype.kind == "f" else x for x in problem.data]
    direction = [rng.normal(size=p.shape) for p in parameters]

    def loss(parameters: Any) -> Any:
        return problem.loss(lib, parameters, *data)

    def moved(by: float) -> Any:
        pairs = zip(parameters, direction, strict=True)
        return loss([ad.Tensor(p + by * d) for p, d in pairs]).item()

    _, gradients = ad.value_and_grad(loss)(parameters)
    dense = list(map(np.asarray, gradients))
    slope = sum(np.sum(g * d) for g, d in zip(dense, direction, strict=True))
    np.testing.assert_allclose((moved(1e-6) - moved(-1e-6)) / 2e-6, slope, 1e-5)


@pytest.mark.parametrize("wrong", ["gradient", "no update", "loss"])
def test_another_step_is_noticed(wrong: str) -> None:
    problem = TINY[0]
    parameters = [p.copy() for p in problem.parameters]
    right, _ = problem.by_hand(parameters, problem.data)

    def step() -> list[Any]:
        before = [p.copy() for p in parameters]
        value, *found = right()
        if wrong == "loss":
            return [value * 1.001, *found]
        parameters[0][...] = before[0] + (wrong == "gradient") * 1.01 * (found[0] - before[0])
        return [value, *found]

    with pytest.raises(AssertionError, match="numpy disagrees"):
        agree(problem, {"autodiff": PEERS["eager"]().step(problem), "numpy": step})


def test_problem_is_not_written_into() -> None:
    problem = TINY[2]
    before = [array.copy() for array in (*problem.parameters, *problem.data)]
    for peer in ("autodiff", "eager", "numpy"):
        copies(PEERS[peer]().step(problem))
    for array, kept in zip((*problem.parameters, *problem.data), before, strict=True):
        np.testing.assert_array_equal(array, kept)


def test_products_alone_are_where_there_are_products() -> None:
    made = [PEERS["products"]().step(problem) for problem in TINY]
    assert [step is None for step in made] == [False] * 6 + [True] * 2
    for step in made[:6]:
        step()
    assert set(built(TINY[6], ["autodiff", "products"])[0]) == {"autodiff"}


def test_compiler_that_fails_or_is_late_is_no_error() -> None:
    def fails() -> Any:
        raise ZeroDivisionError

    def late() -> Any:
        try:
            time.sleep(60)
        except TimeoutError as error:
            raise RuntimeError from error

    assert tried(fails) == (None, "ZeroDivisionError")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("benchmarks.steps.PATIENCE", 1)
        assert tried(late) == (None, "not compiled within 1 s")
    with at_most(1) as entries:
        pass
    assert not entries


@pytest.mark.skipif(not STATUS.exists(), reason="needs Linux's /proc")
def test_memory_counts_what_a_step_holds() -> None:
    assert grown("eager", "tiny", 1) >= 0
    wide = next(
        i for i, p in enumerate(problems("quick")) if p.setting == "GRU, hidden 64, batch 32"
    )
    states = 32 * 32 * 64 * 4
    assert fresh("benchmarks.firstcall", "grown", "eager", "quick", wide) > states
