"""Text that sits where it should, whichever engine laid it out.

An engine places text by its own idea of how wide it is. With the right font installed that idea is
right; else it is another font's, and graphviz-pure takes each byte outside ASCII for a space.
Therefore a writer of DOT keeps widths out of the engine's hands:

1. Every cell has its size from `fonts.width`: ``FIXEDSIZE="TRUE" WIDTH=".." HEIGHT=".."``, with
   the same width in all rows of a column.
2. The runs of each line are wrapped by `line`, which puts a tiny space of a special kind at both
   ends. In the SVG these tell where the engine believes that the text begins and ends.
3. Lines at the left or right have ``ALIGN`` and ``BALIGN`` in their cell as well.
4. A table with round corners ends with an empty row of 8 points, since engines let coloured cells
   cover the corners.

`fit` then moves the runs of each line to their place, and states their width, so that a viewer
without the font squeezes its own to fit.
"""

from __future__ import annotations

import html
import re

from autodiff.draw import fonts

__all__ = ["fit", "line"]

_MARKS = {"left": "\u2004", "center": "\u2005", "right": "\u2006"}
_SHARES = {"\u2004": 0.0, "\u2005": 0.5, "\u2006": 1.0}
"""How much of the space that a line leaves over is to its left, for the mark at its ends."""

_RUN = r"<text [^>]*>[^<]*</text>\s*"
_LINE = re.compile(
    rf"<text [^>]*>([\u2004-\u2006])</text>\s*((?:{_RUN})+?)(<text [^>]*>)\1</text>\s*"
)
_PARTS = re.compile(r"(<text [^>]*>)([^<]*)")
_X = re.compile(r'(?<= x=")[^"]*')
_SIZE = re.compile(r'font-size="([\d.]+)"')

FAMILY = "DejaVu Sans,Verdana,sans-serif"
"""What takes the place of DejaVu Sans in the SVG: Verdana has nearly the same widths."""


def line(runs: str, align: str = "center") -> str:
    """One line of an HTML-like label whose text `fit` will place.

    Parameters
    ----------
    runs : str
        Markup without line breaks: one or more ``<FONT>``, or plain text, escaped.
    align : {"left", "center", "right"}
    """
    mark = f'<FONT POINT-SIZE="1">{_MARKS[align]}</FONT>'
    return mark + runs + mark


def fit(svg: str) -> str:
    """Place the text of all lines that `line` has marked, and drop the marks."""
    return _LINE.sub(_placed, svg).replace('"DejaVu Sans"', f'"{FAMILY}"')


def _placed(match: re.Match[str]) -> str:
    mark, runs, end = match.groups()
    parts = _PARTS.findall(runs)
    widths = [_width(tag, text) for tag, text in parts]
    left = _x(parts[0][0])
    x = left + _SHARES[mark] * (_x(end) - left - sum(widths))
    placed = []
    for (tag, text), width in zip(parts, widths):
        placed.append(_stretched(tag, x, width) + text + "</text>\n")
        x += width
    return "".join(placed)


def _x(tag: str) -> float:
    found = _X.search(tag)
    assert found is not None  # all text of an SVG by Graphviz has a place
    return float(found[0])


def _width(tag: str, text: str) -> float:
    size = _SIZE.search(tag)
    assert size is not None  # and a size
    return fonts.width(html.unescape(text), float(size[1]), 'font-weight="bold"' in tag)


def _stretched(tag: str, x: float, width: float) -> str:
    extent = f' textLength="{width:.2f}" lengthAdjust="spacingAndGlyphs">'
    return _X.sub(f"{x:.2f}", tag).removesuffix(">") + extent
