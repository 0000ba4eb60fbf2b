"""The page on the command line is what the parser says now."""

import pytest

from docs.cli_reference import PAGE, page


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == page(), "stale: run python -m docs.cli_reference"


@pytest.mark.parametrize("width", ["20", "200"])
def test_the_page_does_not_depend_on_the_terminal(
    width: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    assert page() == PAGE.read_text()
