"""``autodiff predict``: sentences tagged, classified or translated by a saved model."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from models.commands.common import Commands
from models.options import number
from models.predict import predictor

__all__ = ["add"]


def add(commands: Commands) -> None:
    """Add it to the commands."""
    parser = commands.add_parser(
        "predict",
        help="tag, classify or translate sentences with a saved model",
        description="Tag, classify or translate sentences with a model that was trained before.",
        epilog="Example: autodiff predict runs/tagger 'The old man the boat .'",
    )
    parser.add_argument("model", type=Path, metavar="MODEL",
                        help="folder of a run, or the file model.safetensors in it")  # fmt: skip
    parser.add_argument("text", nargs="*", metavar="TEXT",
                        help="a sentence each; without any, lines of standard input")  # fmt: skip
    parser.add_argument("--beam", type=number(int, 1, 101), default=1, metavar="N",
                        help="translations that are followed at once (default 1)")  # fmt: skip
    parser.set_defaults(parser=parser, command=_predict)


def _predict(arguments: argparse.Namespace) -> None:
    predict = predictor(arguments.model, arguments.beam)
    for text in arguments.text or map(str.rstrip, sys.stdin):
        print(*predict([text]), flush=True)
