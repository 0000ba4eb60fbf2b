"""Reading a command line: errors of one line, near misses named, numbers checked at the door."""

from __future__ import annotations

import argparse
import ast
import difflib
import math
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import Any, NoReturn

__all__ = [
    "Parser", "flag", "interval", "names", "nearest", "number", "numbers", "setting", "sizes",
    "words",
]  # fmt: skip


ENOUGH = 10**9
"""More than any count or rate that makes sense, and few enough for numpy."""


class _Lines(argparse.HelpFormatter):
    """Keeps lines apart, and those that are indented whole, so that examples can be copied."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        fill = partial(super()._fill_text, width=width, indent=indent)
        lines = text.splitlines()
        return "\n".join(line if line.startswith(" ") else fill(line) for line in lines)


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, with the nearest known word."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs, formatter_class=_Lines, allow_abbrev=False)

    def add_commands(self, metavar: str) -> argparse._SubParsersAction:
        """Where commands of this one are added; to name none of them is an error."""
        commands = self.add_subparsers(metavar=metavar)

        def missing(arguments: argparse.Namespace) -> NoReturn:
            self.error(f"expected {metavar}, one of {', '.join(commands.choices)}")

        self.set_defaults(parser=self, command=missing)
        return commands

    def in_options(self, message: str) -> str:
        """What the library says, with its keywords as options: ``expand=`` as ``--expand``."""
        options = {action.dest: action.option_strings for action in self._actions}

        def option(found: re.Match[str]) -> str:
            known = options.get(found[1])
            return known[-1] + (" " if found[2] == "" else "") if known else found[0]

        return re.sub(r"\b(\w+)=(True\b|(?=[^\s,;:.)]))?", option, message)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and end with status 2."""
        self.exit(2, f"{self.prog}: {_with_hint(message)}; see {self.prog} --help\n")

    def refuse(self, unknown: Iterable[str]) -> NoReturn:
        """The error for arguments that this command does not have."""
        first = next(iter(unknown))
        known = re.findall(r"--[\w-]+", self.format_usage())
        self.error(f"unknown argument {first}{nearest(first.split('=')[0], known)}")


def _with_hint(message: str) -> str:
    found = re.search(r"invalid choice: '?(.*?)'? \(choose from (.*)\)", message)
    if not found:
        return message
    word, known = found[1], re.findall(r"[\w+-]+", found[2])
    unknown = f"unknown {word!r}{nearest(word, known)}; there is {', '.join(known)}"
    return message[: found.start()] + unknown


def nearest(word: str, known: Iterable[str]) -> str:
    """A question for an error message: whether the known word most like this one was meant."""
    by_lower = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word.lower(), by_lower, 1, 0.65)
    return f" (did you mean {by_lower[near[0]]}?)" if near else ""


def number(
    kind: type, low: float, high: float = ENOUGH, above: bool = False
) -> Callable[[str], Any]:
    """A reader of numbers in ``[low, high)``, or in ``(low, high)`` if `above`."""
    name = "a whole number" if kind is int else "a number"

    def read(text: str) -> Any:
        value = _parsed(kind, text)
        if not low <= value < high or (above and value == low):
            is_too_high = high < ENOUGH or value >= high
            limits = _limits(kind, low, high if is_too_high else math.inf, above)
            raise argparse.ArgumentTypeError(f"expected {name} {limits}, not {text!r}")
        return value

    return read


def _limits(kind: type, low: float, high: float, above: bool) -> str:
    if kind is int and high < ENOUGH:
        return f"from {low:,} to {high - 1:,}"
    limits = f"{'above' if above else 'of at least'} {low:g}"
    return limits if high == math.inf else f"{limits} and below {high:,}"


def _parsed(kind: type, text: str) -> Any:
    try:
        return kind(text)
    except ValueError:
        return math.nan  # lies within no limits


def sizes(text: str) -> tuple[int, ...]:
    """``"256,128"`` as numbers of units; ``""`` as none."""
    read = number(int, 1)
    return tuple(map(read, text.split(","))) if text else ()


def numbers(text: str) -> tuple[float, ...]:
    """``"0,1.5"`` as numbers."""
    try:
        return tuple(map(float, text.split(",")))
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected numbers as in 0,1.5, not {text!r}") from None


def interval(text: str) -> tuple[float, float] | str:
    """``"0,1"`` as two ends; anything else is a word, and stays as it is."""
    with suppress(ValueError):
        low, high = map(float, text.split(","))
        return low, high
    return text


def names(text: str) -> list[int | str]:
    """``"x,2"`` as a name and a position."""
    return [int(word) if word.isdecimal() else word for word in text.split(",")]


def setting(text: str) -> tuple[str, Any]:
    """``"axis=0"`` as a name and a value in Python's notation."""
    name, _, value = text.partition("=")
    # All that literal_eval raises, by its documentation
    with suppress(ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        if name.isidentifier():
            return name, ast.literal_eval(value)
    raise argparse.ArgumentTypeError(
        f"expected NAME=VALUE as in axis=0 or \"mode='same'\", not {text!r}"
    )


def flag(text: str) -> bool:
    """``"yes"`` or ``"no"``."""
    if text not in ("yes", "no"):
        raise argparse.ArgumentTypeError(f"expected yes or no, not {text!r}")
    return text == "yes"


def words(text: str) -> tuple[str, ...]:
    """``"brown,bbc"`` as words; ``""`` as none."""
    return tuple(text.split(",")) if text else ()
