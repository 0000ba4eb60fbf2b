"""A user's function within a program: traced through, or else one call of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.compiler.replay import Retry
from autodiff.compiler.tracing.program import leaves, mapped
from autodiff.compiler.tracing.refusals import TraceError
from autodiff.settings import recorder

__all__ = ["through"]

_FEW = 100
"""From so many instructions on, a single call of the function is taken for the better."""


def through(emit: Callable[..., Any], f: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """What `f` gives, by the calls of numpy that it is made of.

    Where it looks at values or loops over many of them, by one call that the program makes of `f`
    itself.
    """
    program = recorder.get().program
    before, program.instructions = program.instructions, _Few()
    found = _attempted(f, args, kwargs)
    made, program.instructions = program.instructions, before
    if found is not None:
        program.instructions += made
        return found[0]
    return emit(_Opaque(f, args, kwargs), *leaves((args, kwargs)))


class _Few(list[Any]):
    """Instructions; too many are an error."""

    def append(self, instruction: Any) -> None:
        if len(self) >= _FEW:
            raise TraceError("too many instructions")
        super().append(instruction)


def _attempted(f: Callable[..., Any], args: Any, kwargs: Any) -> tuple[Any] | None:
    """The result of tracing; None where that cannot be done."""
    pairs: list[tuple[Any, Any]] = []

    def twin(leaf: Any) -> Any:
        if not hasattr(leaf, "is_traced"):
            return leaf
        made = recorder.get().noted(leaf.__class__(leaf.value, leaf.example))
        pairs.append((made, leaf.value))
        return made

    try:
        made = f(*mapped(twin, args), **mapped(twin, kwargs))
    except Exception:  # if it is the user's, the call of the function raises it again
        return None
    return None if any(t.value is not value for t, value in pairs) else (made,)


class _Opaque:
    """A function of the user's as one instruction, on arrays of its own.

    Parameters
    ----------
    f : callable
    args, kwargs
        Of the call that is traced.

    Attributes
    ----------
    is_opaque : bool
        True: it may stop the program, as `f` may raise whatever it likes.
    """

    is_opaque = True

    def __init__(self, f: Callable[..., Any], args: Any, kwargs: Any) -> None:
        self.f, self.__name__ = f, f.__name__
        self.given = mapped(lambda leaf: type(getattr(leaf, "example", None)), (args, kwargs))
        self.kinds: Any = None

    def __call__(self, *leaves: Any) -> Any:
        rest = iter(leaves)
        args, kwargs = mapped(lambda kind: _own(next(rest), kind), self.given)
        made = self.f(*args, **kwargs)
        results = made if isinstance(made, (tuple, list)) else (made,)
        if any(r is None or not hasattr(r, "dtype") for r in results):
            raise TraceError(
                f"{self.__name__} gives {type(made).__name__} as its values have it, which a "
                "compiled function cannot follow: give arrays, of zeros if need be"
            )
        copies = tuple(np.array(r)[()] for r in results)
        kinds = [(c.shape, c.dtype) for c in copies]
        self.kinds = self.kinds or kinds
        if kinds != self.kinds:
            raise Retry  # of other shapes now
        return copies if isinstance(made, (tuple, list)) else copies[0]


def _own(leaf: Any, kind: type) -> Any:
    """An array or number as it was when the function was traced."""
    if not isinstance(leaf, (np.ndarray, np.generic)):
        return leaf
    return leaf.item() if kind in (bool, int, float) else np.array(leaf)[()]
