"""Layers and directions against single networks: order, states, masks, dropout, shapes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autodiff as ad
from models.stack import CELLS, Stack
from tests.models.networks import (
    BATCH,
    HIDDEN,
    INPUTS,
    LENGTHS,
    MASK,
    TIME,
    assert_close,
    assert_same,
    draw,
    gradients,
    inner,
    row,
    with_biases,
)

each_cell = pytest.mark.parametrize("cell", CELLS)
each_way = pytest.mark.parametrize("bidirectional", [False, True], ids=["one", "both"])


def stack(cell: str, **arguments: Any) -> Stack:
    return with_biases(Stack(cell, INPUTS, arguments.pop("hidden", HIDDEN), **arguments))


def drawn_states(model: Stack, *batch: int, seed: int = 4) -> list[Any]:
    """A state for each network, not 0."""
    rng = np.random.default_rng(seed)
    _, states = model(np.zeros((1, *batch, INPUTS)))
    return ad.tree.map(lambda part: rng.normal(size=part.shape), states)


@each_cell
def test_layers_read_the_outputs_of_the_one_below(cell: str) -> None:
    model, xs = stack(cell, layers=3), draw(TIME, BATCH, INPUTS)
    h0 = drawn_states(model, BATCH)
    expected, ends = xs, []
    for network, start in zip(model.forwards, h0, strict=True):
        expected, end = network(expected, start)
        ends.append(end)
    assert_close(model(xs, h0), (expected, ends))


@each_cell
def test_directions_are_joined_at_each_step(cell: str) -> None:
    model, xs = stack(cell, layers=2, bidirectional=True), draw(TIME, BATCH, INPUTS)
    h0 = drawn_states(model, BATCH)
    expected, starts, ends = xs, iter(h0), []
    for forwards, backwards in zip(model.forwards, model.backwards, strict=True):
        there, end = forwards(expected, next(starts))
        back, first = backwards(np.flip(expected, 0), next(starts))
        expected = ad.concatenate([there, np.flip(back, 0)], -1)
        ends += [end, first]
    outputs, states = model(xs, h0)
    assert_close((outputs, states), (expected, ends))
    assert outputs.shape == (TIME, BATCH, model.outputs) == (TIME, BATCH, 2 * HIDDEN)


@pytest.mark.parametrize(("cell", "bidirectional"), [("rnn", True), ("gru", False)])
def test_gradients_are_slopes(cell: str, bidirectional: bool) -> None:
    model = stack(cell, hidden=1, layers=2, bidirectional=bidirectional)
    xs, h0, mask = draw(2, 2, INPUTS), drawn_states(model, 2), [[True, True], [True, False]]
    ad.testing.check_gradients(lambda model, xs, h0: model(xs, h0, mask), model, xs, h0)


@each_cell
@each_way
def test_a_batch_with_a_mask_learns_what_its_sequences_teach(
    cell: str, bidirectional: bool
) -> None:
    model = stack(cell, layers=2, bidirectional=bidirectional)
    xs, target = draw(TIME, BATCH, INPUTS), draw(TIME, BATCH, model.outputs, seed=3)
    h0, g = drawn_states(model, BATCH), drawn_states(model, BATCH, seed=5)
    alone: Any = 0.0
    for i, length in enumerate(LENGTHS):
        pair = model(xs[:length, i], row(h0, i))
        alone += inner(pair, (target[:length, i], row(g, i)))
    expected = gradients(model, alone)

    padded = np.where(MASK[..., None], xs, np.nan)  # whatever stands there does not matter
    together = inner(model(padded, h0, MASK), (np.where(MASK[..., None], target, 0.0), g))
    np.testing.assert_allclose(together.item(), alone.item(), rtol=1e-12)
    assert_same(gradients(model, together), expected)


@each_cell
def test_states_given_back_continue_the_sequence(cell: str) -> None:
    model, xs = stack(cell, layers=2), draw(TIME, BATCH, INPUTS)
    whole, end = model(xs, mask=MASK)
    first, states = model(xs[:2], mask=MASK[:2])
    second, last = model(xs[2:], states, MASK[2:])
    assert_close((ad.concatenate([first, second]), last), (whole, end))


@each_cell
def test_truncated_backprop_is_pieces_with_the_states_detached_between(cell: str) -> None:
    model, xs = stack(cell, layers=2), draw(TIME, BATCH, INPUTS)
    outputs, _ = model(xs, truncate=2)
    first, states = model(xs[:2])
    second, _ = model(xs[2:4], ad.stop_gradient(states))
    expected = gradients(model, ad.sum(first) + ad.sum(second))
    assert_same(gradients(model, ad.sum(outputs[:4])), expected)


@each_cell
def test_batch_first_is_the_same_with_axes_exchanged(cell: str) -> None:
    xs = draw(TIME, BATCH, INPUTS)
    outputs, states = stack(cell, layers=2, bidirectional=True)(xs, mask=MASK)
    model = stack(cell, layers=2, bidirectional=True, batch_first=True)
    assert_close(model(xs.swapaxes(0, 1), mask=MASK.T), (outputs.data.swapaxes(0, 1), states))
    single = stack(cell, layers=2, bidirectional=True)(xs[:, 0])
    assert_close(model(xs[:, 0]), single)


def test_dropout_acts_between_layers_only() -> None:
    model, xs = stack("gru", layers=2, bidirectional=True, dropout=0.5), draw(TIME, BATCH, INPUTS)
    seen = []
    model.forwards[1].cell = spy(model.forwards[1].cell, seen)
    outputs, _ = model(xs)
    assert 0.2 < np.mean(np.array(seen) == 0) < 0.8
    assert (outputs.data != 0).all()
    below = np.concatenate([model.forwards[0](xs)[0].data, reversed_outputs(model, xs)], -1)
    np.testing.assert_allclose(seen, np.where(np.array(seen) == 0, 0, 2 * below), rtol=1e-12)


def spy(cell: Any, seen: list[np.ndarray]) -> Any:
    """The cell, with its inputs written down."""

    def watched(x: Any, h: Any) -> Any:
        seen.append(x.data)
        return cell(x, h)

    return watched


def reversed_outputs(model: Stack, xs: np.ndarray) -> np.ndarray:
    return model.backwards[0](xs[::-1])[0].data[::-1]


@pytest.mark.parametrize("layers", [1, 2])
def test_dropout_acts_in_training_only_and_not_with_one_layer(layers: int) -> None:
    model, xs = stack("gru", layers=layers, dropout=0.5), draw(TIME, INPUTS)
    one, two = model(xs)[0].data, model(xs)[0].data
    assert (one != two).any() == (layers > 1)
    model.eval()
    plain = stack("gru", layers=layers)(xs)
    assert_close(model(xs), plain)


def test_dropout_comes_from_the_seed() -> None:
    one, two = (Stack("rnn", 2, 9, layers=2, dropout=0.5, rng=3)(np.ones((4, 2))) for _ in "ab")
    assert_close(one, two)


@each_cell
def test_keeps_the_dtype(cell: str) -> None:
    model = Stack(cell, INPUTS, HIDDEN, 2, True, dropout=0.5, dtype="float32")
    outputs, states = model(draw(TIME, BATCH, INPUTS).astype("float32"), mask=MASK)
    found = gradients(model, ad.sum(outputs))
    values = [outputs, *ad.tree.flatten(states)[0], *found.values()]
    assert {value.dtype for value in values} == {np.dtype("float32")}


@each_cell
def test_no_two_networks_start_alike_and_seeds_repeat(cell: str) -> None:
    one, two, other = (Stack(cell, HIDDEN, HIDDEN, 2, rng=seed) for seed in (0, 0, 1))
    assert_same(one.state_dict(), two.state_dict())
    assert (one.forwards[0].W.data != one.forwards[1].W.data).all()
    assert (one.forwards[0].W.data != other.forwards[0].W.data).all()


def test_options_are_for_the_networks() -> None:
    model, xs = stack("rnn", layers=2, activation="relu"), draw(TIME, INPUTS)
    assert {network.activation for network in model.forwards} == {"relu"}
    assert (model(xs)[0].data >= 0).all()
    assert Stack("lstm", 2, 3, bias=False).forwards[0].b is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"cell": "gur"}, "Stack: unknown cell 'gur'; there are gru, lstm, rnn"),
        ({"layers": 0}, "Stack: sizes .*'layers': 0.*; each has to be at least 1"),
        ({"hidden": 0}, "'hidden': 0"),
        ({"cell": "rnn", "outputs": 4}, "give their states, and no outputs"),
        ({"dropout": 1.0}, r"rate=1.0 is outside \[0, 1\)"),
    ],
)
def test_refuses_settings(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ad.errors.DomainError, match=message):
        Stack(**{"cell": "gru", "inputs": 2, "hidden": 3} | arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"xs": []}, "GRU: the sequence is empty"),
        ({"xs": np.ones((4, 3))}, r"GRU: x\(t\) is \(3,\); expected \(2,\)"),
        ({"xs": np.ones((4, 3, 2)), "mask": MASK.T}, r"mask is \(3, 4\); expected \(4, 3\)"),
        ({"xs": np.ones((4, 2)), "h0": [None]}, "Stack: h0 has 1 states; expected 2, one for each"),
        ({"xs": np.ones((4, 2)), "h0": [None, np.ones(3)]}, r"h is \(3,\); expected \(5,\)"),
    ],
)
def test_refuses_shapes(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ad.errors.ShapeError, match=message):
        stack("gru", bidirectional=True)(**arguments)
