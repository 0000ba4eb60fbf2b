"""``autodiff demo``: networks trained on real data, in a minute."""

from __future__ import annotations

import argparse
from pathlib import Path

from models.commands.common import Commands
from models.commands.train import show
from models.experiments.digits import DigitsSettings
from models.run import run

__all__ = ["add"]


def add(commands: Commands) -> None:
    """Add it to the commands."""
    demo = commands.add_parser("demo", help="train a network on real handwritten digits")
    demo.add_argument("--out", type=Path, default=Path("runs/demo"), help="folder for the results")
    demo.set_defaults(parser=demo, command=_demo)


def _demo(arguments: argparse.Namespace) -> None:
    show(run(DigitsSettings(), arguments.out), arguments.out)
