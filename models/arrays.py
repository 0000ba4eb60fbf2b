"""Arrays as models take them, also in a function that is being compiled."""

from __future__ import annotations

from typing import Any

import numpy as np

import autodiff as ad

__all__ = ["as_array"]


def as_array(x: Any, dtype: Any = None) -> Any:
    """An array of `x`; tensors, and what stands for an array while a function is compiled, stay."""
    if ad.is_compiling() and hasattr(x, "astype"):
        return x if dtype is None or x.dtype == dtype else x.astype(dtype)
    if isinstance(x, ad.Tensor) and dtype is None:
        return x
    return np.asarray(x, dtype)
