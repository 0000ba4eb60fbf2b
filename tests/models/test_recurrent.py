"""What holds for all recurrent networks: sequences, batches, masks, pieces, shapes, dtypes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from models.recurrent import Recurrent
from tests.models.networks import (
    BATCH,
    INPUTS,
    LENGTHS,
    MASK,
    TIME,
    Network,
    assert_close,
    assert_same,
    draw,
    drawn_state,
    each_network,
    gradients,
    inner,
    row,
    with_biases,
)


@each_network
@pytest.mark.parametrize("batch", [(), (BATCH,)], ids=["vectors", "batch"])
def test_gradients_of_all_parameters_and_inputs_are_slopes(
    network: Network, batch: tuple[int, ...]
) -> None:
    model, xs = with_biases(network(hidden=2)), draw(2, *batch, INPUTS)
    h0 = drawn_state(model, *batch)
    ad.testing.check_gradients(lambda model, xs, h0: model(xs, h0), model, xs, h0)


@each_network
def test_gradients_under_a_mask_are_slopes(network: Network) -> None:
    model, xs = with_biases(network(hidden=2)), draw(2, 2, INPUTS)
    h0, mask = drawn_state(model, 2), [[True, True], [True, False]]
    ad.testing.check_gradients(lambda model, xs, h0: model(xs, h0, mask), model, xs, h0)


@each_network
def test_a_batch_is_its_sequences(network: Network) -> None:
    model, xs = with_biases(network()), draw(TIME, BATCH, INPUTS)
    h0 = drawn_state(model, BATCH)
    outputs, last = model(xs, h0)
    for i in range(BATCH):
        assert_close((outputs[:, i], row(last, i)), model(xs[:, i], row(h0, i)))


@each_network
def test_a_batch_with_a_mask_learns_what_its_sequences_teach(network: Network) -> None:
    model, xs = with_biases(network()), draw(TIME, BATCH, INPUTS)
    target = draw(TIME, BATCH, model(xs)[0].shape[-1], seed=3)
    h0, end = drawn_state(model, BATCH), drawn_state(model, BATCH, seed=5)
    alone: Any = 0.0
    for i, length in enumerate(LENGTHS):
        outputs, h = model(xs[:length, i], row(h0, i))
        alone += inner((outputs, h), (target[:length, i], row(end, i)))
    expected = gradients(model, alone)

    padded = np.where(MASK[..., None], xs, np.nan)  # whatever stands there does not matter
    outputs, h = model(padded, h0, mask=MASK)
    together = inner((outputs, h), (np.where(MASK[..., None], target, 0.0), end))
    np.testing.assert_allclose(together.item(), alone.item(), rtol=1e-12)
    assert_same(gradients(model, together), expected)


@each_network
def test_a_masked_step_keeps_the_state(network: Network) -> None:
    model, xs = with_biases(network()), draw(3, INPUTS)
    outputs, last = model(xs, mask=[True, False, True])
    without, end = model(xs[[0, 2]])
    assert_close((outputs, last), (without.data[[0, 0, 1]], end))


@each_network
@pytest.mark.parametrize("mask", [None, MASK], ids=["whole", "mask"])
def test_a_state_given_back_continues_the_sequence(network: Network, mask: Any) -> None:
    model, xs = with_biases(network()), draw(TIME, BATCH, INPUTS)
    target = draw(TIME, BATCH, model(xs)[0].shape[-1], seed=3)
    whole, end = model(xs, mask=mask)
    expected = gradients(model, inner(whole, target))

    first, h = model(xs[:1], mask=None if mask is None else mask[:1])
    second, last = model(xs[1:], h, None if mask is None else mask[1:])
    halves = ad.concatenate([first, second])
    assert_close((halves, last), (whole, end))
    assert_same(gradients(model, inner(halves, target)), expected)


@each_network
@pytest.mark.parametrize("truncate", [1, 2, 3])
def test_truncated_backprop_is_pieces_with_the_state_detached_between(
    network: Network, truncate: int
) -> None:
    model, xs = with_biases(network()), draw(TIME, BATCH, INPUTS)
    outputs, end = model(xs, drawn_state(model, BATCH), MASK, truncate=truncate)
    target, g = draw(*outputs.shape, seed=3), drawn_state(model, BATCH, seed=5)
    actual = gradients(model, inner((outputs, end), (target, g)))

    pieces, h = [], drawn_state(model, BATCH)
    for start in range(0, TIME, truncate):
        piece = slice(start, start + truncate)
        ys, h = model(xs[piece], ad.stop_gradient(h), MASK[piece])
        pieces.append(ys)
    by_hand = ad.concatenate(pieces)
    assert_close((outputs, end), (by_hand, h))
    assert_same(actual, gradients(model, inner((by_hand, h), (target, g))))


@each_network
@pytest.mark.parametrize("truncate", [TIME, TIME + 1])
def test_pieces_as_long_as_the_sequence_truncate_nothing(network: Network, truncate: int) -> None:
    model, xs = with_biases(network()), draw(TIME, INPUTS)
    h0 = ad.tree.map(lambda a: ad.Tensor(a, requires_grad=True), drawn_state(model))
    full = gradients(model, inner(model(xs, h0)[0], 1.0))
    assert_same(gradients(model, inner(model(xs, h0, truncate=truncate)[0], 1.0)), full)


@each_network
def test_no_error_signal_crosses_the_border_of_a_piece(network: Network) -> None:
    model = with_biases(network())
    steps = [ad.Tensor(x, requires_grad=True) for x in draw(TIME, INPUTS)]
    ad.sum(model(steps, truncate=2)[0][-1]).backward()
    assert [x.grad is not None and bool(x.grad.any()) for x in steps] == [False, False, True, True]


@each_network
def test_a_state_that_is_given_gets_the_gradient_of_the_first_piece_only(network: Network) -> None:
    model, xs = with_biases(network()), draw(TIME, INPUTS)
    h0 = ad.tree.map(lambda a: ad.Tensor(a, requires_grad=True), drawn_state(model))
    outputs, _ = model(xs, h0, truncate=2)
    ad.sum(outputs).backward()
    again = ad.tree.map(lambda a: ad.Tensor(a.data, requires_grad=True), h0)
    ad.sum(model(xs[:2], again)[0]).backward()
    grads = [[a.grad for a in ad.tree.flatten(h)[0]] for h in (h0, again)]
    assert_close(*grads)


@each_network
def test_batch_first_is_the_same_with_axes_exchanged(network: Network) -> None:
    model, xs = with_biases(network()), draw(TIME, BATCH, INPUTS)
    h0 = drawn_state(model, BATCH)
    outputs, last = model(xs, h0, MASK, truncate=3)
    model = with_biases(network(batch_first=True))
    exchanged = xs.swapaxes(0, 1)
    tensors = [ad.Tensor(sequence, requires_grad=True) for sequence in exchanged]
    for given in (exchanged, ad.Tensor(exchanged), tensors):
        ours, end = model(given, h0, MASK.T, truncate=3)
        assert_close((ours, end), (outputs.data.swapaxes(0, 1), last))


@each_network
def test_batch_first_leaves_a_single_sequence_as_it_is(network: Network) -> None:
    xs = draw(TIME, INPUTS)
    mask = [True, True, False, True]
    ours, _ = network(batch_first=True)(xs, mask=mask)
    np.testing.assert_array_equal(ours.data, network()(xs, mask=mask)[0].data)


@each_network
def test_steps_may_be_tensors_in_a_list(network: Network) -> None:
    model, whole = with_biases(network()), ad.Tensor(draw(TIME, INPUTS), requires_grad=True)
    steps = [ad.Tensor(x, requires_grad=True) for x in whole.data]
    for xs in (whole, steps):
        ad.sum(np.sin(model(xs)[0])).backward()
    np.testing.assert_array_equal([x.grad for x in steps], whole.grad)


@each_network
def test_a_cell_takes_lists(network: Network) -> None:
    model, x = network(), draw(INPUTS)
    h = drawn_state(model)
    assert_close(model.cell(list(x), ad.tree.map(list, h)), model.cell(x, h))


@each_network
def test_keeps_the_dtype(network: Network) -> None:
    model = network(dtype="float32")
    xs = draw(TIME, BATCH, INPUTS).astype("float32")
    outputs, h = model(xs, mask=MASK, truncate=2)
    found = gradients(model, ad.sum(outputs) + inner(h, ad.stop_gradient(h)))
    values = [outputs, *ad.tree.flatten(h)[0], *found.values()]
    assert {value.dtype for value in values} == {np.dtype("float32")}


@each_network
def test_same_seed_same_weights(network: Network) -> None:
    one, two, other = (network(rng=seed) for seed in (0, 0, 1))
    assert_same(one.state_dict(), two.state_dict())
    assert (one.W.data != other.W.data).all()


@each_network
def test_each_step_is_recorded_in_a_scope_of_its_own(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []

    @contextmanager
    def scope(name: str) -> Iterator[None]:
        events.append(name)
        yield
        events.append("left")

    monkeypatch.setattr(ad, "scope", scope)
    model = network()
    output = model.output
    monkeypatch.setattr(model, "output", lambda h: events.append("output") or output(h))
    model(draw(2, INPUTS))
    name = type(model).__name__
    assert events == [f"{name} t=1", "output", "left", f"{name} t=2", "output", "left"]


@each_network
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"xs": np.ones((4, 3))}, r"x\(t\) is \(3,\); expected \(2,\) or \(batch, 2\)"),
        ({"xs": np.ones((4, 1, 3))}, r"x\(t\) is \(1, 3\); expected"),
        ({"xs": np.ones((4, 1, 1, 2))}, r"x\(t\) is \(1, 1, 2\); expected"),
        ({"xs": np.ones(2)}, r"x\(t\) is \(\); expected"),
        ({"xs": [np.ones((3, 2)), np.ones((4, 2))]}, r"h is \(3, 5\); expected \(4, 5\)"),
        ({"xs": np.ones((0, 2))}, "the sequence is empty; expected at least one step"),
        ({"xs": []}, "the sequence is empty"),
        ({"xs": np.ones((4, 3, 2)), "mask": MASK.T}, r"mask is \(3, 4\); expected \(4, 3\)"),
        ({"xs": np.ones((4, 2)), "mask": MASK}, r"mask is \(4, 3\); expected \(4,\)"),
    ],
)
def test_refuses_shapes(network: Network, arguments: dict[str, Any], message: str) -> None:
    model = network()
    with pytest.raises(ad.errors.ShapeError, match=f"{type(model).__name__}: {message}"):
        model(**arguments)


@each_network
@pytest.mark.parametrize(
    ("batch", "shape", "message"),
    [
        ((), (4,), r"h is \(4,\); expected \(5,\)"),
        ((3,), (5,), r"h is \(5,\); expected \(3, 5\) beside an x\(t\) of \(3, 2\)"),
    ],
    ids=["size", "batch"],
)
def test_refuses_states(
    network: Network, batch: tuple[int, ...], shape: tuple[int, ...], message: str
) -> None:
    model = network()
    h0 = ad.tree.map(lambda _: np.ones(shape), model.start(np.ones(2)))
    with pytest.raises(ad.errors.ShapeError, match=f"{type(model).__name__}: {message}"):
        model(np.ones((4, *batch, 2)), h0)


@each_network
@pytest.mark.parametrize("truncate", [0, -1])
def test_refuses_pieces_without_a_step(network: Network, truncate: int) -> None:
    with pytest.raises(ad.errors.DomainError, match=f"truncate={truncate}; .* at least 1 step"):
        network()(np.ones((4, 2)), truncate=truncate)


def test_the_base_states_no_cell() -> None:
    with pytest.raises(NotImplementedError, match="Recurrent states no cell"):
        Recurrent().cell(1, 2)


@each_network
def test_refuses_shapes_with_the_batch_first(network: Network) -> None:
    model = network(batch_first=True)
    with pytest.raises(ad.errors.ShapeError, match=r"mask is \(4, 3\); expected \(3, 4\)"):
        model(np.ones((3, 4, 2)), mask=MASK)
    with pytest.raises(ad.errors.ShapeError, match="the sequence is empty"):
        model(np.ones((3, 0, 2)))
