"""``autodiff completion``: what a shell needs to complete the command line."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from models.commands.common import Commands, examples
from models.extras import need
from models.options import Parser

__all__ = ["add"]

SHELLS = ("bash", "zsh", "tcsh")

PATHS = ("target", "data", "corpus")
"""Arguments that may be paths, or something else."""


def add(commands: Commands, root: Parser) -> None:
    """Add it to the commands of `root`, the parser that it is about."""
    parser = commands.add_parser(
        "completion",
        help="write what bash, zsh or tcsh needs to complete commands",
        description="Write what a shell needs to complete commands, options and paths with the "
        "key Tab. In bash, write it to a file and put the line 'source ~/.autodiff.bash' into "
        "~/.bashrc; in zsh, write it to a folder that is in fpath.",
        epilog=examples(
            "completion bash > ~/.autodiff.bash", "completion zsh > ~/.zfunc/_autodiff"
        ),
    )
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help=", ".join(SHELLS))
    parser.set_defaults(parser=parser, command=lambda arguments: _write(root, arguments.shell))


def _write(root: Parser, shell: str) -> None:
    shtab = need("shtab", "completion")
    for action in _actions(root):
        if action.metavar == "FOLDER":
            action.complete = shtab.DIRECTORY
        elif action.type is Path or action.dest in PATHS:
            action.complete = shtab.FILE
    print(shtab.complete(root, shell))


def _actions(parser: Parser) -> Iterator[Any]:
    """Those of a parser, and of the commands within it."""
    for action in parser._actions:
        yield action
        if action.nargs == argparse.PARSER:
            for command in action.choices.values():
                yield from _actions(command)
