"""``autodiff train``: a model trained with settings of the user's own."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import TypeVar

from models.commands.common import Commands, examples, given, sentence
from models.config import TEXTS, Option, RunSettings, Settings
from models.experiments import EXPERIMENTS
from models.folder import kept_settings, require_ended
from models.run import Result, run
from models.word_learning.run import WORD_RUNS, WordResult, run_words
from models.word_learning.settings import WordSettings

__all__ = ["add", "show"]

S = TypeVar("S", bound=RunSettings)


def add(commands: Commands) -> None:
    """Add it to the commands, with a command of its own for each model."""
    train = commands.add_parser(
        "train",
        help="train a model with settings of your own",
        description="Train a model. The folder of the run gets the model, a report with figures "
        "of the test part, and a checkpoint: Ctrl-C stops a run so that --resume goes on with it.",
        epilog=examples("train mlp --epochs 20", "train tagger --help"),
    )
    models = train.add_commands("MODEL")
    for name, (kind, _) in EXPERIMENTS.items():
        _add_model(models, name, kind, _train)
    for name, words in WORD_RUNS.items():
        _add_model(models, name, words, _train_words)


def _add_model(
    models: Commands, name: str, kind: type[RunSettings], command: Callable[..., None]
) -> None:
    first = f"train {name} --epochs 3 --out runs/first"
    parser = models.add_parser(
        name,
        help=kind.HELP,
        description=sentence(kind.HELP),
        epilog=examples(first, f"train {name} --out runs/first --resume"),
        argument_default=argparse.SUPPRESS,
    )
    parser.add_argument("--out", type=Path, default=Path("runs", name), metavar="FOLDER",
                        help=f"folder for the results (default runs/{name})")  # fmt: skip
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--resume", action="store_true", default=False,
                        help="go on with the run in that folder")  # fmt: skip
    either.add_argument("--overwrite", action="store_true", default=False,
                        help="start anew, even where a run could be resumed")  # fmt: skip
    settings, default = parser.add_argument_group("settings"), kind()
    for field in sorted(fields(kind), key=lambda field: field.name not in TEXTS):
        option = kind.OPTIONS[field.name]
        settings.add_argument(
            f"--{field.name.replace('_', '-')}",
            help=option.help + _default(option, default.shown(field.name)),
            type=option.read,
            choices=option.choices,
            metavar=option.metavar,
        )
    parser.set_defaults(parser=parser, command=partial(command, kind))


def _default(option: Option, value: str) -> str:
    is_said = "(default" in option.help
    return "" if is_said else f" (default {'none' if value in ('None', '') else value})"


def _train(kind: type[Settings], arguments: argparse.Namespace) -> None:
    settings, out, resume = _asked(kind, arguments)
    show(run(settings, out, resume), out, resume)


def _train_words(kind: type[WordSettings], arguments: argparse.Namespace) -> None:
    settings, out, resume = _asked(kind, arguments)
    show_words(run_words(settings, out, resume), out, resume)


def _asked(kind: type[S], arguments: argparse.Namespace) -> tuple[S, Path, bool]:
    """The settings of a run, its folder, and whether it is to go on."""
    options = given(arguments)
    out, resume, overwrite = (options.pop(name) for name in ("out", "resume", "overwrite"))
    if not resume and not overwrite:
        require_ended(out)
    settings = kept_settings(kind, out, options) if resume else kind(**options)
    return settings, out, resume


def show(result: Result, out: Path, resumed: bool = False) -> None:
    """Say what came out of a run."""
    which = {"best": "the best in validation", "last": "the last one"}[result.settings.keep]
    kept = f"kept is epoch {result.kept} of {len(result.history)}, {which}"
    print(f"\ntrained for {result.seconds:.1f} s{' more' if resumed else ''}; {kept}")
    built = f"; {result.building:.1f} s to compile" if result.building else ""
    print(f"steps: {result.steps}{built}")
    print(f"\n{result.experiment.test_part()}\n{result.text}")
    print(f"\nin {out}: {', '.join(result.files)}")


def show_words(result: WordResult, out: Path, resumed: bool = False) -> None:
    """Say what came out of a run that learnt word vectors."""
    speed = f"{result.words_per_second:,.0f} words a second"
    print(f"\ntrained for {result.seconds:.1f} s{' more' if resumed else f': {speed}'}")
    print(f"mean loss {result.history[-1]['loss']:.4f} in the last epoch")
    for name, score in result.scores.items():
        print(f"  {name:11} {score}")
    print(f"\nin {out}: {', '.join(result.files)}")
    print(f"ask it: autodiff similar WORD --vectors {shlex.quote(str(out))}")
