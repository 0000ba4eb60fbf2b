"""The command ``autodiff``."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import autodiff as ad
from models.commands import ADD, completion
from models.commands.common import examples, fail
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
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError):  # closed, or not a stream of bytes
            stream.reconfigure(errors="backslashreplace")
    try:
        with _all_written():
            return _run(argv)
    except KeyboardInterrupt as stop:
        return fail(str(stop) or "interrupted", INTERRUPTED)
    except BrokenPipeError:  # whoever reads has had enough
        return 1
    except OSError as error:
        return fail(f"{error.filename or 'error'}: {error.strerror or error}")
    except MemoryError as error:
        return fail(str(error) or "out of memory")


def _run(argv: Sequence[str] | None) -> int:
    arguments, unknown = parser().parse_known_args(argv)
    if unknown:
        arguments.parser.refuse(unknown)
    try:
        return arguments.command(arguments) or 0
    except ad.errors.AutodiffError as error:
        status = 2 if isinstance(error, TargetError) else 1
        return fail(arguments.parser.in_options(str(error)), status)


@contextmanager
def _all_written() -> Iterator[None]:
    """What cannot be printed is found out now: at its end, Python would show a traceback."""
    try:
        yield
    finally:
        try:
            if sys.stdout is not None:
                sys.stdout.flush()
        except OSError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise OSError(error.errno, error.strerror, "standard output") from error


def parser() -> Parser:
    """The command line, with all its commands."""
    made = Parser(
        prog="autodiff",
        description="Train networks on small data, ask them, test gradients and see backprop.",
        epilog="Each command has a help of its own, with examples: autodiff COMMAND --help\n\n"
        + examples("demo", "train mlp --help", "graph gru --out graph.svg"),
    )
    made.add_argument("--version", action="version", version=f"autodiff {ad.__version__}",
                        help="show the version and exit")  # fmt: skip
    commands = made.add_commands("COMMAND")
    for add in ADD:
        add(commands)
    completion.add(commands, made)
    return made
