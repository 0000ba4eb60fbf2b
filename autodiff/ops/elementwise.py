"""Elementwise ops: a row states the forward, and the local derivative for each argument.

Where a function has no derivative, the row gives the value listed in ``docs/nonsmooth.md``.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from autodiff.op import binary, op, overridable, register, unary
from autodiff.ops import special

_LN2, _LN10, _RADIANS = math.log(2.0), math.log(10.0), math.pi / 180.0
_GELU = math.sqrt(2.0 / math.pi)


def mask(condition: Any, like: Any) -> Any:
    """A comparison as ones and zeros in the dtype of `like`."""
    return np.asarray(condition).astype(getattr(like, "dtype", float))[()]


def _share(x: Any, y: Any) -> Any:
    """1 where x is the larger, 0 where the smaller, a half at a tie."""
    return 0.5 * (1 + mask(x > y, x + y) - mask(x < y, x + y))


def _power_x(x: Any, y: Any) -> Any:
    # The power 0 is constant, also at x = 0, where x**-1 is infinite.
    if isinstance(y, (int, float)):
        return y * x ** (y - 1) if y else 0.0 * x
    zero = mask(y == 0, y)
    return y * x ** (y - 1 + zero)


def _power_y(out: Any, x: Any) -> Any:
    # out * log(x), whose limit at x = 0 is 0 for y > 0; the strong zero of `out` there.
    return out * np.log(x + mask(x == 0, x))


def _sigmoid(x: Any) -> Any:
    """``1 / (1 + exp(-x))``, accurate in both tails."""
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1.0) / (1 + e)


def _sigmoid_float(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def _softplus(x: Any) -> Any:
    """``log(1 + exp(x))``, without overflow."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def _log_sigmoid(x: Any) -> Any:
    """``log(sigmoid(x))``, without underflow."""
    return np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x)))


@overridable
def sigmoid(x: Any) -> Any:
    """``1 / (1 + exp(-x))``, accurate in both tails."""
    return _sigmoid(x)


@overridable
def normal_cdf(x: Any) -> Any:
    """Probability that a standard normal variable is below x."""
    return special.normal_cdf(x)


def _gelu(x: Any) -> Any:
    """``x`` times the normal probability below it (Hendrycks and Gimpel, 2016)."""
    return x * special.normal_cdf(x)


def _gelu_slope(x: Any) -> Any:
    return normal_cdf(x) + x * np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)


def _silu_slope(x: Any) -> Any:
    s = sigmoid(x)
    return s * (1 + x * (1 - s))


def _where(x: Any, y: Any, condition: Any) -> Any:
    return np.where(condition, x, y)


def _sinc_slope(x: Any) -> Any:
    """(cos(pi x) - sinc(x)) / x, and its limit 0 at 0."""
    zero = mask(x == 0, x)
    return (1 - zero) * (np.cos(math.pi * x) - np.sinc(x)) / (x + zero)


def _xlogy(x: Any, y: Any) -> Any:
    """``x * log(y)``, and 0 where x is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(x == 0, 0.0 * x, x * np.log(y))[()]


def _elu(x: Any, alpha: float = 1.0) -> Any:
    """x above 0, ``alpha * (exp(x) - 1)`` below (Clevert et al., 2015)."""
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))[()]


def _leaky_relu(x: Any, slope: float = 0.01) -> Any:
    """x above 0, ``slope * x`` below (Maas et al., 2013)."""
    return np.where(x > 0, x, slope * x)[()]


def _clip(x: Any, min: Any = None, max: Any = None) -> Any:  # noqa: A002 - numpy's names
    """Values limited to [min, max]; at an edge the derivative is 1."""
    return np.clip(x, min, max)


def _inside(x: Any, low: Any, high: Any) -> Any:
    inside = np.ones(np.shape(x), bool)
    if low is not None:
        inside = inside & (x >= low)
    if high is not None:
        inside = inside & (x <= high)
    return mask(inside, x)


def _at_edge(g: Any, x: Any, edge: Any, beyond: Any) -> Any:
    return None if edge is None else g * mask(beyond, x)


register([
    # Arithmetic
    binary("add", operator.add, 1, 1, numpy=np.add),
    binary("subtract", operator.sub, 1, -1, numpy=np.subtract),
    binary("multiply", operator.mul, "y", "x", numpy=np.multiply),
    binary("divide", operator.truediv, "1 / y", "-out / y", numpy=(np.divide, np.true_divide),
           domain="y != 0"),
    binary("power", operator.pow, _power_x, _power_y, numpy=(np.power, np.float_power),
           scalar=math.pow, domain="x > 0"),
    binary("remainder", operator.mod, 1, "-np.floor(x / y)", numpy=(np.remainder, np.mod),
           domain="x / y not whole"),
    binary("fmod", np.fmod, 1, "-np.trunc(x / y)", domain="x / y not whole"),
    binary("floor_divide", operator.floordiv, 0, 0, numpy=np.floor_divide),
    unary("negative", operator.neg, -1, numpy=np.negative),
    unary("positive", operator.pos, 1, numpy=np.positive),
    unary("absolute", operator.abs, "np.sign(x)", numpy=(np.absolute, np.fabs), domain="x != 0"),
    unary("reciprocal", np.reciprocal, "-out * out", scalar=lambda x: 1 / x, domain="x != 0"),
    unary("square", np.square, "2 * x", scalar=lambda x: x * x),
    unary("sqrt", np.sqrt, "0.5 / out", scalar=math.sqrt, domain="x > 0"),
    unary("cbrt", np.cbrt, "1 / (3 * out * out)", domain="x != 0"),
    # Exponentials and logarithms
    unary("exp", np.exp, "out", scalar=math.exp),
    unary("exp2", np.exp2, f"{_LN2} * out"),
    unary("expm1", np.expm1, "1 + out", scalar=math.expm1),
    unary("log", np.log, "1 / x", scalar=math.log, domain="x > 0"),
    unary("log2", np.log2, f"{1 / _LN2} / x", scalar=math.log2, domain="x > 0"),
    unary("log10", np.log10, f"{1 / _LN10} / x", scalar=math.log10, domain="x > 0"),
    unary("log1p", np.log1p, "1 / (1 + x)", scalar=math.log1p, domain="x > -1"),
    binary("logaddexp", np.logaddexp, "np.exp(x - out)", "np.exp(y - out)"),
    binary("logaddexp2", np.logaddexp2, "np.exp2(x - out)", "np.exp2(y - out)"),
    binary("xlogy", _xlogy, lambda x, y: np.log(y + mask(x == 0, x)), "x / y", numpy=(),
           domain="y > 0"),
    # Trigonometry
    unary("sin", np.sin, "np.cos(x)", scalar=math.sin),
    unary("cos", np.cos, "-np.sin(x)", scalar=math.cos),
    unary("tan", np.tan, "1 + out * out", scalar=math.tan),
    unary("arcsin", np.arcsin, "1 / np.sqrt((1 - x) * (1 + x))", scalar=math.asin,
          domain="|x| < 1"),
    unary("arccos", np.arccos, "-1 / np.sqrt((1 - x) * (1 + x))", scalar=math.acos,
          domain="|x| < 1"),
    unary("arctan", np.arctan, "1 / (1 + x * x)", scalar=math.atan),
    binary("arctan2", np.arctan2, "y / (x * x + y * y)", "-x / (x * x + y * y)",
           scalar=math.atan2, domain="(x, y) != 0"),
    binary("hypot", np.hypot, lambda out, x: x / (out + mask(out == 0, out)),
           lambda out, y: y / (out + mask(out == 0, out)), scalar=math.hypot),
    unary("deg2rad", np.deg2rad, _RADIANS, numpy=(np.deg2rad, np.radians)),
    unary("rad2deg", np.rad2deg, 1 / _RADIANS, numpy=(np.rad2deg, np.degrees)),
    unary("sinc", np.sinc, _sinc_slope),
    # Hyperbolic functions
    unary("sinh", np.sinh, "np.cosh(x)", scalar=math.sinh),
    unary("cosh", np.cosh, "np.sinh(x)", scalar=math.cosh),
    unary("tanh", np.tanh, "1 - out * out", scalar=math.tanh),
    unary("arcsinh", np.arcsinh, "1 / np.hypot(x, 1.0)", scalar=math.asinh),
    unary("arccosh", np.arccosh, "1 / np.sqrt((x - 1) * (x + 1))", scalar=math.acosh,
          domain="x > 1"),
    unary("arctanh", np.arctanh, "1 / ((1 - x) * (1 + x))", scalar=math.atanh, domain="|x| < 1"),
    # Comparison: a tie shares equally
    binary("maximum", np.maximum, _share, lambda x, y: _share(y, x), domain="x != y"),
    binary("minimum", np.minimum, lambda x, y: _share(y, x), _share, domain="x != y"),
    binary("fmax", np.fmax, lambda x, y: mask(y != y, y) + mask(x == x, x) * _share(x, y) * mask(y == y, y),
           lambda x, y: mask(x != x, x) + mask(y == y, y) * _share(y, x) * mask(x == x, x), domain="x != y"),
    binary("fmin", np.fmin, lambda x, y: mask(y != y, y) + mask(x == x, x) * _share(y, x) * mask(y == y, y),
           lambda x, y: mask(x != x, x) + mask(y == y, y) * _share(x, y) * mask(x == x, x), domain="x != y"),
    binary("copysign", np.copysign, "np.sign(x) * np.copysign(1.0, y)", 0, domain="x != 0"),
    # Steps: constant wherever they have a derivative
    unary("sign", np.sign, 0, domain="x != 0"),
    unary("floor", np.floor, 0, domain="x not whole"),
    unary("ceil", np.ceil, 0, domain="x not whole"),
    unary("trunc", np.trunc, 0, numpy=(np.trunc, np.fix), domain="x not whole"),
    unary("rint", np.rint, 0, domain="x not half"),
    binary("heaviside", np.heaviside, 0, lambda x, y: mask(x == 0, x), domain="x != 0"),
    # Activations and their kin
    unary("sigmoid", sigmoid, "out * (1 - out)", scalar=_sigmoid_float),
    unary("log_sigmoid", _log_sigmoid, lambda x: sigmoid(-x), numpy=()),
    unary("softplus", _softplus, lambda x: sigmoid(x), numpy=()),
    unary("relu", lambda x: np.maximum(x, 0), lambda x: mask(x > 0, x), numpy=(),
          scalar=lambda x: x if x > 0 else 0.0 * x, domain="x != 0"),
    unary("silu", lambda x: x * _sigmoid(x), _silu_slope, numpy=()),
    unary("gelu", _gelu, _gelu_slope, numpy=()),
    unary("erf", special.erf, f"{2 / math.sqrt(math.pi)} * np.exp(-x * x)", numpy=(),
          scalar=math.erf),
    unary("erfc", special.erfc, f"{-2 / math.sqrt(math.pi)} * np.exp(-x * x)", numpy=(),
          scalar=math.erfc),
    unary("normal_cdf", normal_cdf, f"{1 / math.sqrt(2 * math.pi)} * np.exp(-0.5 * x * x)"),
    unary("logit", lambda x: np.log(x) - np.log1p(-x), "1 / (x * (1 - x))", numpy=(),
          domain="0 < x < 1"),
    op("elu", _elu, lambda g, out, x, alpha: g * (mask(x > 0, x) + mask(x <= 0, x) * (out + alpha)),
       numpy=()),
    op("leaky_relu", _leaky_relu, lambda g, x, slope: g * np.where(x > 0, 1.0, slope).astype(x.dtype),
       numpy=()),
])  # fmt: skip
