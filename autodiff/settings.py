"""Switches that hold for the current context only, so that threads do not disturb each other."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ContextDecorator
from contextvars import ContextVar
from inspect import isgeneratorfunction
from types import TracebackType
from typing import Any, TypeVar

from autodiff.errors import DTypeError

__all__ = ["enable_grad", "is_recording", "no_grad", "recording"]

recording: ContextVar[bool] = ContextVar("autodiff.recording", default=True)
_F = TypeVar("_F", bound=Callable[..., Any])
_tokens: ContextVar[list[Any]] = ContextVar("autodiff.tokens")


def is_recording() -> bool:
    """Whether ops on tracked values are being recorded in this context."""
    return recording.get()


class _Recording(ContextDecorator):
    """Set `recording` for a block or for each call of a decorated function."""

    value: bool

    def __call__(self, f: _F) -> _F:
        if isgeneratorfunction(f):
            raise DTypeError(
                f"@{type(self).__name__}() on the generator {f.__name__} would end before its "
                "first step: use `with` inside of it"
            )
        return super().__call__(f)

    def __enter__(self) -> _Recording:
        # What is to be put back belongs to the context as well: threads may share this object.
        tokens: list[Any] = [recording.set(self.value)]
        tokens.append(_tokens.set(tokens))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        before, outer = _tokens.get()
        _tokens.reset(outer)
        recording.reset(before)


class no_grad(_Recording):  # noqa: N801 - the field's standard name
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

    value = False


class enable_grad(_Recording):  # noqa: N801 - the field's standard name
    """Context manager and decorator: ops inside are recorded, also inside `no_grad`."""

    value = True
