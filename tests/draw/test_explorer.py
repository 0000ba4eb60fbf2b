"""The explorer: one safe file, and what a reader sees of it in a browser."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from autodiff.draw.explorer import page
from tests.draw.browser import Reader
from tests.draw.sample import card

HOSTILE = "</script><script>window.broken = 1</script><!-- & \"'"

Opened = Callable[..., Reader]


def named_hostile(data: dict[str, Any]) -> None:
    data["title"] = data["table"] = HOSTILE
    fields = ("name", "equation", "shape", "value", "delta", "scope", "source")
    card(data, "z").update(dict.fromkeys(fields, HOSTILE))


# ---- the file


def test_a_hostile_name_ends_no_element(data: dict[str, Any]) -> None:
    scripts = page(data).count("<script")
    named_hostile(data)
    text = page(data)
    assert text.count("<script") == text.count("</script>") == scripts == 2
    assert text.count("<!--") == data["states"][0]["svg"].partition("<svg")[2].count("<!--")


def test_the_data_come_back_from_the_file_as_they_went_in(data: dict[str, Any]) -> None:
    named_hostile(data)
    embedded = re.search(r'type="application/json">(.*?)</script>', page(data), re.DOTALL)
    assert embedded is not None
    assert json.loads(embedded[1])["states"][0]["cards"] == data["states"][0]["cards"]


def test_the_file_names_no_address_but_namespaces(data: dict[str, Any]) -> None:
    addresses = set(re.findall(r"""[a-z]*://[^\s"'<\\]*""", page(data)))
    assert addresses == {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert not re.findall(
        r"""<(?:link|img|iframe|object|embed)\b|\bsrc=|@import|url\(""", page(data)
    )


def test_the_scripts_evaluate_no_text(data: dict[str, Any]) -> None:
    assert not re.findall(r"\beval\(|new Function|innerHTML|outerHTML|document\.write", page(data))


def test_the_first_drawing_is_in_the_body_once(data: dict[str, Any]) -> None:
    body = page(data).partition("<main")[2]
    drawing = data["states"][0]["svg"].partition("<svg")[2]
    assert body.count(drawing) == 1
    assert "<!DOCTYPE svg" not in body.partition("</main>")[0]


def test_the_table_is_there_for_readers_without_scripts(data: dict[str, Any]) -> None:
    data["table"] = "a < b"
    assert "<noscript><pre>a &lt; b</pre></noscript>" in page(data)


def test_a_dollar_sign_in_the_data_is_no_placeholder(data: dict[str, Any]) -> None:
    data["title"] = "$style ${data} $"
    assert "<title>$style ${data} $ · computation graph</title>" in page(data)


def test_each_colour_of_the_drawings_has_a_rule_for_the_dark(data: dict[str, Any]) -> None:
    text = page(data)
    drawings = "".join(state["svg"] for state in data["states"])
    for role, color in set(re.findall(r'\b(fill|stroke)="(#\w{6})"', drawings)):
        assert re.search(rf'#stage \[{role}="{color}"\] {{ {role}: #\w{{6}}; }}', text)


# ---- in a browser


def test_the_page_loads_without_requests_and_complaints(opened: Opened) -> None:
    reader = opened()
    assert [url for url in reader.requests() if not url.startswith("file:")] == []
    assert reader.complaints() == []


def test_a_request_is_refused(opened: Opened) -> None:
    reader = opened()
    reader.run(
        "document.body.append(Object.assign(new Image(), {src: 'https://example.org/a.png'}))"
    )
    assert any("Content Security Policy" in text for text in reader.complaints())


def test_hostile_names_are_shown_as_text(opened: Opened) -> None:
    reader = opened(named_hostile)
    reader.click("#n7")
    assert reader.text("#panel h2 span") == HOSTILE
    assert reader.run("return window.broken") is None
    assert reader.complaints() == []


def test_a_click_on_a_card_fills_the_panel(opened: Opened, data: dict[str, Any]) -> None:
    reader = opened()
    reader.click("#n7")
    z = card(data, "z")
    shown = reader.text("#panel")
    for part in (z["name"], z["equation"], z["shape"], z["value"], z["delta"], z["source"]):
        assert part in shown
    assert reader.text("#panel .facts .backward p") == z["delta"]
    assert reader.ids(".node.selected") == {"n7"}


def test_the_panel_sums_what_the_consumers_add(opened: Opened, data: dict[str, Any]) -> None:
    reader = opened()
    reader.click("#n7")
    z = card(data, "z")
    shares = [row.text for row in reader.all("#panel .shares .figure")]
    assert shares == [*(share["value"] for share in z["shares"]), z["delta"]]
    assert "sum = ∂J/∂z" in reader.text("#panel .total")


def test_the_panel_states_the_local_derivatives(opened: Opened, data: dict[str, Any]) -> None:
    reader = opened()
    reader.click("#n7")
    rows = [row.text for row in reader.all("#panel .partials li")]
    for row, partial in zip(rows, card(data, "z")["partials"], strict=True):
        assert f"= {partial['local']}" in row
        assert (partial["value"] or "") in row


def test_a_link_selects_the_neighbour(opened: Opened) -> None:
    reader = opened()
    reader.click("#n7")
    reader.click("#panel .shares .link")
    assert reader.text("#panel h2 span") == "z ⊙ h′"


def test_the_panel_lists_the_paths_that_cross_a_card(opened: Opened) -> None:
    reader = opened()
    reader.click("#n7")
    assert [row.text for row in reader.all("#panel .numeral")] == ["①", "②"]
    assert "2 paths from J to here" in reader.text("#panel")


def test_no_gradient_is_a_dash_and_not_zero(opened: Opened) -> None:
    reader = opened(lambda data: card(data, "x(t)").update(delta=None, shares=[]))
    reader.click("#n11")
    assert reader.text("#panel .facts .backward p") == "— no gradient flows here"
    reader.step(11)
    assert reader.text("#caption") == "No gradient flows to x(t)."


def test_an_alert_is_said_and_drawn(opened: Opened) -> None:
    reader = opened(lambda data: card(data, "z").update(alert="nan"))
    reader.click("#n7")
    assert reader.text("#panel .warning") == "⚠ nan here"
    assert reader.ids(".node.alert") == {"n7"}


def test_the_page_starts_with_the_whole_sweep(opened: Opened, data: dict[str, Any]) -> None:
    reader = opened()
    assert reader.ids(".node.unreached") == reader.ids(".node.current") == set()
    assert reader.text("#count") == f"all {len(data['states'][0]['cards'])}"


def test_the_first_step_shows_the_signal_of_the_loss_alone(opened: Opened) -> None:
    reader = opened()
    reader.step(0)
    assert reader.ids(".node:not(.unreached)") == reader.ids(".node.current") == {"n0"}
    hidden = reader.run(
        "return getComputedStyle(document.querySelector('#n7 text.signal')).opacity"
    )
    assert (hidden, reader.style("#n0 text.signal", "opacity")) == ("0", "1")
    assert "δ(J) =\n1.000" in reader.text("#caption")


def test_where_paths_meet_the_caption_adds_the_shares(opened: Opened, data: dict[str, Any]) -> None:
    reader = opened()
    reader.step(7)
    z = card(data, "z")
    assert reader.text("#caption .words") == "2 shares meet in z and add up"
    numbers = [term.text for term in reader.all("#caption .term b")]
    assert numbers == [*(share["value"] for share in z["shares"]), z["delta"]]
    assert reader.ids(".edge.carries") == {"b-n7-n2", "b-n7-n4"}


def test_a_wire_without_a_share_carries_nothing(opened: Opened) -> None:
    reader = opened(lambda data: card(data, "z")["shares"].pop())
    reader.step(7)
    assert len(reader.ids(".edge.carries")) == 1


def test_the_caption_spells_out_no_more_shares_than_can_be_read(opened: Opened) -> None:
    share = {"from": "n2", "local": "I", "value": "0.100", "size": 1}
    reader = opened(lambda data: card(data, "z").update(shares=[share] * 8))
    reader.step(7)
    assert len(reader.all("#caption .term:not(.result)")) == 6
    assert "2 more" in reader.text("#caption .equation")


def test_a_card_that_is_not_reached_yet_says_so(opened: Opened) -> None:
    reader = opened()
    reader.step(3)
    reader.click("#n7")
    assert reader.text("#panel .facts .backward p") == "not reached yet"
    assert "not reached yet" in reader.one("#n7").get_attribute("aria-label")
    assert reader.all("#panel .shares") == []
    reader.press(*".....")
    assert "[0.028 1.460]" in reader.text("#panel .facts .backward")


def test_the_sweep_steps_by_keys_and_buttons(opened: Opened) -> None:
    reader = opened()
    reader.press(",", ",")
    assert reader.text("#count") == "11 / 12"
    reader.press(".")
    assert reader.text("#count") == "12 / 12"
    reader.click("#back")
    reader.click("#back")
    reader.click("#forth")
    assert reader.text("#count") == "11 / 12"


def test_space_plays_from_the_loss_and_pauses(opened: Opened) -> None:
    reader = opened()
    reader.press("SPACE")
    assert reader.one("#play").get_attribute("aria-pressed") == "true"
    assert reader.ids(".node.current") == {"n0"}
    reader.press("SPACE")
    assert reader.one("#play").get_attribute("aria-pressed") == "false"


def lit_by(data: dict[str, Any], path: int) -> set[str]:
    wires = data["states"][0]["wires"]
    return {f"b-{w['parent']}-{w['child']}" for w in wires if path in w["paths"]}


@pytest.mark.parametrize("path", range(4))
def test_a_row_of_the_legend_lights_its_path_alone(
    opened: Opened, data: dict[str, Any], path: int
) -> None:
    reader = opened()
    reader.hover(f'[data-path="{path}"]')
    lit = lit_by(data, path)
    assert reader.ids(".edge.lit") == reader.ids(".edge.kept") == lit
    wire = next(iter(lit))
    color = reader.run(f"return getComputedStyle(document.querySelector('#{wire} path')).stroke")
    assert f"#{bytes(map(int, re.findall(r'[0-9]+', color))).hex()}" == (
        data["paths"]["rows"][path]["color"].lower()
    )


def test_a_path_stays_lit_after_a_click_and_until_escape(
    opened: Opened, data: dict[str, Any]
) -> None:
    reader = opened()
    reader.click('[data-path="1"]')
    reader.hover("#count")
    assert reader.ids(".edge.lit") == lit_by(data, 1)
    reader.press("ESCAPE")
    assert reader.ids(".edge.lit") == set()


def test_a_lit_path_is_spelt_out_as_a_product(opened: Opened, data: dict[str, Any]) -> None:
    reader = opened()
    reader.press("1")
    factors = [term.text for term in reader.all("#caption .term b")]
    contribution = data["paths"]["rows"][0]["contribution"]
    assert factors == ["(h − ĥ)ᵀ", "I", "diag(h′)", "diag(z(1−z)) Wz", contribution]


def test_parameters_are_listed_use_by_use(opened: Opened, data: dict[str, Any]) -> None:
    shown = opened().text("#panel .parameter")
    Wz = data["parameters"][0]
    for text in (Wz["name"], Wz["value"], Wz["total"], *(use["text"] for use in Wz["uses"])):
        assert text in shown


def test_a_graph_without_paths_parameters_and_groups_is_explored_too(opened: Opened) -> None:
    def bare(data: dict[str, Any]) -> None:
        del data["states"][1:]
        data["states"][0]["clusters"][0]["state"] = None
        data.update(paths=None, parameters=[])

    reader = opened(bare)
    reader.press("1")
    reader.click("#n7")
    reader.click("#s1 text")
    assert not reader.one("#state").is_displayed()
    assert reader.text("#panel h3") == "How to read it"
    assert reader.complaints() == []


def test_pointing_at_a_card_keeps_its_neighbourhood_bright(opened: Opened) -> None:
    reader = opened()
    reader.hover("#n4")
    assert reader.ids(".node.kept") == {"n4", "n3", "n7"}
    assert reader.ids(".edge.kept") == {"f-n7-n4", "b-n7-n4", "f-n4-n3", "b-n4-n3"}
    reader.hover("#count")
    assert reader.all("#stage svg.dim") == []


@pytest.mark.parametrize(
    "words, hits",
    [
        ("SIGMOID", {"n7", "n8"}),
        ("u h'", {"n5", "n6"}),
        ("t-1", {"n10"}),
        ("parameter", {"n9"}),
        ("nowhere", set()),
    ],
)
def test_search_finds_names_equations_kinds_and_sources(
    opened: Opened, words: str, hits: set[str]
) -> None:
    reader = opened()
    reader.press("/", *words)
    assert reader.ids(".node.hit") == hits
    assert reader.text("#hits") == f"{len(hits)} hit" + "s" * (len(hits) != 1)


def test_enter_goes_through_the_hits(opened: Opened) -> None:
    reader = opened()
    reader.press("/", *"sigmoid", "ENTER")
    assert (reader.text("#panel h2 span"), reader.text("#hits")) == ("z", "1/2")
    reader.press("ENTER")
    assert (reader.text("#panel h2 span"), reader.text("#hits")) == ("r", "2/2")
    reader.press("ENTER")
    assert reader.text("#hits") == "1/2"
    reader.press("ESCAPE")
    assert reader.ids(".node.hit") == set()
