"""One browser for all tests of the explorer, and its page about the sample."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from autodiff.draw.explorer import page
from tests.draw.browser import Reader, browser
from tests.draw.sample import sample


@pytest.fixture
def data() -> dict[str, Any]:
    return sample()


@pytest.fixture(scope="session")
def driver() -> Iterator[Any]:
    """Selenium's handle on the browser."""
    driver = browser()
    yield driver
    driver.quit()


@pytest.fixture
def opened(driver: Any, tmp_path: Path) -> Callable[..., Reader]:
    """Opens the page about the sample, changed or not."""

    def open_page(change: Callable[[dict[str, Any]], None] = lambda data: None) -> Reader:
        data = sample()
        change(data)
        file = tmp_path / "page.html"
        file.write_text(page(data), "utf-8")
        return Reader(driver, file)

    return open_page
