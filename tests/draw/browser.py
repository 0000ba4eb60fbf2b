"""A headless Chromium, and the moves of a reader in it; nothing is ever downloaded."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars")
LOGS = {"browser": "ALL", "performance": "ALL"}


def _found(*names: str) -> str:
    """Where one of these programs is; without it the test is skipped."""
    paths = filter(None, map(shutil.which, names))
    return next(paths, "") or pytest.skip(f"needs {' or '.join(names)} on the PATH")


def browser() -> Any:
    """Selenium's handle on a new browser."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs the package selenium")
    options = webdriver.ChromeOptions()
    options.binary_location = _found("chromium", "chromium-browser", "google-chrome")
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", LOGS)
    # With its path given, Selenium looks for no driver elsewhere.
    service = webdriver.ChromeService(executable_path=_found("chromedriver"))
    return webdriver.Chrome(options=options, service=service)


class Reader:
    """Somebody who reads a page of the explorer: looks, clicks, types."""

    def __init__(self, driver: Any, file: Path) -> None:
        self.driver = driver
        self.allow_scripts(True)
        self.resize(1200, 800)
        self.prefer()
        self.open(file)

    def open(self, file: Path) -> None:
        """Load a file, with the logs emptied of what was before."""
        for log in LOGS:
            self.driver.get_log(log)
        self.driver.get(file.as_uri())

    def resize(self, width: int, height: int) -> None:
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def prefer(self, scheme: str = "light", motion: str = "reduce") -> None:
        """State the reader's wishes; without motion nothing has to be waited for."""
        wishes = {"prefers-color-scheme": scheme, "prefers-reduced-motion": motion}
        features = [{"name": name, "value": value} for name, value in wishes.items()]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def allow_scripts(self, allowed: bool) -> None:
        self.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not allowed})

    # ---- looking

    def all(self, selector: str) -> list[Any]:
        return self.driver.find_elements("css selector", selector)

    def one(self, selector: str) -> Any:
        return self.driver.find_element("css selector", selector)

    def text(self, selector: str) -> str:
        return self.one(selector).text

    def ids(self, selector: str) -> set[str]:
        return {element.get_attribute("id") for element in self.all(selector)}

    def style(self, selector: str, name: str) -> str:
        """What a property of an element comes down to."""
        script = "return getComputedStyle(document.querySelector(arguments[0]))[arguments[1]]"
        return self.run(script, selector, name)

    def focused(self) -> str:
        return self.driver.switch_to.active_element.get_attribute("id")

    def box(self) -> list[float]:
        """The part of the drawing that is in sight: x, y, width and height."""
        return [float(word) for word in self.one("#stage svg").get_dom_attribute("viewBox").split()]

    def center(self, selector: str) -> tuple[float, float]:
        """The middle of an element on the screen."""
        script = (
            "const r = document.querySelector(arguments[0]).getBoundingClientRect();"
            "return [r.x + r.width / 2, r.y + r.height / 2]"
        )
        return tuple(self.run(script, selector))

    def complaints(self) -> list[str]:
        """What the console says."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """The addresses asked for since the page was opened."""
        events = [json.loads(entry["message"]) for entry in self.driver.get_log("performance")]
        sent = [
            e["message"] for e in events if e["message"]["method"] == "Network.requestWillBeSent"
        ]
        return [message["params"]["request"]["url"] for message in sent]

    # ---- doing

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def click(self, selector: str) -> None:
        self._move().click(self.one(selector)).perform()

    def hover(self, selector: str) -> None:
        self._move().move_to_element(self.one(selector)).perform()

    def drag(self, selector: str, right: int, down: int) -> None:
        self._move().drag_and_drop_by_offset(self.one(selector), right, down).perform()

    def wheel(self, selector: str, down: int) -> None:
        from selenium.webdriver.common.actions.wheel_input import ScrollOrigin

        origin = ScrollOrigin.from_element(self.one(selector))
        self._move().scroll_from_origin(origin, 0, down).perform()

    def step(self, index: int) -> None:
        """Move the slider to a step of the sweep."""
        moved = "s.value = arguments[0]; s.dispatchEvent(new Event('input'))"
        self.run(f"const s = document.getElementById('slider'); {moved}", index)

    def press(self, *keys: str) -> None:
        """Press keys one after the other; names as in ``"ENTER"`` are those of Selenium."""
        from selenium.webdriver.common.keys import Keys

        for key in keys:
            self._move().send_keys(getattr(Keys, key, key)).perform()

    def _move(self) -> Any:
        from selenium.webdriver.common.action_chains import ActionChains

        return ActionChains(self.driver, duration=0)
