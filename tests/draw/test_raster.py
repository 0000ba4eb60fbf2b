"""PNG pictures: their size, their colours, and that every character is drawn."""

import importlib.util
import math
from io import BytesIO
from typing import Any

import matplotlib.image
import numpy as np
import pytest

from autodiff.draw import fonts, layout, raster
from autodiff.draw.layout import DrawingError, MissingEngineError
from autodiff.errors import DomainError

from . import cards
from .test_fonts import SHOWN


def svg(content: str, width: float = 30, height: float = 15) -> str:
    """A picture of that size in points, and of as many units."""
    return (
        f'<svg width="{width}pt" height="{height}pt" viewBox="0 0 {width} {height}"'
        f' xmlns="http://www.w3.org/2000/svg">{content}</svg>'
    )


def text(content: str, x: float = 5, weight: str = "normal") -> str:
    style = f'font-family="DejaVu Sans" font-size="10" font-weight="{weight}"'
    return f'<text x="{x}" y="11" {style}>{content}</text>'


def pixels(source: str, scale: float = 2.0) -> np.ndarray:
    """Red, green, blue and opacity, up to 255."""
    values = matplotlib.image.imread(BytesIO(raster.png(source, scale)))
    return np.rint(values * 255).astype(int)


def has(picture: np.ndarray, colour: str) -> bool:
    rgb = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return bool((picture[..., :3] == rgb).all(axis=-1).any())


@pytest.mark.parametrize(("scale", "size"), [(1, (40, 20)), (2, (80, 40)), (0.5, (20, 10))])
def test_scale_is_the_number_of_pixels_for_one_of_css(scale: float, size: tuple[int, int]) -> None:
    assert pixels(svg(""), scale).shape == (*size[::-1], 4)


@pytest.mark.parametrize(("width", "height"), [(9_001.3, 60), (60, 9_001.3)])
def test_no_side_has_more_than_8000_pixels(width: float, height: float) -> None:
    shape = pixels(svg("", width, height)).shape
    assert 7_990 < max(shape) <= 8_000
    assert min(shape[:2]) == pytest.approx(8_000 * 60 / 9_001.3, abs=2)


@pytest.mark.parametrize("engine", layout.engines(), ids=lambda engine: engine.name)
def test_the_picture_of_a_graph_has_its_colours(engine: layout.Engine) -> None:
    picture = pixels(layout.render(cards.DOT, engine=engine).decode())
    for colour in ("#ffffff", "#fff9db", "#e6f4ea", "#fff4e6", "#8ccb9f"):  # what is filled
        assert has(picture, colour), colour
    for colour in ("#1b7f3b", "#e8590c", "#263238"):  # and text
        assert has(picture, colour), colour
    assert not has(picture, "#1971c2")


@pytest.mark.parametrize("weight", ["normal", "bold"])
def test_every_character_is_drawn(weight: str) -> None:
    shown = [character for character in SHOWN if fonts.width(character, 10)]
    row = "".join(text(character, 18 * i + 5, weight) for i, character in enumerate(shown))
    picture = pixels(svg(row, 18 * len(shown)))[..., 3]
    blocks = np.split(picture, len(shown), axis=1)
    assert [character for character, block in zip(shown, blocks) if not block.any()] == []
    assert len({block.tobytes() for block in blocks}) == len(set(shown))  # no box for the unknown


def test_accents_are_drawn() -> None:
    assert pixels(svg(text("h̃")))[..., 3].sum() > pixels(svg(text("h")))[..., 3].sum()


def test_bold_text_has_more_ink() -> None:
    thin, bold = (pixels(svg(text("h", 5, weight)))[..., 3].sum() for weight in ("normal", "bold"))
    assert bold > 1.2 * thin


def test_the_fonts_of_the_system_are_loaded_only_for_what_ours_lack(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Resvg:
        @staticmethod
        def svg_to_bytes(**options: Any) -> bytes:
            return b"skipped" if options["skip_system_fonts"] else b"loaded"

    monkeypatch.setattr(raster, "_resvg", Resvg)
    assert raster.png(svg(text("∂ ⊙\n"))) == b"skipped"
    assert raster.png(svg(text("語"))) == b"loaded"


@pytest.mark.parametrize("scale", [0, -1, math.inf, math.nan])
def test_a_scale_that_is_none_is_an_error(scale: float) -> None:
    with pytest.raises(DomainError, match=f"scale must be above 0, not {scale}"):
        raster.png(svg(""), scale)


def test_a_picture_without_a_size_is_an_error() -> None:
    with pytest.raises(DrawingError, match="width and height are in points"):
        raster.png("<svg/>")


def test_a_broken_picture_is_an_error() -> None:
    with pytest.raises(DrawingError, match="PNG cannot be drawn: "):
        raster.png(svg("<text>"))


def test_a_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingEngineError, match=r"resvg-py: pip install 'autodiff\[draw\]'"):
        raster.png(svg(""))


def test_a_missing_font_is_an_error_and_not_a_picture_without_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fonts, "files", lambda: ())
    with pytest.raises(MissingEngineError, match=r"DejaVu Sans, .*'autodiff\[draw\]'"):
        raster.png(svg(""))
