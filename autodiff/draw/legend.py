"""What stands below a picture: the paths with what each adds, and the parameters drawn once."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

from autodiff.draw.markup import Cell, Run, table, total_width
from autodiff.draw.palette import (
    GREEN,
    GREEN_FILL,
    GREY,
    INK,
    ORANGE,
    ORANGE_FILL,
    PALE,
    PATHS,
    VIOLET,
)
from autodiff.draw.view import NUMERALS, View, norm, shown, shown_delta
from autodiff.inspect.notation import number, space
from autodiff.inspect.paths import many
from autodiff.inspect.signals import shortened, written
from autodiff.nodes import Node

__all__ = ["legend", "sizes", "ways"]

PADDING, SPACING = 8, 3
"""Points added to each column, and between cells."""
BAR = 16
"""Blocks of the longest bar."""
COLUMNS = 8
"""Uses of a parameter that get a column each; of more, those in the middle share one."""


def legend(view: View, title: str = "") -> str:
    """The label of the whole picture; empty if there is nothing to say."""
    parts = [[[Cell((Run(title, 14, INK, True),), 24)]]] if title else []
    if view.found is not None:
        parts.append(_paths(view))
    if view.shared:
        parts.append(_parameters(view))
    parts += [[[Cell((Run(note, 10, GREY),), 16, "left")]] for note in view.grouping.notes]
    if not parts:
        return ""
    # Engines stretch a narrow table below a wide one, and what is in it overlaps.
    widest = max(total_width(part, PADDING, SPACING) for part in parts)
    tables = (table(part, padding=PADDING, spacing=SPACING, least=widest) for part in parts)
    rows = "".join(f"<TR><TD>{part}</TD></TR>" for part in tables)
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="4" CELLPADDING="0">{rows}</TABLE>'


def _paths(view: View) -> list[list[Cell]]:
    found = view.found
    assert found is not None
    key = "     ▸ forward value     ◂ error signal     bar = ‖contribution‖"
    if not found.count:
        return [[Cell((Run(f"{found.title} is 0. {found.reason}", 12, INK),), 20)]]
    number = "one path" if found.count == 1 else f"{many(found.count)} paths"
    head = Run(f"{found.title} is the sum over {number}", 14, INK, True)
    rows = [[Cell((head, Run(key, 11, GREY)), 24, "left", span=4)]]
    for i, (path, size) in enumerate(zip(view.paths, sizes(view), strict=True)):
        bar = "█" * max(round(size * BAR), size > 0)
        rows.append(_row(NUMERALS[i], ways(view)[i], written(path.contribution), bar, PATHS[i]))
    if found.count == len(view.paths) == 1 and (factors := _factors(view)):
        rows.append(_row("", factors, "", "", ORANGE))
    if found.count > len(view.paths):
        more = f"{many(found.count - len(view.paths))} more, together"
        rows.append(_row("⋯", more, written(found.rest), "", GREY))
    rows.append(_sum(view))
    return rows


def ways(view: View) -> list[str]:
    """Each path by its cards; where scopes are closed and ways look the same, by its values."""
    found = [" → ".join(card.title for card in view.route(path)) for path in view.paths]
    return found if len(set(found)) == len(found) else [str(path) for path in view.paths]


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
    norms = [norm(path.contribution) for path in view.paths]
    largest = max(norms, default=0.0)
    return [n / largest if largest and math.isfinite(n / largest) else 0.0 for n in norms]


# Parameters


def _parameters(view: View) -> list[list[Cell]]:
    uses = {node: view.signals.by_scope(node) for node in view.shared}
    labels = list(dict.fromkeys(label for node in uses for label in uses[node]))
    short = shortened(labels) if any(len(shares) > 1 for shares in uses.values()) else []
    columns = short if len(short) <= COLUMNS else [*short[:4], "⋯", *short[-3:]]
    head = [Cell((Run("parameters, drawn once", 12, INK, True),), 20, "left", span=3)]
    head += [Cell((Run(c, 10, GREY),), 20) for c in columns]
    head.append(Cell((Run("‖Σ‖", 10, ORANGE, True),) if columns else (), 20))
    largest = max((norm(s) for shares in uses.values() for s in shares.values()), default=0.0)
    rows = [head]
    for node in view.shared:
        cells = [_heat(uses[node].get(label), largest) for label in labels] if columns else []
        if len(cells) > COLUMNS:
            cells = [*cells[:4], Cell((Run("⋯", 10, GREY),), 19), *cells[-3:]]
        rows.append([*_parameter(view, node), *cells, _total(view, node)])
    return rows


def _parameter(view: View, node: Node) -> list[Cell]:
    name, value = view.signals.label(node), shown(view.signals.known.get(node))
    return [
        Cell((Run(name, 11, VIOLET, True),), 19, "left"),
        Cell((Run(space(node.spec[0]), 10, PALE),), 19),
        Cell((Run(f"▸ {value}", 10, GREEN),), 19, fill=GREEN_FILL),
    ]


def _total(view: View, node: Node) -> Cell:
    delta = view.signals.deltas[node]
    text = "◂ —" if delta is None else f"◂ {shown_delta(delta)}"
    return Cell((Run(text, 11, ORANGE, True),), 19, fill=ORANGE_FILL)


def _heat(share: Any, largest: float) -> Cell:
    if share is None:
        return Cell((Run("—", 10, PALE),), 19)
    size = norm(share)
    strength = size / largest if largest and math.isfinite(size) else 0.0
    return Cell((Run(number(size), 10, ORANGE),), 19, fill=_warm(strength))


def _warm(strength: float) -> str:
    """From nearly white to orange, by the square root so that small shares can be told apart."""
    pale, full = (255, 250, 244), (255, 192, 120)
    mixed = (round(p + (f - p) * math.sqrt(strength)) for p, f in zip(pale, full, strict=True))
    return "#" + "".join(f"{c:02X}" for c in mixed)
