"""What stands below a picture: the paths with what each adds, and the parameters drawn once."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np

from autodiff.draw.markup import Cell, Run, table
from autodiff.draw.view import COLOURS, NUMERALS, View, shown, shown_delta
from autodiff.inspect.notation import number, space
from autodiff.inspect.paths import many
from autodiff.inspect.signals import shortened, written
from autodiff.nodes import Node

__all__ = ["legend", "sizes"]

INK, GREY = "#263238", "#607D8B"
ORANGE, GREEN, VIOLET = "#D9480F", "#1B7F3B", "#5F3DC4"
BAR = 16
"""Blocks of the longest bar."""
COLUMNS = 8
"""Uses of a parameter that get a column each; of more, those in the middle share one."""


def legend(view: View, title: str = "") -> str:
    """The label of the whole picture; empty if there is nothing to say."""
    tables = [[Cell((Run(title, 14, INK, True),), 24)]] if title else []
    parts = [table(tables)] if tables else []
    if view.found is not None:
        parts.append(_paths(view))
    if view.shared:
        parts.append(_parameters(view))
    parts += [table([[Cell((Run(note, 10, GREY),), 16, "left")]]) for note in view.grouping.notes]
    if not parts:
        return ""
    rows = "".join(f"<TR><TD>{part}</TD></TR>" for part in parts)
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="4" CELLPADDING="0">{rows}</TABLE>'


def _paths(view: View) -> str:
    found = view.found
    assert found is not None
    noun = "path" if found.count == 1 else "paths"
    key = "     ▸ forward value     ◂ error signal     bar = ‖contribution‖"
    head = [Run(f"{found.title} is the sum over {many(found.count)} {noun}", 14, INK, True)]
    if not found.count:
        return table([[Cell((Run(f"{found.title} is 0. {found.reason}", 12, INK),), 20)]])
    rows = [[Cell((*head, Run(key, 11, GREY)), 24, "left", span=4)]]
    for i, (path, size) in enumerate(zip(view.paths, sizes(view), strict=True)):
        way, bar = " → ".join(c.title for c in view.route(path)), "█" * max(round(size * BAR), 1)
        rows.append(_row(NUMERALS[i], way, written(path.contribution), bar, COLOURS[i]))
    if found.count == len(view.paths) == 1 and (factors := _factors(view)):
        rows.append(_row("", factors, "", "", ORANGE))
    if found.count > len(view.paths):
        more = f"{many(found.count - len(view.paths))} more, together"
        rows.append(_row("⋯", more, written(_rest(view)), "", GREY))
    rows.append(_sum(view))
    return table(rows, padding=6, spacing=3)


def _row(mark: str, text: str, value: str, bar: str, colour: str) -> list[Cell]:
    return [
        Cell((Run(mark, 15, colour),) if mark else (), 20, "right"),
        Cell((Run(text, 12, colour),), 20, "left"),
        Cell((Run(value, 12, colour, True),) if value else (), 20, "right"),
        Cell((Run(bar, 12, colour),) if bar else (), 20, "left"),
    ]


def _sum(view: View) -> list[Cell]:
    found = view.found
    assert found is not None
    check = (Run(view.check, 11, GREY),) if view.check else ()
    return [
        Cell((Run("Σ", 14, ORANGE, True),), 20, "right"),
        Cell((Run(found.title, 12, ORANGE, True),), 20, "left"),
        Cell((Run(written(found.total), 12, ORANGE, True),), 20, "right"),
        Cell(check, 20, "left"),
    ]


def _factors(view: View) -> str:
    """The product of the numbers along the only path."""
    cards = view.route(view.paths[0])
    wires = {(w.child, w.parent): w for w in view.wires}
    steps = [wires[pair] for pair in pairwise(cards)]
    is_known = all(wire.slope for wire in steps)
    steps = [wire for wire in steps if wire.local != "1"]
    if not is_known or len(steps) < 2:
        return ""
    symbols = " · ".join(f"({w.local})" if " " in w.local else w.local for w in steps)
    return f"= {symbols} = {' · '.join(w.slope for w in steps)}"


def sizes(view: View) -> list[float]:
    """The norm of what each path adds, as a share of the largest."""
    norms = [float(np.linalg.norm(np.ravel(p.contribution))) for p in view.paths]
    largest = max(norms, default=0.0)
    return [n / largest if largest and math.isfinite(n / largest) else 0.0 for n in norms]


def _rest(view: View) -> Any:
    found = view.found
    assert found is not None
    return found.total - sum((p.contribution for p in view.paths), found.total * 0)


# Parameters


def _parameters(view: View) -> str:
    uses = {node: view.signals.by_scope(node) for node in view.shared}
    labels = list(dict.fromkeys(label for node in uses for label in uses[node]))
    short = shortened(labels) if any(len(shares) > 1 for shares in uses.values()) else []
    columns = short if len(short) <= COLUMNS else [*short[:4], "⋯", *short[-3:]]
    head = [Cell((Run("parameters, drawn once", 12, INK, True),), 20, "left", span=3)]
    head += [Cell((Run(c, 10, GREY),), 20) for c in columns]
    head.append(Cell((Run("‖Σ‖" if columns else "", 10, ORANGE, True),), 20))
    largest = max((_norm(s) for shares in uses.values() for s in shares.values()), default=0.0)
    rows = [head]
    for node in view.shared:
        cells = [_heat(uses[node].get(label), largest) for label in labels] if columns else []
        if len(cells) > COLUMNS:
            cells = [*cells[:4], Cell((Run("⋯", 10, GREY),), 19), *cells[-3:]]
        rows.append([*_parameter(view, node), *cells, _total(view, node)])
    return table(rows, spacing=3, padding=8)


def _parameter(view: View, node: Node) -> list[Cell]:
    name, value = view.signals.label(node), shown(view.signals.known.get(node))
    return [
        Cell((Run(name, 11, VIOLET, True),), 19, "left"),
        Cell((Run(space(node.spec[0]), 10, "#ADB5BD"),), 19),
        Cell((Run(f"▸ {value}", 10, GREEN),), 19, fill="#E6F4EA"),
    ]


def _total(view: View, node: Node) -> Cell:
    delta = view.signals.deltas[node]
    text = "◂ —" if delta is None else f"◂ {shown_delta(delta)}"
    return Cell((Run(text, 11, ORANGE, True),), 19, fill="#FFF4E6")


def _heat(share: Any, largest: float) -> Cell:
    if share is None:
        return Cell((Run("—", 10, "#ADB5BD"),), 19)
    size = _norm(share)
    strength = size / largest if largest and math.isfinite(size) else 0.0
    return Cell((Run(number(size), 10, ORANGE),), 19, fill=_warm(strength))


def _warm(strength: float) -> str:
    """From nearly white to orange, by the square root so that small shares can be told apart."""
    pale, full = (255, 250, 244), (255, 192, 120)
    mixed = (round(p + (f - p) * math.sqrt(strength)) for p, f in zip(pale, full, strict=True))
    return "#" + "".join(f"{c:02X}" for c in mixed)


def _norm(share: Any) -> float:
    return float(np.linalg.norm(np.ravel(getattr(share, "values", share))))
