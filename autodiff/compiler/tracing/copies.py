"""What numpy does by writing into an array, as functions that give a new one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["added_at", "cast", "changed", "copied", "uniform", "written"]


def cast(x: Any, dtype: Any) -> Any:
    """`x` in another dtype."""
    return x.astype(dtype) if hasattr(x, "astype") else np.dtype(dtype).type(x)


def copied(x: Any) -> Any:
    """`x` as an array of its own."""
    return x.copy() if hasattr(x, "copy") else x


def written(x: Any, index: Any, part: Any) -> Any:
    """`x` with `part` written at `index`."""
    out = np.array(x)
    out[index] = part
    return out


def added_at(x: Any, ufunc: Any, index: Any, *part: Any) -> Any:
    """`x` after ``ufunc.at(x, index, part)``."""
    out = np.array(x)
    ufunc.at(out, index, *part)
    return out


def changed(x: Any, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """`x` after ``function(x, *args, **kwargs)``, one that writes into it."""
    out = np.array(x)
    function(out, *args, **kwargs)
    return out


def uniform(shape: tuple[int, ...], rng: Any) -> Any:
    """float32 numbers in [0, 1); a generator goes on from where it is."""
    return np.random.default_rng(rng).random(shape, np.float32)
