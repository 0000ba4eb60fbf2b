"""Plain arrays that modules hold: masks, positions, running means.

They are arguments as the parameters are: they may change from call to call, and be written into.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from autodiff.module import Module

__all__ = ["arrays_held", "is_held", "put_back"]


def is_held(value: Any) -> bool:
    """Whether it is an array of the kinds that programs know."""
    return type(value) is np.ndarray and value.dtype.kind in "biuf"


def arrays_held(given: Any) -> list[np.ndarray]:
    """The arrays in the modules of an argument, or of many, in a fixed order."""
    return [array for module in _modules(given) for array in _within(vars(module))]


def put_back(given: Any, arrays: list[Any]) -> None:
    """Put others in their places, in modules that are copies."""
    rest = iter(arrays)
    for module in _modules(given):
        _filled(vars(module), rest)


def _modules(given: Any) -> Iterator[Module]:
    """The modules of an argument, or of many, and those within them."""
    if isinstance(given, Module):
        yield from given.modules()
    elif isinstance(given, (list, tuple, dict)):
        for part in given.values() if isinstance(given, dict) else given:
            yield from _modules(part)


def _within(value: Any) -> Iterator[np.ndarray]:
    if is_held(value):
        yield value
    elif isinstance(value, (list, tuple, dict)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _within(part)


def _filled(value: Any, rest: Iterator[Any]) -> Any:
    """`value` with the next arrays for those in it."""
    if is_held(value):
        return next(rest)
    if isinstance(value, dict):
        value.update({key: _filled(part, rest) for key, part in list(value.items())})
    elif isinstance(value, list):
        value[:] = [_filled(part, rest) for part in value]
    elif isinstance(value, tuple):
        parts = [_filled(part, rest) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    return value
