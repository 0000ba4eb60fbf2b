"""Overhead of an op: forward and backward of a chain and a diamond graph of 1,000 ops.

Only `x` requires a gradient; `a` and `b` are constant arrays of the same shape. Their values
keep both the result and the gradient far from overflow and from denormal numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks.harness import Step, Table, installed, race
from benchmarks.peers import PEERS

__all__ = ["measure"]

SIZES = {"full": (1000, 15), "quick": (300, 2), "tiny": (30, 1)}  # ops, repeats


def chain(tanh: Callable[[Any], Any], steps: int, a: Any, b: Any, x: Any) -> Any:
    """Three ops a step, one after the other."""
    for _ in range(steps):
        x = x * a
        x = x + b
        x = tanh(x)
    return x


def diamond(tanh: Callable[[Any], Any], steps: int, a: Any, b: Any, x: Any) -> Any:
    """Three ops a step, of which two use the same value: the number of paths doubles."""
    for _ in range(steps):
        u = x * a
        v = x + b
        x = u * v
    return x


def inputs(graph: Any, shape: tuple[int, ...], dtype: str) -> list[Any]:
    """a, b and x for which the slope of a step is close to 1."""
    rng = np.random.default_rng(0)
    if graph is chain:
        ranges = [(0.999, 1.001), (-1e-4, 1e-4), (-0.5, 0.5)]
    else:  # x + a * x ** 2 for a * b = 1
        ranges = [(0.5, 1.5), (0.0, 0.0), (-0.2, -0.1)]
    a, b, x = (rng.uniform(low, high, shape).astype(dtype) for low, high in ranges)
    return [a, b if graph is chain else (1 / a).astype(dtype), x]


def build(peer: str, graph: Any, steps: int, arrays: list[Any]) -> Step:
    """One forward and backward on a peer."""
    lib = PEERS[peer]()
    a, b = map(lib.constant, arrays[:2])
    x, g = lib.parameter(arrays[2]), lib.cotangent(np.ones_like(arrays[2]))
    return partial(lib.vjp, partial(graph, lib.tanh, steps, a, b), [x], g)


def measure(size: str, peers: list[str]) -> Table:
    """Time an op on each graph, shape and dtype."""
    ops, repeats = SIZES[size]
    there, missing = installed(PEERS, peers)
    rows = []
    for graph in (chain, diamond):
        for shape, goal in (((), 0.35), ((8,), 0.35), ((64, 64), 1.05)):
            for dtype in ("float32", "float64"):
                arrays = inputs(graph, shape, dtype)
                steps = {peer: build(peer, graph, ops // 3, arrays) for peer in there}
                setting = f"{graph.__name__} {shape} {dtype}"
                rtol = 2e-3 if dtype == "float32" else 1e-9
                rows.append(
                    race(setting, steps, repeats, "torch", goal, per=ops // 3 * 3, rtol=rtol)
                )
    return Table(f"forward and backward of {ops:,} ops, time an op", "s", "torch", rows, missing)
