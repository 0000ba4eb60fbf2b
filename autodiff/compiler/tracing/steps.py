"""The steps of a scan, one by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autodiff import tree
from autodiff.errors import DTypeError
from autodiff.functions import FUNCTIONS
from autodiff.settings import inside

__all__ = ["pair", "unrolled"]


def unrolled(
    cell: Callable[..., Any], h: Any, xs: list[Any], x_def: Any, length: int, name: str = "step"
) -> tuple[Any, Any]:
    """The steps one by one."""
    ys = []
    for t in range(length):
        x = tree.unflatten(x_def, [x[t] for x in xs])
        h, y = pair(inside(f"{name} t={t + 1}", cell, h, x))
        ys.append(y)
    return h, tree.map(lambda *parts: FUNCTIONS["stack"](parts), *ys) if ys[0] is not None else None


def pair(result: Any) -> tuple[Any, Any]:
    """What a cell gives."""
    if not isinstance(result, tuple) or len(result) != 2:
        raise DTypeError("scan: the cell returns a pair: the new state, and what the step gives")
    return result
