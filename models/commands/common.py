"""What all commands need: their options as keywords, and failures as one line."""

from __future__ import annotations

import argparse
import sys
from typing import Any

__all__ = ["Commands", "examples", "fail", "given", "sentence"]

Commands = argparse._SubParsersAction
"""What a command is added to."""


def examples(*lines: str) -> str:
    """Command lines at the end of a help, each without the name of the program."""
    head = "Example:" if len(lines) == 1 else "Examples:"
    return "\n".join([head, *(f"  autodiff {line}" for line in lines)])


def sentence(help: str) -> str:
    """What a list says of a command, as its own help begins."""
    return f"{help[0].upper()}{help[1:]}."


def fail(message: str, status: int = 1) -> int:
    """Say in one line why a command ends; gives its exit status."""
    print("autodiff:", " ".join(message.split()), file=sys.stderr)
    return status


def given(arguments: argparse.Namespace) -> dict[str, Any]:
    """The options of a command by name."""
    return {k: v for k, v in vars(arguments).items() if k not in ("parser", "command")}
