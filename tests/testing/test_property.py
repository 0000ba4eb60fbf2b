"""`gradient_test` and `register`: right functions pass, wrong ones fail with a small example."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, example, seed, settings
from hypothesis import strategies as st

import autodiff as ad
from autodiff.testing import (
    GradientError,
    UndecidedError,
    axes_of,
    check_gradients,
    einsum_specs,
    grad_arrays,
    gradient_test,
    indices_of,
)
from benchmarks.mutants import elementwise
from benchmarks.mutants.mutant import Mutant

Test = Callable[..., None]

ONCE = settings(phases=[Phase.explicit])
"""Only what `@example` gives."""


def fixed(test: Test) -> Test:
    """The same test with the same examples each time."""
    return seed(0)(settings(max_examples=25, database=None)(test))


def failure(test: Test, *args: Any) -> GradientError:
    with pytest.raises(GradientError) as caught:
        fixed(test)(*args)
    return caught.value


def doubled(g: Any, x: Any) -> Any:
    """A wrong gradient of the sine."""
    return 2 * g * np.cos(x)


# ---- as a decorator: each of these is a test by itself


@gradient_test
def test_a_body(a: Any, b: Any) -> Any:
    return a * np.tanh(b)


@gradient_test(shapes="same", domain="positive")
def test_a_body_with_settings(a: Any, b: Any) -> Any:
    assert a.shape == b.shape
    return np.sqrt(a) * np.log(b)


@gradient_test(shapes="(n,d),(d,m),(m)->(n,m)")
def test_a_signature(x: Any, w: Any, b: Any) -> Any:
    return x @ w + b


@gradient_test(axis=axes_of(0), keepdims=st.booleans(), dtype=np.float32)
def test_settings_that_depend_on_the_inputs(x: Any, axis: Any, keepdims: bool) -> Any:
    return ad.mean(x, axis=axis, keepdims=keepdims)


@gradient_test(inputs=(grad_arrays(), lambda x: grad_arrays(x.shape)), index=indices_of(0))
def test_inputs_that_depend_on_each_other(x: Any, y: Any, index: Any) -> Any:
    return (x * y)[index]


@gradient_test(shapes=einsum_specs(2))
def test_subscripts_and_operands(subscripts: str, x: Any, y: Any) -> Any:
    return ad.einsum(subscripts, x, y)


@pytest.mark.parametrize("power", [2.0, 3.0])
@gradient_test(arity=1)
def test_parametrized(x: Any, power: float) -> Any:
    return x**power


@gradient_test(arity=1)
@pytest.mark.parametrize("power", [2.0, 3.0])
@settings(max_examples=5)
def test_decorators_below(x: Any, power: float) -> Any:
    return x**power


@pytest.fixture(scope="module")
def factor() -> float:
    return 3.0


@gradient_test(arity=2, shapes="same", vjp=lambda g, x, y, factor: (g * factor, g * factor))
def test_a_fixture_and_a_gradient_by_hand(x: Any, y: Any, factor: float) -> Any:
    return (x + y) * factor


class TestMethods:
    """Bodies that are methods."""

    scale = 2.0

    @gradient_test
    def test_self(self, x: Any) -> Any:
        return self.scale * np.sin(x)

    @pytest.mark.parametrize("power", [2.0, 3.0])
    @gradient_test(arity=1)
    def test_self_and_a_parameter(self, x: Any, power: float) -> Any:
        return self.scale * x**power


def affine(x: Any, w: Any, b: Any) -> Any:
    return x @ w + b, (x, w)


def affine_backward(g: Any, cache: Any) -> Any:
    x, w = cache
    return g @ w.T, x.T @ g, g.sum(axis=0)


test_a_pair = gradient_test(
    forward=affine, backward=affine_backward, shapes="(n,d),(d,m),(m)->(n,m)"
)
test_matrices = gradient_test(ad.linalg.inv, domain="regular", max_side=2)
test_a_ufunc = gradient_test(np.multiply, vs=np.multiply)
test_of_second_order = gradient_test(lambda x, y: np.tanh(x) * y, order=2, max_dims=2)
test_of_a_number = gradient_test(lambda x: np.sum(x**2), grad=lambda x: 2 * x, shapes="(n)")


# ---- what fails


def rightly_drawn(mutant: Mutant) -> dict[str, Any]:
    """Where the right gradient of a mutant is right."""
    words = {"log": "positive", "power": "positive", "softplus": (700.0, 900.0)}
    domain = next((words[word] for word in words if mutant.name.startswith(word)), "real")
    arity = len(mutant.inputs(np.random.default_rng(0)))
    return {"domain": domain, "shapes": "same", "arity": arity, "max_dims": 2}


ONE_OF_EACH_KIND = {m.kinds: m for m in elementwise.MUTANTS if "of 200" not in m.name}
MUTANTS = {m.name: m for m in ONE_OF_EACH_KIND.values()}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_fails_with_the_smallest_example(name: str) -> None:
    mutant = MUTANTS[name]
    test = gradient_test(mutant.forward, vjp=mutant.wrong, **rightly_drawn(mutant))
    report = failure(test).report
    assert sum(x.size for x in report.point.inputs) <= 2
    assert all(np.count_nonzero(v) == 1 for v in report.point.cotangents)


@pytest.mark.parametrize("name", ["log", "multiply", "power", "sigmoid", "tanh", "where"])
def test_right_gradients_pass(name: str) -> None:
    mutant = next(m for m in MUTANTS.values() if m.name.startswith(name))
    test = gradient_test(mutant.forward, vjp=mutant.right, **rightly_drawn(mutant))
    fixed(test)()
    assert test.tally.undecided < test.tally.checked / 4


def test_the_first_of_all_values_fails_the_simplest_first() -> None:
    wrong = lambda g, x: np.where(x > 2, g, g * np.exp(x))  # noqa: E731
    assert failure(gradient_test(np.exp, vjp=wrong)).report.point.inputs[0] == 3.0


def test_a_wrong_second_derivative_is_found() -> None:
    cut = ad.custom_op(lambda x: x * x, lambda g, x: 2 * g * ad.stop_gradient(x))
    fixed(gradient_test(cut, arity=1))()
    assert failure(gradient_test(cut, arity=1, order=2)).report.second.is_wrong


TWINS: list[tuple[str, Callable[..., Any], Callable[..., Any]]] = [
    ("gave np.float64(0.0) at [], and its twin np.float64(1.0), at x = array(0.)", np.sin, np.cos),
    ("float64(1, 1), and its twin float64(1,)", lambda x: x[None], lambda x: x * 1.0),
    ("float64(), and its twin float32()", np.sin, lambda x: np.sin(x).astype(np.float32)),
    ("float64(), and its twin nothing", lambda x: (np.sin(x), x * 1.0), np.sin),
    ("gave np.float64(0.0)", np.sin, lambda x: x * np.nan),
]  # fmt: skip


@pytest.mark.parametrize(("text", "f", "twin"), TWINS, ids=[t[0] for t in TWINS])
def test_a_twin_that_differs(text: str, f: Any, twin: Any) -> None:
    one = st.just((1,)) if "(1,)" in text else st.just(())
    assert text in str(failure(gradient_test(f, vs=twin, arity=1, shapes=one)))


def test_a_result_of_another_shape_than_the_signature_says() -> None:
    error = failure(gradient_test(lambda x: x.sum(axis=0), shapes="(n,m)->(n)"))
    assert "gave [(1,)], and its signature says [(2,)] for inputs of shapes [(2, 1)]" in str(error)
    fixed(gradient_test(lambda x: (x[0], x.T * 2.0), shapes="(n,2)->(2),(2,n)"))()


def test_of_two_things_that_are_wrong_one_is_reported() -> None:
    twin = lambda x: np.sin(x) + x.ndim % 2  # noqa: E731
    assert isinstance(failure(gradient_test(np.sin, vs=twin, vjp=doubled)), GradientError)


def test_nothing_drawn_is_no_success() -> None:
    with pytest.raises(UndecidedError, match="not one entry"):
        fixed(gradient_test(np.sin, inputs=grad_arrays((0, 2))))()


def test_nothing_decided_is_no_success() -> None:
    with pytest.raises(UndecidedError, match="state domain= or avoid="):
        fixed(gradient_test(lambda x: x * np.nan, vjp=lambda g, x: g * np.nan))()


# ---- Hypothesis's own decorators


def recorder(seen: list[Any]) -> Test:
    """A test that notes what is drawn."""

    def twin(x: Any, power: float) -> Any:
        seen.append((x, power))
        return np.sin(x) ** power

    @gradient_test(vs=twin, power=st.sampled_from([2, 3]))
    def test_power(x: Any, power: int) -> Any:
        return np.sin(x) ** power

    return test_power


GIVEN = {
    "names": example(x=np.array([7.0, 9.0]), power=3),
    "places": example(np.array([7.0, 9.0]), 3),
    "cotangent": example(x=np.array([7.0, 9.0]), power=3, cotangent=np.array([-1.0, 1.0])),
}


@pytest.mark.parametrize("by", GIVEN)
def test_an_explicit_example_is_run_each_time(by: str) -> None:
    seen: list[Any] = []
    test = ONCE(GIVEN[by](recorder(seen)))
    test()
    test()
    assert [(x.tolist(), power) for x, power in seen] == [([7.0, 9.0], 3)] * 2


def test_the_cotangent_of_an_example_counts() -> None:
    @example(x=np.zeros(2), cotangent=np.array([0.0, 3.0]))
    @gradient_test(vjp=lambda g, x: np.where(g > 2, 0.0, g * np.cos(x)), checks="none")
    def test_sine(x: Any) -> Any:
        return np.sin(x)

    with pytest.raises(GradientError) as caught:
        ONCE(test_sine)()
    assert "x[1]" in str(caught.value)


def test_the_number_of_examples_is_that_of_the_settings() -> None:
    above = settings(max_examples=7, database=None)(gradient_test(np.sin))
    below = gradient_test(settings(max_examples=7, database=None)(lambda x: np.sin(x)))
    for test in (above, below):
        for _ in range(2):
            test()
            assert test.tally.examples == 7


def test_there_is_no_deadline() -> None:
    settings(deadline=timedelta(microseconds=1), max_examples=5)(gradient_test(np.sin))()


def test_a_seed_gives_the_same_text() -> None:
    texts = {str(failure(gradient_test(np.sin, vjp=doubled, min_dims=1))) for _ in range(2)}
    assert len(texts) == 1


def test_the_global_random_numbers_are_left_alone() -> None:
    states = set()

    def f(x: Any) -> Any:
        states.add(np.random.get_state()[1].tobytes())  # noqa: NPY002
        return np.sin(x)

    failure(gradient_test(f, vjp=doubled))
    assert len(states - {np.random.get_state()[1].tobytes()}) == 1  # noqa: NPY002


def test_every_setting_is_drawn() -> None:
    seen: list[Any] = []
    fixed(recorder(seen))()
    assert {power for _, power in seen} == {2, 3}
    assert len({x.shape for x, _ in seen}) > 5


# ---- the line that reproduces a failure


def minus(g: Any, x: Any, **settings: Any) -> Any:
    return -g * np.cos(x)


def require_reproduced(test: Test, *args: Any, **names: Any) -> None:
    """The line printed for a failure fails in the same way where these names are known."""
    error = failure(test, *args)
    known = {"np": np, "check_gradients": check_gradients, "minus": minus, **names}
    with pytest.raises(GradientError) as again:
        eval(error.report.reproduce, known)
    assert error.report.reproduce in str(error)
    assert again.value.report.entries == error.report.entries
    assert again.value.report.causes == error.report.causes


def test_the_line_that_reproduces_a_function() -> None:
    require_reproduced(gradient_test(np.sin, vjp=minus, min_dims=2), sin=np.sin)


def test_the_line_that_reproduces_a_body_with_settings() -> None:
    @gradient_test(vjp=minus, arity=1, power=st.just(2))
    def test_sine(x: Any, power: int, factor: float) -> Any:
        return np.sin(x) * factor**power

    require_reproduced(test_sine, 3.0, test_sine=test_sine)


def test_the_line_that_reproduces_a_method() -> None:
    class TestWaves:
        scale = 2.0

        @gradient_test(vjp=minus)
        def test_sine(self, x: Any) -> Any:
            return self.scale * np.sin(x)

    require_reproduced(TestWaves.test_sine, TestWaves(), TestWaves=TestWaves)
