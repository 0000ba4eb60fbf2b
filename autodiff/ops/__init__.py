"""The op table: importing this fills `autodiff.op.OPS`."""

from autodiff.ops import (
    decompose,
    einsum,
    elementwise,
    index,
    inverse,
    linalg,
    neural,
    norm,
    reduce,
    shape,
)  # fmt: skip

__all__ = [
    "decompose", "einsum", "elementwise", "index", "inverse", "linalg", "neural", "norm", "reduce",
    "shape",
]  # fmt: skip
