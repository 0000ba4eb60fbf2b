"""The view: cards, wires and scopes with all their text; each kind of picture is made from it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from autodiff.backward import contributions
from autodiff.draw.check import LARGEST, along, difference, verdict
from autodiff.draw.groups import Cluster, Group, Grouping
from autodiff.inspect.expressions import LONGEST
from autodiff.inspect.notation import Factor, array, number, product, space
from autodiff.inspect.partials import units
from autodiff.inspect.paths import Path, Paths
from autodiff.inspect.signals import Edge, Signals
from autodiff.inspect.watch import not_finite
from autodiff.nodes import Node

__all__ = ["NUMERALS", "Card", "View", "Wire", "norm", "shown"]

NUMERALS = "①②③④⑤⑥⑦⑧"


@dataclass(eq=False)
class Card:
    """One card of a picture.

    Attributes
    ----------
    id : str
        ``n`` and the place of its head in the backward sweep; of a closed scope, the scope's.
    kind : str
        ``"loss"``, ``"op"``, ``"input"``, ``"parameter"`` or ``"group"``.
    title, subtitle, space : str
        The name, what it is made of, and the space that it is in.
    value, delta : str or None
        As written; a delta of None says that no error signal comes here.
    alert : str
        Why it is red: ``"nan"`` or ``"inf"``; or empty.
    group : Group
    is_target : bool
        Whether it is what the highlighted paths lead to.
    paths : list of int
        The paths that go through it.
    pills : list of str
        Parameters that it uses and that are drawn elsewhere.
    """

    id: str
    kind: str
    title: str
    subtitle: str
    space: str
    value: str
    delta: str | None
    alert: str
    group: Group
    is_target: bool = False
    paths: list[int] = field(default_factory=list)
    pills: list[str] = field(default_factory=list)


@dataclass(eq=False)
class Wire:
    """All that flows between two cards: values from the parent, error signals from the child.

    Attributes
    ----------
    edges : list of Edge
    local : str
        The local derivative of the child's value with respect to the parent's, as written.
    slope : str
        Its number, where both are numbers; else empty.
    paths : list of int
        The paths that go along it.
    """

    parent: Card
    child: Card
    edges: list[Edge]
    local: str = ""
    slope: str = ""
    paths: list[int] = field(default_factory=list)

    @property
    def is_number(self) -> bool:
        """Whether the local derivative as written says all that its number does."""
        return self.local.removeprefix("−").replace(".", "", 1).isdigit()


class View:
    """What a picture shows.

    Parameters
    ----------
    signals : Signals
    expand
        As for `Grouping`.
    paths : Paths, optional
        To be highlighted.
    style
        As for `Grouping`.

    Attributes
    ----------
    cards, wires : list
        In the order of the backward sweep.
    clusters : list of Cluster
        The open scopes that hold more than one card.
    shared : list of Node
        Parameters drawn once, in a table.
    """

    def __init__(
        self, signals: Signals, expand: Any = None, paths: Paths | None = None, style: Any = None
    ) -> None:
        self.signals = signals
        self.found = paths
        self.paths: list[Path] = [] if paths is None else paths.shown
        crossed = {node for path in self.paths for node in path.nodes}
        kept = {signals.root, *_anomalies(signals)}
        if paths is not None and paths.target is not None:
            kept.add(paths.target)
        self.grouping: Grouping = Grouping(signals, expand, crossed, kept, style)
        self._places = {node: i for i, node in enumerate(signals.order)}
        self.shared: list[Node] = self._shared(crossed)
        hidden = {node for node in signals.order if _is_parameter(node) and node not in crossed}
        self._hidden = hidden if paths is not None else set(self.shared)
        self.cards: list[Card] = [
            self._card(g) for g in self.grouping.groups if g.head not in self._hidden
        ]
        self._of = {card.group: card for card in self.cards}
        self.clusters: list[Cluster] = self._drawn_clusters()
        self.wires: list[Wire] = list(self._wires())
        self._mark_paths()

    def card(self, node: Node) -> Card | None:
        """The card that shows a node, or stands for it; None for what is drawn elsewhere."""
        group = self.grouping.of.get(node)
        return None if group is None else self._of.get(group)

    @cached_property
    def check(self) -> str:
        """How the highlighted gradient compares with differences; empty if it cannot be told."""
        if self.found is None or self.found.target is None or not self.found.count:
            return ""
        target, element = self.found.target, self.found.element
        total, where = np.asarray(self.found.total, float), ""
        if element is None and total.size > LARGEST:
            slope, doubt, total = along(self.signals, target)
            where = " along one direction"
        else:
            slope, doubt = difference(self.signals, target, element)
        is_right = verdict(slope, doubt, total)
        if is_right is None:
            return ""
        return f"finite difference{where} {array(slope)}  {'✓' if is_right else '≠'}"

    # Parameters

    def _shared(self, crossed: set[Node]) -> list[Node]:
        """Parameters with several uses; all of them, if some are, so that they stand together."""
        parameters = [
            n for n in reversed(self.signals.order) if _is_parameter(n) and n not in crossed
        ]
        several = any(len(self._users(node)) > 1 for node in parameters)
        return parameters if several or len(parameters) > 12 else []

    def _users(self, node: Node) -> set[Group]:
        return {self.grouping.of[edge.child] for edge in self.signals.uses.get(node, [])}

    # Cards

    def _card(self, group: Group) -> Card:
        head, signals = group.head, self.signals
        title, subtitle = self._titles(group)
        value, delta = signals.known.get(head), signals.deltas[head]
        several = head.op is not None and head.op.outputs != 1
        used = set(self._parents(group))
        return Card(
            id=group.cluster.id if group.cluster else f"n{self._places[head]}",
            kind=self._kind(group),
            title=title,
            subtitle=subtitle,
            space="" if several else space(head.spec[0]),
            value=shown(value),
            delta=None if delta is None else shown_delta(delta),
            alert=not_finite(value) or not_finite(delta),
            group=group,
            is_target=self.found is not None and head is self.found.target,
            pills=[signals.label(p) for p in self.shared if p in used],
        )

    def _parents(self, group: Group) -> Iterator[Node]:
        return (p for node in group.nodes for p in node.parents if p is not None)

    def _kind(self, group: Group) -> str:
        if group.cluster or group.left_out:
            return "group"
        if group.head is self.signals.root:
            return "loss"
        if group.head.op is not None:
            return "op"
        return "parameter" if _is_parameter(group.head) else "input"

    def _titles(self, group: Group) -> tuple[str, str]:
        head, expressions = group.head, self.signals.expressions
        if group.left_out:
            return f"⋯ {group.left_out} ⋯", _ops(group)
        if group.cluster:
            return group.cluster.name, self._contents(group)
        if head.op is None:
            return self.signals.label(head), "parameter" if _is_parameter(head) else "input"
        definitions = (expressions.definition(head, depth).text for depth in (4, 3, 2))
        definition = next((d for d in definitions if len(d) <= LONGEST), f"{head.op.name}(…)")
        named = head in self.signals.names
        return (self.signals.names[head], definition) if named else (definition, "")

    def _contents(self, group: Group) -> str:
        shared = len({p for p in self._parents(group) if p in self.shared})
        return f"⊞ {_ops(group)}" + (f" · {shared} shared" if shared else "")

    def _drawn_clusters(self) -> list[Cluster]:
        """Open scopes with something to hold together; a box around one card says nothing."""
        held: dict[Cluster, int] = {}
        for card in self.cards:
            cluster = card.group.within
            while cluster is not None:
                held[cluster] = held.get(cluster, 0) + 1
                cluster = cluster.outer
        return [c for c in self.grouping.clusters if c.is_open and held.get(c, 0) > 1]

    # Wires

    def _wires(self) -> Iterator[Wire]:
        found: dict[tuple[Card, Card], Wire] = {}
        for card in self.cards:
            for node in card.group.nodes:
                for edge in self.signals.uses.get(node, []):
                    child = self.card(edge.child)
                    if child is not None and child is not card:
                        wire = found.setdefault((card, child), Wire(card, child, []))
                        wire.edges.append(edge)
        for wire in found.values():
            self._label(wire)
            yield wire

    def _label(self, wire: Wire) -> None:
        edges = [e for e in wire.edges if e.share is not None]
        if wire.child.kind == "group" or wire.parent.kind == "group" or not 0 < len(edges) <= 2:
            wire.local = f"{len(edges)} ways" if len(edges) > 1 else ""
            return
        head = wire.child.group.head
        steps = [self._steps(edge, head) for edge in edges]
        is_scalar = head.spec[0] == () and edges[0].parent.spec[0] == ()
        wire.local = " + ".join(product([f for _, f in step], is_scalar) for step in steps)
        if is_scalar:
            wire.slope = number(sum(_slope([edge for edge, _ in step]) for step in steps))

    def _steps(self, edge: Edge, head: Node) -> list[tuple[Edge, Factor]]:
        """The local derivatives within a card, from its head down to the edge."""
        expressions, steps = self.signals.expressions, []
        while True:
            steps.append((edge, expressions.factor(edge.child, edge.index)))
            if edge.child is head:
                return steps[::-1]
            (edge,) = self.signals.uses[edge.child]  # what is folded has one use

    # Paths

    def _mark_paths(self) -> None:
        wires = {(w.parent, w.child): w for w in self.wires}
        for i, path in enumerate(self.paths):
            cards = self.route(path)
            for card in dict.fromkeys(cards):
                card.paths.append(i)
            for child, parent in pairwise(cards):
                if i not in (wire := wires[parent, child]).paths:
                    wire.paths.append(i)

    def route(self, path: Path) -> list[Card]:
        """The cards that a path comes through, from the result on."""
        cards = [card for node in path.nodes if (card := self.card(node)) is not None]
        return [c for c, before in zip(cards, [None, *cards], strict=False) if c is not before]

    def shares(self, card: Card) -> list[tuple[Wire, Any]]:
        """What each consumer adds to the error signal of the card's value."""
        head, found = card.group.head, []
        for wire in self.leaving(card):
            parts = [e.share for e in wire.edges if e.parent is head and e.share is not None]
            if parts:
                found.append((wire, sum(parts[1:], parts[0])))
        return found

    def leaving(self, card: Card) -> list[Wire]:
        """The wires to what uses the card's value."""
        return self._leaving.get(card, [])

    def arriving(self, card: Card) -> list[Wire]:
        """The wires from what the card's value is made of."""
        return self._arriving.get(card, [])

    @cached_property
    def _leaving(self) -> dict[Card, list[Wire]]:
        found: dict[Card, list[Wire]] = {}
        for wire in self.wires:
            found.setdefault(wire.parent, []).append(wire)
        return found

    @cached_property
    def _arriving(self) -> dict[Card, list[Wire]]:
        found: dict[Card, list[Wire]] = {}
        for wire in self.wires:
            found.setdefault(wire.child, []).append(wire)
        return found


def _ops(group: Group) -> str:
    count = sum(node.op is not None for node in group.nodes)
    return f"{count:,} op{'s' if count > 1 else ''}"


def _slope(edges: list[Edge]) -> float:
    """The derivative of one number by another along edges, between which there may be arrays."""
    g = next(units(edges[0].child))
    for edge in edges:
        g = contributions(edge.child, g)[edge.index]
    return float(g)


def norm(value: Any) -> float:
    """The Euclidean norm of a value, of several results together; 0 if it is not finite."""
    parts = value if isinstance(value, tuple) else (getattr(value, "values", value),)
    size = math.hypot(*(float(np.linalg.norm(np.ravel(part))) for part in parts))
    return size if math.isfinite(size) else 0.0


def _is_parameter(node: Node) -> bool:
    return node.info is not None and node.info.is_parameter


def _anomalies(signals: Signals) -> set[Node]:
    """Where a value or an error signal stops being finite, so that no fold hides it."""
    leaves = (node for node in signals.order if node.op is None)
    ends = [signals.known.get(signals.root), *map(signals.deltas.get, leaves)]
    if not any(map(not_finite, ends)):
        return set()
    bad = {node for node in signals.order if not_finite(signals.known.get(node))}
    found = {node for node in bad if bad.isdisjoint(node.parents)}
    lost = {node for node in signals.order if not_finite(signals.deltas[node])}
    for node in lost:
        users = {edge.child for edge in signals.uses.get(node, [])}
        if lost.isdisjoint(users):
            found |= {node, *users}
    return found


def shown(value: Any) -> str:
    """A value as a card has it."""
    if value is None:
        return "not kept"
    return array(value)


def shown_delta(delta: Any) -> str:
    """An error signal as a card has it; one that is zero throughout says so."""
    parts = delta if isinstance(delta, tuple) else (getattr(delta, "values", delta),)
    if all(np.size(part) and not np.any(part) for part in parts):
        return "0 (dead)"
    return array(np.asarray(delta) if hasattr(delta, "rows") else delta)
