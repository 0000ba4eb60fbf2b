"""A language model's training step through a cell loop of 32 steps at batch 1, float32.

Embedding, Elman or GRU cell written op by op, softmax cross-entropy over 1,000 words, backward
and an update by plain gradient descent. The same loop runs on each peer.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from benchmarks.harness import Step, Table, installed, race
from benchmarks.peers import PEERS

__all__ = ["measure"]

SIZES = {  # hidden sizes, steps of the loop, words, repeats
    "full": ((64, 256), 32, 1000, 15),
    "quick": ((64,), 32, 1000, 3),
    "tiny": ((4,), 3, 10, 1),
}
RATE = 0.01


def elman(lib: Any, h: Any, x: Any, W: Any, U: Any, b: Any) -> Any:
    """h' = tanh(W x + U h + b)"""
    return lib.tanh(lib.linear(x, W, b) + lib.linear(h, U))


def gru(lib: Any, h: Any, x: Any, *gates: Any) -> Any:
    """z = sigmoid(Wz x + Uz h + bz), r = sigmoid(Wr x + Ur h + br),
    n = tanh(Wn x + r * (Un h + cn) + bn), h' = (1 - z) n + z h"""
    Wz, Uz, bz, Wr, Ur, br, Wn, Un, bn, cn = gates
    z = lib.sigmoid(lib.linear(x, Wz, bz) + lib.linear(h, Uz))
    r = lib.sigmoid(lib.linear(x, Wr, br) + lib.linear(h, Ur))
    n = lib.tanh(lib.linear(x, Wn, bn) + r * lib.linear(h, Un, cn))
    return n + z * (h - n)


CELLS = {"Elman": (elman, "WUb"), "GRU": (gru, "WUbWUbWUbb")}


def loss(lib: Any, cell: Any, ids: Any, targets: Any, h: Any, *parameters: Any) -> Any:
    """Mean cross-entropy of the next word over the sequence."""
    E, V, c, *weights = parameters
    states = []
    for x in lib.embedding(E, ids):
        h = cell(lib, h, x, *weights)
        states.append(h)
    return lib.cross_entropy(lib.linear(lib.concatenate(states), V, c), targets)


def build(peer: str, cell: str, hidden: int, length: int, words: int) -> Step:
    """One training step on a peer; it returns the loss and the gradients."""
    lib, rng = PEERS[peer](), np.random.default_rng(0)
    f, letters = CELLS[cell]
    shapes = [(words, hidden), (words, hidden), (words,)]
    shapes += [(hidden,) if letter == "b" else (hidden, hidden) for letter in letters]
    scale = hidden**-0.5
    arrays = [rng.uniform(-scale, scale, shape).astype("float32") for shape in shapes]
    ids = lib.constant(rng.integers(0, words, (length, 1)))  # step, row of the batch
    targets = lib.constant(rng.integers(0, words, length))
    h = lib.constant(np.zeros((1, hidden), "float32"))
    parameters = list(map(lib.parameter, arrays))
    update = lib.sgd(parameters, RATE)

    def step() -> list[Any]:
        found = lib.vjp(partial(loss, lib, f, ids, targets, h), parameters)
        update(found[1:])
        return found

    return step


def measure(size: str, peers: list[str]) -> Table:
    """Time a training step of each cell."""
    hiddens, length, words, repeats = SIZES[size]
    there, missing = installed(PEERS, peers)
    rows = []
    for cell in CELLS:
        for hidden in hiddens:
            steps = {peer: build(peer, cell, hidden, length, words) for peer in there}
            setting = f"{cell}, hidden {hidden}"
            rows.append(race(setting, steps, repeats, "torch", goal=0.6, rtol=1e-4))
    title = f"training step through a cell loop of {length} steps, batch 1"
    return Table(title, "s", "torch", rows, missing)
