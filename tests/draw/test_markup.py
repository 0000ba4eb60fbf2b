"""Tables whose cells are as wide as their text, so that no engine has to guess."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from autodiff.draw import fonts
from autodiff.draw.markup import Cell, Run, escaped, table, width


def cells(rows: list[list[Cell]], **settings: int) -> list[list[dict[str, str]]]:
    """The attributes of all cells."""
    made = ET.fromstring(table(rows, **settings))
    return [[cell.attrib for cell in row] for row in made.iter("TR")]


def text(word: str, span: int = 1) -> Cell:
    return Cell((Run(word),), span=span)


def test_a_line_is_as_wide_as_its_runs() -> None:
    runs = (Run("W x + b", 12), Run("∂J/∂W", 9, is_bold=True))
    exact = fonts.width("W x + b", 12) + fonts.width("∂J/∂W", 9, True)
    assert exact <= width(runs) < exact + 1
    assert width(()) == 0


def test_a_column_is_as_wide_as_its_widest_cell() -> None:
    made = cells([[text("a"), text("wide text")], [text("wider text"), text("b")]], padding=6)
    wide = [str(width((Run(word),)) + 6) for word in ("wider text", "wide text")]
    assert [[cell["WIDTH"] for cell in row] for row in made] == [wide, wide]
    assert all(cell["FIXEDSIZE"] == "TRUE" for row in made for cell in row)


def test_what_spans_columns_widens_the_last_of_them() -> None:
    long = "a heading longer than all below"
    top, below = cells([[text(long, span=2)], [text("a"), text("b")]], spacing=3)
    assert top[0]["COLSPAN"] == "2"
    assert int(top[0]["WIDTH"]) == width((Run(long),))
    assert [int(cell["WIDTH"]) for cell in below] == [
        width((Run("a"),)),
        width((Run(long),)) - width((Run("a"),)) - 3,
    ]


def test_what_spans_columns_is_no_narrower_than_they_are() -> None:
    top, below = cells([[text("a", span=2)], [text("wide"), text("text")]], spacing=3)
    assert int(top[0]["WIDTH"]) == sum(int(cell["WIDTH"]) for cell in below) + 3


def test_rows_may_have_fewer_cells_than_others() -> None:
    short, long = cells([[text("a")], [text("b"), text("c")]])
    assert (len(short), len(long)) == (1, 2)


def test_a_foot_is_an_empty_row_below_all_columns() -> None:
    *_, foot = cells([[text("a"), text("b")]], foot=6, spacing=2)
    assert foot[0]["HEIGHT"] == "6"
    assert foot[0]["COLSPAN"] == "2"


def test_ports_fills_and_places_are_stated_where_there_are_any() -> None:
    plain = Cell((Run("a"),))
    rich = Cell((Run("b"),), 30, "right", "#FFFFFF", "v")
    ((first, second),) = cells([[plain, rich]])
    assert set(first) == {"FIXEDSIZE", "WIDTH", "HEIGHT"}
    assert (second["PORT"], second["BGCOLOR"], second["HEIGHT"]) == ("v", "#FFFFFF", "30")
    assert second["ALIGN"] == second["BALIGN"] == "RIGHT"


def test_a_cell_without_text_has_no_marks() -> None:
    assert re.search(r"></TD>", table([[Cell((), 8)]]))


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("a < b & c", "a &lt; b &amp; c"),
        ("\"'", "&quot;&#x27;"),
        ("\\N", "&#92;&#92;N"),
        ("a\nb\x00c\ud800d", "a b c d"),
        ("∂ h̃ 😀", "∂ h̃ 😀"),
    ],
)
def test_text_is_escaped_for_html_xml_and_dot(given: str, written: str) -> None:
    assert escaped(given) == written
    assert f">{written}<" in Run(given).markup()
