"""The font: its widths against the files, its files against the folders."""

import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from matplotlib.ft2font import FT2Font, LoadFlags

from autodiff.draw import fonts

SHOWN = "▸◂∂⊙σℝ²‖·ᵀ⊞⊟①②③④⑤⑥⑦⑧½Σ√′₁ₜ⋯✓⚠h̃ĥ−→█▁▇│⁻⁺∇"


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    fonts.files.cache_clear()
    yield
    fonts.files.cache_clear()


@pytest.mark.parametrize("bold", [False, True])
def test_widths_are_those_of_the_font(bold: bool) -> None:
    font = FT2Font(fonts.files()[bold])
    listed = set(fonts._WIDTHS[bold]) - {"␣"} | set(SHOWN) | set("éÅñ \u00a0±×÷←⇒≈≠≤≥")
    for character in listed:
        glyph = font.load_char(ord(character), LoadFlags.NO_SCALE)
        expected = 0 if unicodedata.combining(character) else glyph.horiAdvance
        assert fonts.width(character, 2048, bold) == expected, character


def test_width_grows_with_the_size_and_the_text() -> None:
    assert fonts.width("", 12) == 0
    assert fonts.width("ab", 12) == fonts.width("a", 12) + fonts.width("b", 12)
    assert fonts.width("ab", 24) == 2 * fonts.width("ab", 12)


def test_accents_have_no_width() -> None:
    assert fonts.width("h̃ĥ", 10) == fonts.width("hh", 10)


def test_unknown_characters_have_room() -> None:
    assert fonts.width("語", 10) == 10
    assert fonts.width("Ж", 10) >= 8


def test_the_font_has_all_that_is_shown() -> None:
    assert fonts.missing(SHOWN) == set()


def test_missing_characters_are_those_without_a_glyph() -> None:
    charted = FT2Font(fonts.files()[0]).get_charmap()
    some = "".join(map(chr, (*range(0x20, 0x2C00), *range(0x1D400, 0x1D800))))
    assert fonts.missing(some) == {c for c in some if ord(c) not in charted}


def test_files_are_the_regular_and_the_bold_font() -> None:
    regular, bold = map(FT2Font, fonts.files())
    assert (regular.family_name, regular.style_name) == ("DejaVu Sans", "Book")
    assert (bold.family_name, bold.style_name) == ("DejaVu Sans", "Bold")


def test_matplotlib_is_not_imported_to_find_its_fonts() -> None:
    code = "import sys; from autodiff.draw import fonts; fonts.files(); print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    assert b" autodiff.draw.fonts" in modules
    assert b" matplotlib" not in modules


def test_the_first_folder_with_both_files_is_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    half, whole = tmp_path / "half", tmp_path / "whole" / "dejavu"
    for folder, names in (half, fonts.NAMES[:1]), (whole, fonts.NAMES):
        folder.mkdir(parents=True)
        for name in names:
            (folder / name).touch()
    places = [tmp_path / "absent", half, whole.parent]
    monkeypatch.setattr(fonts, "_folders", lambda: iter(places))
    assert fonts.files() == tuple(str(whole / name) for name in fonts.NAMES)


def test_without_fonts_every_glyph_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "_folders", lambda: iter(()))
    assert fonts.files() == ()
    assert fonts.missing("ab") == {"a", "b"}
