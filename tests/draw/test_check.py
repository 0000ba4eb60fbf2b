"""The gradient beside differences of the same graph run again, and when nothing is claimed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given

import autodiff as ad
from autodiff.draw import check
from autodiff.draw.check import along, difference, verdict
from autodiff.inspect.signals import Signals
from tests.draw.programs import programs, run

wrong = ad.custom_op(lambda x: x**3, lambda g, x: g * 2 * x**2, name="wrong")


def leaf(value: Any, name: str = "x") -> ad.Tensor:
    return ad.Tensor(value, requires_grad=True, name=name)


def judged(J: Any, x: Any, element: Any = None) -> bool | None:
    """Whether differences find the gradient right, entry by entry or else along one direction."""
    signals = Signals(J, {})
    gradient = np.asarray(signals.deltas[x._node])
    if element is None and gradient.size > check.LARGEST:
        return verdict(*along(signals, x._node))
    gradient = gradient if element is None else gradient[element]
    return verdict(*difference(signals, x._node, element), gradient)


def claim(J: Any, x: Any, element: Any = None) -> str:
    """What the picture says; the legend has to say the same."""
    graph = ad.graph(J, highlight=x, element=element)
    text = graph._view.check
    assert ("finite difference" in graph.dot) == bool(text)
    assert not text or text in graph.dot
    return text


# Right gradients


@given(programs)
def test_differences_agree_with_the_gradient_of_numbers(program: Any) -> None:
    J, inputs = run(program)
    for x in inputs.values():
        if x in Signals(J, {}).deltas:
            slope, doubt = difference(Signals(J, {}), x)
            assert slope == pytest.approx(Signals(J, {}).deltas[x], rel=1e-6, abs=1e-7)
            assert doubt < 1e-3 * (1 + abs(slope))


CASES = {
    "matmul": lambda x: np.sum(np.tanh(np.array([[1.0, 2.0], [0.5, -1.0]]) @ x) ** 2),
    "settings": lambda x: np.sum(np.cumsum(np.stack([x, x * 2.0], axis=1), axis=0)[1:, 0]),
    "constants": lambda x: np.sum(np.where(np.array([True, False]), x * 3.0, x / 7.0) - 2.0),
    "several results": lambda x: np.sum(ad.linalg.qr(np.outer(x, x) + np.eye(2))[1]),
    "less precision": lambda x: np.sum(np.sin(x.astype(np.float32)) * x),
    "reductions": lambda x: ad.logsumexp(x) + np.max(x) * np.prod(x) + np.std(x),
    "one use after another": lambda x: ad.sum(x[0] * x[::-1] + x),
}


@pytest.mark.parametrize("f", CASES.values(), ids=CASES.keys())
def test_differences_agree_with_the_gradient_of_arrays(f: Any) -> None:
    x = leaf([0.7, -1.3])
    with ad.watch():
        J = f(x)
    assert claim(J, x).endswith("✓")
    assert claim(J, x, element=1).endswith("✓")


def test_a_value_on_the_way_is_moved_as_an_input_is() -> None:
    x = leaf([0.7, -1.3])
    y = ad.tanh(x) * x
    assert claim(ad.sum(y * y), y) == "finite difference [0.846  2.240]  ✓"


def test_the_result_itself_has_slope_one() -> None:
    J = ad.tanh(leaf(0.7))
    assert claim(J, J) == "finite difference 1.000  ✓"


def test_float32_is_run_again_in_float64() -> None:
    x = ad.Tensor(np.array([0.7, -1.3], np.float32), requires_grad=True)
    J = ad.sum(ad.tanh(x) * x)
    slope, _ = difference(Signals(J, {}), x._node)
    np.testing.assert_allclose(slope, np.tanh(x.data) + x.data / np.cosh(x.data) ** 2, rtol=1e-6)
    assert slope.dtype == float
    assert claim(J, x).endswith("✓")


@pytest.mark.parametrize("value", [1e-4, 1e-7, 3e5])
def test_no_right_gradient_is_called_wrong_where_the_step_is_too_long(value: float) -> None:
    x = leaf(value)
    assert "≠" not in claim(np.log(x), x)
    assert "≠" not in claim(1e6 + np.sqrt(x), x)


@pytest.mark.parametrize("kink", [ad.relu, np.abs, lambda x: np.maximum(x, 0.0)])
def test_no_side_is_taken_at_a_kink(kink: Any) -> None:
    x = leaf(0.0)
    assert "≠" not in claim(kink(x) * 2.0, x)


# Wrong gradients


def test_a_wrong_gradient_is_marked() -> None:
    x = leaf([1.0, 2.0])
    assert claim(ad.sum(wrong(x)), x) == "finite difference [3.000  12.000]  ≠"
    assert claim(ad.sum(wrong(x)), x, element=1) == "finite difference 12.000  ≠"


def test_one_wrong_entry_is_enough() -> None:
    x = leaf([0.0, 2.0])
    assert claim(ad.sum(wrong(x)), x).endswith("≠")


def test_a_gradient_that_is_not_a_number_is_wrong_where_differences_are() -> None:
    broken = ad.custom_op(lambda x: x**3, lambda g, x: g * x * np.nan, name="broken")
    x = leaf([1.0, 2.0])
    assert claim(ad.sum(broken(x)), x).endswith("≠")


@pytest.mark.parametrize("size", [1e-100, 1e-8, 1.0, 1e8, 1e100])
def test_a_gradient_of_any_size_may_be_wrong(size: float) -> None:
    scaled = ad.custom_op(lambda x: x * size, lambda g, x: g * 5 * size, name="scaled")
    x = leaf([1.0, 2.0])
    assert judged(ad.sum(scaled(x)), x) is False
    assert judged(ad.sum(x * size), x) is True


@pytest.mark.parametrize("value", [0.0, 1e-30, 1e-7, 1.0, 1e6 * np.pi, 1e9])
def test_a_right_gradient_is_right_at_any_place(value: float) -> None:
    x = leaf(value)
    assert judged(ad.sin(x), x) is True
    assert judged(x * 3.0, x) is True


def test_what_rounding_hides_is_not_judged() -> None:
    x = leaf(0.5)
    assert judged(ad.sin(x) + 1e12, x) is None
    assert judged((ad.sin(x) + 1e12) - 1e12, x) is None
    assert judged(ad.sin(x) + 1e3, x) is True


@pytest.mark.parametrize("shift", [0.0, 1e-7, 1e-6, 1e-5, 1e-4])
def test_a_kink_nearby_is_no_error(shift: float) -> None:
    x = leaf(shift)
    assert judged(ad.relu(x) * 2.0, x) is not False
    assert judged(np.maximum(x, 2e-6) * x, x) is not False


def test_an_entry_at_a_kink_hides_no_wrong_one() -> None:
    x = leaf([0.0, 2.0])
    assert judged(ad.sum(ad.relu(x)) + ad.sum(wrong(x)), x) is False
    assert judged(ad.sum(ad.relu(x)), x) is None


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_many_entries_are_moved_along_one_direction(dtype: Any) -> None:
    rng = np.random.default_rng(1)
    W = ad.Tensor(rng.normal(size=(8, 8)).astype(dtype), requires_grad=True)
    v = rng.normal(size=8).astype(dtype)
    with ad.watch():
        J = ad.sum(np.tanh(W @ v) ** 2)
        K = J + ad.sum(wrong(W)) * 1e-2
    assert judged(J, W) is True
    assert judged(K, W) is False
    slope, doubt, gradient = along(Signals(J, {}), W._node)
    assert abs(slope - gradient) <= doubt + 1e-6 * abs(slope)


def test_nothing_is_known_along_a_direction_of_what_cannot_be_run_again() -> None:
    x = leaf(np.linspace(0.1, 1.0, 20))
    J = ad.sum(ad.checkpoint(np.tanh)(x))
    assert judged(J, x) is None
    slope, doubt, _ = along(Signals(J, {}), x._node)
    assert np.isnan(slope)
    assert doubt == np.inf


# No claim


def test_one_entry_of_many_is_moved_by_itself() -> None:
    x = leaf(np.linspace(0.1, 1.0, check.LARGEST + 1))
    J = ad.sum(np.tanh(x))
    assert np.isnan(difference(Signals(J, {}), x._node)[0])
    assert claim(J, x, element=3).endswith("✓")


def test_nothing_is_claimed_of_a_large_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    x = leaf(0.7)
    J = ad.tanh(ad.sin(x)) * x
    assert claim(J, x).endswith("✓")
    monkeypatch.setattr(check, "LONGEST", 3)
    assert claim(J, x) == ""


def test_nothing_is_claimed_where_constants_are_unknown() -> None:
    x = leaf(np.linspace(0.1, 1.0, 5))
    huge = leaf(np.ones((100, 5)), "W")
    J = ad.sum(np.tanh(huge @ x + np.ones(100)) + np.ones(100))
    assert claim(J, x) == ""
    with ad.watch():
        J = ad.sum(np.tanh(huge @ x + np.ones(100)) + np.ones(100))
    assert claim(J, x).endswith("✓")


def test_nothing_is_claimed_of_what_is_run_again_by_itself() -> None:
    x, y = leaf(0.7), leaf(0.2, "y")
    J = ad.checkpoint(lambda x, y: ad.tanh(x) * y)(x, y) * x
    assert claim(J, x) == ""


def test_nothing_is_claimed_where_differences_are_not_finite() -> None:
    x = leaf([1.0, 0.0])
    with np.errstate(all="ignore"):
        assert claim(ad.sum(np.sqrt(x)), x) == ""


def test_nothing_is_claimed_of_an_input_that_was_changed_since() -> None:
    x = leaf(np.ones(1000))
    J = ad.sum(x * 2.0)
    assert claim(J, x, element=0) == "finite difference 2.000  ✓"
    x.data = np.zeros(1000)
    assert claim(J, x, element=0) == ""


def test_nothing_is_claimed_where_there_is_no_path() -> None:
    x, y = leaf(1.0), leaf(2.0, "y")
    assert claim(ad.tanh(x), y) == ""


def test_an_empty_input_is_no_error() -> None:
    x = leaf(np.zeros(0))
    assert claim(ad.sum(x) + leaf(1.0, "y"), x) == ""
