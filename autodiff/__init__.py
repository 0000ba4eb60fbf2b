"""Reverse-mode automatic differentiation of scalar and tensor graphs on numpy.

A computation is a graph of values; the gradient is the sum over all its paths. Every op of the
table is here under numpy's name, and those of ``numpy.linalg`` in `linalg`.
"""

# ruff: noqa: F401 - the names of the op table are known from the table only

from __future__ import annotations

import importlib
from typing import Any

from autodiff import composites, errors, init, io, linalg, optim, pickling, schedule, tree
from autodiff.custom import checkpoint, custom_op, vmap
from autodiff.draw import graph
from autodiff.functions import DISPATCH, FUNCTIONS, PLAIN
from autodiff.jacobian import hessian, hvp, jacobian
from autodiff.layers import Dropout, Embedding, LayerNorm, Linear, Sequential
from autodiff.module import Module, Parameter
from autodiff.scalar import Scalar
from autodiff.paths import paths
from autodiff.settings import enable_grad, is_recording, no_grad, scope
from autodiff.signals import signals, uses
from autodiff.sparse import RowGrad
from autodiff.tensor import Tensor
from autodiff.transforms import grad, jvp, stop_gradient, value_and_grad, vjp
from autodiff.watch import detect_anomaly, watch

__version__ = "0.1.0"

_OPS = {name: f for name, f in FUNCTIONS.items() if "." not in name}
globals().update(_OPS | PLAIN)

__all__ = sorted({
    *_OPS, *PLAIN, "Dropout", "Embedding", "LayerNorm", "Linear", "Module", "Parameter", "RowGrad",
    "Scalar", "Sequential", "Tensor", "checkpoint", "custom_op", "detect_anomaly", "enable_grad",
    "errors", "grad", "graph", "hessian", "hvp", "init", "io", "is_recording", "jacobian", "jvp",
    "linalg", "no_grad", "optim", "paths", "schedule", "scope", "signals", "stop_gradient",
    "testing", "tree", "uses", "value_and_grad", "vjp", "vmap", "watch",
})  # fmt: skip


def __getattr__(name: str) -> Any:
    # Training needs no checker, so that its modules are loaded when they are first asked for.
    if name == "testing":
        return importlib.import_module("autodiff.testing")
    raise AttributeError(f"module 'autodiff' has no attribute {name!r}")
