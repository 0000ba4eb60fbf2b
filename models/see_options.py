"""The options of the commands that show a graph."""

from __future__ import annotations

from pathlib import Path

from models.options import Parser, number
from models.see import MODELS, STEPS

__all__ = ["add_graph_options", "add_path_options", "entry", "expansion"]

SHOWS = ("values+grads", "values", "grads", "names")
EXPANSIONS = ("all", "ops", "path")


def add_graph_options(parser: Parser) -> None:
    """What ``autodiff graph`` takes."""
    _add_target(parser)
    add = parser.add_argument
    add("--out", type=Path, default=Path("graph.html"), metavar="FILE",
        help="ends in .html, .svg, .png, .pdf, .dot, .gv or .txt (default graph.html)")  # fmt: skip
    add(
        "--to",
        metavar="NAME",
        help="highlight the largest paths to the value of this name (default: none)",
    )
    add("--top", type=number(int, 1, 9), metavar="N", help="how many of them (default 8)")
    add(
        "--show",
        choices=SHOWS,
        metavar="WHAT",
        help=f"what cards say: {', '.join(SHOWS)} (default: the first)",
    )
    add("--expand", type=expansion, metavar="WHAT", help="parts to draw open: NAME,NAME; or a "
        "depth; all; ops, all and each op by itself; path, those on the paths (default: as many "
        "as can be read)")  # fmt: skip
    add("--rankdir", choices=("LR", "TB", "RL", "BT"), metavar="NAME",
        help="LR, from left to right (default); TB, from top to bottom; RL; BT")  # fmt: skip
    add("--scale", type=number(float, 0, 100, above=True), metavar="X",
        help="pixels of a PNG for each pixel of an SVG (default 2)")  # fmt: skip
    add("--force", action="store_true", help="draw also what is too large to be read")


def add_path_options(parser: Parser) -> None:
    """What ``autodiff paths`` takes."""
    _add_target(parser)
    add = parser.add_argument
    add("--to", required=True, metavar="NAME",
        help="the value that they lead to, such as x1, or h2 for h₂")  # fmt: skip
    add("--top", type=number(int, 0), metavar="N", help="how many are listed (default 8)")
    add(
        "--element",
        type=entry,
        metavar="I,J",
        help="rank by what they add to this entry of it (default: to all of it)",
    )


def _add_target(parser: Parser) -> None:
    add = parser.add_argument
    add("target", metavar="TARGET", help=f"{', '.join(MODELS)}; or MODULE:NAME or FILE.py:NAME of "
        "a function without required arguments that gives a loss")  # fmt: skip
    add("--steps", type=number(int, 1, 10_001), metavar="N",
        help=f"time steps of rnn and gru (default {STEPS})")  # fmt: skip
    add("--seed", type=number(int, 0), metavar="N", help="seed of the model's numbers (default 0)")


def expansion(text: str) -> int | str | list[str]:
    """``"2"`` as a depth, `EXPANSIONS` as they are, ``"GRU t=1,GRU t=2"`` as names."""
    if text in EXPANSIONS:
        return text
    return int(text) if text.isdecimal() else text.split(",")


def entry(text: str) -> tuple[int, ...]:
    """``"0,1"`` as the place of an entry."""
    return tuple(map(number(int, 0), text.split(",")))
