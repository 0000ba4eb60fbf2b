"""A training step of the network 64-100-10 for handwritten digits, batch 32."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from benchmarks.harness import Step, Table, installed, race
from benchmarks.peers import PEERS

__all__ = ["measure"]

SIZES = {"full": 31, "quick": 9, "tiny": 1}  # repeats
INPUTS, HIDDEN, CLASSES, BATCH = 64, 100, 10, 32
RATE = 0.01


def problem() -> tuple[list[Any], Any, Any]:
    """Parameters, inputs and classes, as arrays; the speed does not depend on their values."""
    rng = np.random.default_rng(0)
    shapes = [(HIDDEN, INPUTS), (HIDDEN,), (CLASSES, HIDDEN), (CLASSES,)]
    parameters = [rng.uniform(-0.1, 0.1, shape).astype("float32") for shape in shapes]
    x = rng.uniform(0, 1, (BATCH, INPUTS)).astype("float32")
    return parameters, x, rng.integers(0, CLASSES, BATCH)


def loss(lib: Any, x: Any, target: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
    """Mean cross-entropy of one hidden layer with tanh."""
    hidden = lib.tanh(lib.linear(x, W1, b1))
    return lib.cross_entropy(lib.linear(hidden, W2, b2), target)


def build(peer: str) -> Step:
    """One training step on a peer; it returns the loss and the gradients."""
    arrays, x, target = problem()
    lib = PEERS[peer]()
    parameters = list(map(lib.parameter, arrays))
    f = partial(loss, lib, lib.constant(x), lib.constant(target))
    update = lib.sgd(parameters, RATE)

    def step() -> list[Any]:
        found = lib.vjp(f, parameters)
        update(found[1:])
        return found

    return step


def by_hand() -> Step:
    """The same with the derivatives worked out on paper: what an engine can hope for."""
    (W1, b1, W2, b2), x, target = problem()
    rows = np.arange(BATCH)

    def step() -> list[Any]:
        h = np.tanh(x @ W1.T + b1)
        logits = h @ W2.T + b2
        p = np.exp(logits - logits.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        value = -np.log(p[rows, target]).mean()
        p[rows, target] -= 1
        p /= BATCH
        e = p @ W2 * (1 - h * h)
        gradients = [e.T @ x, e.sum(axis=0), p.T @ h, p.sum(axis=0)]
        for parameter, gradient in zip((W1, b1, W2, b2), gradients, strict=True):
            parameter -= RATE * gradient
        return [value, *gradients]

    return step


def measure(size: str, peers: list[str]) -> Table:
    """Time a training step in float32."""
    there, missing = installed([*PEERS, "numpy"], peers)
    steps = {peer: by_hand() if peer == "numpy" else build(peer) for peer in there}
    title = f"training step of an MLP {INPUTS}-{HIDDEN}-{CLASSES}, batch {BATCH}"
    rows = [race("float32", steps, SIZES[size], "torch", goal=0.35, rtol=1e-4)]
    return Table(title, "s", "torch", rows, missing)
