"""The gradient of a value told use by use: by time steps, by scopes, by consumers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autodiff as ad
from models.gru import GRU
from models.rnn import RNN
from tests.inspect.test_paths import X, leaf


@pytest.mark.parametrize("weight", ["U", "Ur", "Uz", "W", "bz"])
def test_a_recurrent_weight_is_told_step_by_step(weight):
    model = GRU(inputs=3, hidden=2, rng=1)
    xs = np.random.default_rng(0).normal(size=(4, 3))
    J = ad.sum(model(xs)[1] ** 2)
    found = ad.uses(J, getattr(model, weight))
    assert [label for label, _ in found] == [f"t={t}" for t in (1, 2, 3, 4)]
    J.backward()
    gradient = getattr(model, weight).grad
    np.testing.assert_allclose(sum(share for _, share in found), gradient, atol=1e-12)
    np.testing.assert_allclose(found.total, gradient)
    np.testing.assert_allclose([s for _, s in found], by_copies(model, weight, xs), atol=1e-12)


def by_copies(model: GRU, weight: str, xs: np.ndarray) -> list[Any]:
    """The gradient of each step, from steps that have a weight of their own each."""
    h, copies = np.zeros(2), []
    own = getattr(model, weight)
    for x in xs:
        copies.append(ad.Parameter(own.data))
        setattr(model, weight, copies[-1])
        h = model.cell(x, h)
    setattr(model, weight, own)
    ad.sum(h**2).backward()
    return [copy.grad for copy in copies]


def test_uses_of_the_steps_of_a_simple_network():
    model = RNN(inputs=2, hidden=3, outputs=1)
    J = ad.sum(model(np.ones((3, 2)))[0])
    found = ad.uses(J, model.U)
    assert [label for label, _ in found] == [f"t={t}" for t in (1, 2, 3)]


def test_uses_outside_of_scopes_are_told_by_their_values():
    x = leaf(X, "x")
    J = ad.sum(x * 3.0 + np.tanh(x) * 0.5)
    found = ad.uses(J, x)
    assert len(found) == len({label for label, _ in found}) == 2
    np.testing.assert_allclose(sum(share for _, share in found), found.total)
    assert str(found).splitlines()[0].split() == ["use", "adds"]
    assert str(found).splitlines()[-1].startswith("sum")


def test_several_uses_in_one_scope_are_added():
    x = leaf(X, "x")
    with ad.scope("first"):
        y = x * x
    with ad.scope("second"):
        J = ad.sum(y + x)
    found = dict(ad.uses(J, x))
    np.testing.assert_allclose(found["first"], 2 * X)
    np.testing.assert_allclose(found["second"], np.ones(3))


def test_an_unused_value_has_no_uses():
    found = ad.uses(ad.sum(leaf(X)), leaf(X))
    assert list(found) == []
    np.testing.assert_array_equal(found.total, np.zeros(3))


def test_a_named_value_without_a_gradient_has_uses_that_are_zero():
    x = leaf(X, "x")
    J = ad.sum(ad.round(x)) + ad.sum(leaf(X, "y"))
    np.testing.assert_array_equal(ad.uses(J, "x").total, np.zeros(3))
