"""Text lies where it belongs, whichever engine laid it out."""

import re
import xml.etree.ElementTree as ET
from itertools import pairwise
from typing import NamedTuple

import pytest

from autodiff.draw import layout
from autodiff.draw.fit import fit, line
from autodiff.draw.layout import Engine

from . import cards

SVG = "{http://www.w3.org/2000/svg}"
ROUNDING = 0.05

each_engine = pytest.mark.parametrize("engine", layout.engines(), ids=lambda engine: engine.name)


class Extent(NamedTuple):
    """Where a text or a cell begins and ends."""

    left: float
    right: float


def picture(engine: Engine) -> ET.Element:
    return ET.fromstring(layout.render(cards.DOT, engine=engine))


def extent_of_text(element: ET.Element) -> Extent:
    left = float(element.attrib["x"])
    return Extent(left, left + float(element.attrib["textLength"]))


def extent_of_cell(element: ET.Element) -> Extent:
    corners = [float(pair.split(",")[0]) for pair in element.attrib["points"].split()]
    return Extent(min(corners), max(corners))


def rows(card: ET.Element) -> list[tuple[Extent, list[Extent]]]:
    """The cells of a card, each with its texts: an engine draws these right after it."""
    found: list[tuple[Extent, list[Extent]]] = []
    for element in card:
        if element.tag == f"{SVG}polygon":
            found.append((extent_of_cell(element), []))
        elif element.tag == f"{SVG}text":
            found[-1][1].append(extent_of_text(element))
    return found


def texts(root: ET.Element) -> dict[str, Extent]:
    found = root.iter(f"{SVG}text")
    return {re.sub("\u00a0", " ", each.text or ""): extent_of_text(each) for each in found}


@each_engine
def test_the_text_of_a_card_lies_inside_it_and_in_the_middle(engine: Engine) -> None:
    (card,) = picture(engine).iterfind(f".//{SVG}g[@id='n0']")
    assert [len(runs) for _, runs in rows(card)] == [len(cards.HEAD), 1, 1]
    for cell, runs in rows(card):
        assert cell.right - cell.left == pytest.approx(cards.WIDTH)
        assert cell.left < runs[0].left < runs[-1].right < cell.right
        left, right = runs[0].left - cell.left, cell.right - runs[-1].right
        assert left == pytest.approx(right, abs=ROUNDING)


@each_engine
def test_the_runs_of_a_line_follow_one_another(engine: Engine) -> None:
    (card,) = picture(engine).iterfind(f".//{SVG}g[@id='n0']")
    _, runs = rows(card)[0]
    for one, other in pairwise(runs):
        assert one.right == pytest.approx(other.left, abs=ROUNDING)


@each_engine
def test_lines_at_the_left_and_right_end_at_one_edge(engine: Engine) -> None:
    found = texts(picture(engine))
    short, long = (found[path] for path in cards.PATHS)
    assert short.left == pytest.approx(long.left, abs=ROUNDING)
    wide, narrow = (found[number] for number in cards.NUMBERS)
    assert wide.right == pytest.approx(narrow.right, abs=1 / 2)  # the cell ends at whole points
    assert long.right < wide.left


@each_engine
def test_no_mark_is_left(engine: Engine) -> None:
    svg = layout.render(cards.DOT, engine=engine).decode()
    assert not re.search("[\u2004-\u2006]", svg)
    assert svg.count("textLength") == svg.count("<text ") == 2 * 5 + 4


def test_engines_agree_on_all_text() -> None:
    first, *others = (texts(picture(engine)) for engine in layout.engines())
    for other in others:
        assert other.keys() == first.keys()
        for text, extent in first.items():
            assert tuple(extent) == pytest.approx(tuple(other[text]), abs=1 / 2)


def text(content: str, x: float, more: str = "") -> str:
    return f'<text x="{x}" y="7" font-family="DejaVu Sans" font-size="10.24"{more}>{content}</text>'


@pytest.mark.parametrize(
    ("mark", "x"), [("\u2004", 100), ("\u2005", 100 + 5 / 2), ("\u2006", 100 + 5)]
)
def test_what_a_line_leaves_over_goes_to_the_side_of_its_mark(mark: str, x: float) -> None:
    width = 1253 / 200  # of o, in a font of 10.24 points
    svg = "\n".join([text(mark, 99), text("o", 100), text(mark, 100 + width + 5), ""])
    placed = ET.fromstring(fit(svg))
    assert float(placed.attrib["x"]) == pytest.approx(x, abs=0.01)
    assert float(placed.attrib["textLength"]) == pytest.approx(width, abs=0.01)


def test_bold_and_escaped_text_is_measured_as_it_is_seen() -> None:
    bold = ' font-weight="bold"'
    svg = "\n".join([text("\u2004", 99), text("&lt;&#160;i", 100, bold), text("\u2004", 300), ""])
    assert float(ET.fromstring(fit(svg)).attrib["textLength"]) == (1716 + 713 + 702) / 200 + 0.005


def test_text_without_marks_stays_but_for_the_fonts_that_may_stand_in() -> None:
    assert fit(text("a", 1)) == text("a", 1).replace("Sans", "Sans,Verdana,sans-serif")


def test_a_line_is_its_runs_between_two_marks() -> None:
    assert re.fullmatch(
        r"<FONT[^>]*>\u2006</FONT>runs<FONT[^>]*>\u2006</FONT>", line("runs", "right")
    )
