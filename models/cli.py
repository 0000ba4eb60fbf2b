"""The command ``autodiff``."""

from __future__ import annotations

import argparse
import importlib.metadata
import platform
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

import autodiff as ad
from models.check import check
from models.config import DATA, OPTIMIZERS, SCHEDULES, Settings
from models.mlp import ACTIVATIONS
from models.options import Parser, interval, names, number, numbers, setting, sizes
from models.run import Result, kept_settings, require_ended, run
from models.see import list_paths, save_graph
from models.see_options import add_graph_options, add_path_options
from models.target import TargetError

__all__ = ["main"]

INTERRUPTED = 130
"""Exit status of a program that Ctrl-C ended: 128 and the number of the signal."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line; gives its exit status.

    0: done. 1: it could not be done, and one line on standard error says why; or a gradient is
    wrong. 2: the command line itself is wrong, names what is not there, or what cannot be checked.
    130: interrupted.
    """
    parser = _parser()
    arguments, unknown = parser.parse_known_args(argv)
    if unknown:
        arguments.parser.refuse(unknown)
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError):  # closed, or not a stream of bytes
            stream.reconfigure(errors="backslashreplace")
    try:
        return arguments.command(arguments) or 0
    except KeyboardInterrupt as stop:
        return _fail(str(stop) or "interrupted", INTERRUPTED)
    except TargetError as error:
        return _fail(str(error), 2)
    except OSError as error:
        return _fail(f"{error.filename or 'error'}: {error.strerror or error}")
    except (ad.errors.AutodiffError, MemoryError) as error:
        return _fail(str(error))


def _fail(message: str, status: int = 1) -> int:
    print("autodiff:", " ".join(message.split()), file=sys.stderr)
    return status


def _parser() -> Parser:
    parser = Parser(prog="autodiff", description="Automatic differentiation: models and tools.")
    parser.add_argument("--version", action="version", version=f"autodiff {ad.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_demo(commands)
    _add_train(commands)
    _add_check(commands)
    _add_graph(commands)
    _add_paths(commands)
    _add_info(commands)
    return parser


def _add_demo(commands: argparse._SubParsersAction[Parser]) -> None:
    demo = commands.add_parser("demo", help="train a network on real handwritten digits")
    demo.add_argument("--out", type=Path, default=Path("runs/demo"), help="folder for the results")
    demo.set_defaults(parser=demo, command=_demo)


def _demo(arguments: argparse.Namespace) -> None:
    _show(run(Settings(), arguments.out), arguments.out)


def _show(result: Result, out: Path, resumed: bool = False) -> None:
    kept = f"kept is epoch {result.best_epoch} of {len(result.history)}, the best in validation"
    print(f"\ntrained for {result.seconds:.1f} s{' more' if resumed else ''}; {kept}")
    print(f"\naccuracy on the {len(result.split.test.y)} images held out\n{result.figures}")
    print(f"\nin {out}: report.md, loss.png, graph.svg, graph.html, model.safetensors")


def _add_train(commands: argparse._SubParsersAction[Parser]) -> None:
    train = commands.add_parser("train", help="train a model with settings of your own")
    train.set_defaults(parser=train)
    models = train.add_subparsers(required=True, metavar="MODEL")
    _add_mlp(models)


def _add_mlp(models: argparse._SubParsersAction[Parser]) -> None:
    mlp = models.add_parser("mlp", help="multilayer perceptron", argument_default=argparse.SUPPRESS)
    default = Settings()
    mlp.add_argument("--out", type=Path, default=Path("runs/mlp"), help="folder for the results")
    mlp.add_argument("--resume", action="store_true", default=False,
                     help="go on with the run in that folder")  # fmt: skip
    mlp.add_argument("--overwrite", action="store_true", default=False,
                     help="start anew, even where a run could be resumed")  # fmt: skip
    settings = mlp.add_argument_group("settings")

    def add(name: str, help: str, **kwargs: Any) -> None:
        value = default.shown(name)
        shown = "" if value == "None" else f" (default {value})"
        settings.add_argument(f"--{name.replace('_', '-')}", help=help + shown, **kwargs)

    positive, count = number(float, 0, above=True), number(int, 1)
    share = number(float, 0, 1)
    add("data", "data set", choices=DATA, metavar="NAME")
    add("hidden", "units of each hidden layer", type=sizes, metavar="N,N")
    add("activation", ", ".join(ACTIVATIONS), choices=ACTIVATIONS, metavar="NAME")
    add("dropout", "share of hidden units dropped", type=share, metavar="P")
    add("shift", "greatest random shift of training images, in pixels",
        type=number(float, 0, 8), metavar="PIXELS")  # fmt: skip
    add("epochs", "passes over the training part", type=count, metavar="N")
    add("batch", "images of one step", type=count, metavar="N")
    add("optimizer", ", ".join(OPTIMIZERS), choices=OPTIMIZERS, metavar="NAME")
    add("lr", "learning rate", type=positive, metavar="RATE")
    add("schedule", "course of the learning rate: " + ", ".join(SCHEDULES),
        choices=SCHEDULES, metavar="NAME")  # fmt: skip
    add("weight_decay", "of adamw (0.01 unless given) and sgd",
        type=number(float, 0), metavar="X")  # fmt: skip
    add("clip", "greatest norm of the gradient", type=positive, metavar="NORM")
    add("patience", "stop after so many epochs without a lower validation loss",
        type=count, metavar="N")  # fmt: skip
    add("seed", "of all that is random", type=number(int, 0), metavar="N")
    add("threads", "for the matrix products", type=number(int, 1, 1025), metavar="N")
    add("dtype", "float32 or float64", choices=["float32", "float64"], metavar="NAME")
    mlp.set_defaults(parser=mlp, command=_train_mlp)


def _train_mlp(arguments: argparse.Namespace) -> None:
    given = dict(vars(arguments))
    options = ("out", "resume", "overwrite", "parser", "command")
    out, resume, overwrite, _, _ = (given.pop(name) for name in options)
    if not resume and not overwrite:
        require_ended(out)
    settings = kept_settings(out, given) if resume else Settings(**given)
    _show(run(settings, out, resume), out, resume)


def _add_check(commands: argparse._SubParsersAction[Parser]) -> None:
    parser = commands.add_parser(
        "check",
        help="test the gradient of a function of your own",
        description="Test a gradient on examples that Hypothesis draws. Exit status: 0 if it is "
        "right, 1 if it is wrong, 2 if it cannot be tested.",
        epilog="Example: autodiff check layer.py:forward,backward --shapes '(n,d),(d,m)->(n,m)'",
        argument_default=argparse.SUPPRESS,
    )
    add = parser.add_argument
    add("target", metavar="TARGET", help="MODULE:NAME or FILE.py:NAME of a function of arrays, a "
        "pair (forward, backward), or a gradient_test; or MODULE:FORWARD,BACKWARD")  # fmt: skip
    add("--examples", default=100, type=number(int, 1), metavar="N",
        help="how many are drawn (default 100)")  # fmt: skip
    add("--seed", default=0, type=number(int, 0), metavar="N", help="of what is drawn (default 0)")
    _add_compared(parser.add_argument_group("what is compared"))
    _add_drawn(parser.add_argument_group("what is drawn"))
    parser.set_defaults(parser=parser, command=_check)


def _add_compared(group: argparse._ArgumentGroup) -> None:
    add, kinks = group.add_argument, ("subgradient", "strict", "skip")
    add("--vjp", metavar="[MODULE:]NAME", help="where gradients come from: a function of the "
        "cotangent and the inputs, a pair, or torch, jax, autograd (default autodiff)")  # fmt: skip
    add("--grad", metavar="[MODULE:]NAME", help="the same, of one number: a function of the inputs")
    add("--vs", metavar="[MODULE:]NAME", help="a twin in numpy, whose results must be the same")
    add("--wrt", type=names, metavar="X,Y", help="inputs to differentiate by (default: all)")
    add("--order", type=number(int, 1, 3), metavar="N", help="2: second derivatives, too")
    add("--kinks", choices=kinks, metavar="NAME",
        help=f"points without a derivative: {', '.join(kinks)} (default: the first)")  # fmt: skip


def _add_drawn(group: argparse._ArgumentGroup) -> None:
    add, dtypes = group.add_argument, ("float64", "float32", "float16")
    add("--shapes", metavar="TEXT",
        help="broadcast (default), same, or a signature such as '(n,d),(d,m)->(n,m)'")  # fmt: skip
    add("--arity", type=number(int, 1, 33), metavar="N",
        help="number of inputs (default: all that must be given)")  # fmt: skip
    add("--domain", type=interval, metavar="TEXT",
        help="a word such as positive or nonzero; or two ends, as in --domain=-1,1")  # fmt: skip
    add("--avoid", type=numbers, metavar="X,X", help="what no entry is, as in --avoid=-1,1")
    add("--dtype", choices=dtypes, metavar="NAME", help=f"{', '.join(dtypes)} (default: the first)")
    add("--set", type=setting, action="append", dest="settings", metavar="NAME=VALUE",
        help="a setting of the function, such as axis=0; can be repeated")  # fmt: skip
    add("--raw", action="store_true", help="floats as they come, in place of simple ones")
    add("--layouts", action="store_true", help="also strided, reversed and read-only arrays")


def _check(arguments: argparse.Namespace) -> int:
    given = _given(arguments)
    if "settings" in given:
        given["kwargs"] = dict(given.pop("settings"))
    try:
        is_right, text = check(**given)
    except ad.errors.AutodiffError as error:
        return _fail(str(error), 2)
    print(text)
    return 0 if is_right else 1


def _add_graph(commands: argparse._SubParsersAction[Parser]) -> None:
    parser = commands.add_parser(
        "graph",
        help="draw the graph of a model, or of a loss of your own",
        description="Draw a computation with its values and gradients: of a small model, or of a "
        "function of your own that gives a loss.",
        epilog="Examples: autodiff graph gru --steps 4 --to x1; "
        "autodiff graph net.py:loss --out loss.svg",
        argument_default=argparse.SUPPRESS,
    )
    add_graph_options(parser)
    parser.set_defaults(parser=parser, command=_graph)


def _graph(arguments: argparse.Namespace) -> None:
    print(save_graph(**_given(arguments)))


def _given(arguments: argparse.Namespace) -> dict[str, Any]:
    return {k: v for k, v in vars(arguments).items() if k not in ("parser", "command")}


def _add_paths(commands: argparse._SubParsersAction[Parser]) -> None:
    parser = commands.add_parser(
        "paths",
        help="list the paths that a gradient is the sum of",
        description="List the paths from a loss back to one of the values that it was computed "
        "from, and what each adds to the gradient, the largest first.",
        epilog="Examples: autodiff paths gru --steps 3 --to x1 --top 8; "
        "autodiff paths net.py:loss --to W --element 0,1",
        argument_default=argparse.SUPPRESS,
    )
    add_path_options(parser)
    parser.set_defaults(parser=parser, command=_paths)


def _paths(arguments: argparse.Namespace) -> None:
    print(list_paths(**_given(arguments)))


def _add_info(commands: argparse._SubParsersAction[Parser]) -> None:
    info = commands.add_parser("info", help="versions of all that is in use")
    info.set_defaults(parser=info, command=_info)


def _info(arguments: argparse.Namespace) -> None:
    rows = {"autodiff": ad.__version__, "python": platform.python_version(),
            "numpy": np.__version__}  # fmt: skip
    rows |= {
        name: _version(name)
        for name in (
            "safetensors",
            "matplotlib",
            "graphviz-pure",
            "resvg-py",
            "scikit-learn",
            "tqdm",
            "threadpoolctl",
        )
    }
    rows |= {"platform": platform.platform(), "installed in": str(Path(ad.__file__).parent)}
    for name, value in rows.items():
        print(f"{name:14}{value}")


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed: pip install 'autodiff[train]'"
