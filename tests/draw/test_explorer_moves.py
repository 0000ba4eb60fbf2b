"""What a reader does with the explorer: keys, states, zoom, little room, no scripts."""

import html
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autodiff.draw.explorer import page
from tests.draw.browser import Reader
from tests.draw.sample import card, sample

Opened = Callable[..., Reader]


def test_a_card_is_a_button_with_a_name_that_says_all(opened: Opened, data: dict[str, Any]) -> None:
    z = opened().one("#n7")
    assert z.get_attribute("tabindex") == "0"
    assert z.get_attribute("role") == "button"
    value, delta = card(data, "z")["value"], card(data, "z")["delta"]
    assert z.get_attribute("aria-label") == f"z, value {value}, error signal {delta}"


def test_the_page_can_be_read_by_keyboard_alone(opened: Opened) -> None:
    reader = opened()
    reader.press("ARROW_LEFT")
    assert (reader.focused(), reader.text("#panel h2 span")) == ("n0", "J")
    reader.press("ARROW_LEFT", "ARROW_LEFT")
    assert reader.focused() in {"n2", "n3"}
    reader.press("ARROW_RIGHT")
    assert reader.focused() == "n1"
    assert reader.style("#n1 .focus", "stroke") != "none"
    reader.press("ESCAPE")
    assert reader.ids(".node.selected") == set()
    reader.press("ENTER")
    assert reader.ids(".node.selected") == {"n1"}


def test_up_and_down_lead_to_what_lies_beside(opened: Opened) -> None:
    reader = opened()
    reader.click("#n8")
    reader.press("ARROW_DOWN")
    assert reader.focused() == "n7"
    reader.press("ARROW_UP")
    assert reader.focused() == "n8"


def test_a_question_mark_shows_the_keys(opened: Opened) -> None:
    reader = opened()
    reader.press("?")
    assert reader.one("#keys").is_displayed()
    reader.press("ESCAPE")
    assert not reader.one("#keys").is_displayed()


def test_signs_close_and_open(opened: Opened) -> None:
    reader = opened()
    reader.click("#s1 .switch")
    assert reader.ids("#stage .node") == {"n0", "s1", "n9", "n10", "n11"}
    reader.click("#s1 .switch")
    assert "n7" in reader.ids("#stage .node")


def test_keys_close_and_open(opened: Opened) -> None:
    reader = opened()
    reader.run("document.getElementById('s1').focus()")
    reader.press("ENTER")
    assert reader.focused() == "s1"
    reader.press("ENTER", "ENTER")
    assert reader.focused() == "s1"


def test_a_button_of_the_panel_opens_a_group(opened: Opened) -> None:
    reader = opened()
    reader.click("#s1 .switch")
    reader.click("#s1")
    reader.click("#panel header button:not(.clear)")
    assert "n7" in reader.ids("#stage .node")
    assert reader.focused() == "panel"


def test_the_sweep_and_the_selection_survive_closing_and_opening(opened: Opened) -> None:
    reader = opened()
    reader.click("#n7")
    reader.step(7)
    reader.click("#s1 .switch")
    assert reader.ids(".node.current") == reader.ids(".node.selected") == {"s1"}
    reader.click("#s1 .switch")
    assert reader.ids(".node.current") == {"n1"}
    reader.step(10)
    reader.click("#n10")
    reader.click("#s1 .switch")
    assert reader.ids(".node.current") == reader.ids(".node.selected") == {"n10"}


def test_what_opens_keeps_its_place_and_size(opened: Opened) -> None:
    reader = opened()
    reader.press("-", "-")
    before = reader.center("#s1")
    scale = reader.box()[2]
    reader.click("#s1 .switch")
    assert reader.center("#s1") == pytest.approx(before, abs=1)
    reader.click("#s1 .switch")
    assert reader.center("#s1") == pytest.approx(before, abs=1)
    assert reader.box()[2] == pytest.approx(scale, rel=0.01)


def test_the_wheel_zooms_at_the_cursor(opened: Opened) -> None:
    reader = opened()
    before, place = reader.box(), reader.center("#n7")
    reader.wheel("#n7", -200)
    assert reader.box()[2] < 0.8 * before[2]
    assert reader.center("#n7") == pytest.approx(place, abs=1)


def test_keys_zoom_and_fit(opened: Opened) -> None:
    reader = opened()
    start = reader.box()
    reader.press("+")
    assert reader.box()[2] == pytest.approx(start[2] / 1.3, rel=1e-3)
    reader.press("-", "-")
    assert reader.box()[2] == pytest.approx(start[2] * 1.3, rel=1e-3)
    reader.press("f")
    assert reader.box() == start


def test_a_drag_pans_and_leaves_the_selection_alone(opened: Opened) -> None:
    reader = opened()
    reader.click("#n1")
    (x, y), size = reader.center("#n7"), reader.box()[2:]
    reader.drag("#n7", 60, 40)
    assert reader.center("#n7") == pytest.approx((x + 60, y + 40), abs=1)
    assert reader.box()[2:] == size
    assert reader.ids(".node.selected") == {"n1"}


def test_a_step_out_of_sight_is_brought_into_sight(opened: Opened) -> None:
    reader = opened()
    reader.press(*"++++++++")
    reader.step(0)
    left, right = reader.center("#n0"), reader.center("#stage")
    assert left == pytest.approx(right, abs=1)


def test_movement_takes_time_unless_the_reader_wants_none(opened: Opened) -> None:
    reader = opened()
    fitted = reader.box()

    def box_just_after_fit(motion: str) -> list[float]:
        reader.prefer(motion=motion)
        reader.press("+", "+")
        reader.run("document.getElementById('fit').click(); window.box = viewBox()")
        return [float(word) for word in reader.run("return window.box").split()]

    reader.run(
        "window.viewBox = () => document.querySelector('#stage svg').getAttribute('viewBox')"
    )
    assert box_just_after_fit("reduce") == fitted
    assert box_just_after_fit("no-preference") != fitted


def luminance(color: str) -> float:
    channels = [int(word) / 255 for word in re.findall(r"\d+", color)[:3]]
    red, green, blue = (c / 12.92 if c <= 0.04 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted(map(luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_stand_out_by_day_and_by_night(opened: Opened, scheme: str) -> None:
    reader = opened()
    reader.prefer(scheme=scheme)
    reader.click("#n7")
    fill = reader.style("#n7 > path", "fill")
    bands = [reader.style(f"#n7 polygon[fill='{tint}']", "fill") for tint in ("#e6f4ea", "#fff4e6")]
    texts = [reader.style(f"#n7 text[fill='{ink}']", "fill") for ink in ("#17703a", "#b93a08")]
    assert (luminance(fill) < 0.05) == (scheme == "dark")
    assert contrast(reader.style("#n7 text[font-weight=bold]", "fill"), fill) > 10
    assert min(map(contrast, bands, texts)) > 4.5
    for part in (".forward", ".backward"):
        fact = f"#panel .facts {part}"
        assert contrast(reader.style(fact, "color"), reader.style(fact, "backgroundColor")) > 4.5
    assert (
        contrast(reader.style("#panel .via", "color"), reader.style("body", "backgroundColor"))
        > 4.5
    )


def test_without_scripts_the_drawing_and_the_table_are_there(opened: Opened) -> None:
    reader = opened()
    reader.allow_scripts(False)
    reader.driver.refresh()
    shown = [
        reader.one(part).is_displayed() for part in ("#n7", "noscript pre", "#sweep", "#panel")
    ]
    reader.allow_scripts(True)
    assert shown == [True, True, False, False]


@pytest.mark.parametrize("size", [(900, 500), (390, 800)])
def test_nothing_is_cut_off_where_there_is_little_room(
    opened: Opened, size: tuple[int, int]
) -> None:
    reader = opened()
    reader.resize(*size)
    reader.press("ARROW_LEFT")
    parts = ("#stage", "#panel", "#sweep", "header", "#play")
    script = "return arguments[0].getBoundingClientRect().toJSON()"
    rects = [reader.run(script, reader.one(part)) for part in parts]
    assert all(0 <= rect["left"] < rect["right"] <= size[0] for rect in rects)
    assert rects[0]["height"] > 250
    below = rects[1]["top"] >= rects[2]["bottom"]
    assert below == (size[0] < 700)


def test_the_page_works_in_a_frame_of_a_notebook(opened: Opened, tmp_path: Path) -> None:
    host = tmp_path / "host.html"
    srcdoc = html.escape(page(sample()))
    host.write_text(f'<iframe srcdoc="{srcdoc}" width="900" height="500"></iframe>', "utf-8")
    notebook = opened()
    notebook.open(host)
    notebook.driver.switch_to.frame(0)
    notebook.click("#n7")
    assert notebook.text("#panel h2 span") == "z"
    assert notebook.complaints() == []
