"""Random graphs of numbers, with scopes, and what is known of them without the library's help;
and a recurrent network."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import nullcontext
from typing import Any

import numpy as np
from hypothesis import strategies as st

import autodiff as ad
from autodiff.nodes import Node
from models import GRU

STEPS: list[Callable[[Any, Any], Any]] = [
    lambda a, b: a + b,
    lambda a, b: a - b,
    lambda a, b: a * b,
    lambda a, b: ad.sin(a),
    lambda a, b: ad.tanh(a),
    lambda a, b: ad.sin(a) * b,
]
INPUTS = {"a": 0.3, "b": -0.7, "c": 1.2}
SCOPES = (None, "one", "two t=1", "two t=2")
EXPANSIONS = (None, 0, 1, "all", "ops", "path", "one", ["one", "two t=1"])

places = st.integers(0, 3)
programs = st.lists(st.tuples(st.integers(0, 5), places, places, places), min_size=1, max_size=8)


def run(program: Iterable[tuple[int, int, int, int]]) -> tuple[ad.Scalar, dict[str, ad.Scalar]]:
    """Each step takes two of the last values there are, so that paths branch and meet."""
    inputs = {name: ad.Scalar(x, requires_grad=True, name=name) for name, x in INPUTS.items()}
    values = list(inputs.values())
    for step, i, j, place in program:
        recent, name = values[-4:], SCOPES[place]
        with ad.scope(name) if name else nullcontext():
            values.append(STEPS[step](recent[i % len(recent)], recent[j % len(recent)]))
    return values[-1], inputs


def slope(nodes: Iterable[Node], head: Node, parent: Node) -> float:
    """The derivative of `head` with respect to `parent`, by ways through `nodes` only."""
    found = {head: 1.0}
    for node in nodes:
        for other, local in zip(node.parents, node.saved, strict=True):
            if other is not None and node in found:
                found[other] = found.get(other, 0.0) + found[node] * local
    return found.get(parent, 0.0)


def count(start: Node, end: Node) -> int:
    """How many paths there are, by walking each."""
    waiting, arrived = [start], 0
    while waiting:
        node = waiting.pop()
        arrived += node is end
        waiting += [parent for parent in node.parents if parent is not None]
    return arrived


def unrolled(steps: int, **settings: Any) -> ad.draw.Graph:
    """The picture of a GRU along a sequence, a scope for each step."""
    rng = np.random.default_rng(0)
    model = GRU(2, 3, rng=rng)
    xs = [
        ad.Tensor(rng.normal(size=2), requires_grad=True, name=f"x({t})")
        for t in range(1, steps + 1)
    ]
    _, h = model(xs)
    return ad.graph(ad.sum(h * h), names={}, **settings)
