"""The gated recurrent unit against its equations, and as a graph."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.nodes import topological
from models.gru import GRU

TIME, BATCH, INPUTS, HIDDEN = 4, 3, 2, 5
LETTERS = ["Wz", "Uz", "bz", "Wr", "Ur", "br", "W", "U", "b"]


def with_biases(**arguments: Any) -> GRU:
    """A model with each parameter drawn anew, since biases of 0 would hide mistakes."""
    model, rng = GRU(INPUTS, HIDDEN, **arguments), np.random.default_rng(1)
    model.load_state_dict(
        {n: rng.normal(size=p.shape) for n, p in model.named_parameters().items()}
    )
    return model


def draw(*shape: int) -> np.ndarray:
    return np.random.default_rng(2).normal(size=shape)


def sigmoid(v: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-v))


def by_hand(p: dict[str, np.ndarray], xs: np.ndarray, h: np.ndarray) -> list[np.ndarray]:
    """All states of one sequence; a bias that is not there is 0."""
    b = {name: p.get(name, np.zeros(HIDDEN)) for name in ("bz", "br", "b", "c")}
    states = []
    for x in xs:
        z = sigmoid(p["Wz"] @ x + p["Uz"] @ h + b["bz"])
        r = sigmoid(p["Wr"] @ x + p["Ur"] @ h + b["br"])
        candidate = np.tanh(p["W"] @ x + r * (p["U"] @ h + b["c"]) + b["b"])
        h = z * h + (1 - z) * candidate
        states.append(h)
    return states


@pytest.mark.parametrize("inner_bias", [True, False])
@pytest.mark.parametrize("bias", [True, False])
def test_is_its_equations(bias: bool, inner_bias: bool) -> None:
    model = with_biases(bias=bias, inner_bias=inner_bias)
    xs, h0 = draw(TIME, BATCH, INPUTS), draw(BATCH, HIDDEN)
    p = model.state_dict()
    expected = np.stack([by_hand(p, xs[:, i], h0[i]) for i in range(BATCH)], axis=1)
    hs, last = model(xs, h0)
    np.testing.assert_allclose(hs.data, expected, rtol=1e-12)
    np.testing.assert_array_equal(last.data, hs.data[-1])
    np.testing.assert_allclose(model(xs[:, 0], h0[0])[0].data, expected[:, 0], rtol=1e-12)


def test_starts_from_zero() -> None:
    model, xs = with_biases(), draw(TIME, INPUTS)
    expected = by_hand(model.state_dict(), xs, np.zeros(HIDDEN))
    np.testing.assert_allclose(model(xs)[0].data, expected, rtol=1e-12)


def test_update_gate_is_the_part_that_is_kept() -> None:
    model, x, h = with_biases(), draw(INPUTS), draw(HIDDEN)
    model.bz.data = np.full(HIDDEN, 50.0)
    np.testing.assert_allclose(model.cell(x, h).data, h, rtol=1e-12)


def test_reset_gate_takes_the_state_from_the_candidate() -> None:
    model, x, h = with_biases(), draw(INPUTS), draw(HIDDEN)
    model.bz.data = model.br.data = np.full(HIDDEN, -50.0)
    expected = np.tanh(model.W.data @ x + model.b.data)
    np.testing.assert_allclose(model.cell(x, h).data, expected, rtol=1e-12)


def test_the_inner_bias_comes_last() -> None:
    names = list(GRU(INPUTS, HIDDEN, inner_bias=True).named_parameters())
    assert names == [*LETTERS, "c"]


@pytest.mark.parametrize("bias", [True, False])
def test_parameters_have_the_letters_of_the_equations(bias: bool) -> None:
    model = GRU(INPUTS, HIDDEN, bias=bias)
    letters = [name for name in LETTERS if bias or not name.startswith("b")]
    assert list(model.named_parameters()) == letters
    assert [p.name for p in model.parameters()] == letters
    assert (model.Wz.shape, model.Uz.shape) == ((HIDDEN, INPUTS), (HIDDEN, HIDDEN))


def test_gradients_without_biases_are_slopes() -> None:
    model = with_biases(bias=False)
    ad.testing.check_gradients(lambda model, xs: model(xs), model, draw(2, INPUTS))


def paths(node: Any, end: Any) -> int:
    """Number of ways from a value back to one that it depends on."""
    if node is end:
        return 1
    return sum(paths(parent, end) for parent in node.parents if parent is not None)


@pytest.mark.parametrize("batch", [(), (BATCH,)], ids=["vectors", "batch"])
def test_four_paths_lead_from_a_state_to_its_input(batch: tuple[int, ...]) -> None:
    x = ad.Tensor(draw(*batch, INPUTS), requires_grad=True)
    h = ad.Tensor(draw(*batch, HIDDEN), requires_grad=True)
    model = with_biases()
    loss = ad.sum(model.cell(x, h))
    assert paths(loss._node, x._node) == 4  # z, 1 - z, the candidate, r within the candidate
    assert paths(loss._node, h._node) == 5  # and one past all gates: z * h
    for weights, count in (("Wz", 2), ("Uz", 2), ("Wr", 1), ("Ur", 1), ("W", 1), ("U", 1)):
        assert paths(loss._node, getattr(model, weights)._node) == count, weights


def test_each_product_of_the_equations_is_one_node() -> None:
    h = with_biases().cell(draw(INPUTS), draw(HIDDEN))
    count = Counter(node.op.name for node in topological(h._node) if node.op is not None)
    assert count == {"matmul": 6, "add": 7, "sigmoid": 2, "tanh": 1, "multiply": 3, "subtract": 1}


def test_refuses_sizes_below_one() -> None:
    with pytest.raises(ad.errors.DomainError, match=r"GRU: sizes .*'inputs': 0.* at least 1"):
        GRU(inputs=0, hidden=2)
