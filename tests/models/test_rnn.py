"""Elman's network against its equations, and what holds for all recurrent networks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from models.gru import GRU
from models.recurrent import Recurrent
from models.rnn import RNN

TIME, BATCH, INPUTS, HIDDEN, OUTPUTS = 4, 3, 2, 5, 3
MASK = np.arange(TIME)[:, None] < [4, 2, 3]  # sequences of these lengths
F = {
    "sigmoid": lambda v: 1 / (1 + np.exp(-v)),
    "tanh": np.tanh,
    "relu": lambda v: np.maximum(v, 0),
}

each_network = pytest.mark.parametrize(
    "network",
    [partial(RNN, INPUTS, HIDDEN, OUTPUTS), partial(GRU, INPUTS, HIDDEN)],
    ids=["RNN", "GRU"],
)
Network = Callable[..., Recurrent]


def with_biases(model: Any) -> Any:
    """The model with each parameter drawn anew, since biases of 0 would hide mistakes."""
    rng = np.random.default_rng(1)
    model.load_state_dict(
        {n: rng.normal(size=p.shape) for n, p in model.named_parameters().items()}
    )
    return model


def draw(*shape: int, seed: int = 2) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def gradients(model: Recurrent, loss: ad.Tensor) -> dict[str, np.ndarray]:
    model.zero_grad()
    loss.backward()
    return {name: p.grad for name, p in model.named_parameters().items()}


def assert_same(actual: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert list(actual) == list(expected)
    for name, value in actual.items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-10, atol=1e-12, err_msg=name)


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


@each_network
@pytest.mark.parametrize("batch", [(), (BATCH,)], ids=["vectors", "batch"])
def test_gradients_of_all_parameters_and_inputs_are_slopes(
    network: Network, batch: tuple[int, ...]
) -> None:
    model, xs, h0 = with_biases(network()), draw(TIME, *batch, INPUTS), draw(*batch, HIDDEN)
    ad.testing.check_gradients(lambda model, xs, h0: model(xs, h0), model, xs, h0)


@each_network
def test_gradients_under_a_mask_are_slopes(network: Network) -> None:
    model, xs, h0 = with_biases(network()), draw(TIME, BATCH, INPUTS), draw(BATCH, HIDDEN)
    ad.testing.check_gradients(lambda model, xs, h0: model(xs, h0, MASK), model, xs, h0)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_gradients_with_other_activations_are_slopes(activation: str) -> None:
    model = with_biases(RNN(INPUTS, HIDDEN, OUTPUTS, activation))
    ad.testing.check_gradients(lambda model, xs: model(xs), model, draw(TIME, INPUTS))


@each_network
def test_a_batch_is_its_sequences(network: Network) -> None:
    model, xs, h0 = with_biases(network()), draw(TIME, BATCH, INPUTS), draw(BATCH, HIDDEN)
    outputs, last = model(xs, h0)
    for i in range(BATCH):
        alone, end = model(xs[:, i], h0[i])
        np.testing.assert_allclose(outputs.data[:, i], alone.data, rtol=1e-12)
        np.testing.assert_allclose(last.data[i], end.data, rtol=1e-12)


@each_network
def test_a_batch_with_a_mask_learns_what_its_sequences_teach(network: Network) -> None:
    model, xs = with_biases(network()), draw(TIME, BATCH, INPUTS)
    width = model(xs)[0].shape[-1]
    target, end = draw(TIME, BATCH, width, seed=3), draw(BATCH, HIDDEN, seed=4)
    alone: Any = 0.0
    for i, length in enumerate(MASK.sum(axis=0)):
        outputs, h = model(xs[:length, i])
        alone += ad.sum(outputs * target[:length, i]) + ad.sum(h * end[i])
    expected = gradients(model, alone)

    padded = np.where(MASK[..., None], xs, np.nan)  # whatever stands there does not matter
    outputs, h = model(padded, mask=MASK)
    together = ad.sum(outputs * np.where(MASK[..., None], target, 0.0)) + ad.sum(h * end)
    np.testing.assert_allclose(together.item(), alone.item(), rtol=1e-12)
    assert_same(gradients(model, together), expected)


@each_network
def test_a_masked_step_keeps_the_state(network: Network) -> None:
    model, xs = with_biases(network()), draw(3, INPUTS)
    outputs, last = model(xs, mask=[True, False, True])
    without, end = model(xs[[0, 2]])
    np.testing.assert_array_equal(outputs.data, without.data[[0, 0, 1]])
    np.testing.assert_array_equal(last.data, end.data)


@each_network
def test_batch_first_is_the_same_with_axes_exchanged(network: Network) -> None:
    xs, h0 = draw(TIME, BATCH, INPUTS), draw(BATCH, HIDDEN)
    outputs, last = with_biases(network())(xs, h0, MASK)
    model = with_biases(network(batch_first=True))
    exchanged = xs.swapaxes(0, 1)
    tensors = [ad.Tensor(sequence, requires_grad=True) for sequence in exchanged]
    for given in (exchanged, ad.Tensor(exchanged), tensors):
        ours, end = model(given, h0, MASK.T)
        np.testing.assert_array_equal(ours.data, outputs.data.swapaxes(0, 1))
        np.testing.assert_array_equal(end.data, last.data)


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
    model, x, h = network(), draw(INPUTS), draw(HIDDEN)
    np.testing.assert_array_equal(model.cell(list(x), list(h)).data, model.cell(x, h).data)


@each_network
def test_keeps_the_dtype(network: Network) -> None:
    model = network(dtype="float32")
    outputs, h = model(draw(TIME, BATCH, INPUTS).astype("float32"), mask=MASK)
    assert outputs.dtype == h.dtype == "float32"
    found = gradients(model, ad.sum(outputs) + ad.sum(h))
    assert {g.dtype for g in found.values()} == {np.dtype("float32")}


@each_network
def test_same_seed_same_weights(network: Network) -> None:
    one, two, other = (network(rng=seed) for seed in (0, 0, 1))
    assert_same(one.state_dict(), two.state_dict())
    assert (one.W.data != other.W.data).all()


def test_parameters_have_the_letters_of_the_equations() -> None:
    model = RNN(INPUTS, HIDDEN, OUTPUTS)
    assert list(model.named_parameters()) == ["H", "W", "b1", "U", "b2"]
    assert [p.name for p in model.parameters()] == ["H", "W", "b1", "U", "b2"]
    assert (model.H.shape, model.W.shape, model.U.shape) == ((5, 5), (5, 2), (3, 5))


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
    monkeypatch.setattr(model, "output", lambda h: events.append("output") or h)
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
        ({"xs": np.ones((4, 2)), "h0": np.ones(4)}, r"h is \(4,\); expected \(5,\)"),
        ({"xs": np.ones((4, 3, 2)), "h0": np.ones(5)}, r"h is \(5,\); expected \(3, 5\)"),
        ({"xs": np.ones((4, 3, 2)), "mask": MASK.T}, r"mask is \(3, 4\); expected \(4, 3\)"),
        ({"xs": np.ones((4, 2)), "mask": MASK}, r"mask is \(4, 3\); expected \(4,\)"),
    ],
)
def test_refuses_shapes(network: Network, arguments: dict[str, Any], message: str) -> None:
    model = network()
    with pytest.raises(ad.errors.ShapeError, match=f"{type(model).__name__}: {message}"):
        model(**arguments)


@each_network
def test_refuses_shapes_with_the_batch_first(network: Network) -> None:
    model = network(batch_first=True)
    with pytest.raises(ad.errors.ShapeError, match=r"mask is \(4, 3\); expected \(3, 4\)"):
        model(np.ones((3, 4, 2)), mask=MASK)
    with pytest.raises(ad.errors.ShapeError, match="the sequence is empty"):
        model(np.ones((3, 0, 2)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"hidden": 0}, "RNN: sizes .*'hidden': 0.*; each has to be at least 1"),
        ({"activation": "gelu"}, "unknown activation 'gelu'; there are sigmoid, tanh, relu"),
    ],
)
def test_refuses_settings(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ad.errors.DomainError, match=message):
        RNN(**{"inputs": 2, "hidden": 3, "outputs": 1} | arguments)
