"""Writes docs/reference/cli.md from the command line's parser: ``python -m docs.cli_reference``.

The actions are walked, and no text of argparse is taken over: it differs from Python to Python, and
with the width of the terminal.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from models.cli import parser as command_line

__all__ = ["PAGE", "page"]

PAGE = Path(__file__).parent / "reference" / "cli.md"

HEAD = """\
# The command line

<!-- Generated from the command line by `python -m docs.cli_reference`: do not edit. -->

`autodiff COMMAND`, or `python -m autodiff COMMAND` where the command is not on the path. Each
command says the same by `--help`. Its exit status is 0 if all went well; 1 if it could not be done,
and a line on standard error says why, or if a gradient is wrong; 2 if the command line itself is
wrong, or names what is not there; 130 if Ctrl-C interrupted it. What the errors say is
[a page of its own](command_errors.md).
"""


def page() -> str:
    """The whole page."""
    whole = command_line()
    return "\n".join([HEAD, *_listed(whole), *_sections(whole)])


def _sections(parser: argparse.ArgumentParser) -> Iterator[str]:
    for command in _commands(parser).values():
        yield f"{'#' * len(command.prog.split())} {command.prog}\n"
        yield from (f"{line}\n" for line in (command.description or "").splitlines())
        yield f"```text\n{_usage(command)}\n```\n"
        yield from _listed(command)
        yield from _table(command)
        yield from _examples(command)
        yield from _sections(command)


def _commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    return next((dict(a.choices or {}) for a in parser._actions if a.nargs == argparse.PARSER), {})


def _listed(parser: argparse.ArgumentParser) -> Iterator[str]:
    commands = _commands(parser).values()
    rows = [f"| [`{c.prog}`](#{c.prog.replace(' ', '-')}) | {_first(c)} |" for c in commands]
    if rows:
        yield "\n".join(["| command | what it does |", "|---|---|", *rows, ""])


def _first(parser: argparse.ArgumentParser) -> str:
    """The first sentence of what a command says about itself, on one line."""
    return (parser.description or "").partition(". ")[0].rstrip(".")


def _usage(parser: argparse.ArgumentParser) -> str:
    options = [a for a in _arguments(parser) if a.option_strings and not a.required]
    places = [a for a in _arguments(parser) if a not in options]
    named = [name if a.required else f"[{name}]" for a in places for name in _names(a)]
    within = [str(a.metavar) for a in parser._actions if a.nargs == argparse.PARSER]
    return " ".join([parser.prog, *(["[OPTIONS]"] if options else []), *named, *within])


def _table(parser: argparse.ArgumentParser) -> Iterator[str]:
    rows = [f"| {_shown(a)} | {_cell(a.help or '')} |" for a in _arguments(parser)]
    if rows:
        yield "\n".join(["| argument | meaning |", "|---|---|", *rows, ""])


def _arguments(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """All but the commands within, and --help, which each of them has."""
    actions = parser._actions
    return [a for a in actions if a.nargs != argparse.PARSER and a.dest != "help"]


def _names(action: argparse.Action) -> list[str]:
    value = "" if action.nargs == 0 else str(action.metavar or action.dest)
    if action.nargs in (argparse.ONE_OR_MORE, argparse.ZERO_OR_MORE):
        value += " ..."
    return [f"{name} {value}".strip() for name in action.option_strings] or [value]


def _shown(action: argparse.Action) -> str:
    return ", ".join(f"`{name}`" for name in map(_cell, _names(action)))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|").replace("*", r"\*")


def _examples(parser: argparse.ArgumentParser) -> Iterator[str]:
    lines = [line.strip() for line in (parser.epilog or "").splitlines() if line.startswith(" ")]
    if lines:
        yield "\n".join(["```text", *lines, "```", ""])


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page())
