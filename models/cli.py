"""The command ``autodiff``."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress

import autodiff as ad
from models.commands import ADD
from models.commands.common import fail
from models.options import Parser
from models.target import TargetError

__all__ = ["main", "parser"]

INTERRUPTED = 130
"""Exit status of a program that Ctrl-C ended: 128 and the number of the signal."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line; gives its exit status.

    0: done. 1: it could not be done, and one line on standard error says why; or a gradient is
    wrong. 2: the command line itself is wrong, names what is not there, or what cannot be checked.
    130: interrupted.
    """
    arguments, unknown = parser().parse_known_args(argv)
    if unknown:
        arguments.parser.refuse(unknown)
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError):  # closed, or not a stream of bytes
            stream.reconfigure(errors="backslashreplace")
    try:
        return arguments.command(arguments) or 0
    except KeyboardInterrupt as stop:
        return fail(str(stop) or "interrupted", INTERRUPTED)
    except TargetError as error:
        return fail(str(error), 2)
    except BrokenPipeError:  # whoever reads has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        return fail(f"{error.filename or 'error'}: {error.strerror or error}")
    except (ad.errors.AutodiffError, MemoryError) as error:
        return fail(str(error))


def parser() -> Parser:
    """The command line, with all its commands."""
    made = Parser(prog="autodiff", description="Automatic differentiation: models and tools.")
    made.add_argument("--version", action="version", version=f"autodiff {ad.__version__}")
    commands = made.add_subparsers(required=True, metavar="COMMAND")
    for add in ADD:
        add(commands)
    return made
