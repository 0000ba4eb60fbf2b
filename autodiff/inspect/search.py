"""The largest paths of a graph, found best first under a bound on what a path can still become."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import numpy as np

from autodiff.backward import contributions
from autodiff.inspect.partials import flat, shape_of, size_of, units
from autodiff.nodes import Node, needed
from autodiff.sparse import Lazy

__all__ = ["Search"]

NEAR, TINY = 1e-9, 1e-300
"""Sizes that differ by less, relatively or at all, count as equal: rounding must not order them."""
PATIENCE = 3_000
"""Steps without finding a path, beyond those that one path may need, after which bounds are taken
to be too loose."""
BEAM = 64
"""Paths that each node keeps in the first beam."""
LARGEST = 250_000
"""Entries of a Jacobian that is worked out; the bounds of a larger one are estimated."""
KEPT = 4_096
"""Entries of a Jacobian that is kept, to be multiplied by instead of calling the rules."""


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
        self.is_exact: bool = True
        self._useful = needed(order, [target]) if target is not None else set()
        self._bounds: dict[Node, Any] = {}
        self._separate: set[Node] = set()  # below these no entry meets another
        self._maps: dict[Node, list[Any]] = {}  # for each parent, from error signal to share

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
        root, ties = self.order[0], count()
        patience = longest = PATIENCE + len(self.order)
        heap: list[Any] = [(-math.inf, 0, 0, root, next(units(root)), None)]
        while heap:
            key, depth, _, node, g, way = heapq.heappop(heap)
            if node is self.target:
                patience = longest
                yield (*_unrolled(node, way), self._picked(g))
                continue
            patience -= 1
            if not patience:
                yield None
            for index, parent, c, size in self._steps(node, g):
                # Equal sizes keep one key, and of these the deepest goes first.
                child_key = key if size >= -key * (1 - NEAR) - TINY else -size
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
            maps = self._maps.get(node)
            parts = contributions(node, g) if maps is None else [m and m(g) for m in maps]
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
            size = _norm(reached) if node in self._separate else float(abs(reached).sum())
        return math.inf if size != size else size

    def _set_bounds(self) -> None:
        self._bounds[self.target] = self._start()  # type: ignore[index]
        self._separate.add(self.target)  # type: ignore[arg-type]
        with np.errstate(all="ignore"):
            for node in reversed(self.order):
                if node in self._useful and node is not self.target:
                    self._bounds[node] = self._bound(node)
        if not np.isfinite(self._bounds[self.order[0]]).all():
            self._maps.clear()  # only the rules know where zero times infinity is zero

    def _start(self) -> Any:
        """One for each entry of the target that counts."""
        size = size_of(self.target)
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
            return self._bound_of_elementwise(node, useful)
        if size_of(node) * max(size_of(p) for _, p in useful) <= LARGEST:
            return self._bound_by_units(node, useful)
        self.is_exact = False
        return self._estimate(node, useful)

    def _bound_of_number(self, node: Node, useful: Any) -> Any:
        slopes = contributions(node, next(units(node)))
        self._maps[node] = [c if c is None else _times_number(c) for c in slopes]
        sizes = [self._size(p, slopes[i]) for i, p in useful if slopes[i] is not None]
        return np.array([max(sizes, default=0.0)])

    def _bound_of_elementwise(self, node: Node, useful: Any) -> Any:
        shape, dtype = node.spec
        slopes = {i: np.asarray(node.op.slopes[i](node.saved), dtype) for i, _ in useful}
        if all(p.spec == node.spec for _, p in useful):
            self._keep(node, {i: _times(slope) for i, slope in slopes.items()})
            if all(p in self._separate for _, p in useful):
                self._separate.add(node)
        bounds = [(i, self._bounds[p].reshape(p.spec[0])) for i, p in useful]
        sizes = [np.broadcast_to(np.abs(slopes[i]) * bound, shape) for i, bound in bounds]
        return np.max(sizes, axis=0).ravel()

    def _bound_by_units(self, node: Node, useful: Any) -> Any:
        rows = [contributions(node, unit) for unit in units(node)]
        columns = {i: [row[i] for row in rows] for i, _ in useful}
        if all(_is_kept(node, p, columns[i]) for i, p in useful):
            self._keep(node, {i: _times_matrix(p, columns[i]) for i, p in useful})
        sizes = [[0.0 if c is None else self._size(p, c) for c in columns[i]] for i, p in useful]
        return np.max(sizes, axis=0)

    def _keep(self, node: Node, maps: dict[int, Any]) -> None:
        self._maps[node] = [maps.get(i) for i in range(len(node.parents))]

    def _estimate(self, node: Node, useful: Any) -> Any:
        """The Frobenius norm, from error signals of random signs, for every entry."""
        rng, shape = np.random.default_rng(0), node.spec[0]
        signs = (rng.choice([-1.0, 1.0], shape).astype(node.spec[1]) for _ in range(8))
        parts = [contributions(node, sign) for sign in signs]
        squares = [np.mean([np.sum((flat(part[i]) * self._bounds[p]) ** 2) for part in parts])
                   for i, p in useful if parts[0][i] is not None]  # fmt: skip
        return np.full(size_of(node), math.sqrt(max(squares, default=0.0)))


def _norm(values: Any) -> float:
    """The Euclidean norm, also where squares are too small or too large for a number."""
    size = float(np.linalg.norm(values))
    if 1e-150 < size < 1e150:
        return size
    largest = float(np.max(np.abs(values), initial=0.0))
    return largest * float(np.linalg.norm(values / largest)) if 0 < largest < math.inf else largest


def _times_number(slope: Any) -> Callable[[Any], Any]:
    return lambda g: g and slope * g


def _times(slope: Any) -> Callable[[Any], Any]:
    return lambda g: (g.dense() if isinstance(g, Lazy) else g) * slope


def _times_matrix(parent: Node, rows: list[Any]) -> Callable[[Any], Any]:
    shape, dtype = parent.spec
    matrix = np.array([flat(row) for row in rows], dtype).reshape(len(rows), size_of(parent))
    return lambda g: (flat(g) @ matrix).reshape(shape)[()]


def _is_kept(node: Node, parent: Node, rows: list[Any]) -> bool:
    """Whether a product with the Jacobian, whose rows these are, does what the rules do."""
    is_array = parent.spec[-1] is not float and shape_of(parent) == parent.spec[0]
    is_small = size_of(node) * size_of(parent) <= KEPT
    return is_array and is_small and all(row is not None for row in rows)


def _unrolled(node: Any, way: Any) -> tuple[tuple[Node, ...], tuple[int, ...]]:
    nodes, indices = [node], []
    while way is not None:
        way, child, index = way
        nodes.append(child)
        indices.append(index)
    return tuple(reversed(nodes)), tuple(reversed(indices))
