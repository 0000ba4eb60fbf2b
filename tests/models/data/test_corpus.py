"""Words and signs of a text."""

import pytest

from models.data import tokens


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It's 5%.", ["It's", "5", "%", "."]),
        ("Größe, bitte!", ["Größe", ",", "bitte", "!"]),
        ("don’t 'quote'", ["don’t", "'", "quote", "'"]),
        ("well-known\t3.5", ["well", "-", "known", "3", ".", "5"]),
        (" \n", []),
        ("cafe\u0301s, too", ["cafe\u0301s", ",", "too"]),
        ("हिन्दी में।", ["हिन्दी", "में", "।"]),
        ("می\u200cخواهم שָׁלוֹם", ["می\u200cخواهم", "שָׁלוֹם"]),
        ("\u2764\ufe0f \u0301", ["\u2764", "\ufe0f", "\u0301"]),
    ],
)
def test_tokens(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected
