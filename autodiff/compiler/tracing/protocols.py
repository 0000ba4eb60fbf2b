"""What numpy's two protocols come to for arrays that write down what is done with them.

Each function takes `emit`, which writes down a call, before the arguments.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.compiler.tracing.answers import ANSWERS, DECIDES, LENGTHS, PLACES, WRITERS
from autodiff.compiler.tracing.copies import added_at, changed
from autodiff.compiler.tracing.program import leaves
from autodiff.compiler.tracing.refusals import (
    depends_on_values,
    foreign_write,
    needs_int,
    user_line,
)
from autodiff.compiler.tracing.signatures import by_place, names_of
from autodiff.errors import ShapeError

__all__ = ["by_function", "by_ufunc", "is_foreign", "refuse_lengths"]

Emit = Callable[..., Any]


def by_ufunc(emit: Emit, ufunc: Any, how: str, inputs: Any, kwargs: dict[str, Any]) -> Any:
    """A call of a ufunc, or of one of its methods."""
    if how == "at":
        target = _own(inputs[0])
        target.become(emit(added_at, target, ufunc, *inputs[1:]))
        return None
    if any(map(is_foreign, inputs)):
        return NotImplemented
    targets = kwargs.pop("out", None)
    where = kwargs.pop("where", True) if how == "__call__" else True
    for name in ("array", "indices"):  # numpy hands over both the place and the name
        kwargs.pop(name, None)
    made = emit(ufunc if how == "__call__" else getattr(ufunc, how), *inputs, **kwargs)
    if targets is None:
        return made
    casting = kwargs.get("casting", "same_kind")
    pairs = zip(made if ufunc.nout > 1 else (made,), targets, strict=True)
    results = tuple(
        new if out is None else _own(out).become(_where(emit, where, new, out), casting)
        for new, out in pairs
    )
    return results if ufunc.nout > 1 else results[0]


def _where(emit: Emit, where: Any, new: Any, old: Any) -> Any:
    if where is True:
        return new
    return emit(np.where, where, new.astype(old.dtype) if new.dtype != old.dtype else new, old)


def by_function(emit: Emit, f: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """A call of a function of numpy's, or of one of ours that is as overridable."""
    if any(map(is_foreign, (*args, *kwargs.values()))):
        return NotImplemented
    placed, named = by_place(f, args, kwargs)
    if f in ANSWERS:
        return ANSWERS[f](emit, *placed, **named)
    number = DECIDES.get(f, len(placed))
    if (number < len(placed) and _holds_traced(placed[number])) or (f, len(placed)) == PLACES:
        raise depends_on_values(f"np.{f.__name__}")
    if f in WRITERS:
        target = _own(placed[0])
        target.become(emit(changed, target, f, *placed[1:], **named))
        return None
    out, placed, named = _without_out(f, placed, named)
    made = emit(f, *placed, **named)
    out = out[0] if isinstance(out, tuple) else out
    if out is None:
        return made
    if made.shape != _own(out).shape:
        raise ShapeError(f"{user_line()} has out= of shape {out.shape} for one of {made.shape}")
    return out.become(made, named.get("casting", "same_kind"))


def _without_out(f: Any, args: Any, kwargs: dict[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
    """What the result goes into, and the other arguments."""
    names, kwargs = names_of(f), dict(kwargs)
    place = names.index("out") if "out" in names else len(args)
    kwargs |= zip(names[place:], args[place:])
    return kwargs.pop("out", None), args[:place], kwargs


def refuse_lengths(f: Any, args: Any, kwargs: dict[str, Any]) -> None:
    """Refuse values where numpy takes Python's integers: other ones would give other shapes."""
    is_numpys = str(getattr(f, "__module__", "")).startswith("numpy")
    for name, given in [*zip(names_of(f) if is_numpys else (), args), *kwargs.items()]:
        if name in LENGTHS and _holds_traced(given):
            raise needs_int(f"{name}= of np.{f.__name__}")


def _holds_traced(tree: Any) -> bool:
    return any(hasattr(leaf, "is_traced") for leaf in leaves(tree))


def is_foreign(x: Any) -> bool:
    """Whether something else than an array wants to answer, such as a tensor."""
    kind = type(x)
    if kind in (list, tuple):
        return any(map(is_foreign, x))
    return not (issubclass(kind, (np.ndarray, np.generic)) or hasattr(kind, "is_traced")) and (
        getattr(kind, "__array_ufunc__", True) is None or hasattr(kind, "_node")
    )


def _own(target: Any) -> Any:
    """An array that may be written into."""
    if not hasattr(target, "is_traced"):
        raise foreign_write()
    return target
