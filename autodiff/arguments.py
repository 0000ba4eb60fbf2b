"""What functions of functions are called with, and what they get back: checked."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any

import numpy as np

from autodiff.errors import DTypeError, GraphError, ShapeError, describe

__all__ = [
    "argument_numbers",
    "is_one_number",
    "require_arguments",
    "require_result",
    "require_rules",
    "require_tuple",
    "value_and_aux",
]


def argument_numbers(argnums: int | tuple[int, ...]) -> tuple[int, ...]:
    """The numbers of `argnums` as a tuple, if they are numbers."""
    numbers: Any = (argnums,) if isinstance(argnums, int) else argnums
    if not isinstance(numbers, (tuple, list)) or not all(isinstance(i, int) for i in numbers):
        raise DTypeError(f"argnums is an int or a tuple of ints, not {describe(argnums)}")
    return tuple(numbers)


def require_arguments(argnums: tuple[int, ...], args: tuple[Any, ...]) -> None:
    """Refuse numbers of arguments that the call does not have, or the same one twice."""
    for i in argnums:
        if not -len(args) <= i < len(args):
            raise ShapeError(
                f"argnums names argument {i}, and the call has {len(args)} by position"
            )
    if len({i % len(args) for i in argnums}) < len(argnums):
        raise ShapeError(f"argnums={argnums} names an argument twice")


def require_tuple(values: Any, name: str) -> None:
    """Refuse a single array in place of a tuple of the arguments."""
    if not isinstance(values, (tuple, list)):
        raise DTypeError(f"{name} is a tuple, as in (x,), not {describe(values)}")


def require_result(value: Any) -> None:
    """Refuse what a function without a return gives."""
    if value is None:
        raise DTypeError("the function returned None: a return is missing")


def is_one_number(value: Any) -> bool:
    """Whether a function may have given this as its one number."""
    return isinstance(value, (int, float)) or (
        hasattr(value, "dtype") and value.size == 1 and value.dtype.kind in "fiub"
    )


def value_and_aux(pair: Any) -> tuple[Any, Any]:
    """The result of a function of two: its value, and what goes with it."""
    if not isinstance(pair, tuple) or len(pair) != 2:
        raise DTypeError(f"has_aux=True: a function of (value, aux) returned {describe(pair)}")
    return pair


def require_rules(
    name: str, forward: Callable[..., Any], rules: tuple[Any, ...], partials: tuple[Any, ...]
) -> None:
    """Refuse rules and partials of an op called `name` that do not go with its forward."""
    names, count = _names(forward), len(rules or partials)
    if count > len(names):
        raise GraphError(f"custom_op {name}: {count} rules for {len(names)} arguments")
    if "out" in names:
        raise GraphError(
            f"custom_op {name}: an argument is called out, as rules call the result; state a "
            "function around it, such as lambda x: ..."
        )
    if any(_names(rule)[:1] != ["g"] for rule in rules):
        raise GraphError(
            f"custom_op {name}: a rule is called with the cotangent first, and names it g, as in "
            "lambda g, x: ..."
        )
    if any(isinstance(partial, np.ufunc) for partial in partials):
        raise GraphError(
            f"custom_op {name}: a ufunc does not name what it needs, as lambda x: np.cos(x) does"
        )


def _names(f: Callable[..., Any]) -> list[str]:
    # Not every version of numpy tells those of a ufunc.
    return ["x", "out"] if isinstance(f, np.ufunc) else [*signature(f).parameters]
