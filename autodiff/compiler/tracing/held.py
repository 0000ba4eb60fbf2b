"""Plain arrays that modules hold: masks, positions, running means.

They are arguments as the parameters are: they may change from call to call, and be written into.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from autodiff.module import Module

__all__ = ["arrays_held", "put_back"]


def arrays_held(given: Any) -> list[np.ndarray]:
    """The arrays in the modules of an argument, or of many, in a fixed order."""
    return [box[key] for box, key in _slots(given)]


def put_back(given: Any, arrays: list[Any]) -> None:
    """Put others in their places."""
    for (box, key), array in zip(list(_slots(given)), arrays, strict=True):
        box[key] = array


def _slots(given: Any) -> Iterator[tuple[Any, Any]]:
    for top in _modules(given):
        for module in top.modules():
            yield from _within(vars(module))


def _within(box: Any) -> Iterator[tuple[Any, Any]]:
    """Where arrays are in lists and dicts; those in tuples are constants."""
    for key, value in list(box.items() if isinstance(box, dict) else enumerate(box)):
        if type(value) is np.ndarray and value.dtype.kind in "biuf":
            yield box, key
        elif type(value) in (list, dict):
            yield from _within(value)


def _modules(given: Any) -> Iterator[Module]:
    if isinstance(given, Module):
        yield given
    elif isinstance(given, (list, tuple, dict)):
        for part in given.values() if isinstance(given, dict) else given:
            yield from _modules(part)
