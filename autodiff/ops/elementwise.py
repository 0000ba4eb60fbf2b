"""Elementwise ops: a row states the forward and the local derivative for each argument.

Where a function has no derivative at a point, the row gives the value listed in
``docs/nonsmooth.md``.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from autodiff.op import binary, register, unary

LOG2, LOG10 = math.log(2.0), math.log(10.0)
TWO_OVER_SQRT_PI = 2.0 / math.sqrt(math.pi)


def _share(x: Any, y: Any) -> Any:
    """1 where x is the larger, 0 where the smaller, 1/2 at a tie (nan counts as a tie)."""
    return np.where(x > y, 1.0, np.where(x < y, 0.0, 0.5)).astype(_dtype(x, y))


def _dtype(*values: Any) -> Any:
    return np.result_type(*(getattr(v, "dtype", 0.0) for v in values))


register([
    binary("add", operator.add, 1, 1, numpy=np.add),
    binary("subtract", operator.sub, 1, -1, numpy=np.subtract),
    binary("multiply", operator.mul, "y", "x", numpy=np.multiply),
    binary("divide", operator.truediv, lambda y: 1 / y, lambda out, y: -out / y,
           numpy=(np.divide, np.true_divide), domain="y != 0"),
    unary("negative", operator.neg, -1, numpy=np.negative),
    unary("positive", operator.pos, 1, numpy=np.positive),
    unary("tanh", np.tanh, "1 - out * out", scalar=math.tanh),
    unary("exp", np.exp, "out", scalar=math.exp),
    unary("absolute", operator.abs, lambda x: np.sign(x), numpy=np.absolute),
    binary("power", operator.pow, lambda x, y: y * x ** (y - 1), lambda out, x: out * np.log(x),
           numpy=np.power, scalar=math.pow),
    binary("remainder", operator.mod, 1, lambda x, y: -np.floor(x / y),
           numpy=(np.remainder, np.mod)),
])  # fmt: skip
