"""What functions of functions are called with, and what they get back: checked."""

from __future__ import annotations

from typing import Any

from autodiff.errors import DTypeError, ShapeError, describe

__all__ = [
    "argument_numbers",
    "is_one_number",
    "require_arguments",
    "require_result",
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
