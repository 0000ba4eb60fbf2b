"""A scalar network 2-16-16-1 with relu over 100 points: about 66,000 nodes, beside micrograd.

Each peer runs in processes of its own, since the garbage collector's work depends on what else
lives in the process.
"""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable
from itertools import pairwise
from statistics import median
from typing import Any

import numpy as np

from benchmarks.harness import Row, Table, fresh, installed, row

__all__ = ["measure"]

SIZES = {"full": (100, 7, 5), "quick": (50, 1, 3), "tiny": (3, 1, 1)}  # points, rounds, steps
LAYERS = (2, 16, 16, 1)


def autodiff() -> tuple[Callable[[float], Any], Callable[[Any], None]]:
    """How to make a scalar, and how to forget its gradient."""
    import autodiff as ad

    return ad.Scalar, lambda scalar: scalar.zero_grad()


def micrograd() -> tuple[Callable[[float], Any], Callable[[Any], None]]:
    """The same for micrograd."""
    from micrograd.engine import Value

    return Value, lambda scalar: setattr(scalar, "grad", 0.0)


PEERS = {"autodiff": autodiff, "micrograd": micrograd}


def network(weights: list[Any], inputs: list[Any]) -> Any:
    """Output for one point; each layer is a list of neurons (weights, bias)."""
    for neurons in weights:
        sums = []
        for ws, b in neurons:
            total = b
            for w, x in zip(ws, inputs, strict=True):
                total = total + w * x
            sums.append(total)
        inputs = [total.relu() for total in sums] if len(sums) > 1 else sums
    return inputs[0]


def loss(weights: list[Any], points: list[Any]) -> Any:
    """Sum of squared errors."""
    total = None
    for inputs, target in points:
        error = network(weights, inputs) - target
        total = error * error if total is None else total + error * error
    return total


def problem(make: Callable[[float], Any], count: int) -> tuple[list[Any], list[Any], list[Any]]:
    """Weights by layer, the same as one list, and the points."""
    rng = random.Random(0)
    weights = [
        [([make(rng.uniform(-1, 1)) for _ in range(m)], make(0.0)) for _ in range(n)]
        for m, n in pairwise(LAYERS)
    ]
    flat = [w for neurons in weights for ws, b in neurons for w in (*ws, b)]
    points = [[rng.gauss(0, 1) for _ in range(3)] for _ in range(count)]
    return weights, flat, [([make(x), make(y)], target) for x, y, target in points]


def timed(peer: str, count: int, steps: int, collect: bool) -> dict[str, Any]:
    """Median CPU seconds of a forward and backward, and what they gave."""
    make, forget = PEERS[peer]()
    weights, flat, points = problem(make, count)
    (gc.enable if collect else gc.disable)()
    seconds = []
    for _ in range(steps + 1):
        for weight in flat:
            forget(weight)
        gc.collect()
        start = time.process_time()
        total = loss(weights, points)
        total.backward()
        value = total.data
        del total
        seconds.append(time.process_time() - start)
    return {"seconds": median(seconds[1:]), "result": [value, *(w.grad for w in flat)]}


def race(setting: str, peers: list[str], size: str, collect: bool, goal: float) -> Row:
    """Fresh processes in shuffled order in each round."""
    count, rounds, steps = SIZES[size]
    order = random.Random(0)
    seconds: dict[str, list[float]] = {peer: [] for peer in peers}
    results = {}
    for _ in range(rounds):
        for peer in order.sample(peers, len(peers)):
            found = fresh(__name__, "timed", peer, count, steps, collect)
            seconds[peer].append(found["seconds"])
            results[peer] = found["result"]
    for result in results.values():
        np.testing.assert_allclose(result, results["autodiff"], rtol=1e-9, atol=1e-9)
    return row(setting, seconds, "micrograd", goal)


def measure(size: str, peers: list[str]) -> Table:
    """Time a step with the garbage collector on, as it is by default, and off."""
    there, missing = installed(PEERS, peers)
    rows = [
        race("garbage collector on", there, size, collect=True, goal=0.1),
        race("garbage collector off", there, size, collect=False, goal=0.4),
    ]
    title = f"scalar network over {SIZES[size][0]} points, forward and backward"
    return Table(title, "s", "micrograd", rows, missing)
