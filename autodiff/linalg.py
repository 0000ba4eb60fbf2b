"""numpy's linear algebra namespace: ``ad.linalg.inv`` and the like."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from autodiff import composites  # noqa: F401
from autodiff.functions import DISPATCH, FUNCTIONS

_PRODUCTS = ("matmul", "matrix_transpose", "outer", "tensordot", "vecdot")
_HERE = {name: FUNCTIONS[name] for name in _PRODUCTS}
_HERE |= {n.removeprefix("linalg."): f for n, f in FUNCTIONS.items() if n.startswith("linalg.")}
_HERE["matrix_rank"] = DISPATCH[np.linalg.matrix_rank]
globals().update(_HERE)

__all__ = sorted(_HERE)

if TYPE_CHECKING:
    from autodiff.op_linalg import *  # noqa: F403
