"""One call of an op for the generic tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Sample"]


@dataclass(frozen=True)
class Sample:
    """Arguments at which an op is tested.

    Attributes
    ----------
    args : tuple
        float64 arrays, and constants of any other kind.
    kwargs : dict
        Settings.
    numpy : callable, optional
        The expected value, as a function of the same arguments; left out: numpy's own function.
    order : int
        Highest order of derivative that is tested.
    smooth : bool
        Whether differences around the point approximate the derivative.
    """

    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)
    numpy: Callable[..., Any] | None = None
    order: int = 2
    smooth: bool = True
