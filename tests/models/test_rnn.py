"""Elman's network against its equations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autodiff as ad
from models.rnn import RNN
from tests.models.networks import HIDDEN, INPUTS, OUTPUTS, TIME, draw, gradients, with_biases

F = {
    "sigmoid": lambda v: 1 / (1 + np.exp(-v)),
    "tanh": np.tanh,
    "relu": lambda v: np.maximum(v, 0),
}


@pytest.mark.parametrize("activation", F)
def test_is_its_equations(activation: str) -> None:
    model = with_biases(RNN(INPUTS, HIDDEN, OUTPUTS, activation))
    H, W, b1, U, b2 = (p.data for p in model.parameters())
    xs, h = draw(TIME, INPUTS), draw(HIDDEN)
    scores, last = model(xs, h)
    for x, y in zip(xs, scores.data, strict=True):
        h = F[activation](H @ h + W @ x + b1)
        np.testing.assert_allclose(y, U @ h + b2, rtol=1e-12)
    np.testing.assert_allclose(last.data, h, rtol=1e-12)


def test_without_outputs_a_step_gives_its_state() -> None:
    model, whole = RNN(INPUTS, HIDDEN, None), RNN(INPUTS, HIDDEN, OUTPUTS)
    assert list(model.named_parameters()) == ["H", "W", "b1"]
    model.load_state_dict({name: getattr(whole, name).data for name in ("H", "W", "b1")})
    xs = draw(TIME, INPUTS)
    (hs, last), (scores, end) = model(xs), whole(xs)
    np.testing.assert_array_equal(hs.data[-1], last.data)
    np.testing.assert_array_equal(last.data, end.data)
    np.testing.assert_allclose(hs.data @ whole.U.data.T + whole.b2.data, scores.data, rtol=1e-12)


def test_backpropagation_through_time_is_the_recursion_by_hand() -> None:
    # A copy of the network for each step splits the gradient of H over time.
    copies = [with_biases(RNN(INPUTS, HIDDEN, OUTPUTS)) for _ in range(TIME)]
    xs, h, target = draw(TIME, INPUTS), np.zeros(HIDDEN), 1
    for copy, x in zip(copies, xs, strict=True):
        h = copy.cell(x, h)
    ad.cross_entropy(copy.output(h), target).backward()

    by_hand = deltas_by_hand(copy, xs, target)
    for copy, expected in zip(copies, by_hand, strict=True):
        np.testing.assert_allclose(copy.H.grad, expected, rtol=1e-10, atol=1e-15)
    model = with_biases(RNN(INPUTS, HIDDEN, OUTPUTS))
    J = ad.cross_entropy(model(xs)[0][-1], target)
    np.testing.assert_allclose(gradients(model, J)["H"], sum(by_hand), rtol=1e-10)


def deltas_by_hand(model: RNN, xs: np.ndarray, target: int) -> list[np.ndarray]:
    """The part of dJ(T)/dH that each step contributes: delta(t) h(t-1)^T."""
    H, W, b1, U, b2 = (p.data for p in model.parameters())
    h = [np.zeros(HIDDEN)]
    for x in xs:
        h.append(F["sigmoid"](H @ h[-1] + W @ x + b1))
    p = np.exp(U @ h[-1] + b2)
    error = U.T @ (p / p.sum() - np.eye(OUTPUTS)[target])
    parts: list[np.ndarray] = []
    for t in range(len(xs), 0, -1):
        delta = error * h[t] * (1 - h[t])
        parts.insert(0, np.outer(delta, h[t - 1]))
        error = H.T @ delta
    return parts


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_gradients_with_other_activations_are_slopes(activation: str) -> None:
    model = with_biases(RNN(INPUTS, HIDDEN, OUTPUTS, activation))
    ad.testing.check_gradients(lambda model, xs: model(xs), model, draw(TIME, INPUTS))


def test_parameters_have_the_letters_of_the_equations() -> None:
    model = RNN(INPUTS, HIDDEN, OUTPUTS)
    assert list(model.named_parameters()) == ["H", "W", "b1", "U", "b2"]
    assert [p.name for p in model.parameters()] == ["H", "W", "b1", "U", "b2"]
    assert (model.H.shape, model.W.shape, model.U.shape) == ((5, 5), (5, 2), (3, 5))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"hidden": 0}, "RNN: sizes .*'hidden': 0.*; each has to be at least 1"),
        ({"outputs": 0}, "RNN: sizes .*'outputs': 0"),
        ({"activation": "gelu"}, "unknown activation 'gelu'; there are sigmoid, tanh, relu"),
    ],
)
def test_refuses_settings(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ad.errors.DomainError, match=message):
        RNN(**{"inputs": 2, "hidden": 3, "outputs": 1} | arguments)
