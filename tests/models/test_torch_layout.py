"""Weights in torch's layout: to it and back, and the same numbers as torch, if there is one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autodiff as ad
from models.gru import GRU
from models.lstm import LSTM
from models.rnn import RNN
from models.stack import Stack
from models.torch_layout import load_torch_state, torch_state
from tests.models.networks import (
    BATCH,
    HIDDEN,
    INPUTS,
    TIME,
    assert_same,
    draw,
    with_biases,
)

OPTIONS: dict[str, dict[str, Any]] = {"rnn": {}, "gru": {"inner_bias": True}, "lstm": {}}
GATES = {"rnn": 1, "gru": 3, "lstm": 4}

each_cell = pytest.mark.parametrize("cell", OPTIONS)


def stack(cell: str, **arguments: Any) -> Stack:
    sizes = {"layers": 2, "bidirectional": True}
    return with_biases(Stack(cell, INPUTS, HIDDEN, **sizes | OPTIONS[cell] | arguments))


@each_cell
def test_names_and_shapes_are_torchs(cell: str) -> None:
    rows = GATES[cell] * HIDDEN
    expected = {}
    for layer, inputs in (("l0", INPUTS), ("l1", 2 * HIDDEN)):
        for suffix in (layer, f"{layer}_reverse"):
            expected[f"weight_ih_{suffix}"] = (rows, inputs)
            expected[f"weight_hh_{suffix}"] = (rows, HIDDEN)
            expected[f"bias_ih_{suffix}"] = expected[f"bias_hh_{suffix}"] = (rows,)
    assert {name: a.shape for name, a in torch_state(stack(cell)).items()} == expected


def test_gates_are_stacked_in_torchs_order() -> None:
    gru, lstm = with_biases(GRU(2, 3, inner_bias=True)), with_biases(LSTM(2, 3))
    rnn = with_biases(RNN(2, 3, outputs=1))
    orders = [(rnn, ["H"]), (gru, ["Ur", "Uz", "U"]), (lstm, ["Ui", "Uf", "U", "Uo"])]
    for model, letters in orders:
        expected = np.concatenate([getattr(model, letter).data for letter in letters])
        np.testing.assert_array_equal(torch_state(model)["weight_hh_l0"], expected)
    np.testing.assert_array_equal(torch_state(gru)["bias_hh_l0"], [*np.zeros(6), *gru.c.data])
    np.testing.assert_array_equal(torch_state(lstm)["bias_hh_l0"], np.zeros(12))


@each_cell
def test_there_and_back(cell: str) -> None:
    model, other = stack(cell), Stack(cell, INPUTS, HIDDEN, 2, True, **OPTIONS[cell])
    load_torch_state(other, torch_state(model))
    assert_same(other.state_dict(), model.state_dict())


def test_outputs_of_an_rnn_stay() -> None:
    model, other = RNN(2, 3, outputs=2), with_biases(RNN(2, 3, outputs=2))
    outputs = model.U.numpy()
    load_torch_state(model, torch_state(other))
    np.testing.assert_array_equal(model.H.data, other.H.data)
    np.testing.assert_array_equal(model.U.data, outputs)


@pytest.mark.parametrize("network", [GRU, LSTM])
def test_without_biases_there_are_none(network: Any) -> None:
    model, other = with_biases(network(2, 3, bias=False)), network(2, 3, bias=False, rng=7)
    assert list(torch_state(model)) == ["weight_ih_l0", "weight_hh_l0"]
    load_torch_state(other, torch_state(model))
    assert_same(other.state_dict(), model.state_dict())


@pytest.mark.parametrize("model", [RNN(2, 3, None, "tanh"), GRU(2, 3), LSTM(2, 3)], ids=repr)
def test_two_biases_of_torch_are_added(model: Any) -> None:
    state = torch_state(model)
    rows = len(state["bias_ih_l0"])
    first, second = draw(rows), draw(rows, seed=3)
    if isinstance(model, GRU):
        second[-3:] = 0
    load_torch_state(model, state | {"bias_ih_l0": first, "bias_hh_l0": second})
    np.testing.assert_allclose(torch_state(model)["bias_ih_l0"], first + second, rtol=1e-12)
    assert not torch_state(model)["bias_hh_l0"].any()


def test_keeps_the_dtype_of_each_side() -> None:
    model, other = (
        stack("gru"),
        Stack("gru", INPUTS, HIDDEN, 2, True, dtype="float32", inner_bias=1),
    )
    load_torch_state(other, torch_state(model))
    assert {array.dtype for array in torch_state(other).values()} == {np.dtype("float32")}


def test_what_is_given_is_a_copy() -> None:
    model = RNN(2, 3, None)
    torch_state(model)["weight_hh_l0"][:] = 0
    assert model.H.data.any()


def without(name: str) -> Any:
    return lambda state: {key: value for key, value in state.items() if key != name}


def changed(name: str, value: Any) -> Any:
    return lambda state: state | {name: value}


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (without("weight_hh_l1"), "Format", "such a Stack: it has no 'weight_hh_l1'"),
        (changed("weight_ih_l2", np.ones(1)), "Format", "such a Stack: not wanted is .*l2"),
        (changed("bias_ih_l1", np.ones(2)), "Shape", r"'bias_ih_l1' is \(2,\); expected \(15,\)"),
        (changed("bias_hh_l1", np.ones(15)), "Format", "within the reset gate .* inner_bias=True"),
        (changed("weight_ih_l1", np.ones((15, 5), int)), "Format", "int64"),
    ],
    ids=["missing", "extra", "shape", "inner bias", "whole numbers"],
)
def test_after_an_error_nothing_has_changed(change: Any, error: str, message: str) -> None:
    model = Stack("gru", INPUTS, HIDDEN, layers=2)
    before = model.state_dict()
    other = torch_state(with_biases(Stack("gru", INPUTS, HIDDEN, layers=2)))
    with pytest.raises(getattr(ad.errors, f"{error}Error"), match=message):
        load_torch_state(model, change(other))
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[name])


def test_refuses_biases_that_the_model_lacks() -> None:
    with pytest.raises(ad.errors.FormatError, match="such a LSTM: not wanted is 'bias_hh_l0'"):
        load_torch_state(LSTM(2, 3, bias=False), torch_state(LSTM(2, 3)))
    with pytest.raises(ad.errors.FormatError, match="such a LSTM: it has no 'bias_hh_l0'"):
        load_torch_state(LSTM(2, 3), torch_state(LSTM(2, 3, bias=False)))


def test_refuses_an_inner_bias_alone() -> None:
    with pytest.raises(ad.errors.DomainError, match="no GRU with inner_bias=True and bias=False"):
        torch_state(GRU(2, 3, bias=False, inner_bias=True))


def in_torch(torch: Any, model: Stack, kind: str, **options: Any) -> Any:
    """torch's network with the weights of ours."""
    theirs = getattr(torch.nn, kind.upper())(
        INPUTS, HIDDEN, num_layers=len(model.forwards), bidirectional=bool(model.backwards),
        batch_first=model.batch_first, dtype=torch.float64, **options,
    )  # fmt: skip
    state = {name: torch.tensor(array) for name, array in torch_state(model).items()}
    theirs.load_state_dict(state)
    return theirs


@each_cell
@pytest.mark.parametrize("bidirectional", [False, True], ids=["one", "both"])
@pytest.mark.parametrize("batch_first", [False, True], ids=["time", "batch"])
def test_is_the_one_of_torch(cell: str, bidirectional: bool, batch_first: bool) -> None:
    torch = pytest.importorskip("torch", reason="compares with torch.nn, if there is one")
    model = stack(cell, bidirectional=bidirectional, batch_first=batch_first)
    theirs = in_torch(torch, model, cell)
    shape = (BATCH, TIME) if batch_first else (TIME, BATCH)
    xs, g = draw(*shape, INPUTS), draw(*shape, model.outputs, seed=3)
    outputs, states = model(xs)
    expected, ends = theirs(torch.tensor(xs))
    np.testing.assert_allclose(outputs.data, expected.detach().numpy(), rtol=1e-10)
    for part, end in zip(parts(states), ends if cell == "lstm" else (ends,), strict=True):
        np.testing.assert_allclose(part, end.detach().numpy(), rtol=1e-10)

    ad.sum(outputs * g).backward()
    (expected * torch.tensor(g)).sum().backward()
    actual = gradients_in_torchs_layout(model)
    for name, parameter in theirs.named_parameters():
        if "bias_hh" not in name:  # its gradient is that of bias_ih, but for a GRU's c
            grad = parameter.grad.numpy()
            np.testing.assert_allclose(actual[name], grad, rtol=1e-8, atol=1e-12, err_msg=name)


def parts(states: list[Any]) -> list[np.ndarray]:
    """The states as torch gives them: h of all networks, and for an LSTM c of all."""
    pairs = [state if isinstance(state, tuple) else (state,) for state in states]
    return [np.stack([part.data for part in group]) for group in zip(*pairs)]


def gradients_in_torchs_layout(model: Stack) -> dict[str, np.ndarray]:
    grads = {name: parameter.grad for name, parameter in model.named_parameters().items()}
    model.load_state_dict(grads)
    return torch_state(model)


def test_relu_is_the_one_of_torch() -> None:
    torch = pytest.importorskip("torch", reason="compares with torch.nn, if there is one")
    model, xs = stack("rnn", activation="relu"), draw(TIME, BATCH, INPUTS)
    expected, _ = in_torch(torch, model, "rnn", nonlinearity="relu")(torch.tensor(xs))
    np.testing.assert_allclose(model(xs)[0].data, expected.detach().numpy(), rtol=1e-10)


@each_cell
def test_weights_of_torch_give_its_numbers(cell: str) -> None:
    torch = pytest.importorskip("torch", reason="compares with torch.nn, if there is one")
    torch.manual_seed(0)
    theirs = in_torch(torch, stack(cell), cell)
    theirs.reset_parameters()
    model, xs = stack(cell), draw(TIME, BATCH, INPUTS)
    load_torch_state(model, theirs.state_dict())
    expected = theirs(torch.tensor(xs))[0].detach().numpy()
    np.testing.assert_allclose(model(xs)[0].data, expected, rtol=1e-10)
