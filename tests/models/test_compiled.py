"""Models in compiled functions: the values and gradients of eager mode, by a loop over time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from models.bag import Bag
from models.classifier import POOLINGS, Classifier
from models.crf import CRF
from models.mlp import MLP
from models.recurrent import Recurrent
from models.regressor import Regressor
from models.search import FIRST
from models.seq2seq import Seq2Seq
from models.stack import Stack
from models.tagger import Tagger
from models.window_tagger import WindowTagger
from tests.models.networks import (
    BATCH,
    INPUTS,
    LENGTHS,
    MASK,
    TIME,
    Network,
    draw,
    drawn_state,
    each_network,
    inner,
    with_biases,
)

Loss = Callable[..., ad.Tensor]


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTODIFF_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def step(loss: Loss, model: Any, *given: Any) -> tuple[ad.Tensor, list[Any]]:
    """The loss and the gradient of each parameter, 0 where there is none."""
    value = loss(model, *given)
    value.backward()
    grads = [np.zeros(p.shape) if p.grad is None else p.grad for p in model.parameters()]
    model.zero_grad()
    return value, [g.dense() if hasattr(g, "dense") else g for g in grads]


def compiled(loss: Loss, backend: str = "numpy") -> Any:
    return ad.compile(partial(step, loss), backend=backend)


def assert_same(
    model: ad.Module, loss: Loss, *given: Any, backend: str = "numpy", rtol: float = 1e-12
) -> Any:
    """Twice, since a program takes another way from the second call on; gives the program."""
    expected, grads = step(loss, model, *given)
    run = compiled(loss, backend)
    for _ in range(2):
        value, found = run(model, *given)
        np.testing.assert_allclose(value.item(), expected.item(), rtol=rtol)
        for name, one, other in zip(model.named_parameters(), found, grads, strict=True):
            least = rtol * np.abs(other).max(initial=1e-3)
            np.testing.assert_allclose(one, other, rtol=rtol, atol=least, err_msg=name)
    return run.program


def along(model: Any, xs: Any, h0: Any, mask: Any, weights: Any, truncate: Any) -> ad.Tensor:
    """A loss on all that a network gives."""
    outputs, h = model(xs, h0, mask, truncate)
    return ad.sum(outputs * weights) + inner(h, h)


# ---- recurrent networks


@each_network
@pytest.mark.parametrize(
    ("mask", "truncate", "is_first"),
    [(None, None, False), (MASK, None, False), (MASK, 3, True)],
    ids=["whole", "mask", "pieces of a mask, batch first"],
)
def test_networks(network: Network, mask: Any, truncate: int | None, is_first: bool) -> None:
    model, xs = with_biases(network(batch_first=is_first)), draw(TIME, BATCH, INPUTS)
    weights = draw(*model(xs, drawn_state(model, xs.shape[1]))[0].shape, seed=3) if (
        not is_first) else draw(BATCH, TIME, model(xs.swapaxes(0, 1))[0].shape[-1])  # fmt: skip
    if is_first:
        xs, mask = xs.swapaxes(0, 1), mask.T
    assert_same(model, along, xs, drawn_state(model, BATCH), mask, weights, truncate)


@each_network
def test_networks_on_vectors_from_zeros_and_tensors(network: Network) -> None:
    model, xs = with_biases(network()), draw(TIME, INPUTS)
    weights = draw(*model(xs)[0].shape, seed=3)
    assert_same(model, along, xs, None, [True, False, True, True], weights, None)
    steps = [ad.Tensor(x, requires_grad=True) for x in xs]

    def gradients(model: Any, steps: Any) -> list[Any]:
        ad.sum(np.sin(model(steps)[0])).backward()
        return [x.grad for x in steps]

    expected = gradients(model, steps)
    for x in steps:
        x.zero_grad()
    model.zero_grad()
    found = ad.compile(gradients, backend="numpy")(model, steps)
    np.testing.assert_allclose(np.stack(found), np.stack(expected), rtol=1e-12)


@pytest.mark.parametrize("cell", ["gru", "lstm", "rnn"])
def test_stacks(cell: str) -> None:
    model = with_biases(Stack(cell, INPUTS, 3, layers=2, bidirectional=True, batch_first=True))
    xs, weights = draw(BATCH, TIME, INPUTS), draw(BATCH, TIME, 6, seed=3)
    h0 = [drawn_state(n, BATCH) for n in with_directions(model)] if cell != "lstm" else None
    if h0 is not None:
        h0 = [h[:, :3] for h in h0]
    assert_same(model, along, xs, h0, MASK.T, weights, 2)


def with_directions(model: Stack) -> list[Recurrent]:
    return model.forwards + model.backwards


def test_dropout_between_layers_is_drawn_alike() -> None:
    losses = []
    for backend in ("off", "numpy"):
        model = with_biases(Stack("gru", INPUTS, 3, layers=2, dropout=0.5, rng=5))
        run = compiled(lambda model, xs: ad.sum(model(xs)[0]), backend)
        losses.append([run(model, draw(TIME, BATCH, INPUTS))[0].item() for _ in range(3)])
    np.testing.assert_allclose(*losses, rtol=1e-12)
    assert len(set(losses[0])) == 3


@each_network
def test_the_program_does_not_grow_with_the_steps(network: Network) -> None:
    model, sizes = network(), []
    for time in (5, 50):
        run = compiled(lambda model, xs, mask: ad.sum(model(xs, mask=mask)[0]))
        run(model, draw(time, BATCH, INPUTS), np.ones((time, BATCH), bool))
        sizes.append(len(run.program.instructions))
    assert sizes[0] == sizes[1]


def test_shapes_are_refused_alike() -> None:
    model = Stack("gru", INPUTS, 3)
    run = ad.compile(lambda model, *given: model(*given), backend="numpy")
    for given, message in [
        ((np.ones((4, 3)),), r"x\(t\) is \(3,\); expected \(2,\)"),
        ((np.ones((0, 2)),), "the sequence is empty"),
        ((np.ones((4, 2)), None, MASK), r"mask is \(4, 3\); expected \(4,\)"),
    ]:
        with pytest.raises(ad.errors.ShapeError, match=message):
            run(model, *given)


# ---- the losses of all kinds of models


IDS = np.array([[[1, 1], [2, 0]], [[2, 2], [1, 1]], [[0, 1], [0, 0]]])
TAGS, THERE = np.array([[0, 1], [2, 0], [1, 0]]), np.array([[1, 1], [1, 1], [1, 0]], bool)
TABLES: Any = {"word": ["<unk>", "a", "b"], "suffix1": ["<unk>", "x", "y"]}
SMALL: Any = {"word_size": 3, "feature_size": 2, "hidden": 3, "dropout": 0.0, "dtype": "float64"}
TEXTS = ["good good film", "bad", "film bad good unknown"]


def tag_loss(model: Any, *given: Any) -> ad.Tensor:
    return model.loss(*given)


def classifier(**options: Any) -> tuple[Any, ...]:
    grams = ["<unk>", "good", "bad", "good good"]
    model = Classifier(grams[:3], ["no", "yes"], grams, 3, 3, dtype="float64", **options).eval()
    return with_biases(model), tag_loss, np.array([1, 0, 1]), *model.inputs(TEXTS)


def translator() -> tuple[Any, ...]:
    lexicon = {"das": {"the": 0.9, "that": 0.1}, "haus": {"house": 1.0}}
    words = ([*FIRST, "das", "haus"], [*FIRST, "the", "house"])
    model = Seq2Seq(*words, lexicon, size=3, hidden=3, dtype="float64").eval()
    before, y, counts = model.outputs([["the", "house"], ["house"]])
    given = (*model.inputs([["das", "haus"], ["haus"]]), before, y, counts)

    def loss(model: Any, f: Any, mask: Any, L: Any, before: Any, y: Any, counts: Any) -> Any:
        return ad.cross_entropy(model(f, mask, L, before), y, mask=counts)

    return with_biases(model), loss, *given


def perceptron() -> tuple[Any, ...]:
    model = MLP([3, 4, 2], "gelu")
    return model, lambda model, x, y: ad.cross_entropy(model(x), y), draw(5, 3), np.arange(5) % 2


def regressor() -> tuple[Any, ...]:
    model = Regressor(INPUTS, 3, "lstm")
    return (
        model, lambda model, xs, y: ad.mse(model(xs), y), draw(TIME, BATCH, INPUTS), draw(BATCH)
    )  # fmt: skip


def tagger(kind: Any, **options: Any) -> tuple[Any, ...]:
    model = kind(TABLES, ["D", "N", "V"], **SMALL, **options)
    return with_biases(model), tag_loss, IDS, TAGS, THERE


MODELS: dict[str, Callable[[], tuple[Any, ...]]] = {
    "MLP": perceptron,
    "tagger": partial(tagger, Tagger),
    "tagger with a CRF": partial(tagger, Tagger, crf=True, cell="lstm"),
    "window tagger": partial(tagger, WindowTagger, window=1),
    **{f"classifier, {pooling}": partial(classifier, pooling=pooling) for pooling in POOLINGS},
    "translator": translator,
    "regressor": regressor,
}


@pytest.mark.parametrize("name", MODELS)
def test_losses(name: str) -> None:
    model, loss, *given = MODELS[name]()
    assert_same(model, loss, *given)


def test_a_crf_of_one_step_has_no_loop() -> None:
    model = with_biases(CRF(3))
    loss = partial(lambda model, e, y: ad.sum(model(e, y)))
    assert_same(model, loss, draw(1, 2, 3), np.array([[0, 2]]))


def crf_loss(model: CRF, e: Any, y: Any, mask: Any) -> ad.Tensor:
    return ad.sum(model(e, y, mask))


@pytest.mark.parametrize("backend", ["numpy", "c"])
def test_a_crf_under_a_mask(backend: str) -> None:
    model, mask = with_biases(CRF(3)), np.arange(4)[:, None] < LENGTHS
    y = np.random.default_rng(0).integers(0, 3, (4, BATCH))
    rtol = {"numpy": 1e-12, "c": 1e-9}[backend]
    given = (draw(4, BATCH, 3), y, mask)
    assert_same(model, crf_loss, *given, backend=backend, rtol=rtol)


# ---- in C, which takes time to build: little of it


def pooled(model: Stack, xs: Any, mask: Any) -> ad.Tensor:
    h, _ = model(xs, mask=mask)
    return ad.sum(ad.max(ad.where(mask[..., None], h, -np.inf), 0) ** 2)


def test_a_network_in_both_directions_under_a_mask_in_c() -> None:
    model = with_biases(Stack("rnn", INPUTS, 3, bidirectional=True))
    assert_same(model, pooled, draw(TIME, BATCH, INPUTS), MASK, backend="c", rtol=1e-9)


def bag_loss(model: Bag, ids: Any, y: Any) -> ad.Tensor:
    return ad.cross_entropy(model(ids), y)


def test_a_bag_in_c() -> None:
    model, ids = with_biases(Bag(["<unk>", "good", "bad"], 2, dtype="float64")), IDS[..., 0]
    assert_same(model, bag_loss, ids, np.array([1, 0]), backend="c", rtol=1e-9)


class Scaled(ad.Module):
    """With a factor that has no axes, or one of one entry."""

    def __init__(self, k: Any) -> None:
        self.w, self.k = ad.Parameter(np.ones(3)), ad.Parameter(k)


@pytest.mark.parametrize("backend", ["numpy", "c"])
@pytest.mark.parametrize("k", [2.0, [2.0]], ids=["no axis", "an axis"])
def test_steps_with_a_learning_rate_that_falls(k: Any, backend: str) -> None:
    def train(model: Any, optimizer: Any, x: Any) -> ad.Tensor:
        loss = ad.sum((model.w * x * model.k - 1) ** 2)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss

    found = []
    for how in ("off", backend):
        model = Scaled(k)
        optimizer, run = ad.optim.Adam(model.parameters()), ad.compile(train, backend=how)
        for t in range(5):
            optimizer.lr = 0.1 / (1 + t)
            run(model, optimizer, draw(3))
        found.append([*model.w.numpy(), model.k.item()])
    np.testing.assert_allclose(found[1], found[0], rtol=1e-12)
