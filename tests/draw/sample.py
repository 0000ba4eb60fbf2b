"""What the explorer is handed: a step of a GRU, open in the first state, one card in the second."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_TEXT = Path(__file__).with_name("sample.json").read_text("utf-8")


def sample() -> dict[str, Any]:
    """The sample, afresh, so that a test may change it."""
    return json.loads(_TEXT)


def card(data: dict[str, Any], name: str) -> dict[str, Any]:
    """A card of the first state, by its name."""
    return next(card for card in data["states"][0]["cards"] if card["name"] == name)
