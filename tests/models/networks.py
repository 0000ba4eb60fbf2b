"""Small recurrent networks, and what their tests share."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from models.gru import GRU
from models.lstm import LSTM
from models.recurrent import Recurrent
from models.rnn import RNN

TIME, BATCH, INPUTS, HIDDEN, OUTPUTS = 4, 3, 2, 5, 3
LENGTHS = [4, 2, 3]
MASK = np.arange(TIME)[:, None] < LENGTHS

Network = Callable[..., Recurrent]

each_network = pytest.mark.parametrize(
    "network",
    [
        partial(RNN, inputs=INPUTS, hidden=HIDDEN, outputs=OUTPUTS),
        partial(GRU, inputs=INPUTS, hidden=HIDDEN, inner_bias=True),
        partial(LSTM, inputs=INPUTS, hidden=HIDDEN),
    ],
    ids=["RNN", "GRU", "LSTM"],
)


def with_biases(model: Any) -> Any:
    """The model with each parameter drawn anew, since biases of 0 would hide mistakes."""
    rng = np.random.default_rng(1)
    model.load_state_dict(
        {n: rng.normal(size=p.shape) for n, p in model.named_parameters().items()}
    )
    return model


def draw(*shape: int, seed: int = 2) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def drawn_state(model: Recurrent, *batch: int, seed: int = 4) -> Any:
    """A state that is not 0, of the form that the model gives."""
    rng = np.random.default_rng(seed)
    zeros = model.start(np.zeros((*batch, INPUTS)))
    return ad.tree.map(lambda zero: rng.normal(size=zero.shape), zeros)


def row(state: Any, i: int) -> Any:
    """The state of one sequence of a batch."""
    return ad.tree.map(lambda part: part[i], state)


def inner(one: Any, other: Any) -> ad.Tensor:
    """The sum of all products of two trees, so that each entry has a slope of its own."""
    pairs = zip(ad.tree.flatten(one)[0], ad.tree.flatten(other)[0], strict=True)
    return sum(ad.sum(a * b) for a, b in pairs)


def gradients(model: ad.Module, loss: ad.Tensor) -> dict[str, np.ndarray]:
    model.zero_grad()
    loss.backward()
    return {name: p.grad for name, p in model.named_parameters().items()}


def assert_same(actual: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert list(actual) == list(expected)
    for name, value in actual.items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-10, atol=1e-12, err_msg=name)


def assert_close(actual: Any, expected: Any) -> None:
    """Trees of the same values."""
    a, b = (ad.tree.flatten(tree)[0] for tree in (actual, expected))
    for one, other in zip(a, b, strict=True):
        np.testing.assert_allclose(_plain(one), _plain(other), rtol=1e-10, atol=1e-12)


def _plain(value: Any) -> Any:
    return value.data if isinstance(value, ad.Tensor) else value
