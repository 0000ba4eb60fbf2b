"""Reading a command line: errors of one line, near misses named, numbers checked at the door."""

from __future__ import annotations

import argparse
import difflib
import math
import re
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

__all__ = ["Parser", "number", "sizes"]


ENOUGH = 10**9
"""More than any count or rate that makes sense, and few enough for numpy."""


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, with the nearest known word."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and end with status 2."""
        self.exit(2, f"{self.prog}: {_with_hint(message)}; see {self.prog} --help\n")

    def refuse(self, unknown: Iterable[str]) -> NoReturn:
        """The error for arguments that this command does not have."""
        first = next(iter(unknown))
        known = re.findall(r"--[\w-]+", self.format_usage())
        self.error(f"unknown argument {first}{_nearest(first.split('=')[0], known)}")


def _with_hint(message: str) -> str:
    found = re.search(r"invalid choice: '?(.*?)'? \(choose from (.*)\)", message)
    if not found:
        return message
    word, known = found[1], re.findall(r"[\w-]+", found[2])
    unknown = f"unknown {word!r}{_nearest(word, known)}; there is {', '.join(known)}"
    return message[: found.start()] + unknown


def _nearest(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, known, 1, 0.65)
    return f" (did you mean {near[0]}?)" if near else ""


def number(
    kind: type, low: float, high: float = ENOUGH, above: bool = False
) -> Callable[[str], Any]:
    """A reader of numbers in ``[low, high)``, or in ``(low, high)`` if `above`."""
    name = "a whole number" if kind is int else "a number"

    def read(text: str) -> Any:
        value = _parsed(kind, text)
        if not low <= value < high or (above and value == low):
            limits = f"{'above' if above else 'of at least'} {low:g}"
            limits += f" and below {high:,}" if high < ENOUGH or value >= high else ""
            raise argparse.ArgumentTypeError(f"expected {name} {limits}, not {text!r}")
        return value

    return read


def _parsed(kind: type, text: str) -> Any:
    try:
        return kind(text)
    except ValueError:
        return math.nan  # lies within no limits


def sizes(text: str) -> tuple[int, ...]:
    """``"256,128"`` as numbers of units; ``""`` as none."""
    read = number(int, 1)
    return tuple(map(read, text.split(","))) if text else ()
