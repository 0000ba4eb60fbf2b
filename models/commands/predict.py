"""``autodiff predict``: sentences tagged, classified or translated by a saved model."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from models.commands.common import Commands, examples
from models.data import DataError
from models.options import number
from models.predict import predictor

__all__ = ["add"]


def add(commands: Commands) -> None:
    """Add it to the commands."""
    parser = commands.add_parser(
        "predict",
        help="tag, classify or translate sentences with a saved model",
        description="Tag, classify or translate sentences with a model that was trained before.",
        epilog=examples(
            "predict runs/tagger 'The old man the boat .'",
            "predict runs/classifier < reviews.txt",
        ),
    )
    parser.add_argument("model", type=Path, metavar="MODEL",
                        help="folder of a run, or the file model.safetensors in it")  # fmt: skip
    parser.add_argument("text", nargs="*", default=[], metavar="TEXT",
                        help="a sentence each; without any, lines of standard input")  # fmt: skip
    parser.add_argument("--beam", type=number(int, 1, 101), metavar="N",
                        help="translations followed at once (default: as trained)")  # fmt: skip
    parser.set_defaults(parser=parser, command=_predict)


def _predict(arguments: argparse.Namespace) -> None:
    predict = predictor(arguments.model, arguments.beam)
    for text in arguments.text or _lines():
        print(*predict([text]), flush=True)


def _lines() -> Iterator[str]:
    """The lines of standard input."""
    with suppress(AttributeError):  # not a stream of bytes
        sys.stdin.reconfigure(encoding="utf-8-sig", errors="strict")
    try:
        yield from (line.rstrip("\r\n") for line in sys.stdin)
    except UnicodeDecodeError as error:
        found = f"{error.object[error.start]:#x}"
        raise DataError(f"standard input: expected UTF-8, found a byte {found}") from error
