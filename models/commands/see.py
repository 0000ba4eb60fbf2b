"""``autodiff graph`` and ``autodiff paths``: backprop as a picture and as a table."""

from __future__ import annotations

import argparse

from models.commands.common import Commands, examples, given
from models.see import list_paths, save_graph
from models.see_options import add_graph_options, add_path_options

__all__ = ["add"]


def add(commands: Commands) -> None:
    """Add both to the commands."""
    _add_graph(commands)
    _add_paths(commands)


def _add_graph(commands: Commands) -> None:
    parser = commands.add_parser(
        "graph",
        help="draw the graph of a model, or of a loss of your own",
        description="Draw a computation with its values and gradients: of a small model, or of a "
        "function of your own that gives a loss.",
        epilog=examples("graph gru --steps 4 --to x1", "graph net.py:loss --out loss.svg"),
        argument_default=argparse.SUPPRESS,
    )
    add_graph_options(parser)
    parser.set_defaults(parser=parser, command=_graph)


def _graph(arguments: argparse.Namespace) -> None:
    print(arguments.parser.in_options(save_graph(**given(arguments))))


def _add_paths(commands: Commands) -> None:
    parser = commands.add_parser(
        "paths",
        help="list the paths that a gradient is the sum of",
        description="List the paths from a loss back to one of the values that it was computed "
        "from, and what each adds to the gradient, the largest first.",
        epilog=examples(
            "paths gru --steps 3 --to x1 --top 8", "paths net.py:loss --to W --element 0,1"
        ),
        argument_default=argparse.SUPPRESS,
    )
    add_path_options(parser)
    parser.set_defaults(parser=parser, command=_paths)


def _paths(arguments: argparse.Namespace) -> None:
    print(list_paths(**given(arguments)))
