"""Switches that hold for the current context only, so that threads do not disturb each other."""

from __future__ import annotations

from contextlib import ContextDecorator
from contextvars import ContextVar, Token
from types import TracebackType

__all__ = ["enable_grad", "is_recording", "no_grad", "recording"]

recording: ContextVar[bool] = ContextVar("autodiff.recording", default=True)


def is_recording() -> bool:
    """Whether ops on tracked values are being recorded in this context."""
    return recording.get()


class _Recording(ContextDecorator):
    """Set `recording` for a block or for each call of a decorated function."""

    value: bool

    def __init__(self) -> None:
        self._tokens: list[Token[bool]] = []

    def _recreate_cm(self) -> _Recording:
        return type(self)()

    def __enter__(self) -> _Recording:
        self._tokens.append(recording.set(self.value))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        recording.reset(self._tokens.pop())


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
