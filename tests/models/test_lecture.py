"""What a lecture derives by hand: by the engine, by its formulas, and by finite differences.

The letters are those of by-hand.md, every-path.md and through-time.md in docs/tutorials. The
formulas and the functions that are differentiated numerically are in numpy, and take nothing from
the engine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from models.gru import GRU
from models.mlp import MLP
from models.rnn import RNN
from tests.differences import assert_close, complex_step, gradient

Arrays = list[np.ndarray]


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


F = {
    "sigmoid": (ad.sigmoid, sigmoid, lambda a: a * (1 - a)),
    "tanh": (ad.tanh, np.tanh, lambda a: 1 - a * a),
}
"""Each f: of the engine, of numpy, and f'(z) from a = f(z)."""

each_f = pytest.mark.parametrize("f", F)


def draw(*shapes: tuple[int, ...], seed: int = 0) -> Arrays:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape) for shape in shapes]


def tensors(arrays: Arrays) -> list[ad.Tensor]:
    return [ad.Tensor(array, requires_grad=True) for array in arrays]


def by_engine(J: ad.Tensor, xs: list[ad.Tensor]) -> Arrays:
    J.backward()
    return [x.grad for x in xs]


def slopes_of(f: Callable[..., Any], xs: Arrays) -> Arrays:
    """The gradient of `f` from its values: by the complex step, which real differences confirm.

    Where a share of J is small, differences alone have too few digits of it.
    """
    found = complex_step(f, xs)
    assert found is not None
    for exact, difference in zip(found, gradient(f, xs), strict=True):
        assert_close(exact, difference, 1e-10)
    return found


def assert_agree(engine: Arrays, formulas: Arrays, slopes: Arrays) -> None:
    """All three within 1e-10 of each other, relative to the largest entry of the gradient."""
    for i, (ours, formula, slope) in enumerate(zip(engine, formulas, slopes, strict=True)):
        nearness = {"rtol": 0, "atol": 1e-10 * np.abs(slope).max()}
        np.testing.assert_allclose(ours, formula, **nearness, err_msg=f"{i}: engine, formula")
        np.testing.assert_allclose(formula, slope, **nearness, err_msg=f"{i}: formula, slope")
        np.testing.assert_allclose(ours, slope, **nearness, err_msg=f"{i}: engine, slope")


# 4-2-1: the score of a window, and the margin to a corrupt one


WINDOW = (2, 4), (2,), (2,), (4,), (4,)  # W, b, U, x, xc


def score(W: np.ndarray, b: np.ndarray, U: np.ndarray, x: np.ndarray) -> Any:
    return U @ sigmoid(W @ x + b)


def margin_loss(W: np.ndarray, b: np.ndarray, U: np.ndarray, x: np.ndarray, xc: np.ndarray) -> Any:
    return np.maximum(0, 1 - score(W, b, U, x) + score(W, b, U, xc))


def margin_loss_of_engine(W: Any, b: Any, U: Any, x: Any, xc: Any) -> ad.Tensor:
    s, sc = (U @ ad.sigmoid(W @ v + b) for v in (x, xc))
    return ad.maximum(0.0, 1 - s + sc)


def hidden(W: np.ndarray, b: np.ndarray, U: np.ndarray, x: np.ndarray) -> Arrays:
    """a = f(z) and delta = U * f'(z)."""
    a = sigmoid(W @ x + b)
    return [a, U * a * (1 - a)]


def test_score_of_a_window() -> None:
    arrays = draw(*WINDOW)[:4]
    W, b, U, x = tensors(arrays)
    s = U @ ad.sigmoid(W @ x + b)
    a, delta = hidden(*arrays)
    formulas = [np.outer(delta, x.data), delta, a, W.data.T @ delta]
    assert_agree(by_engine(s, [W, b, U, x]), formulas, slopes_of(score, arrays))


def test_one_weight_of_a_window() -> None:
    arrays = draw(*WINDOW)[:4]
    W, b, U, x = arrays
    tracked = ad.Tensor(W, requires_grad=True)
    (path,) = ad.paths(U @ ad.sigmoid(tracked @ x + b), tracked, element=(0, 3), names={})
    z1 = W[0] @ x + b[0]
    by_formula = U[0] * sigmoid(z1) * (1 - sigmoid(z1)) * x[3]
    place = np.outer([1, 0], [0, 0, 0, 1])
    slope = slopes_of(lambda w: score(W + w * place, b, U, x), [np.zeros(())])
    assert_agree([path.contribution], [by_formula], slope)


def test_margin_loss() -> None:
    arrays = W, _, _, x, xc = draw(*WINDOW)
    assert margin_loss(*arrays) > 0.1
    a, delta = hidden(*arrays[:4])
    ac, delta_c = hidden(*arrays[:3], xc)
    formulas = [
        np.outer(delta_c, xc) - np.outer(delta, x), delta_c - delta, ac - a,
        -W.T @ delta, W.T @ delta_c,
    ]  # fmt: skip
    tracked = tensors(arrays)
    J = margin_loss_of_engine(*tracked)
    np.testing.assert_allclose(J.data, margin_loss(*arrays), rtol=1e-14)
    assert_agree(by_engine(J, tracked), formulas, slopes_of(margin_loss, arrays))


def test_a_window_with_enough_margin_teaches_nothing() -> None:
    W, b, *_ = draw(*WINDOW)
    arrays = [W, b, np.array([5.0, 5.0]), W.sum(axis=0), -W.sum(axis=0)]
    assert margin_loss(*arrays) == 0
    nothing = [np.zeros(shape) for shape in WINDOW]
    tracked = tensors(arrays)
    found = by_engine(margin_loss_of_engine(*tracked), tracked)
    assert_agree(found, nothing, slopes_of(margin_loss, arrays))


# Four layers with softmax on top


LAYERS = (4, 6), (4,), (3, 4), (3,), (5, 3), (5,), (6,)  # W1, b1, W2, b2, W3, b3, x
CLASS = 2


def loss_of_scores(z4: np.ndarray) -> Any:
    return -np.log(np.exp(z4[CLASS]) / np.exp(z4).sum())


def tails(f: str, W2: np.ndarray, b2: np.ndarray, W3: np.ndarray, b3: np.ndarray) -> list[Any]:
    """J as a function of z2, of z3 and of z4."""
    f_ = F[f][1]

    def from_z3(z3: np.ndarray) -> Any:
        return loss_of_scores(W3 @ f_(z3) + b3)

    return [lambda z2: from_z3(W2 @ f_(z2) + b2), from_z3, loss_of_scores]


def loss_of_layers(f: str) -> Callable[..., Any]:
    def loss(*arrays: np.ndarray) -> Any:
        W1, b1, *upper, x = arrays
        return tails(f, *upper)[0](W1 @ x + b1)

    return loss


@each_f
@pytest.mark.parametrize(
    "loss", [lambda z: ad.cross_entropy(z, CLASS), lambda z: -ad.log(ad.softmax(z)[CLASS])],
    ids=["cross_entropy", "log_of_softmax"],
)  # fmt: skip
def test_four_layers(f: str, loss: Callable[[Any], ad.Tensor]) -> None:
    arrays = draw(*LAYERS)
    W1, b1, W2, b2, W3, b3, x = tracked = tensors(arrays)
    f_ = F[f][0]
    z2 = W1 @ x + b1
    z3 = W2 @ f_(z2) + b2
    z4 = W3 @ f_(z3) + b3
    J = loss(z4)
    zs, deltas, gradients = four_layers_by_hand(f, *arrays)
    signals = [ad.signals(J, names={})[z].delta for z in (z2, z3, z4)]
    tails_of_z = zip(tails(f, *arrays[2:6]), zs, strict=True)
    assert_agree(signals, deltas, [slopes_of(tail, [z])[0] for tail, z in tails_of_z])
    assert_agree(by_engine(J, tracked), gradients, slopes_of(loss_of_layers(f), arrays))


def four_layers_by_hand(
    f: str, W1: Any, b1: Any, W2: Any, b2: Any, W3: Any, b3: Any, x: Any
) -> tuple[Arrays, Arrays, Arrays]:
    """Each z, its delta, and the gradients of all that there is, the input among them."""
    _, f_, slope = F[f]
    a2 = f_(z2 := W1 @ x + b1)
    a3 = f_(z3 := W2 @ a2 + b2)
    z4 = W3 @ a3 + b3
    delta4 = np.exp(z4) / np.exp(z4).sum() - np.eye(5)[CLASS]
    delta3 = W3.T @ delta4 * slope(a3)
    delta2 = W2.T @ delta3 * slope(a2)
    gradients = [
        np.outer(delta2, x), delta2, np.outer(delta3, a2), delta3, np.outer(delta4, a3), delta4,
        W1.T @ delta2,
    ]  # fmt: skip
    return [z2, z3, z4], [delta2, delta3, delta4], gradients


def test_word_vectors_of_a_window() -> None:
    *arrays, _ = draw(*LAYERS)
    (L,) = draw((5, 2), seed=1)
    window = [3, 0, 3]  # a word that occurs twice gets the sum
    loss = loss_of_layers("tanh")
    pieces = four_layers_by_hand("tanh", *arrays, L[window].ravel())[2][-1].reshape(3, 2)
    by_formula = np.array([pieces[1], [0, 0], [0, 0], pieces[0] + pieces[2], [0, 0]])

    words = ad.Embedding(5, 2)
    words.table.data = L
    W1, b1, W2, b2, W3, b3 = arrays
    x = words(window).reshape(6)
    z4 = W3 @ ad.tanh(W2 @ ad.tanh(W1 @ x + b1) + b2) + b3
    ad.cross_entropy(z4, CLASS).backward()
    slopes = slopes_of(lambda L: loss(*arrays, L[window].ravel()), [L])
    assert_agree([np.asarray(words.table.grad)], [by_formula], slopes)


# 2-10-10-3: gradients of a whole batch


@each_f
def test_2_10_10_3(f: str) -> None:
    (x,), y = draw((12, 2), seed=1), np.arange(12) % 3
    model = MLP([2, 10, 10, 3], activation=f, rng=0)
    for p in model.parameters():
        p.data = np.random.default_rng(p.size).normal(size=p.shape)
    arrays = [p.data.copy() for p in model.parameters()]
    assert [a.shape for a in arrays] == [(10, 2), (10,), (10, 10), (10,), (3, 10), (3,)]

    J = ad.cross_entropy(model(x), y)
    slopes = slopes_of(lambda *arrays: batch_loss(f, arrays, x, y), arrays)
    np.testing.assert_allclose(J.data, batch_loss(f, arrays, x, y), rtol=1e-13)
    assert_agree(by_engine(J, model.parameters()), batch_by_hand(f, arrays, x, y), slopes)


def batch_layers(f: str, arrays: Any, x: np.ndarray) -> Arrays:
    """What both hidden layers and softmax give: an example a row."""
    W1, b1, W2, b2, W3, b3 = arrays
    a2 = F[f][1](x @ W1.T + b1)
    a3 = F[f][1](a2 @ W2.T + b2)
    e = np.exp(a3 @ W3.T + b3)
    return [a2, a3, e / e.sum(axis=1, keepdims=True)]


def batch_loss(f: str, arrays: Any, x: np.ndarray, y: np.ndarray) -> Any:
    p = batch_layers(f, arrays, x)[-1]
    return -np.mean(np.log(p[np.arange(len(y)), y]))


def batch_by_hand(f: str, arrays: Any, x: np.ndarray, y: np.ndarray) -> Arrays:
    _, _, W2, _, W3, _ = arrays
    a2, a3, p = batch_layers(f, arrays, x)
    delta4 = (p - np.eye(3)[y]) / len(y)
    delta3 = delta4 @ W3 * F[f][2](a3)
    delta2 = delta3 @ W2 * F[f][2](a2)
    deltas = (delta2, x), (delta3, a2), (delta4, a3)
    return [g for delta, a in deltas for g in (delta.T @ a, delta.sum(axis=0))]


# Elman's network: backprop through time, share by share


INPUTS, HIDDEN, OUTPUTS, TIME = 2, 4, 3, 5
ELMAN = (HIDDEN, HIDDEN), (HIDDEN, INPUTS), (HIDDEN,), (OUTPUTS, HIDDEN), (OUTPUTS,)
CLASSES = [1, 2, 0, 0, 2]  # at t = 1, 2, ...


def elman(f: str) -> tuple[RNN, Arrays, np.ndarray, np.ndarray]:
    """A network, its arrays H, W, b1, U, b2, the inputs x(1), x(2), ... and h(0)."""
    arrays, (xs, h0) = draw(*ELMAN), draw((TIME, INPUTS), (HIDDEN,), seed=1)
    model = RNN(INPUTS, HIDDEN, OUTPUTS, f)
    model.load_state_dict(dict(zip(("H", "W", "b1", "U", "b2"), arrays, strict=True)))
    return model, arrays, xs, h0


def losses(f: str, arrays: Arrays, xs: np.ndarray, h: np.ndarray, Hs: Any, b1s: Any) -> Arrays:
    """J(1), J(2), ... of a network with another H and b1 at each step."""
    _, W, _, U, b2 = arrays
    found = []
    for x, H, b1, k in zip(xs, Hs, b1s, CLASSES, strict=False):
        h = F[f][1](H @ h + W @ x + b1)
        y = U @ h + b2
        found.append(np.log(np.exp(y).sum()) - y[k])
    return found


def recursion(
    f: str, arrays: Arrays, xs: np.ndarray, h: np.ndarray, losses_at: Any
) -> tuple[Arrays, Arrays]:
    """delta(1), delta(2), ... of the sum of some J(t), and h(0), h(1), ..."""
    H, W, b1, U, b2 = arrays
    hs = [h]
    for x in xs:
        hs.append(F[f][1](H @ hs[-1] + W @ x + b1))
    deltas, error = [], np.zeros(HIDDEN)
    for t in range(len(xs), 0, -1):
        if t in losses_at:
            e = np.exp(U @ hs[t] + b2)
            error = error + U.T @ (e / e.sum() - np.eye(OUTPUTS)[CLASSES[t - 1]])
        deltas.insert(0, F[f][2](hs[t]) * error)
        error = H.T @ deltas[0]
    return deltas, hs


@each_f
@pytest.mark.parametrize("losses_at", [[2], [4], [TIME], [1, 2, 3, 4, TIME]], ids=str)
def test_shares_of_each_step(f: str, losses_at: list[int]) -> None:
    model, arrays, xs, h0 = elman(f)
    steps, xs = range(1, max(losses_at) + 1), xs[: max(losses_at)]
    scores, _ = model(tensors(list(xs)), h0)
    J = sum(ad.cross_entropy(scores[t - 1], CLASSES[t - 1]) for t in losses_at)

    def loss(*both: np.ndarray) -> Any:
        found = losses(f, arrays, xs, h0, both[: len(xs)], both[len(xs) :])
        return sum(found[t - 1] for t in losses_at)

    slopes = slopes_of(loss, [arrays[0] for _ in steps] + [arrays[2] for _ in steps])
    deltas, hs = recursion(f, arrays, xs, h0, losses_at)
    shares = {name: ad.uses(J, getattr(model, name), names={}) for name in ("H", "W", "b1")}
    for uses in shares.values():
        assert [label for label, _ in uses] == [f"t={t}" for t in steps]
    by_engine = {name: [share for _, share in uses] for name, uses in shares.items()}
    by_formula = [np.outer(delta, h) for delta, h in zip(deltas, hs, strict=False)]
    assert_agree(by_engine["H"], by_formula, slopes[: len(xs)])
    assert_agree(by_engine["b1"], deltas, slopes[len(xs) :])
    of_inputs = [np.outer(delta, x) for delta, x in zip(slopes[len(xs) :], xs, strict=True)]
    assert_agree(by_engine["W"], [np.outer(d, x) for d, x in zip(deltas, xs)], of_inputs)
    assert_agree([shares["H"].total], [sum(by_formula)], [sum(slopes[: len(xs)])])


# The gated recurrent unit: four paths from J(t) to x(t)


GATES = ("Wz", "Uz", "bz", "Wr", "Ur", "br", "W", "U", "b")
TARGET = np.array([0.9, -0.4, 0.1, 0.5])


def test_four_paths_of_a_gru() -> None:
    model, (xs,) = GRU(INPUTS, HIDDEN), draw((3, INPUTS), seed=1)
    shapes = [model.state_dict()[name].shape for name in GATES]
    p = dict(zip(GATES, draw(*shapes), strict=True))
    model.load_state_dict(p)
    steps = tensors(list(xs))
    hs, h = model(steps)
    paths = ad.paths(0.5 * ad.sum((h - TARGET) ** 2), steps[-1], names={})
    assert paths.count == 4

    before = hs.data[1]
    slopes = slopes_of(lambda *x: gru_loss(p, before, *x), [xs[-1]] * 4)
    formulas = gru_paths_by_hand(p, before, xs[-1])
    # Paths come with the largest first, and no two of these are equally large.
    order = np.argsort([-np.linalg.norm(formula) for formula in formulas])
    assert_agree(
        [path.contribution for path in paths],
        [formulas[i] for i in order],
        [slopes[i] for i in order],
    )
    assert_agree([paths.total], [sum(formulas)], [sum(slopes)])


def gru_loss(p: dict[str, np.ndarray], h: np.ndarray, x1: Any, x2: Any, x3: Any, x4: Any) -> Any:
    """J with an input of its own for each path."""
    z_kept, z_new = (sigmoid(p["Wz"] @ x + p["Uz"] @ h + p["bz"]) for x in (x1, x2))
    r = sigmoid(p["Wr"] @ x3 + p["Ur"] @ h + p["br"])
    candidate = np.tanh(p["W"] @ x4 + r * (p["U"] @ h) + p["b"])
    return 0.5 * np.sum((z_kept * h + (1 - z_new) * candidate - TARGET) ** 2)


def gru_paths_by_hand(p: dict[str, np.ndarray], h: np.ndarray, x: np.ndarray) -> Arrays:
    """By way of z * h(t-1), of 1 - z, of r, and of the candidate alone."""
    z = sigmoid(p["Wz"] @ x + p["Uz"] @ h + p["bz"])
    r = sigmoid(p["Wr"] @ x + p["Ur"] @ h + p["br"])
    candidate = np.tanh(p["W"] @ x + r * (p["U"] @ h) + p["b"])
    g = z * h + (1 - z) * candidate - TARGET
    delta = g * (1 - z) * (1 - candidate**2)
    return [
        p["Wz"].T @ (g * h * z * (1 - z)),
        p["Wz"].T @ (-g * candidate * z * (1 - z)),
        p["Wr"].T @ (delta * (p["U"] @ h) * r * (1 - r)),
        p["W"].T @ delta,
    ]
