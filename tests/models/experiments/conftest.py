"""Nothing is fetched here: the data are small, and drawn."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture(autouse=True)
def nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str, *rest: Any) -> None:
        raise AssertionError(f"a test asked for {name} from the network")

    monkeypatch.setattr("models.data.fetch._fetch", refuse)
