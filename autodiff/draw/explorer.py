"""The explorer: one HTML file, without any request, in which backpropagation can be watched."""

from __future__ import annotations

import base64
import colorsys
import hashlib
import html
import json
import re
from collections.abc import Iterable, Mapping
from importlib.resources import files
from string import Template
from typing import Any

__all__ = ["page"]

SCRIPTS = ("view.js", "drawing.js", "panel.js", "sweep.js", "explorer.js")
"""Concatenated in this order, since a class can be used only below the line that makes it."""

DARK_PAPER = 0.012
"""Relative luminance of the paper in the dark, as in explorer.css; in the light it is 1."""

PAPER_HUE = 0.595


def page(data: Mapping[str, Any]) -> str:
    """One HTML file in which a computation graph can be explored.

    The file makes no request of any kind, and its own security policy forbids every one. The first
    drawing is part of the HTML, so that it is there without scripts too.

    Parameters
    ----------
    data : dict
        ``title``; ``states``, each a drawing as SVG with its cards and wires; ``paths``,
        ``parameters``; and ``table``, the graph as plain text.

    Returns
    -------
    str
        The text of the file, to be written as UTF-8.
    """
    script = "\n".join(map(_read, SCRIPTS))
    return Template(_read("explorer.html")).substitute(
        title=html.escape(data["title"]),
        table=html.escape(data["table"]),
        drawing=_without_prolog(data["states"][0]["svg"]),
        data=_embedded(_shipped(data)),
        style=_read("explorer.css") + _dark_drawing(data["states"]),
        script=script,
        hash=_hash(script),
    )


def _read(name: str) -> str:
    return files("autodiff.draw").joinpath(name).read_text("utf-8").strip()


def _without_prolog(svg: str) -> str:
    """The element alone: HTML knows neither XML declarations nor document types inside."""
    return svg[svg.index("<svg") :]


def _hash(script: str) -> str:
    """What the security policy calls the one script that may run."""
    return base64.b64encode(hashlib.sha256(f"\n{script}\n".encode()).digest()).decode()


def _embedded(value: Any) -> str:
    """JSON that no name can end: without ``<`` there is neither ``</script>`` nor ``<!--``."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")


def _shipped(data: Mapping[str, Any]) -> dict[str, Any]:
    """What the scripts read: all but the texts that are in the HTML already."""
    first, *others = data["states"]
    later = [{**state, "svg": _without_prolog(state["svg"])} for state in others]
    return {
        "title": data["title"],
        "states": [{**first, "svg": None}, *later],
        "paths": data["paths"] and _with_dark_colors(data["paths"]),
        "parameters": data["parameters"],
    }


def _with_dark_colors(paths: Mapping[str, Any]) -> dict[str, Any]:
    rows = [{**row, "dark": _in_the_dark(row["color"])} for row in paths["rows"]]
    return {**paths, "rows": rows}


# ----------------------------------------------------------------------------------------------
# The drawings in the dark: they state their colours one by one, for white paper, and each gets a
# counterpart.


def _dark_drawing(states: Iterable[Mapping[str, Any]]) -> str:
    """Style rules that give the drawings their colours in the dark."""
    found = {use for state in states for use in _color_uses(state["svg"])}
    rules = [
        f'#stage [{role}="{color}"] {{ {role}: {_in_the_dark(color)}; }}'
        for role, color in sorted(found)
    ]
    return "\n@media (prefers-color-scheme: dark) {\n" + "\n".join(rules) + "\n}"


def _color_uses(svg: str) -> list[tuple[str, str]]:
    return re.findall(r'\b(fill|stroke)="(#[0-9a-fA-F]{6}|white|black)"', svg)


def _in_the_dark(color: str) -> str:
    """The colour of the same hue that stands out from dark paper as this one does from white."""
    red, green, blue = _channels(color)
    contrast = 1.05 / (_luminance(red, green, blue) + 0.05)
    # The exponent makes up for tints, which darkness swallows.
    wanted = contrast**1.2 * (DARK_PAPER + 0.05) - 0.05
    hue, _, saturation = colorsys.rgb_to_hls(red, green, blue)
    if saturation < 0.2:  # greys take the tint of the paper
        hue, saturation = PAPER_HUE, 0.25
    calm = 0.85 if contrast > 1.5 else 0.5  # a tint of full saturation would glow
    return _hex(_of_luminance(wanted, hue, calm * saturation))


def _channels(color: str) -> tuple[float, float, float]:
    digits = {"white": "ffffff", "black": "000000"}.get(color, color.lstrip("#"))
    red, green, blue = bytes.fromhex(digits)
    return red / 255, green / 255, blue / 255


def _luminance(red: float, green: float, blue: float) -> float:
    """Relative luminance as in the Web Content Accessibility Guidelines."""
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (red, green, blue)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _of_luminance(wanted: float, hue: float, saturation: float) -> tuple[float, float, float]:
    """The colour of this hue and saturation that is as bright as wanted, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(12):  # finer than the 256 steps of a channel
        middle = (low + high) / 2
        if _luminance(*colorsys.hls_to_rgb(hue, middle, saturation)) < wanted:
            low = middle
        else:
            high = middle
    return colorsys.hls_to_rgb(hue, high, saturation)


def _hex(channels: Iterable[float]) -> str:
    return "#" + "".join(f"{round(255 * channel):02x}" for channel in channels)
