"""How long it takes to look at a graph: its picture, its paths, and how large it may be."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

import autodiff as ad
from benchmarks.harness import Table, row
from models import GRU

__all__ = ["measure"]

SIZES = {"full": (9_999, 50, 200, 7), "quick": (9_999, 50, 200, 3), "tiny": (99, 3, 20, 1)}
"""Nodes of a ladder, steps of a GRU, diamonds for paths; repeats."""


def ladder(nodes: int) -> tuple[Any, Any]:
    """Diamonds one after the other: two products of the same value, and their sum."""
    x = y = ad.Tensor(1.0, requires_grad=True)
    for k in range(nodes // 3):
        y = (0.5 + k % 7 / 100) * y + (0.4 + k % 5 / 100) * y
    return y, x


def unrolled(steps: int) -> Any:
    """A loss on the last state of a GRU, watched."""
    xs = np.random.default_rng(0).normal(size=(steps, 4))
    with ad.watch():
        _, h = GRU(4, 8, rng=0)(ad.Tensor(xs, requires_grad=True))
        return ad.sum(h * h)


def seconds(step: Callable[[], Any], repeats: int) -> dict[str, list[float]]:
    """Wall time of each call, that of the engine for layouts included."""
    found = []
    for _ in range(repeats):
        start = time.perf_counter()
        step()
        found.append(time.perf_counter() - start)
    return {"autodiff": found}


def measure(size: str, peers: list[str]) -> Table:
    """Seconds from a recorded graph to what is asked for."""
    nodes, steps, diamonds, repeats = SIZES[size]
    tall, _ = ladder(nodes)
    deep, x = ladder(3 * diamonds)
    gru = unrolled(steps)
    paths = ad.paths(deep, x, top=0).count
    rows = [
        row(f"ladder of {nodes + 1:,} nodes: DOT", seconds(lambda: ad.graph(tall).dot, repeats),
            goal=1.0),
        row("... each node a card: DOT",
            seconds(lambda: ad.graph(tall, expand="ops").dot, repeats)),
        row(f"GRU of {steps} steps: SVG, closed", seconds(lambda: ad.graph(gru).svg(), repeats),
            goal=5.0),
        row(f"... the page, {steps} steps", seconds(lambda: ad.graph(gru).html(), repeats)),
        row(f"the largest 10 of {paths:.1e} paths",
            seconds(lambda: ad.paths(deep, x, top=10), repeats), goal=0.1),
    ]  # fmt: skip
    return Table("graphs looked at", "s", None, rows)
