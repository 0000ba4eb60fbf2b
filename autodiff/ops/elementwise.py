"""Elementwise ops: a row states the forward, and the local derivative for each argument.

Where a function has no derivative, the row gives the value that docs/reference/nonsmooth.md lists.
A comparison in a rule counts as 0 or 1 and, unlike a constant array, keeps the other's dtype.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from autodiff.op import binary, op, overridable, register, unary
from autodiff.ops import special

_LN2, _LN10, _DEGREE = math.log(2.0), math.log(10.0), math.pi / 180.0
_SQRT_HALF, _SQRT_PI = math.sqrt(0.5), math.sqrt(math.pi)
# Derivative of sinc over -x, as a series in (pi x)^2.
_SINC = [math.pi**2 * (-1) ** k * (2 * k + 2) / math.factorial(2 * k + 3) for k in range(12)]


def _sinc_x(x: Any) -> Any:
    """``(cos(pi x) - sinc(x)) / x``, which cancels near 0: there by its series."""
    square, near = (math.pi * x) ** 2, 0.0
    for c in reversed(_SINC):
        near = near * square + c
    small = np.abs(x) < 0.5
    far = (np.cos(math.pi * x) - np.sinc(x)) / (x + (x == 0))
    return np.where(small, -x * near, far)


def weight(x: Any, out: Any) -> Any:
    """Share of exp(x) in exp(out); in a sum of zeros none has any."""
    return np.exp(x - np.where(out == -np.inf, 0.0, out))


def _weight_of_2(x: Any, out: Any) -> Any:
    """``2**(x - out)``: the share of 2**x in the sum."""
    return np.exp2(x - np.where(out == -np.inf, 0.0, out))


def _xlogy(x: Any, y: Any) -> Any:
    """``x * log(y)``, and 0 where both are 0."""
    return x * np.log(_base(x, y))


def _base(x: Any, y: Any) -> Any:
    return np.where((x == 0) & (y == 0), np.ones((), _dtype(y, x)), y)[()]


def _power_y(out: Any, x: Any) -> Any:
    """``out * log(x)``, and 0 where x is 0."""
    log = np.log(x + (x == 0))
    # The logarithm of a Python number must not widen float32.
    return out * (float(log) if isinstance(x, (int, float)) else log)


def _angle(x: Any, y: Any) -> Any:
    """``x / (x^2 + y^2)`` without overflow, and 0 at the origin."""
    length = np.hypot(x, y)
    length = length + (length == 0)
    return x / length / length


def _share(wins: Any, loses: Any, x: Any, y: Any) -> Any:
    """1 where an argument is chosen, 0 where the other one is, 1/2 at a tie."""
    return 0.5 * np.subtract(wins, loses, dtype=_dtype(x, y)) + 0.5


def _dtype(x: Any, y: Any) -> Any:
    return getattr(x, "dtype", None) or getattr(y, "dtype", float)


def _larger(x: Any, y: Any) -> Any:
    """1 where x is larger, 0 where y is, 1/2 at a tie."""
    return _share(x > y, x < y, x, y)


def _smaller(x: Any, y: Any) -> Any:
    """1 where x is smaller, 0 where y is, 1/2 at a tie."""
    return _share(x < y, x > y, x, y)


def _larger_number(x: Any, y: Any) -> Any:
    """1 where x is the larger number, 0 where y is, 1/2 at a tie; a nan is no number."""
    return _share((x > y) | (y != y), (x < y) | (x != x), x, y)


def _smaller_number(x: Any, y: Any) -> Any:
    """1 where x is the smaller number, 0 where y is, 1/2 at a tie; a nan is no number."""
    return _share((x < y) | (y != y), (x > y) | (x != x), x, y)


@overridable
def sigmoid(x: Any) -> Any:
    """``1 / (1 + exp(-x))``, accurate in both tails."""
    with np.errstate(over="ignore"):  # exp(-x) = inf gives the right 0
        return 1 / (1 + np.exp(-x))


def _softplus(x: Any) -> Any:
    """``log(1 + exp(x))``, without overflow."""
    return np.logaddexp(x, 0)


def _log_sigmoid(x: Any) -> Any:
    """``log(sigmoid(x))``, without underflow."""
    return -np.logaddexp(-x, 0)


def _relu(x: Any) -> Any:
    """The positive part."""
    return np.maximum(x, 0)


def _silu(x: Any) -> Any:
    """``x * sigmoid(x)`` (Hendrycks and Gimpel, 2016; also called swish)."""
    return x * sigmoid(x)


def _silu_x(x: Any) -> Any:
    return (1 + x / (1 + np.exp(x))) / (1 + np.exp(-x))


def _gelu(x: Any) -> Any:
    """``x`` times the normal probability below it (Hendrycks and Gimpel, 2016)."""
    return x * (0.5 * special.erfc(-_SQRT_HALF * x))


def _gelu_x(x: Any) -> Any:
    """``P(x) + x * p(x)``, the normal probability below x, and x times its density."""
    density = np.exp(-0.5 * x * x) * (_SQRT_HALF / _SQRT_PI)
    return 0.5 * special.erfc(-_SQRT_HALF * x) + x * density


def _gelu_tanh(x: Any) -> Any:
    """The approximation of `gelu` by tanh (Hendrycks and Gimpel, 2016)."""
    return x * sigmoid(_gelu_u(x))


def _gelu_u(x: Any) -> Any:
    # (1 + tanh(u)) / 2 = sigmoid(2 u), which keeps its digits on the left.
    return (4 * _SQRT_HALF / _SQRT_PI) * x * (1 + 0.044715 * x * x)


def _gelu_tanh_x(x: Any) -> Any:
    """``s(u) + x * s'(u) * du/dx``, where s is the sigmoid and out is ``x * s(u)``."""
    u = _gelu_u(x)
    slope = (4 * _SQRT_HALF / _SQRT_PI) * (1 + 3 * 0.044715 * x * x)
    return (1 + x * slope / (1 + np.exp(u))) / (1 + np.exp(-u))


def _logit(x: Any) -> Any:
    """``log(x / (1 - x))``, the inverse of sigmoid."""
    return np.log(x) - np.log1p(-x)


def _leaky_relu(x: Any, slope: Any = 0.01) -> Any:
    """``x`` above 0, ``slope * x`` below (Maas et al., 2013)."""
    return np.where(x > 0, x, slope * x)[()]


def _elu(x: Any, alpha: Any = 1.0) -> Any:
    """``x`` above 0, ``alpha * (exp(x) - 1)`` below (Clevert et al., 2015)."""
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))[()]


def _where(condition: Any, x: Any, y: Any) -> Any:
    """`x` where the condition holds, else `y`; the one not taken gets a gradient of exactly 0."""
    return np.where(condition, x, y)[()]


def _where_jvp(g: Any, condition: Any) -> Any:
    _, x, y = (0.0 if t is None else t for t in g)
    return np.where(condition, x, y)


def _clip(x: Any, min: Any = None, max: Any = None) -> Any:
    """Values limited to ``min`` below and ``max`` above, each of which may be left out."""
    return np.clip(x, min, max)


def _clip_x(g: Any, x: Any, min: Any, max: Any) -> Any:
    """g where x lies within the limits, else 0."""
    low, high = _bounds(min, max)
    return np.where((x < low) | (x > high), 0.0, g)


def _clip_min(g: Any, x: Any, min: Any, max: Any) -> Any:
    """g where x is below the lower limit, which then is the result."""
    low, high = _bounds(min, max)
    return np.where((x < low) & (low <= high), g, 0.0)


def _clip_max(g: Any, x: Any, min: Any, max: Any) -> Any:
    """g where x is above the upper limit, which then is the result."""
    low, high = _bounds(min, max)
    return np.where((x > high) | (low > high), g, 0.0)


def _bounds(min: Any, max: Any) -> tuple[Any, Any]:
    return -np.inf if min is None else min, np.inf if max is None else max


def _nan_to_num(
    x: Any, copy: bool = True, nan: float = 0.0, posinf: Any = None, neginf: Any = None
) -> Any:
    """Numbers in place of nan and the infinities."""
    return np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)


def _round(x: Any, decimals: int = 0) -> Any:
    """Nearest number with so many decimals; the even one at a tie."""
    return np.round(x, decimals)


def _ldexp(x: Any, exponent: Any) -> Any:
    """``x * 2**exponent`` for a whole exponent."""
    return np.ldexp(x, exponent)


register([
    # Arithmetic
    binary("add", operator.add, 1, 1, numpy=np.add),
    binary("subtract", operator.sub, 1, -1, numpy=np.subtract),
    binary("multiply", operator.mul, "y", "x", numpy=np.multiply),
    binary("divide", operator.truediv, "1 / y", "-out / y", numpy=np.divide, domain="y != 0"),
    # The power 0 is a constant 1, also at x = 0, where x ** -1 would be infinite.
    binary("power", operator.pow, "y * (x + ((x == 0) & (y == 0))) ** (y - 1)", _power_y,
           numpy=(np.power, np.float_power), scalar=math.pow, domain="x > 0"),
    binary("remainder", operator.mod, 1, "-(x // y)", numpy=np.remainder,
           domain="x / y not whole"),
    binary("fmod", np.fmod, 1, "np.rint((out - x) / y)", domain="x / y not whole"),
    binary("floor_divide", operator.floordiv, 0, 0, numpy=np.floor_divide,
           domain="x / y not whole"),
    unary("negative", operator.neg, -1, numpy=np.negative),
    unary("positive", operator.pos, 1, numpy=(np.positive, np.conjugate)),
    unary("absolute", operator.abs, "np.sign(x)", numpy=(np.absolute, np.fabs), domain="x != 0"),
    unary("reciprocal", np.reciprocal, "-out * out", scalar=lambda x: 1 / x, domain="x != 0"),
    unary("square", np.square, "2 * x", scalar=lambda x: x * x),
    unary("sqrt", np.sqrt, "0.5 / out", scalar=math.sqrt, domain="x > 0"),
    unary("cbrt", np.cbrt, "1 / (3 * out * out)", domain="x != 0"),
    op("ldexp", _ldexp, lambda g, exponent: np.ldexp(g, exponent), linear="jointly",
       numpy=np.ldexp, aliases={"x1": "x", "x2": "exponent"}),
    # Exponentials and logarithms
    unary("exp", np.exp, "out", scalar=math.exp),
    unary("exp2", np.exp2, f"{_LN2} * out", scalar=lambda x: 2.0**x),
    unary("expm1", np.expm1, "np.exp(x)", scalar=math.expm1),
    unary("log", np.log, "1 / x", scalar=math.log, domain="x > 0"),
    unary("log2", np.log2, f"{1 / _LN2} / x", scalar=math.log2, domain="x > 0"),
    unary("log10", np.log10, f"{1 / _LN10} / x", scalar=math.log10, domain="x > 0"),
    unary("log1p", np.log1p, "1 / (1 + x)", scalar=math.log1p, domain="x > -1"),
    binary("logaddexp", np.logaddexp, weight, lambda y, out: weight(y, out)),
    binary("logaddexp2", np.logaddexp2, _weight_of_2, lambda y, out: _weight_of_2(y, out)),
    binary("xlogy", _xlogy, lambda x, y: np.log(_base(x, y)), lambda x, y: x / _base(x, y),
           numpy=(), domain="y > 0"),
    # Trigonometry
    unary("sin", np.sin, "np.cos(x)", scalar=math.sin),
    unary("cos", np.cos, "-np.sin(x)", scalar=math.cos),
    unary("tan", np.tan, "1 + out * out", scalar=math.tan),
    unary("arcsin", np.arcsin, "1 / np.sqrt((1 - x) * (1 + x))", scalar=math.asin,
          domain="|x| < 1"),
    unary("arccos", np.arccos, "-1 / np.sqrt((1 - x) * (1 + x))", scalar=math.acos,
          domain="|x| < 1"),
    unary("arctan", np.arctan, "1 / (1 + x * x)", scalar=math.atan),
    binary("arctan2", np.arctan2, lambda x, y: _angle(y, x), lambda x, y: -_angle(x, y),
           scalar=math.atan2, domain="(x, y) != 0"),
    binary("hypot", np.hypot, "x / (out + (out == 0))", "y / (out + (out == 0))",
           scalar=math.hypot, domain="(x, y) != 0"),
    unary("deg2rad", np.deg2rad, _DEGREE, numpy=(np.deg2rad, np.radians), scalar=math.radians),
    unary("rad2deg", np.rad2deg, 1 / _DEGREE, numpy=(np.rad2deg, np.degrees), scalar=math.degrees),
    unary("sinc", np.sinc, _sinc_x),
    # Hyperbolic functions
    unary("sinh", np.sinh, "np.cosh(x)", scalar=math.sinh),
    unary("cosh", np.cosh, "np.sinh(x)", scalar=math.cosh),
    unary("tanh", np.tanh, "1 / np.cosh(x) ** 2", scalar=math.tanh),
    unary("arcsinh", np.arcsinh, "1 / np.hypot(x, 1.0)", scalar=math.asinh),
    unary("arccosh", np.arccosh, "1 / (np.sqrt(x - 1) * np.sqrt(x + 1))", scalar=math.acosh,
          domain="x > 1"),
    unary("arctanh", np.arctanh, "1 / ((1 - x) * (1 + x))", scalar=math.atanh, domain="|x| < 1"),
    # The larger and the smaller: a tie is shared, and so is a nan
    binary("maximum", np.maximum, _larger, lambda x, y: _larger(y, x), domain="x != y"),
    binary("minimum", np.minimum, _smaller, lambda x, y: _smaller(y, x), domain="x != y"),
    binary("fmax", np.fmax, _larger_number, lambda x, y: _larger_number(y, x), domain="x != y"),
    binary("fmin", np.fmin, _smaller_number, lambda x, y: _smaller_number(y, x), domain="x != y"),
    binary("copysign", np.copysign, "np.sign(out) * np.sign(x)", 0, scalar=math.copysign,
           domain="x != 0"),
    # Steps: constant wherever they have a derivative
    unary("sign", np.sign, 0, domain="x != 0"),
    unary("floor", np.floor, 0, domain="x not whole"),
    unary("ceil", np.ceil, 0, domain="x not whole"),
    unary("trunc", np.trunc, 0, numpy=(np.trunc, np.fix), domain="x not whole"),
    unary("rint", np.rint, 0, domain="x not half"),
    op("round", _round, lambda g: None, numpy=(np.round, np.around), method="round",
       aliases={"a": "x"}, domain="x not half"),
    binary("heaviside", np.heaviside, 0, "x == 0", domain="x != 0"),
    # Activations and their kin
    unary("sigmoid", sigmoid, "out / (1 + np.exp(x))"),
    unary("log_sigmoid", _log_sigmoid, lambda x: sigmoid(-x), numpy=()),
    unary("softplus", _softplus, lambda x: sigmoid(x), numpy=()),
    unary("relu", _relu, "out > 0", numpy=(), scalar=lambda x: max(x, 0.0), domain="x != 0"),
    unary("silu", _silu, _silu_x, numpy=()),
    unary("gelu", _gelu, _gelu_x, numpy=()),
    unary("gelu_tanh", _gelu_tanh, _gelu_tanh_x, numpy=()),
    op("leaky_relu", _leaky_relu, lambda g, x, slope: np.where(x > 0, g, g * slope),
       lambda g, x: np.where(x > 0, 0.0, g * x), numpy=(), method="leaky_relu", domain="x != 0"),
    op("elu", _elu, lambda g, x, alpha: np.where(x > 0, g, g * alpha * np.exp(np.minimum(x, 0))),
       lambda g, x: np.where(x > 0, 0.0, g * np.expm1(np.minimum(x, 0))), numpy=(), method="elu",
       domain="x != 0"),
    unary("logit", _logit, "1 / (x * (1 - x))", numpy=(), domain="0 < x < 1"),
    unary("erf", special.erf, f"{2 / _SQRT_PI} * np.exp(-x * x)", scalar=math.erf),
    unary("erfc", special.erfc, f"{-2 / _SQRT_PI} * np.exp(-x * x)", scalar=math.erfc),
    # Selection: what is not chosen gets exactly 0
    op("where", _where, lambda g: None, lambda g, condition: np.where(condition, g, 0.0),
       lambda g, condition: np.where(condition, 0.0, g), jvp=_where_jvp, numpy=np.where),
    op("clip", _clip, _clip_x, _clip_min, _clip_max, numpy=np.clip, method="clip",
       aliases={"a": "x", "a_min": "min", "a_max": "max"}, domain="min < x < max"),
    op("nan_to_num", _nan_to_num, lambda g, x: np.where(np.isfinite(x), g, 0.0),
       numpy=np.nan_to_num, domain="x finite"),
])  # fmt: skip
