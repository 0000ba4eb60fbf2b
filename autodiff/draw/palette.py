"""The colours of pictures. Colour is never the only sign."""

from __future__ import annotations

__all__ = [
    "BLUE", "BLUE_FILL", "GREEN", "GREEN_FILL", "GREEN_WIRE", "GREY", "INK", "LINE", "ORANGE",
    "ORANGE_FILL", "ORANGE_WIRE", "PALE", "PATHS", "QUIET", "QUIET_BACK", "RED", "RED_FILL",
    "VIOLET", "VIOLET_FILL", "VIOLET_WIRE", "YELLOW_FILL",
]  # fmt: skip

INK, GREY, PALE, LINE, QUIET = "#263238", "#607D8B", "#ADB5BD", "#90A4AE", "#D5DBDF"
GREEN, GREEN_FILL, GREEN_WIRE = "#1B7F3B", "#E6F4EA", "#8CCB9F"
ORANGE, ORANGE_FILL, ORANGE_WIRE, QUIET_BACK = "#D9480F", "#FFF4E6", "#FFA94D", "#FFD8A8"
VIOLET, VIOLET_FILL, VIOLET_WIRE = "#5F3DC4", "#F3F0FF", "#B197FC"
BLUE, BLUE_FILL = "#4C6EF5", "#EDF2FF"
RED, RED_FILL = "#C92A2A", "#FFE3E3"
YELLOW_FILL = "#FFF9DB"
PATHS = ("#E8590C", "#C2255C", "#1971C2", "#7048E8", "#2B8A3E", "#A6600B", "#0B7285", "#9C36B5")
"""One for each path; the numerals tell them apart as well."""
