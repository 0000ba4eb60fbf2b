"""Reverse-mode automatic differentiation of scalar and tensor graphs on numpy.

A computation is a graph of values; the gradient is the sum over all its paths.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autodiff import errors, pickling, tree
from autodiff.backward import sweep
from autodiff.custom import checkpoint, custom_op, vmap
from autodiff.functions import DISPATCH, FUNCTIONS
from autodiff.scalar import Scalar
from autodiff.settings import enable_grad, is_recording, no_grad
from autodiff.sparse import RowGrad
from autodiff.tensor import Tensor
from autodiff.transforms import (
    grad,
    hessian,
    hvp,
    jacobian,
    jvp,
    stop_gradient,
    value_and_grad,
    vjp,
)

globals().update({name: f for name, f in FUNCTIONS.items() if "." not in name})

__version__ = "0.1.0"
