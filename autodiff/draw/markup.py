"""Graphviz's HTML-like labels: text, cells and tables whose sizes no engine has to guess."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from autodiff.draw import fonts
from autodiff.draw.fit import line

__all__ = ["Cell", "Run", "escaped", "table", "total_width", "width"]

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


class Run(NamedTuple):
    """Text in one style."""

    text: str
    size: float = 11
    colour: str = "#263238"
    is_bold: bool = False

    def markup(self) -> str:
        """The run as part of a label."""
        text = escaped(self.text)
        text = f"<B>{text}</B>" if self.is_bold else text
        return f'<FONT POINT-SIZE="{self.size:g}" COLOR="{self.colour}">{text}</FONT>'


def escaped(text: str) -> str:
    """Text as it can stand in HTML, XML and DOT; what none of them can write becomes a space."""
    return html.escape(_CONTROLS.sub(" ", text)).replace("\\", "&#92;&#92;")


class Cell(NamedTuple):
    """One line of text in a table.

    Attributes
    ----------
    runs : tuple of Run
    height : int
        In points.
    align : {"center", "left", "right"}
    fill, port : str
        Background, and the name that wires are tied to; empty for none.
    span : int
        How many columns it takes.
    """

    runs: tuple[Run, ...]
    height: int = 19
    align: str = "center"
    fill: str = ""
    port: str = ""
    span: int = 1


@lru_cache(maxsize=50_000)
def _run_width(text: str, size: float, is_bold: bool) -> float:
    return fonts.width(text, size, is_bold)


def width(runs: Iterable[Run]) -> int:
    """The width of a line in points, rounded up."""
    return math.ceil(sum(_run_width(run.text, run.size, run.is_bold) for run in runs))


def table(
    rows: list[list[Cell]], attributes: str = 'BORDER="0"', padding: int = 0, spacing: int = 0,
    foot: int = 0, least: int = 0,
) -> str:  # fmt: skip
    """Rows of cells, each column as wide as its widest line.

    Parameters
    ----------
    rows : list
    attributes : str
        Of the table.
    padding : int
        Points added to the width of each column.
    spacing : int
        Points between cells.
    foot : int
        Height of an empty last row, which keeps coloured cells off round corners.
    least : int
        Width of the whole, if that is more: an empty column makes up for it.
    """
    widths = _widths(rows, padding, spacing)
    missing = least - _spanned(widths, 0, len(widths), spacing) - spacing
    if missing > 0:
        count = len(widths)
        widths.append(missing)
        rows = [[*row, Cell((), row[0].height, span=1 + count - _count(row))] for row in rows]
    body = "".join(f"<TR>{_cells(row, widths, spacing)}</TR>" for row in rows)
    if foot:
        total = _spanned(widths, 0, len(widths), spacing)
        shape = f'COLSPAN="{len(widths)}" FIXEDSIZE="TRUE" WIDTH="{total}" HEIGHT="{foot}"'
        body += f"<TR><TD {shape}></TD></TR>"
    return (
        f'<TABLE {attributes} CELLBORDER="0" CELLSPACING="{spacing}" CELLPADDING="0">{body}</TABLE>'
    )


def total_width(rows: list[list[Cell]], padding: int = 0, spacing: int = 0) -> int:
    """How wide `table` makes these rows, in points."""
    widths = _widths(rows, padding, spacing)
    return _spanned(widths, 0, len(widths), spacing)


def _widths(rows: list[list[Cell]], padding: int, spacing: int) -> list[int]:
    widths = [0] * max(map(_count, rows))
    for row in rows:
        for column, cell in _placed(row):
            if cell.span == 1:
                widths[column] = max(widths[column], width(cell.runs) + padding)
    for row in rows:  # what spans columns widens the last of them
        for column, cell in _placed(row):
            missing = width(cell.runs) + padding - _spanned(widths, column, cell.span, spacing)
            widths[column + cell.span - 1] += max(missing, 0)
    return widths


def _count(row: list[Cell]) -> int:
    return sum(cell.span for cell in row)


def _placed(row: list[Cell]) -> Iterable[tuple[int, Cell]]:
    column = 0
    for cell in row:
        yield column, cell
        column += cell.span


def _spanned(widths: list[int], column: int, span: int, spacing: int) -> int:
    return sum(widths[column : column + span]) + (span - 1) * spacing


def _cells(row: list[Cell], widths: list[int], spacing: int) -> str:
    return "".join(
        _cell(cell, _spanned(widths, column, cell.span, spacing)) for column, cell in _placed(row)
    )


def _cell(cell: Cell, size: int) -> str:
    place = cell.align.upper()
    more = [
        f'COLSPAN="{cell.span}"' if cell.span > 1 else "",
        f'PORT="{cell.port}"' if cell.port else "",
        f'BGCOLOR="{cell.fill}"' if cell.fill else "",
        f'ALIGN="{place}" BALIGN="{place}"' if place != "CENTER" else "",
    ]
    shape = f'FIXEDSIZE="TRUE" WIDTH="{size}" HEIGHT="{cell.height}"'
    text = line("".join(run.markup() for run in cell.runs), cell.align) if cell.runs else ""
    return f"<TD {' '.join(filter(None, [shape, *more]))}>{text}</TD>"
