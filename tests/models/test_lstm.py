"""The long short-term memory against its equations, and as a graph."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.nodes import topological
from models.lstm import LSTM
from tests.models.networks import (
    BATCH,
    HIDDEN,
    INPUTS,
    MASK,
    TIME,
    assert_close,
    draw,
    drawn_state,
    row,
    with_biases,
)

LETTERS = ["Wi", "Ui", "bi", "Wf", "Uf", "bf", "Wo", "Uo", "bo", "W", "U", "b"]


def sigmoid(v: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-v))


def by_hand(p: dict[str, np.ndarray], xs: np.ndarray, h: Any, c: Any) -> tuple[np.ndarray, Any]:
    """All h of one sequence, and the last c; a bias that is not there is 0."""
    states = []
    for x in xs:
        i, f, o, candidate = (
            p[f"W{gate}"] @ x + p[f"U{gate}"] @ h + p.get(f"b{gate}", 0.0)
            for gate in ("i", "f", "o", "")
        )
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(candidate)
        h = sigmoid(o) * np.tanh(c)
        states.append(h)
    return np.array(states), c


@pytest.mark.parametrize("bias", [True, False])
def test_is_its_equations(bias: bool) -> None:
    model, xs = with_biases(LSTM(INPUTS, HIDDEN, bias=bias)), draw(TIME, BATCH, INPUTS)
    h0 = drawn_state(model, BATCH)
    hs, (h, c) = model(xs, h0)
    np.testing.assert_array_equal(h.data, hs.data[-1])
    for i in range(BATCH):
        expected = by_hand(model.state_dict(), xs[:, i], *row(h0, i))
        assert_close((hs[:, i], c[i]), expected)


def test_starts_from_zero() -> None:
    model, xs = with_biases(LSTM(INPUTS, HIDDEN)), draw(TIME, INPUTS)
    expected, _ = by_hand(model.state_dict(), xs, np.zeros(HIDDEN), np.zeros(HIDDEN))
    np.testing.assert_allclose(model(xs)[0].data, expected, rtol=1e-12)


def test_forget_gates_start_open_and_other_biases_at_zero() -> None:
    model = LSTM(INPUTS, HIDDEN)
    for name, value in model.state_dict().items():
        if name.startswith("b"):
            np.testing.assert_array_equal(value, float(name == "bf"), err_msg=name)


def test_gates_write_keep_and_show() -> None:
    model, x = with_biases(LSTM(INPUTS, HIDDEN)), draw(INPUTS)
    h, c = drawn_state(model)
    shut, open_ = np.full(HIDDEN, -50.0), np.full(HIDDEN, 50.0)
    model.bi.data, model.bf.data, model.bo.data = shut, open_, open_
    assert_close(model.cell(x, (h, c)), (np.tanh(c), c))
    model.bi.data, model.bf.data = open_, shut
    written = np.tanh(model.W.data @ x + model.U.data @ h + model.b.data)
    assert_close(model.cell(x, (h, c)), (np.tanh(written), written))
    model.bo.data = shut
    np.testing.assert_allclose(model.cell(x, (h, c))[0].data, 0, atol=1e-12)


@pytest.mark.parametrize("bias", [True, False])
def test_parameters_have_the_letters_of_the_equations(bias: bool) -> None:
    model = LSTM(INPUTS, HIDDEN, bias=bias)
    letters = [name for name in LETTERS if bias or not name.startswith("b")]
    assert list(model.named_parameters()) == letters
    assert [p.name for p in model.parameters()] == letters
    assert (model.Wi.shape, model.Ui.shape) == ((HIDDEN, INPUTS), (HIDDEN, HIDDEN))


def test_gradients_without_biases_are_slopes() -> None:
    model = with_biases(LSTM(INPUTS, 2, bias=False))
    ad.testing.check_gradients(lambda model, xs: model(xs), model, draw(2, INPUTS))


def test_each_product_of_the_equations_is_one_node() -> None:
    model = with_biases(LSTM(INPUTS, HIDDEN))
    h, _ = model.cell(draw(INPUTS), drawn_state(model))
    count = Counter(node.op.name for node in topological(h._node) if node.op is not None)
    assert count == {"matmul": 8, "add": 9, "sigmoid": 3, "tanh": 2, "multiply": 3}


@pytest.mark.parametrize("mask", [None, MASK], ids=["whole", "mask"])
def test_the_pair_may_be_a_list_or_an_array(mask: Any) -> None:
    model, xs = with_biases(LSTM(INPUTS, HIDDEN)), draw(TIME, BATCH, INPUTS)
    pair = drawn_state(model, BATCH)
    expected = model(xs, pair, mask)
    for h0 in (list(pair), np.stack(pair), ad.Tensor(np.stack(pair))):
        assert_close(model(xs, h0, mask), expected)


@pytest.mark.parametrize(
    ("h0", "message"),
    [
        (np.ones(5), r"the state has 5 parts; expected the pair \(h, c\)"),
        ([np.ones(5)], "the state has 1 parts"),
        ([np.ones(5), np.ones(4)], r"c is \(4,\); expected \(5,\)"),
        ([np.ones(4), np.ones(5)], r"h is \(4,\); expected \(5,\)"),
    ],
    ids=["one", "list", "c", "h"],
)
def test_refuses_what_is_no_pair(h0: Any, message: str) -> None:
    with pytest.raises(ad.errors.ShapeError, match=f"LSTM: {message}"):
        LSTM(INPUTS, HIDDEN)(np.ones((TIME, INPUTS)), h0)


def test_refuses_sizes_below_one() -> None:
    with pytest.raises(ad.errors.DomainError, match=r"LSTM: sizes .*'hidden': 0.* at least 1"):
        LSTM(inputs=2, hidden=0)
