"""``autodiff check``: the gradient of a function of the user's own, tested."""

from __future__ import annotations

import argparse

import autodiff as ad
from models.check import check
from models.commands.common import Commands, examples, fail, given
from models.options import interval, names, number, numbers, setting

__all__ = ["add"]


def add(commands: Commands) -> None:
    parser = commands.add_parser(
        "check",
        help="test the gradient of a function of your own",
        description="Test a gradient on examples that Hypothesis draws. Exit status: 0 if it is "
        "right, 1 if it is wrong, 2 if it cannot be tested.",
        epilog=examples(
            "check numpy:tanh",
            "check layer.py:forward,backward --shapes '(n,d),(d,m)->(n,m)'",
            "check layer.py:norm --set axis=0 --domain=-1,1",
        ),
        argument_default=argparse.SUPPRESS,
    )
    add = parser.add_argument
    add("target", metavar="TARGET", help="MODULE:NAME or FILE.py:NAME of a function of arrays, a "
        "pair (forward, backward), or a gradient_test; or MODULE:FORWARD,BACKWARD")  # fmt: skip
    add("--examples", default=100, type=number(int, 1), metavar="N",
        help="examples that are drawn (default 100)")  # fmt: skip
    add(
        "--seed",
        default=0,
        type=number(int, 0),
        metavar="N",
        help="seed of what is drawn (default 0)",
    )
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
    add(
        "--order",
        type=number(int, 1, 3),
        metavar="N",
        help="1: first derivatives (default); 2: second ones, too",
    )
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
    add(
        "--avoid",
        type=numbers,
        metavar="X,X",
        help="values that no entry takes, as in --avoid=-1,1",
    )
    add("--dtype", choices=dtypes, metavar="NAME", help=f"{', '.join(dtypes)} (default: the first)")
    add("--set", type=setting, action="append", dest="settings", metavar="NAME=VALUE",
        help="a setting of the function, such as axis=0; can be repeated")  # fmt: skip
    add("--raw", action="store_true", help="floats as they come, in place of simple ones")
    add("--layouts", action="store_true", help="also strided, reversed and read-only arrays")


def _check(arguments: argparse.Namespace) -> int:
    options = given(arguments)
    if "settings" in options:
        options["kwargs"] = dict(options.pop("settings"))
    try:
        is_right, text = check(**options)
    except ad.errors.AutodiffError as error:
        return fail(arguments.parser.in_options(str(error)), 2)
    print(text)
    return 0 if is_right else 1
