"""The view as DOT text, for Graphviz to lay out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from autodiff.draw.fit import line
from autodiff.draw.groups import Cluster
from autodiff.draw.legend import legend
from autodiff.draw.markup import Cell, Run, escaped, table
from autodiff.draw.palette import (
    BLUE,
    BLUE_FILL,
    GREEN,
    GREEN_FILL,
    GREEN_WIRE,
    GREY,
    INK,
    LINE,
    ORANGE,
    ORANGE_FILL,
    ORANGE_WIRE,
    PALE,
    PATHS,
    QUIET,
    QUIET_BACK,
    RED,
    RED_FILL,
    VIOLET,
    VIOLET_FILL,
    VIOLET_WIRE,
    YELLOW_FILL,
)
from autodiff.draw.view import NUMERALS, Card, View, Wire

__all__ = ["SHOW", "VARIANTS", "dot"]

SHOW = ("values+grads", "values", "grads", "names")
_FILLS = {"loss": YELLOW_FILL, "parameter": VIOLET_FILL, "input": "#F8F9FA", "group": BLUE_FILL}
_BORDERS = {"group": (BLUE, 2), "loss": (GREY, 1), "parameter": (VIOLET_WIRE, 1)}

_SIDES = {"LR": ("e", "w"), "RL": ("w", "e"), "TB": ("s", "n"), "BT": ("n", "s")}
"""By the direction of the forward, the sides of cards where wires leave and arrive."""

VARIANTS = {
    "whole": ("false", "true", True),
    "newrank": ("true", "true", True),
    "unlabelled": ("false", "true", False),
    "straight": ("false", "line", False),
}
"""What asks less and less of an engine: newrank, splines, and whether wires have labels."""

_HEAD = """digraph autodiff {{
rankdir={rankdir}; newrank={newrank}; compound=true; bgcolor="white"; nodesep=0.22; ranksep={gap};
pad=0.25; splines={splines}; fontname="DejaVu Sans";
node [shape=plain fontname="DejaVu Sans"];
edge [fontname="DejaVu Sans" fontsize=10 arrowsize=0.6];
"""


def dot(
    view: View, show: str = "values+grads", rankdir: str = "LR", title: str = "",
    variant: str = "whole",
) -> str:  # fmt: skip
    """DOT text with the same ids each time: ``n0``, ``n1``, ... in the order of the backward sweep.

    Cards and wires carry an ``id`` and a ``class``, which Graphviz hands on to the SVG. The
    variants, one of `VARIANTS`, are for engines that fail at the whole.
    """
    newrank, splines, may_label = VARIANTS[variant]
    is_labelled = may_label and "grads" in show
    writer = _Writer(view, show, is_labelled, _SIDES[rankdir])
    gap = 0.42 if is_labelled else 0.35
    parts = [
        _HEAD.format(rankdir=rankdir, newrank=newrank, splines=splines, gap=gap),
        *writer.scopes(),
        *(writer.wires(wire) for wire in view.wires),
        *writer.ranks(),
    ]
    if below := legend(view, title):
        parts.append(f"labelloc=b; label=<{below}>;\n")
    return "".join((*parts, "}\n"))


class _Writer:
    def __init__(self, view: View, show: str, is_labelled: bool, sides: tuple[str, str]) -> None:
        self.view = view
        self.show = show
        self.is_labelled = is_labelled
        self.sides = sides
        self.inside: dict[Cluster | None, list[Card]] = {}
        self.nested: dict[Cluster | None, list[Cluster]] = {}
        drawn = set(view.clusters)
        for card in view.cards:
            self.inside.setdefault(_drawn(card.group.within, drawn), []).append(card)
        for cluster in view.clusters:
            self.nested.setdefault(_drawn(cluster.outer, drawn), []).append(cluster)

    def scopes(self) -> Iterator[str]:
        """All cards, within their scopes. These nest as deep as they like, so nothing recurses."""
        waiting: list[Any] = [*self._contents(None)][::-1]
        while waiting:
            item = waiting.pop()
            if isinstance(item, Cluster):
                yield self._opening(item)
                waiting += ["}\n", *[*self._contents(item)][::-1]]
            else:
                yield item

    def _contents(self, cluster: Cluster | None) -> Iterator[Any]:
        yield from map(self.card, reversed(self.inside.get(cluster, [])))
        yield from self.nested.get(cluster, [])

    def _opening(self, cluster: Cluster) -> str:
        name = line(Run(f"⊟ {cluster.name}", 12, GREY, True).markup(), "left")
        return (f'subgraph cluster_{cluster.id} {{ id="{cluster.id}"; label=<{name}>; '
                'labeljust=l; style=rounded; color="#CFD8DC"; penwidth=1.5;\n')  # fmt: skip

    def card(self, card: Card) -> str:
        colour, border = _BORDERS.get(card.kind, (LINE, 1))
        fill = _FILLS.get(card.kind, "#FFFFFF")
        if card.paths and len(self.view.paths) == 1:
            colour, border = PATHS[0], 2
        if card.is_target or (card.paths and card.kind == "parameter"):
            colour, border = ORANGE, 3
            fill = YELLOW_FILL if card.kind == "input" else fill
        if card.alert:
            colour, border, fill = RED, 3, RED_FILL
        attributes = f'STYLE="ROUNDED" BORDER="{border}" COLOR="{colour}" BGCOLOR="{fill}"'
        rows = [[cell] for cell in self._rows(card)]
        label = table(rows, attributes, padding=16, foot=6)
        tip = escaped(f"{card.title} {card.subtitle}".strip())
        text = f'id="{card.id}" class="card {card.kind}" tooltip="{tip}" label=<{label}>'
        return f"{card.id} [{text}];\n" + self._pills(card)

    def _rows(self, card: Card) -> Iterator[Cell]:
        head = [Run(card.title, 13, INK, True)]
        if card.kind == "group":
            yield Cell(tuple(head), 21)
            yield Cell((Run(card.subtitle, 9, GREY),), 14)
        else:
            head += [Run(f"  {card.subtitle}", 10, GREY)] if card.subtitle else []
            head += [Run(f"  {card.space}", 9, PALE)] if card.space else []
            yield Cell(tuple(head), 22)
        if "values" in self.show:
            yield Cell((self._value(card),), fill=GREEN_FILL, port="v")
        if "grads" in self.show:
            yield Cell((self._delta(card),), fill=ORANGE_FILL, port="g")

    def _value(self, card: Card) -> Run:
        warning = f"  ⚠ {card.alert}" if card.alert and card.alert in card.value else ""
        return Run(f"▸ {card.value}{warning}", 11, RED if warning else GREEN)

    def _delta(self, card: Card) -> Run:
        if card.delta is None:
            return Run("◂ —", 11, PALE)
        warning = f"  ⚠ {card.alert}" if card.alert and card.alert in card.delta else ""
        return Run(f"◂ {card.delta}{warning}", 11, RED if warning else ORANGE, bool(card.paths))

    def _pills(self, card: Card) -> str:
        """What it uses of the parameters that are drawn once."""
        if not card.pills or card.kind == "group":
            return ""
        pill = f"p_{card.id}"
        style = f'STYLE="ROUNDED" BORDER="1" COLOR="{VIOLET_WIRE}" BGCOLOR="{VIOLET_FILL}"'
        cell = table([[Cell((Run(" ".join(card.pills), 9, VIOLET),), 15)]], style, padding=10)
        _, port = self._ports("v")
        return (f'{pill} [id="{pill}" class="pill" label=<{cell}>];\n'
                f'{pill} -> {card.id}{port} [class="pill" color="{VIOLET_WIRE}" arrowsize=0.4 '
                "style=dotted];\n")  # fmt: skip

    def ranks(self) -> Iterator[str]:
        """Inputs that go to the same places stand in the order in which they were made."""
        alike: dict[frozenset[Card], list[str]] = {}
        for card in reversed(self.view.cards):
            if card.kind == "input":
                users = frozenset(wire.child for wire in self.view.leaving(card))
                alike.setdefault(users, []).append(card.id)
        for ids in alike.values():
            if len(ids) > 1:
                yield f"{{rank=same; {' -> '.join(ids)} [style=invis]}}\n"

    def wires(self, wire: Wire) -> str:
        """Two lanes: values go forward, error signals come back."""
        is_quiet = bool(self.view.paths) and not wire.paths
        near = wire.parent.group.within is wire.child.group.within
        weight = 3 if near else 1
        has_lane = "grads" in self.show and (not is_quiet or len(self.view.paths) == 1)
        return self._forward(wire, is_quiet, weight) + (
            self._backward(wire, is_quiet, weight) if has_lane else ""
        )

    def _forward(self, wire: Wire, is_quiet: bool, weight: int) -> str:
        parent, child = wire.parent.id, wire.child.id
        on_path = bool(wire.paths) and len(self.view.paths) == 1
        colour = QUIET if is_quiet else GREEN if on_path else GREEN_WIRE
        if "grads" not in self.show and wire.paths:  # there is no other lane to show them on
            colour = ":".join(PATHS[i] for i in wire.paths)
        port_out, port_in = self._ports("v")
        return (f'{parent}{port_out} -> {child}{port_in} [id="f-{parent}-{child}" '
                f'class="forward" color="{colour}" penwidth={1.4 if on_path else 1} '
                f"weight={weight}];\n")  # fmt: skip

    def _backward(self, wire: Wire, is_quiet: bool, weight: int) -> str:
        parent, child = wire.parent.id, wire.child.id
        colours = [PATHS[i] for i in wire.paths]
        pen = 1.0 if is_quiet else 2.6 if len(colours) == 1 else 1.5
        port_out, port_in = self._ports("g")
        colour, label = ":".join(colours) or ORANGE_WIRE, self._label(wire)
        colour, label = (QUIET_BACK, "") if is_quiet else (colour, label)
        return (f'{parent}{port_out} -> {child}{port_in} [id="b-{parent}-{child}" '
                f'class="backward" dir=back color="{colour}" penwidth={pen} '
                f"arrowsize=0.75 weight={weight}{label}];\n")  # fmt: skip

    def _ports(self, port: str) -> tuple[str, str]:
        """Where a lane leaves and arrives: at its row, or at a corner where cards are stacked.

        From below, engines lose their way to corners, and lanes share the middle.
        """
        leave, arrive = self.sides
        if leave in "ns":
            corner = {"v": "w", "g": "e"}[port] if leave == "s" else ""
            return f":{leave}{corner}", f":{arrive}{corner}"
        row = f":{port}" if {"v": "values", "g": "grads"}[port] in self.show else ""
        return f"{row}:{leave}", f"{row}:{arrive}"

    def _label(self, wire: Wire) -> str:
        """The local derivative, between the lanes."""
        if not self.is_labelled:
            return ""
        rows = []
        if wire.paths and len(self.view.paths) > 1:
            marks = [Run(NUMERALS[i] + " ", 13, PATHS[i]) for i in wire.paths]
            rows.append([Cell(tuple(marks), 17)])
        if wire.local:
            rows.append([Cell((Run(wire.local, 10, INK),), 13)])
        if wire.slope and not wire.is_number:
            rows.append([Cell((Run(wire.slope, 11, ORANGE, bool(wire.paths)),), 14)])
        if not rows or not (self.view.paths or len(self.view.wires) <= 40):
            return ""
        rows.append([Cell((), 8)])
        return f" label=<{table(rows)}>"


def _drawn(cluster: Cluster | None, drawn: set[Cluster]) -> Cluster | None:
    """The innermost scope with a box of its own."""
    while cluster is not None and cluster not in drawn:
        cluster = cluster.outer
    return cluster
