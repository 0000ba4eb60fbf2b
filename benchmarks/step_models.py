"""What is trained: models written once for all libraries, with their sizes, inputs and goals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks import ops, scalar, step_hand

__all__ = ["Problem", "problems", "scalars"]

RATE = 0.1
GOALS = {  # hidden, batch
    "elman": {(64, 1): 0.10, (64, 32): 0.55, (256, 1): 0.23, (256, 32): 0.76},
    "gru": {(64, 1): 0.08, (64, 32): 0.50, (256, 1): 0.25, (256, 32): 0.92},
}
SIZES: dict[str, dict[str, Any]] = {
    "full": {"wide": (784, 512, 512, 10), "hidden": (64, 256), "words": 1000, "ops": 1000},
    "quick": {"wide": (784, 512, 512, 10), "hidden": (64,), "words": 1000, "ops": 1000},
    "tiny": {"wide": (5, 4, 4, 3), "hidden": (4,), "words": 10, "ops": 30},
}


@dataclass(frozen=True)
class Problem:
    """One setting.

    Attributes
    ----------
    setting : str
    loss : callable
        ``loss(library, parameters, *data)``
    parameters, data : list of ndarray
        Not to be written into.
    goal : float
        The most that autodiff's ratio may be.
    by_hand : callable
        ``by_hand(parameters, data)`` gives the step on numpy and its products, if it has any.
    rate : float or None
        Of the update; None: there is none, only a value and the gradient by one parameter.
    rtol : float
        Difference allowed between libraries.
    """

    setting: str
    loss: Callable[..., Any]
    parameters: list[Any]
    data: list[Any]
    goal: float
    by_hand: Callable[..., Any]
    rate: float | None = RATE
    rtol: float = 1e-4


def problems(size: str) -> list[Problem]:
    """Those in float32."""
    sizes = SIZES[size]
    steps, batches = (3, (1, 2)) if size == "tiny" else (32, (1, 32))
    found = [
        perceptron((64, 100, 10), 32, "tanh", goal=0.09),
        perceptron(sizes["wide"], 5 if size == "tiny" else 256, "relu", goal=0.99),
    ]
    for cell in (elman, gru):
        for hidden in sizes["hidden"]:
            found += [language(cell, hidden, batch, steps, sizes["words"]) for batch in batches]
    return [*found, ladder(sizes["ops"] // 3, (4, 4) if size == "tiny" else (64, 64))]


def perceptron(sizes: tuple[int, ...], batch: int, activation: str, goal: float) -> Problem:
    """Layers of these sizes with an activation between them, and cross-entropy."""

    def loss(lib: Any, parameters: Any, x: Any, target: Any) -> Any:
        for W, b in zip(parameters[:-2:2], parameters[1:-2:2], strict=True):
            x = getattr(lib, activation)(lib.linear(x, W, b))
        return lib.cross_entropy(lib.linear(x, *parameters[-2:]), target)

    rng = np.random.default_rng(0)
    shapes = [shape for m, n in pairwise(sizes) for shape in ((n, m), (n,))]
    data = [rng.normal(size=(batch, sizes[0])).astype("f"), rng.integers(0, sizes[-1], batch)]
    setting = f"MLP {'-'.join(map(str, sizes))} {activation}, batch {batch}"
    by_hand = partial(step_hand.mlp, rate=RATE, activation=activation)
    return Problem(setting, loss, uniform(rng, shapes), data, goal, by_hand)


def uniform(rng: Any, shapes: list[tuple[int, ...]]) -> list[Any]:
    """Weights; the speed does not depend on their values."""
    return [rng.uniform(-1, 1, shape).astype("f") * shape[-1] ** -0.5 for shape in shapes]


def elman(lib: Any, h: Any, x: Any, W: Any, U: Any, b: Any) -> Any:
    """h' = tanh(W x + b + U h)"""
    return lib.tanh(lib.linear(x, W, b) + lib.linear(h, U))


def gru(lib: Any, h: Any, x: Any, W: Any, U: Any, b: Any, c: Any) -> Any:
    """With the rows of W, U, b and c in torch's order r, z, n:
    r = sigmoid(Wr x + br + Ur h + cr), z = sigmoid(Wz x + bz + Uz h + cz),
    n = tanh(Wn x + bn + r (Un h + cn)), h' = (1 - z) n + z h"""
    H = h.shape[-1]
    a, g = lib.linear(x, W, b), lib.linear(h, U, c)
    r = lib.sigmoid(a[:, :H] + g[:, :H])
    z = lib.sigmoid(a[:, H : 2 * H] + g[:, H : 2 * H])
    n = lib.tanh(a[:, 2 * H :] + r * g[:, 2 * H :])
    return n + z * (h - n)


CELLS: dict[Any, tuple[str, int, str]] = {elman: ("Elman", 1, "b"), gru: ("GRU", 3, "bc")}
"""Name, gates, and biases."""


def language(cell: Any, hidden: int, batch: int, steps: int, words: int) -> Problem:
    """Embedding, cells, and the next word's mean cross-entropy over sequences of `steps` words."""
    name, gates, biases = CELLS[cell]
    wide = gates * hidden

    def loss(lib: Any, parameters: Any, ids: Any, targets: Any, h: Any) -> Any:
        E, V, c, *weights = parameters
        states = lib.states(cell, weights, h, lib.embedding(E, ids))
        return lib.cross_entropy(lib.linear(states.reshape(-1, hidden), V, c), targets)

    rng = np.random.default_rng(0)
    shapes = [(words, hidden), (words, hidden), (words,), (wide, hidden), (wide, hidden)]
    parameters = uniform(rng, [*shapes, *[(wide,)] * len(biases)])
    ids, targets = rng.integers(0, words, (steps, batch)), rng.integers(0, words, steps * batch)
    data = [ids, targets, np.zeros((batch, hidden), "f")]
    setting = f"{name}, hidden {hidden}, batch {batch}"
    by_hand = partial(getattr(step_hand, cell.__name__), rate=RATE)
    goal = GOALS[cell.__name__].get((hidden, batch), 1.0)
    return Problem(setting, loss, parameters, data, goal, by_hand)


def ladder(steps: int, shape: tuple[int, ...]) -> Problem:
    """The sum of the diamond graph of `benchmarks.ops`, forward and backward."""

    def loss(lib: Any, parameters: Any, a: Any, b: Any) -> Any:
        return lib.sum(ops.diamond(lib.tanh, steps, a, b, *parameters))

    a, b, x = ops.inputs(ops.diamond, shape, "float32")
    by_hand = partial(step_hand.diamond, steps=steps)
    setting = f"diamond of {3 * steps:,} ops on {shape}"
    return Problem(setting, loss, [x], [a, b], 0.10, lambda *given: (by_hand(*given), None),
                   rate=None, rtol=2e-3)  # fmt: skip


def scalars(count: int) -> Problem:
    """The scalar network of `benchmarks.scalar`, its weights one vector, the points arrays.

    Each op of the network is written on numbers and done for all points at once.
    """
    weights, flat, points = scalar.problem(float, count)

    def loss(lib: Any, parameters: Any, x: Any, y: Any, target: Any) -> Any:
        entries = iter(parameters[0])
        shaped = [[([next(entries) for _ in ws], next(entries)) for ws, _ in layer]
                  for layer in weights]  # fmt: skip
        error = forward(lib, shaped, [x, y]) - target
        return lib.sum(error * error)

    data = [np.array(column) for column in zip(*((*xy, z) for xy, z in points), strict=True)]
    by_hand = partial(step_hand.network, layers=scalar.LAYERS)
    setting = f"{'-'.join(map(str, scalar.LAYERS))} over {count} points"
    return Problem(setting, loss, [np.array(flat)], data, 2e-4,
                   lambda *given: (by_hand(*given), None), rate=None, rtol=1e-9)  # fmt: skip


def forward(lib: Any, weights: list[Any], inputs: list[Any]) -> Any:
    """`benchmarks.scalar.network`, for libraries whose arrays have no method relu."""
    for neurons in weights:
        sums = []
        for ws, b in neurons:
            total = b
            for w, x in zip(ws, inputs, strict=True):
                total = total + w * x
            sums.append(total)
        inputs = [lib.relu(total) for total in sums] if len(sums) > 1 else sums
    return inputs[0]
