"""Samples of the elementwise ops, away from the points without a derivative."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special

from tests.ops.sample import Sample

Reference = Callable[..., Any] | None

ANY, POSITIVE, BIG, UNIT = (-2.0, 2.0), (0.2, 3.0), (1.2, 4.0), (-0.9, 0.9)


def draw(low: float, high: float, *shape: int, seed: int = 0) -> np.ndarray:
    """Entries spread evenly over [low, high], shuffled: no two are close."""
    size = int(np.prod(shape))
    steps = (np.arange(size) + 0.37) / max(size, 1)
    values = low + (high - low) * np.random.default_rng(seed).permutation(steps)
    return np.asarray(values.reshape(shape))


def unary(domain: tuple[float, float], numpy: Reference = None, order: int = 3) -> list[Sample]:
    """An op of one argument."""
    return [Sample((draw(*domain, 2, 3),), numpy=numpy, order=order)]


def binary(
    x: tuple[float, float], y: tuple[float, float], numpy: Reference = None, order: int = 3
) -> list[Sample]:
    """An op of two arguments: alike, broadcast both ways, with numbers on either side."""
    return [
        Sample((draw(*x, 2, 3), draw(*y, 2, 3, seed=1)), numpy=numpy, order=order),
        Sample((draw(*x, 2, 1), draw(*y, 3, seed=1)), numpy=numpy),
        Sample((draw(*x, 3), float(draw(*y))), numpy=numpy),
        Sample((float(draw(*x)), draw(*y, 3)), numpy=numpy),
    ]


def silu(x: Any) -> Any:
    return x / (1 + np.exp(-x))


def gelu(x: Any) -> Any:
    return x * scipy.special.ndtr(x)


def gelu_tanh(x: Any) -> Any:
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def elu(x: Any, alpha: Any = 1.0) -> Any:
    return np.where(x > 0, x, alpha * (np.exp(x) - 1))


def leaky_relu(x: Any, slope: Any = 0.01) -> Any:
    return np.where(x > 0, x, slope * x)


CONDITION = np.array([[True, False, True], [False, False, True]])
HOLES = np.array([[1.5, np.nan, -2.0], [np.inf, -np.inf, 0.5]])

SAMPLES: dict[str, list[Sample]] = {
    "add": binary(ANY, ANY),
    "subtract": binary(ANY, ANY),
    "multiply": binary(ANY, ANY),
    "divide": binary(ANY, POSITIVE),
    "power": [
        *binary(POSITIVE, ANY),
        *(Sample((draw(*ANY, 3), n), order=3) for n in (0, 1, 2, 3, -1, 2.0, -2.0)),
        Sample((np.array([0.0, -1.0, 2.0]), 3.0), order=3),
        Sample((draw(*POSITIVE, 3), 0.5), order=3),
        Sample((draw(*POSITIVE, 3), np.array([0.0, 1.0, 2.0])), order=3),
    ],
    "remainder": binary((7.2, 7.8), (2.1, 2.3)),
    "fmod": [*binary((7.2, 7.8), (2.1, 2.3)), *binary((-7.8, -7.2), (2.1, 2.3))],
    "floor_divide": binary((7.2, 7.8), (2.1, 2.3)),
    "negative": unary(ANY),
    "positive": unary(ANY),
    "absolute": unary((0.1, 2.0)) + unary((-2.0, -0.1)),
    "reciprocal": unary(POSITIVE),
    "square": unary(ANY),
    "sqrt": unary(POSITIVE),
    "cbrt": unary(POSITIVE) + unary((-3.0, -0.2)),
    "ldexp": [
        Sample((draw(*ANY, 2, 3), 3)),
        Sample((draw(*ANY, 3), np.array([[1, -2, 0]]))),
    ],
    "exp": unary(ANY),
    "exp2": unary(ANY),
    "expm1": unary(ANY),
    "log": unary(POSITIVE),
    "log2": unary(POSITIVE),
    "log10": unary(POSITIVE),
    "log1p": unary((-0.7, 2.0)),
    "logaddexp": binary(ANY, ANY),
    "logaddexp2": binary(ANY, ANY),
    "xlogy": [
        *binary(ANY, POSITIVE, scipy.special.xlogy),
        Sample((np.array([0.0, 1.0]), np.array([2.0, 3.0])), numpy=scipy.special.xlogy, order=3),
    ],
    "sin": unary(ANY),
    "cos": unary(ANY),
    "tan": unary((-1.2, 1.2)),
    "arcsin": unary(UNIT),
    "arccos": unary(UNIT),
    "arctan": unary(ANY),
    "arctan2": [*binary(ANY, POSITIVE), *binary(POSITIVE, ANY)],
    "hypot": binary(ANY, POSITIVE),
    "deg2rad": unary(ANY),
    "rad2deg": unary(ANY),
    "sinc": [*unary(ANY, order=4), Sample((np.array([0.0, 1e-3, 0.499, 0.51, 1.0]),), order=4)],
    "sinh": unary(ANY),
    "cosh": unary(ANY),
    "tanh": unary(ANY),
    "arcsinh": unary(ANY),
    "arccosh": unary(BIG),
    "arctanh": unary(UNIT),
    "maximum": binary((0.0, 1.0), (1.1, 2.0)) + binary((1.1, 2.0), (0.0, 1.0)),
    "minimum": binary((0.0, 1.0), (1.1, 2.0)) + binary((1.1, 2.0), (0.0, 1.0)),
    "fmax": binary((0.0, 1.0), (1.1, 2.0)) + binary((1.1, 2.0), (0.0, 1.0)),
    "fmin": binary((0.0, 1.0), (1.1, 2.0)) + binary((1.1, 2.0), (0.0, 1.0)),
    "copysign": binary(POSITIVE, (-2.0, -0.1)) + binary((-2.0, -0.1), POSITIVE),
    "sign": unary(POSITIVE) + unary((-2.0, -0.1)),
    "floor": unary((1.1, 1.9)),
    "ceil": unary((1.1, 1.9)),
    "trunc": unary((1.1, 1.9)) + unary((-1.9, -1.1)),
    "rint": unary((0.6, 1.4)),
    "round": [
        *unary((0.6, 1.4)),
        Sample((draw(0.06, 0.14, 3),), {"decimals": 1}),
        Sample((draw(6.0, 14.0, 3), -1)),
    ],
    "heaviside": binary((0.1, 1.0), ANY) + binary((-1.0, -0.1), ANY),
    "sigmoid": unary(ANY, scipy.special.expit),
    "log_sigmoid": unary(ANY, scipy.special.log_expit),
    "softplus": unary(ANY, lambda x: np.log1p(np.exp(x))),
    "relu": unary((0.1, 2.0), lambda x: np.maximum(x, 0))
    + unary((-2.0, -0.1), lambda x: np.maximum(x, 0)),
    "silu": unary(ANY, silu),
    "gelu": unary(ANY, gelu),
    "gelu_tanh": unary(ANY, gelu_tanh),
    "leaky_relu": [
        *unary((0.1, 2.0), leaky_relu),
        *unary((-2.0, -0.1), leaky_relu),
        Sample((draw(*ANY, 2, 3), 0.2), numpy=leaky_relu),
        Sample((draw(*ANY, 2, 4), draw(0.1, 0.3, 4)), numpy=leaky_relu, order=3),
    ],
    "elu": [
        *unary((0.1, 2.0), elu),
        *unary((-2.0, -0.1), elu),
        Sample((draw(*ANY, 2, 3),), {"alpha": 0.5}, numpy=elu),
        Sample((draw(*ANY, 2, 4), draw(0.5, 2.0, 2, 1)), numpy=elu, order=3),
    ],
    "logit": unary((0.1, 0.9), scipy.special.logit),
    "erf": unary(ANY, scipy.special.erf, order=4) + unary((3.8, 4.2), scipy.special.erf),
    "erfc": unary(ANY, scipy.special.erfc, order=4) + unary((3.8, 4.2), scipy.special.erfc),
    "where": [
        Sample((CONDITION, draw(*ANY, 2, 3), draw(*ANY, 2, 3, seed=1))),
        Sample((CONDITION, draw(*ANY, 2, 1), draw(*ANY, 3, seed=1))),
        Sample((CONDITION[0], draw(*ANY, 2, 3), draw(*ANY))),
        Sample((CONDITION, draw(*ANY, 3), 0.5)),
        Sample((CONDITION, 0.5, draw(*ANY))),
        Sample((True, draw(*ANY), draw(*ANY, 2, seed=1))),
    ],
    "clip": [
        Sample((draw(*ANY, 2, 3), -1.0, 1.0)),
        Sample((draw(*ANY, 2, 3), None, 0.5)),
        Sample((draw(*ANY, 2, 3), 0.5, None)),
        Sample((draw(*ANY, 2, 3), draw(-1.0, -0.5, 3), draw(0.5, 1.0, 2, 1))),
        Sample((draw(*ANY, 2, 3), np.array([1.5, -1.0, 1.2]), np.array(0.4))),
        Sample((draw(*ANY), -1.0, draw(*POSITIVE, 2))),
    ],
    "nan_to_num": [
        Sample((draw(*ANY, 2, 3),)),
        Sample((HOLES,), {"nan": 7.0, "posinf": 1.0, "neginf": -1.0}, smooth=False),
    ],
}

SAMPLES |= {
    alias: SAMPLES[name]
    for alias, name in {
        "abs": "absolute", "acos": "arccos", "acosh": "arccosh", "asin": "arcsin",
        "asinh": "arcsinh", "atan": "arctan", "atan2": "arctan2", "atanh": "arctanh",
        "pow": "power", "around": "round", "degrees": "rad2deg", "fabs": "absolute",
        "float_power": "power", "mod": "remainder", "radians": "deg2rad",
        "true_divide": "divide",
    }.items()
}  # fmt: skip
# numpy's own `fix` is on its way out, and warns.
SAMPLES["fix"] = [Sample(s.args, numpy=np.trunc) for s in SAMPLES["trunc"]]
