"""Indexing in all of numpy's forms, and its functional updates."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.op import op, overridable, register


@overridable
def scatter_add(x: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of `shape` with `x` added at `index`; entries of a repeated index add up."""
    out = np.zeros(shape, x.dtype)
    np.add.at(out, index, x)
    return out


def _getitem(x: Any, index: Any) -> Any:
    """Entries of `x` at any index that numpy takes."""
    return x[index]


register([
    op("getitem", _getitem, lambda g, index, x_shape: scatter_add(g, index, x_shape),
       linear="jointly", numpy=()),
    op("scatter_add", scatter_add, lambda g, index: g[index], linear="jointly",
       numpy=scatter_add),
])  # fmt: skip
