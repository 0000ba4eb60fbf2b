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
    ],
)
def test_tokens(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected
