"""The scalar network of `scalar`, compiled: forward and backward over 100 points, float64.

Written on numbers, called with an array of points in place of each input; micrograd, which has
no arrays, takes them one by one. Each library runs in processes of its own, since the garbage
collector's work depends on what else lives in the process.
"""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable
from typing import Any

from benchmarks import scalar
from benchmarks.harness import Step, Table, fresh, installed, row
from benchmarks.step_models import Problem, scalars
from benchmarks.step_peers import PEERS
from benchmarks.steps import close

__all__ = ["measure"]

SIZES = {"full": (100, 5, 15), "quick": (50, 1, 3), "tiny": (3, 1, 1)}  # points, rounds, steps
MISSING = {
    "jax": "takes a minute or more to compile hundreds of ops on numbers",
    "torch_compile": "not tried, since a recurrence of fewer ops took minutes to compile",
}


class Micrograd:
    """micrograd, point by point."""

    def step(self, problem: Problem) -> Step:
        make, forget = scalar.micrograd()
        weights, flat, points = scalar.problem(make, len(problem.data[0]))

        def step() -> list[Any]:
            for weight in flat:
                forget(weight)
            total = scalar.loss(weights, points)
            total.backward()
            return [total.data, [weight.grad for weight in flat]]

        return step


MAKERS: dict[str, Callable[[], Any]] = {
    "micrograd": Micrograd,
    **{peer: made for peer, made in PEERS.items() if peer not in (*MISSING, "products")},
}


def timed(peer: str, count: int, calls: int) -> dict[str, Any]:
    """CPU seconds of each call of a step, and what it gave."""
    step = MAKERS[peer]().step(scalars(count))
    value, gradient = step()
    result = [float(value), [float(entry) for entry in gradient]]
    seconds = []
    for _ in range(calls):
        gc.collect()
        repeats = 1 if peer == "micrograd" else 20
        start = time.process_time()
        for _ in range(repeats):
            step()
        seconds.append((time.process_time() - start) / repeats)
    return {"seconds": sorted(seconds)[calls // 2], "result": result}


def measure(size: str, peers: list[str]) -> Table:
    """Fresh processes in shuffled order in each round."""
    count, rounds, calls = SIZES[size]
    there, missing = installed(MAKERS, peers)
    missing |= {peer: reason for peer, reason in MISSING.items() if peer in peers}
    problem, order = scalars(count), random.Random(0)
    seconds: dict[str, list[float]] = {peer: [] for peer in there}
    results = {}
    for _ in range(rounds):
        for peer in order.sample(there, len(there)):
            found = fresh(__name__, "timed", peer, count, calls)
            seconds[peer].append(found["seconds"])
            results[peer] = found["result"]
    for peer, result in results.items():
        close(problem, peer, result, results["autodiff"], [0.0, 0.0])
    rows = [row(problem.setting, seconds, "micrograd", problem.goal)]
    return Table("scalar network on arrays of points", "s", "micrograd", rows, missing)
