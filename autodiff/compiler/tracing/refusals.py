"""What a compiled function may not do: each error says where, and what to do instead."""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from autodiff.errors import AutodiffError

__all__ = [
    "MissingError", "TraceError", "changes_from_step_to_step", "depends_on_values",
    "foreign_write", "leaked", "missing", "needs_array", "needs_int", "needs_value", "no_argument",
    "no_array", "of_a_step", "require_known_shape", "user_line", "viewed",
]  # fmt: skip

_LIBRARIES = Path(__file__).parents[2], Path(np.__file__).parent
_NOT_USERS = (*(f"{folder}{os.sep}" for folder in _LIBRARIES), "<")


class TraceError(AutodiffError, TypeError):
    """Code that depends on a value, which a compiled function must not."""


class MissingError(TraceError, AttributeError):
    """So that to ask whether there is an attribute is no error."""


def user_line() -> str:
    """The innermost line that is neither of this library nor of numpy."""
    frame: Any = sys._getframe(1)
    while frame is not None:
        if name := _name_of_users(frame.f_code.co_filename):
            return f"{name}:{frame.f_lineno}"
        frame = frame.f_back
    return ""


@cache  # as there is a line for each thing that is recorded
def _name_of_users(path: str) -> str:
    return "" if path.startswith(_NOT_USERS) else Path(path).name


def needs_value(what: str) -> TraceError:
    """For what looks at a value."""
    return TraceError(
        f"{user_line()} {what} within a compiled function, where values are not known yet: use "
        "np.where(condition, a, b) in place of a branch, ad.scan for a loop, return what is to be "
        "looked at, or keep this part out of the compiled function"
    )


def needs_int(what: str) -> TraceError:
    """For what Python's integers alone can be."""
    return TraceError(
        f"{user_line()} takes a value for {what} within a compiled function, where values are not "
        "known yet: pass an int, which is a constant, or an array that is indexed by the value as "
        "an argument"
    )


def missing(name: str) -> MissingError:
    """For an attribute of arrays that those of a trace do not have."""
    instead = f"write np.{name}(x)" if hasattr(np, name) else "use functions of numpy"
    return MissingError(
        f"{user_line()} takes .{name} of an array, which a compiled function does not know: "
        f"{instead}, or keep this part out of the compiled function"
    )


def no_array(what: str, result: Any) -> TraceError:
    """For calls that give something else."""
    return TraceError(
        f"{user_line()} gets a {type(result).__name__} from {what} within a compiled function, "
        "which follows arrays and real numbers only: keep this part out of the compiled function"
    )


def needs_array() -> TraceError:
    """For what makes an array without this library's knowledge."""
    return TraceError(
        f"{user_line()} makes a plain array of a value that is not known yet in a compiled "
        "function: leave out np.asarray, write np.stack(list) for np.array(list), and pass an "
        "array that is indexed by it as an argument of the function"
    )


def depends_on_values(what: str) -> TraceError:
    """For results whose shape only values tell."""
    return TraceError(
        f"{user_line()} uses {what} within a compiled function: its shape depends on values, which "
        "are not known yet; use np.where or products with a mask, or keep this part out of the "
        "compiled function"
    )


def require_known_shape(index: Any) -> None:
    """Refuse an index of which values tell how much it takes."""
    for part in index if isinstance(index, tuple) else (index,):
        if hasattr(part, "is_traced") and part.dtype == bool:
            raise depends_on_values("a mask as an index")
        if isinstance(part, slice):
            ends = (part.start, part.stop, part.step)
            if any(hasattr(end, "is_traced") for end in ends):
                raise depends_on_values("a value as the end of a slice")


def foreign_write() -> TraceError:
    """For a write into an array that belongs to somebody else."""
    return TraceError(
        f"{user_line()} writes into an array that is no argument: a compiled function changes its "
        "arguments and returns results, and has no other effect; pass the array as an argument, "
        "or make the result by np.stack, np.where or x.at[index].set(value)"
    )


def viewed() -> TraceError:
    """For a write that numpy would show in other arrays too."""
    return TraceError(
        f"{user_line()} writes into an array of which there are views: a compiled function has "
        "none; write x = x.at[index].set(value) of a Tensor, or copy the array first"
    )


def changes_from_step_to_step() -> TraceError:
    """For cells of a scan that do not depend on their arguments alone."""
    return TraceError(
        f"{user_line()} applies a cell that does something else at each step, since it changes "
        "what it reaches, such as a counter: let that be a part of the state, or of xs"
    )


def of_a_step() -> TraceError:
    """For what goes from a step of a scan to the next one, or out of it, beside the state."""
    return TraceError(
        f"{user_line()} writes into an array from outside of the cell of a scan, or uses one that "
        "an earlier step has kept: within a compiled function steps have nothing in common but the "
        "state; carry it in the state, or return it as the y of the step"
    )


def leaked() -> TraceError:
    """For an array that has outlived its trace."""
    return TraceError(
        f"{user_line()} uses an array of a compiled function outside of it, where it has no value: "
        "return what you need from the function"
    )


def no_argument(node: Any) -> TraceError:
    """For a tensor, by its node, whose later values a program would not see."""
    shape, dtype = node.spec
    name = f" {node.info.name!r}" if node.info and node.info.name else ""
    return TraceError(
        f"the compiled function reaches the tensor{name} of {np.dtype(dtype)}{tuple(shape)}, which "
        "is no argument: pass the tensor, or the module that holds it, as an argument"
    )
