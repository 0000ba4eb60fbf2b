"""Switches that hold for the current context only, so that threads do not disturb each other."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ContextDecorator
from contextvars import ContextVar
from inspect import isgeneratorfunction
from types import TracebackType
from typing import Any, TypeVar

from autodiff.errors import DTypeError

__all__ = [
    "ROOT", "Scope", "enable_grad", "inside", "is_compiling", "is_recording", "no_grad",
    "recorder", "recording", "scope",
]  # fmt: skip


class Scope:
    """A named part of a computation. Each op says in which one it was recorded.

    Attributes
    ----------
    name : str or None
        None: what is recorded here belongs to `outer`.
    outer : Scope or None
    watch : callable or None
        Called as ``watch(node, out, args)`` with each new node, its value and those of its
        arguments.
    """

    __slots__ = ("name", "outer", "watch")

    def __init__(self, name: str | None, outer: Scope | None = None, watch: Any = None) -> None:
        self.name: str | None = name
        self.outer: Scope | None = outer
        self.watch: Any = watch or (outer and outer.watch)


ROOT = Scope(None)
current: ContextVar[Scope] = ContextVar("autodiff.scope", default=ROOT)
recording: ContextVar[Scope | None] = ContextVar("autodiff.recording", default=ROOT)
"""The current scope, or None while nothing is recorded: one look for both answers."""
_F = TypeVar("_F", bound=Callable[..., Any])
_tokens: ContextVar[list[Any]] = ContextVar("autodiff.tokens")


recorder: ContextVar[Any] = ContextVar("autodiff.recorder", default=None)
"""The program that a trace is writing; None outside of `compile`."""


def is_compiling() -> bool:
    """Whether this is the one call of a function by which it is compiled."""
    return recorder.get() is not None


def is_recording() -> bool:
    """Whether ops on tracked values are being recorded in this context."""
    return recording.get() is not None


class Context(ContextDecorator):
    """Set `recording` and the scope for a block or for each call of a decorated function."""

    def settings(self) -> tuple[Scope | None, Scope]:
        """What to set: the new `recording`, and the new scope."""
        raise NotImplementedError

    def __call__(self, f: _F) -> _F:
        if isgeneratorfunction(f):
            raise DTypeError(
                f"@{type(self).__name__}() on the generator {f.__name__} would end before its "
                "first step: use `with` inside of it"
            )
        return super().__call__(f)

    def __enter__(self) -> Context:
        # What is to be put back belongs to the context as well: threads may share this object.
        is_recorded, where = self.settings()
        tokens: list[Any] = [recording.set(is_recorded), current.set(where)]
        tokens.append(_tokens.set(tokens))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        is_recorded, where, outer = _tokens.get()
        _tokens.reset(outer)
        current.reset(where)
        recording.reset(is_recorded)


class no_grad(Context):  # noqa: N801 - the field's standard name
    """Context manager and decorator: ops inside are computed but not recorded.

    Examples
    --------
    >>> import autodiff as ad
    >>> x = ad.Tensor([1.0, 2.0], requires_grad=True)
    >>> with ad.no_grad():
    ...     y = x * x
    >>> y.requires_grad
    False
    """

    def settings(self) -> tuple[None, Scope]:
        """Nothing is recorded, and the scope stays."""
        return None, current.get()


class enable_grad(Context):  # noqa: N801 - the field's standard name
    """Context manager and decorator: ops inside are recorded, also inside `no_grad`.

    Examples
    --------
    >>> import autodiff as ad
    >>> x = ad.Tensor([1.0, 2.0], requires_grad=True)
    >>> with ad.no_grad(), ad.enable_grad():
    ...     y = x * x
    >>> y.requires_grad
    True
    """

    def settings(self) -> tuple[Scope, Scope]:
        """The scope stays, and ops are recorded in it."""
        return current.get(), current.get()


class scope(Context):  # noqa: N801 - used like those above
    """Context manager and decorator: what is recorded inside is drawn as one named group.

    Scopes nest. The call of a `Module` opens one by itself.

    Parameters
    ----------
    name : str
        As in ``"GRU t=3"``.

    Raises
    ------
    DTypeError
        If the name is no text.

    Examples
    --------
    >>> import autodiff as ad
    >>> x = ad.Tensor(2.0, requires_grad=True)
    >>> with ad.scope("cube"):
    ...     y = x * x * x
    >>> ad.graph(y, expand=0).cards[0].title
    'cube'
    """

    def __init__(self, name: str) -> None:
        if not isinstance(name, str):
            raise DTypeError(f"scope() takes a name, not {name!r}")
        self.name = name

    def settings(self) -> tuple[Scope | None, Scope]:
        """A new scope inside of the current one."""
        return entered(Scope(self.name, current.get()))


def entered(where: Scope) -> tuple[Scope | None, Scope]:
    """The settings that hold within `where`: recording goes on, or stays off."""
    return (where if is_recording() else None), where


def inside(name: str, f: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """``f(*args, **kwargs)`` in a scope of that name, for less than `scope` costs."""
    if recording.get() is None:
        return f(*args, **kwargs)
    where = Scope(name, current.get())
    tokens = recording.set(where), current.set(where)
    try:
        return f(*args, **kwargs)
    finally:
        recording.reset(tokens[0])
        current.reset(tokens[1])
