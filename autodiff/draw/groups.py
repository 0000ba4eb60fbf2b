"""Which values are drawn as one card: expressions, closed scopes, the middle of long chains."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from autodiff.errors import DomainError
from autodiff.inspect.expressions import fold
from autodiff.inspect.signals import Signals
from autodiff.nodes import Node
from autodiff.settings import Scope

__all__ = ["COMFORTABLE", "Cluster", "Grouping", "Group"]

COMFORTABLE = 24
"""Cards that can be taken in at once; of a graph with more, scopes are closed."""
_SERIES = 6
"""Closed scopes of one kind that are drawn each; of more, the middle ones are one card."""


@dataclass(eq=False)
class Cluster:
    """A scope as part of the picture.

    Attributes
    ----------
    id : str
        ``s1``, ``s2``, ... in the order of the forward.
    outer : Cluster or None
    is_open : bool
        Whether its parts are drawn, or one card in place of them.
    """

    id: str
    name: str
    outer: Cluster | None
    is_open: bool = True

    @property
    def path(self) -> tuple[str, ...]:
        """Its name after those of the scopes around it."""
        return tuple(c.name for c in _around(self))[::-1]

    @property
    def depth(self) -> int:
        """How many scopes are around it."""
        return len(self.path) - 1

    def closed(self) -> Cluster | None:
        """The outermost closed one of this and those around it."""
        closed = [c for c in _around(self) if not c.is_open]
        return closed[-1] if closed else None


@dataclass(eq=False)
class Group:
    """The nodes of one card.

    Attributes
    ----------
    head : Node
        Whose value and error signal the card shows: the last of them.
    nodes : list of Node
        From the last to the first.
    cluster : Cluster or None
        The scope that stands for the card, where it is a closed one.
    within : Cluster or None
        The open scope that the card lies in.
    left_out : str
        What the card stands for, where it is the middle of a long chain.
    """

    head: Node
    nodes: list[Node]
    cluster: Cluster | None = None
    within: Cluster | None = None
    left_out: str = ""


class Grouping:
    """The nodes of a graph as cards.

    Parameters
    ----------
    signals : Signals
    expand : None, int, str, list of str or frozenset of str
        Which scopes are open: None as many as is comfortable; a depth; ``"all"``; ``"ops"``
        for all and each op by itself; ``"path"`` for those that are crossed by `crossed`; names;
        or a frozenset of ids, for these and no others.
    crossed : set of Node
        What lies on the highlighted paths.
    kept : set of Node
        What gets a card of its own, wherever it is open.
    style : optional
        The `expand` that says what is folded and left out, where it is another one.

    Attributes
    ----------
    clusters : list of Cluster
    groups : list of Group
        In the order of the backward sweep.
    of : dict
        The group of each node.
    notes : list of str
        What was left out, and why.
    """

    def __init__(
        self, signals: Signals, expand: Any, crossed: set[Node], kept: set[Node],
        style: Any = None,
    ) -> None:  # fmt: skip
        self.signals = signals
        style = expand if style is None else style
        self.notes: list[str] = []
        self._kept = kept
        self._by_scope: dict[Scope, Cluster | None] = {}
        self.clusters: list[Cluster] = self._clusters()
        self._heads = fold(signals.order, kept | set(signals.names)) if style != "ops" else {}
        self._open(expand, crossed)
        self._group(shortened=style not in ("all", "ops"))

    def cluster_of(self, node: Node) -> Cluster | None:
        """The innermost scope with a name that the node was recorded in."""
        return self._by_scope.get(node.scope) if node.op is not None else None

    def _clusters(self) -> list[Cluster]:
        found: list[Cluster] = []
        for node in reversed(self.signals.order):
            if node.op is not None:
                self._find(node.scope, found)
        return found

    def _find(self, scope: Any, found: list[Cluster]) -> None:
        """Add a scope, and those around it, where they were not met before."""
        inward = []
        while scope is not None and scope not in self._by_scope:
            inward.append(scope)
            scope = scope.outer
        cluster = self._by_scope.get(scope) if scope is not None else None
        for scope in reversed(inward):
            if scope.name is not None:
                cluster = Cluster(f"s{len(found) + 1}", scope.name, cluster)
                found.append(cluster)
            self._by_scope[scope] = cluster

    def _open(self, expand: Any, crossed: set[Node]) -> None:
        kinds = (int, str, list, tuple, frozenset, type(None))
        if isinstance(expand, bool) or not isinstance(expand, kinds):
            raise DomainError(f"expand={expand!r}: give a depth, 'all', 'ops', 'path', or names")
        if isinstance(expand, frozenset):
            self._open_where(lambda c: c.id in expand)
        elif isinstance(expand, int) and expand < 0:
            raise DomainError(f"expand={expand}: a depth is 0 or more")
        elif isinstance(expand, int):
            self._open_where(lambda c: c.depth < expand)
        elif expand == "path":
            met = {c for node in crossed for c in _around(self.cluster_of(node))}
            self._open_where(met.__contains__)
        elif expand is None:
            self._open_comfortably()
        elif expand not in ("all", "ops"):
            self._open_named([expand] if isinstance(expand, str) else expand)

    def _open_where(self, test: Any) -> None:
        for cluster in self.clusters:
            cluster.is_open = bool(test(cluster))

    def _open_named(self, names: Iterable[str]) -> None:
        opened: set[Cluster] = set()
        for name in names:
            found = [c for c in self.clusters if name in (c.name, " / ".join(c.path))]
            if not found:
                raise DomainError(
                    f"expand={name!r}: there is no scope of that name; {self._known(name)}"
                )
            opened.update(c for cluster in found for c in _around(cluster))
        self._open_where(opened.__contains__)

    def _known(self, name: str) -> str:
        names = list(dict.fromkeys(c.name for c in self.clusters))
        near = get_close_matches(str(name), names, 1)
        if near:
            return f"did you mean {near[0]!r}?"
        more = f", and {len(names) - 8} more" if len(names) > 8 else ""
        return f"there is {', '.join(names[:8])}{more}" if names else "this graph has no scopes"

    def _open_comfortably(self) -> None:
        """As deep as all cards can be taken in."""
        deepest = max((c.depth for c in self.clusters), default=-1) + 1
        for depth in range(deepest, -1, -1):
            self._open_where(lambda c, depth=depth: c.depth < depth)
            keys = {self._key(n) for n in self.signals.order if n.op is not None}
            left_out = sum(len(series) - 5 for series in _series(keys))
            if len(keys) - left_out <= COMFORTABLE:
                break
        if closed := sum(not c.is_open and _is_visible(c) for c in self.clusters):
            self.notes.append(f"{closed:,} scopes are closed; expand= opens them")

    def _key(self, node: Node) -> Any:
        """What stands for the node in the picture: a closed scope, or the head of an expression."""
        cluster = self.cluster_of(node)
        closed = cluster.closed() if cluster is not None else None
        return closed or self._heads.get(node, node)

    def _group(self, shortened: bool) -> None:
        members: dict[Any, list[Node]] = {}
        for node in self.signals.order:
            members.setdefault(self._key(node), []).append(node)
        if shortened:
            members = self._shortened(members)
        self.groups: list[Group] = [self._made(key, nodes) for key, nodes in members.items()]
        self.of: dict[Node, Group] = {node: group for group in self.groups for node in group.nodes}

    def _made(self, key: Any, nodes: list[Node]) -> Group:
        if isinstance(key, _Middle):
            return Group(nodes[0], nodes, left_out=key.text, within=key.within)
        if isinstance(key, Cluster):
            return Group(nodes[0], nodes, key, key.outer)
        return Group(key, nodes, None, self.cluster_of(key))

    def _shortened(self, members: dict[Any, list[Node]]) -> dict[Any, list[Node]]:
        """Without the middle of long series of closed scopes, and of what is still too much."""
        for series in _series(members):
            kind = re.sub(r"\W*(t\s*=\s*)?\d+$", "", series[0].name)
            middle = _Middle(f"{len(series) - 4:,} × {kind}", series[0].outer)
            members = self._merged(members, series[2:-2], middle)
        for cluster, ops in self._long(members, lambda node: node.op is not None):
            inner = ops[COMFORTABLE // 3 : -COMFORTABLE // 3]
            members = self._merged(members, inner, _Middle(f"{len(inner):,} steps", cluster))
        for _, inputs in self._long(members, _is_input):
            inner = inputs[2:-2]
            members = self._merged(members, inner, _Middle(f"{len(inner):,} inputs", None))
        return members

    def _long(
        self, members: Iterable[Any], test: Callable[[Node], bool]
    ) -> list[tuple[Cluster | None, list[Node]]]:
        """Nodes that pass a test, by scope, where one scope has too many of them."""
        found: dict[Cluster | None, list[Node]] = {}
        for key in members:
            if isinstance(key, Node) and test(key) and key not in self._kept:
                found.setdefault(self.cluster_of(key), []).append(key)
        return [pair for pair in found.items() if len(pair[1]) > COMFORTABLE]

    def _merged(
        self, members: dict[Any, list[Node]], keys: list[Any], middle: _Middle
    ) -> dict[Any, list[Node]]:
        inside = {node for key in keys for node in members[key]}
        gone = {*keys, *(k for k in members if self._serves_only(k, inside))}
        self.notes.append(f"{middle.text} are drawn as one card")
        found: dict[Any, list[Node]] = {}
        for key, nodes in members.items():
            found.setdefault(middle if key in gone else key, []).extend(nodes)
        return found

    def _serves_only(self, key: Any, inside: set[Node]) -> bool:
        """Whether it is an input of what is left out, and of nothing else."""
        if not isinstance(key, Node) or key.op is not None or key in self._kept:
            return False
        return all(edge.child in inside for edge in self.signals.uses.get(key, []))


@dataclass(eq=False)
class _Middle:
    """The key of what is left out."""

    text: str
    within: Cluster | None


def _is_visible(cluster: Cluster) -> bool:
    return cluster.closed() is cluster


def _is_input(node: Node) -> bool:
    return node.op is None and not (node.info is not None and node.info.is_parameter)


def _around(cluster: Cluster | None) -> Iterator[Cluster]:
    while cluster is not None:
        yield cluster
        cluster = cluster.outer


def _series(members: Iterable[Any]) -> Iterator[list[Cluster]]:
    """Closed scopes side by side whose names differ in a number only, the last one first."""
    alike: dict[Any, list[Cluster]] = {}
    for key in members:
        if isinstance(key, Cluster):
            alike.setdefault((key.outer, re.sub(r"\d+", "#", key.name)), []).append(key)
    return (series for series in alike.values() if len(series) > _SERIES)
