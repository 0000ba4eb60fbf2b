"""``autodiff demo``: networks trained on real images and on real sentences, in a minute."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from models.commands.common import Commands, examples
from models.commands.train import show
from models.data import DataError
from models.experiments.classification import ClassifierSettings
from models.experiments.digits import DigitsSettings
from models.run import run

__all__ = ["add"]

SENTENCES = ClassifierSettings(epochs=3, hidden=32, vectors=())
"""A GRU that learns in about half a minute whether snippets of film reviews are favourable."""
SHOWN = 5
"""Sentences whose classes are shown."""


def add(commands: Commands) -> None:
    """Add it to the commands."""
    demo = commands.add_parser(
        "demo",
        help="train networks on handwritten digits and sentences",
        description="Train two networks in a minute: one reads handwritten digits, one says "
        "whether a snippet of a film review is favourable. The sentences are fetched first.",
        epilog=examples("demo", "demo --out /tmp/demo"),
    )
    demo.add_argument("--out", type=Path, default=Path("runs/demo"), metavar="FOLDER",
                      help="folder for the results (default runs/demo)")  # fmt: skip
    demo.set_defaults(parser=demo, command=_demo)


def _demo(arguments: argparse.Namespace) -> None:
    show(run(DigitsSettings(), arguments.out), arguments.out)
    out = arguments.out / "sentences"
    print("\nand now sentences\n")
    try:
        result = run(SENTENCES, out)
    except DataError as error:  # without a network, the digits are all there is
        print(f"they are not here, and could not be fetched: {error}")
        return
    show(result, out)
    _show_examples(result.experiment)
    print(f"\nyour own: autodiff predict {out} 'A film you will not forget.'")


def _show_examples(experiment: Any) -> None:
    print("\nsome of the texts held out")
    chosen = [e for e in experiment.corpus.test if len(e.text) < 80][:SHOWN]
    said = experiment.model.predict([example.text for example in chosen])
    for example, label in zip(chosen, said):
        print(f"  {label:9}{'' if label == example.label else '(wrong) '}{example.text}")
