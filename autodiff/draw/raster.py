"""PNG from SVG, with the fonts given by their files, so that a picture is the same everywhere."""

from __future__ import annotations

import importlib
import importlib.util
import math
import re
from typing import Any

from autodiff.draw import fonts
from autodiff.draw.layout import DrawingError, MissingEngineError
from autodiff.errors import DomainError, require_number

__all__ = ["png"]

LARGEST = 8_000
"""Pixels a side: more takes minutes, and few programs open it."""

_DPI = 96.0
_POINTS = 72.0
_SIZE = re.compile(r'<svg\s[^>]*?width="([\d.]+)pt"\s+height="([\d.]+)pt"')


def png(svg: str, scale: float = 2.0) -> bytes:
    """Draw `svg`, as `layout.render` gives it.

    Parameters
    ----------
    svg : str
    scale : float
        Pixels for each of CSS, of which there are 96 in an inch; less if the picture would have
        more than 8,000 on a side.

    Raises
    ------
    MissingEngineError
        If resvg_py or the font is not installed.
    DrawingError
        If `svg` is no picture, or one so long that it would be less than a pixel high.
    """
    require_number(scale, "scale")
    if not 0 < scale < math.inf:
        raise DomainError(f"scale must be above 0, not {scale!r}")
    try:
        picture: bytes = _resvg().svg_to_bytes(
            svg_string=svg,
            zoom=min(scale, LARGEST / _side(svg)),
            dpi=_DPI,
            font_files=_fonts(),
            skip_system_fonts=not _is_foreign(svg),
        )
    except ValueError as problem:
        raise DrawingError(f"PNG cannot be drawn: {problem}") from problem
    return picture


def _resvg() -> Any:
    if importlib.util.find_spec("resvg_py") is None:
        raise MissingEngineError("PNG needs resvg-py: pip install 'autodiff[draw]'")
    return importlib.import_module("resvg_py")


def _fonts() -> list[str]:
    if not fonts.files():
        raise MissingEngineError(
            "PNG needs the font DejaVu Sans, which matplotlib brings: pip install 'autodiff[draw]'"
        )
    return list(fonts.files())


def _side(svg: str) -> int:
    """The longer side in pixels of CSS, rounded up."""
    size = _SIZE.search(svg)
    if size is None:
        raise DrawingError("PNG needs an SVG whose width and height are in points")
    return math.ceil(max(map(float, size.groups())) * _DPI / _POINTS)


def _is_foreign(svg: str) -> bool:
    """Whether the system's fonts, which take long to load, may have glyphs that ours has not."""
    return any(character.isprintable() for character in fonts.missing(svg))
