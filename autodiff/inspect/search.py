"""The largest paths of a graph, found best first under a bound on what a path can still become."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from itertools import count
from typing import Any

import numpy as np

from autodiff.backward import contributions
from autodiff.nodes import Node, needed
from autodiff.sparse import Lazy

__all__ = ["Search", "flat", "shape_of", "units"]

NEAR = 1e-9
"""Sizes that differ by less, relatively, count as equal: rounding must not order them."""
PATIENCE = 3_000
"""Steps without finding a path after which bounds are taken to be too loose."""
BEAM = 64
"""Paths that each node keeps in the first beam."""
LARGEST = 250_000
"""Entries of a Jacobian that is worked out; the bounds of a larger one are estimated."""


class Search:
    """Iterating gives ``(nodes, indices, contribution)`` of one path after the other.

    What a path that has come to a node with the error signal g can become at most is known from
    the largest contribution that one in each entry can become. These bounds come from a sweep
    from the target upwards, with the absolute values of the derivatives; they are tight for
    numbers and for elementwise ops. Where products mix entries they may be too loose to decide
    in time; then a beam goes down the graph, and `is_exact` is False.
    """

    def __init__(self, order: list[Node], target: Node | None, element: Any = None) -> None:
        self.order = order
        self.target = target
        self.element = element
        self.is_exact = True
        self._useful = needed(order, [target]) if target is not None else set()
        self._bounds: dict[Node, Any] = {}
        self._separate: set[Node] = set()  # below these no entry meets another
        self._slopes: dict[Node, list[Any]] = {}

    def __iter__(self) -> Iterator[tuple[tuple[Node, ...], tuple[int, ...], Any]]:
        self._set_bounds()
        found = set()
        for path in self._best_first():
            if path is None:
                break
            found.add(path[:2])
            yield path
        else:
            return
        self.is_exact = False
        yield from self._by_beam(found)

    def _best_first(self) -> Iterator[Any]:
        """One path after the other; None once it takes too long."""
        root, ties, patience = self.order[0], count(), PATIENCE
        heap: list[Any] = [(-math.inf, 0, 0, root, next(units(root)), None)]
        while heap:
            key, depth, _, node, g, way = heapq.heappop(heap)
            if node is self.target:
                patience = PATIENCE
                yield (*_unrolled(node, way), self._picked(g))
                continue
            patience -= 1
            if not patience:
                yield None
            for index, parent, c, size in self._steps(node, g):
                # Equal sizes keep one key, and of these the deepest goes first.
                child_key = key if size >= -key * (1 - NEAR) else -size
                item = (child_key, depth - 1, -next(ties), parent, c, (way, node, index))
                heapq.heappush(heap, item)

    def _by_beam(self, found: set[Any]) -> Iterator[Any]:
        """The paths that come through when each node keeps the most promising ones only."""
        width = BEAM
        while True:
            paths = self._beam(width)
            new = [path for path in paths if path[:2] not in found]
            yield from new
            if len(paths) < width:
                return
            found.update(path[:2] for path in new)
            width *= 2

    def _beam(self, width: int) -> list[Any]:
        ties = count()
        waiting: dict[Node, list[Any]] = {self.order[0]: [(0, 0, next(units(self.order[0])), None)]}
        for node in self.order:
            best = heapq.nsmallest(width, waiting.pop(node, []))
            if node is self.target:
                return [(*_unrolled(node, way), self._picked(g)) for _, _, g, way in best]
            for _, _, g, way in best:
                for index, parent, c, size in self._steps(node, g):
                    item = (-size, next(ties), c, (way, node, index))
                    waiting.setdefault(parent, []).append(item)
        return []

    def _steps(self, node: Node, g: Any) -> list[tuple[int, Node, Any, float]]:
        """The ways on: which argument, what flows to it, and what that can become at most."""
        with np.errstate(all="ignore"):
            slopes = self._slopes.get(node)
            parts = contributions(node, g) if slopes is None else _scaled(slopes, g)
            return [(i, parent, c, self._size(parent, c))
                    for i, (parent, c) in enumerate(zip(node.parents, parts, strict=False))
                    if c is not None and parent in self._useful]  # fmt: skip

    def _picked(self, g: Any) -> Any:
        g = g.dense() if isinstance(g, Lazy) else g
        return g if self.element is None else np.asarray(g)[self.element]

    def _size(self, node: Node, g: Any) -> float:
        if isinstance(g, float):
            size = abs(float(g)) * float(self._bounds[node][0])
        else:
            reached = flat(g) * self._bounds[node]
            size = float(np.linalg.norm(reached, None if node in self._separate else 1))
        return math.inf if size != size else size

    def _set_bounds(self) -> None:
        self._bounds[self.target] = self._start()  # type: ignore[index]
        self._separate.add(self.target)  # type: ignore[arg-type]
        with np.errstate(all="ignore"):
            for node in reversed(self.order):
                if node in self._useful and node is not self.target:
                    self._bounds[node] = self._bound(node)

    def _start(self) -> Any:
        """One for each entry of the target that counts."""
        size = _size_of(self.target)
        if self.element is None:
            return np.ones(size)
        chosen = np.zeros(self.target.spec[0])  # type: ignore[union-attr]
        chosen[self.element] = 1
        return chosen.ravel()

    def _bound(self, node: Node) -> Any:
        useful = [(i, p) for i, p in enumerate(node.parents) if p in self._useful]
        if all(shape_of(n) == () for n in (node, *(p for _, p in useful))):
            return self._bound_of_number(node, useful)
        if node.op.partials is not None:
            if all(p.spec == node.spec and p in self._separate for _, p in useful):
                self._separate.add(node)
            return np.max([self._bound_by_slope(node, i, p) for i, p in useful], axis=0)
        if _size_of(node) * max(_size_of(p) for _, p in useful) <= LARGEST:
            return np.array([self._bound_by_unit(node, unit, useful) for unit in units(node)])
        self.is_exact = False
        return self._estimate(node, useful)

    def _bound_of_number(self, node: Node, useful: Any) -> Any:
        slopes = self._slopes[node] = contributions(node, next(units(node)))
        sizes = [abs(float(flat(slopes[i])[0])) * self._bounds[p][0]
                 for i, p in useful if slopes[i] is not None]  # fmt: skip
        return np.array([max(sizes, default=0.0)])

    def _bound_by_slope(self, node: Node, index: int, parent: Node) -> Any:
        shape = node.spec[0]
        reached = np.broadcast_to(self._bounds[parent].reshape(parent.spec[0]), shape)
        slope = np.abs(np.asarray(node.op.slopes[index](node.saved), float))
        return np.broadcast_to(slope * reached, shape).ravel()

    def _bound_by_unit(self, node: Node, unit: Any, useful: Any) -> float:
        parts = contributions(node, unit)
        sizes = [self._size(p, parts[i]) for i, p in useful if parts[i] is not None]
        return max(sizes, default=0.0)

    def _estimate(self, node: Node, useful: Any) -> Any:
        """The Frobenius norm, from error signals of random signs, for every entry."""
        rng, shape = np.random.default_rng(0), node.spec[0]
        signs = (rng.choice([-1.0, 1.0], shape).astype(node.spec[1]) for _ in range(8))
        parts = [contributions(node, sign) for sign in signs]
        squares = [np.mean([np.sum((flat(part[i]) * self._bounds[p]) ** 2) for part in parts])
                   for i, p in useful if parts[0][i] is not None]  # fmt: skip
        return np.full(_size_of(node), math.sqrt(max(squares, default=0.0)))


def _scaled(slopes: list[Any], g: Any) -> list[Any]:
    return [c if c is None else g and c * g for c in slopes]


def _unrolled(node: Any, way: Any) -> tuple[tuple[Node, ...], tuple[int, ...]]:
    nodes, indices = [node], []
    while way is not None:
        way, child, index = way
        nodes.append(child)
        indices.append(index)
    return tuple(reversed(nodes)), tuple(reversed(indices))


def _specs(node: Any) -> tuple[Any, ...]:
    several = node.op is not None and node.op.outputs != 1
    return node.spec if several else (node.spec,)


def _size_of(node: Any) -> int:
    return sum(math.prod(shape) for shape, _ in _specs(node))


def shape_of(node: Any) -> tuple[int, ...]:
    """The shape of a value; several results of one op count as one vector."""
    return node.spec[0] if len(_specs(node)) == 1 else (_size_of(node),)


def flat(g: Any) -> Any:
    """All entries of an error signal as one vector."""
    g = g.dense() if isinstance(g, Lazy) else g
    return np.concatenate([np.ravel(part) for part in g]) if isinstance(g, tuple) else np.ravel(g)


def units(node: Node) -> Iterator[Any]:
    """The error signals that are one in one entry, and zero in all others."""
    specs = _specs(node)
    if specs[0][1] is float:
        yield 1.0
        return
    for k, (shape, _) in enumerate(specs):
        for i in range(math.prod(shape)):
            parts = [np.zeros(s, d) for s, d in specs]
            parts[k].reshape(-1)[i] = 1
            yield tuple(parts) if specs is node.spec else parts[0][()]
