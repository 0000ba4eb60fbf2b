"""Reverse-mode automatic differentiation of scalar and tensor graphs on numpy.

A computation is a graph of values; the gradient is the sum over all its paths. Every op of the
table is here under numpy's name, and those of ``numpy.linalg`` in `linalg`.
"""

# ruff: noqa: F401, F403, F405 - the names of the op table are known from the table only

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

from autodiff import composites, errors, init, io, linalg, optim, pickling, schedule, tree
from autodiff.custom import checkpoint, custom_op, vmap
from autodiff.functions import DISPATCH, FUNCTIONS, PLAIN
from autodiff.jacobian import hessian, hvp, jacobian
from autodiff.layers import Dropout, Embedding, LayerNorm, Linear, Sequential
from autodiff.module import Module, Parameter
from autodiff.scalar import Scalar
from autodiff.settings import enable_grad, is_compiling, is_recording, no_grad, scope
from autodiff.sparse import RowGrad
from autodiff.tensor import Tensor
from autodiff.transforms import grad, jvp, stop_gradient, value_and_grad, vjp

__version__ = "0.1.0"

_OPS = {name: f for name, f in FUNCTIONS.items() if "." not in name}
globals().update(_OPS | PLAIN)

__all__ = [
    "Dropout", "Embedding", "LayerNorm", "Linear", "Module", "Parameter", "RowGrad", "Scalar",
    "Sequential", "Tensor", "checkpoint", "compile", "compiler", "custom_op", "detect_anomaly",
    "enable_grad", "errors", "grad", "graph", "hessian", "hvp", "init", "io", "is_compiling",
    "is_recording", "jacobian", "jvp", "linalg", "no_grad", "optim", "paths", "scan", "schedule",
    "scope", "signals", "stop_gradient", "testing", "tree", "uses", "value_and_grad", "vjp",
    "vmap", "watch",
]  # fmt: skip
__all__ += [*_OPS, *PLAIN]
__all__.sort()

if TYPE_CHECKING:
    from autodiff import compiler
    from autodiff.compiler import compile, scan
    from autodiff.draw import graph
    from autodiff.inspect.paths import paths
    from autodiff.inspect.signals import signals, uses
    from autodiff.inspect.watch import detect_anomaly, watch
    from autodiff.op_elementwise import *
    from autodiff.op_functions import *

_LATER = {
    "compile": "compiler", "compiler": "", "detect_anomaly": "inspect", "graph": "draw",
    "paths": "inspect", "scan": "compiler", "signals": "inspect", "testing": "",
    "uses": "inspect", "watch": "inspect",
}  # fmt: skip
"""Where names are that training does not need: they are loaded when they are first asked for."""


_NUMPYS = {"arange", "array", "asarray", "eye", "full", "linspace", "ones", "random", "zeros"}
"""Where arrays come from; who knows another library looks for them here."""


def _later(name: str) -> Any:
    if name not in _LATER:
        hint = f": np.{name} makes arrays, and ad.Tensor takes them" if name in _NUMPYS else ""
        # With these two Python adds a name that is spelt much the same.
        raise AttributeError(
            f"module 'autodiff' has no attribute {name!r}{hint}",
            name=name, obj=sys.modules[__name__],
        )  # fmt: skip
    module = importlib.import_module(f"autodiff.{_LATER[name] or name}")
    return getattr(module, name) if _LATER[name] else module


if not TYPE_CHECKING:  # which would let any name pass
    __getattr__ = _later
