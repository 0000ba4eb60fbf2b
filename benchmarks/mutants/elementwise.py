"""Wrong gradients of functions that take each entry by itself."""

from __future__ import annotations

import numpy as np

from benchmarks.mutants.mutant import Array, Inputs, Mutant, away, normal, positive

__all__ = ["MUTANTS"]


def sigmoid(x: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-x))


def sigmoid_right(g: Array, x: Array) -> Array:
    y = sigmoid(x)
    return g * y * (1.0 - y)


def tanh_right(g: Array, x: Array) -> Array:
    return g / np.cosh(x) ** 2


def tanh_float32(g: Array, x: Array) -> Array:
    y = np.tanh(x.astype(np.float32))
    return (g.astype(np.float32) * (1 - y * y)).astype(np.float64)


def multiply_right(g: Array, x: Array, y: Array) -> tuple[Array, Array]:
    return g * y, g * x


def power_right(g: Array, x: Array, y: Array) -> tuple[Array, Array]:
    return g * y * x ** (y - 1.0), g * x**y * np.log(x)


def one_percent_off(g: Array, x: Array) -> Array:
    grad = tanh_right(g, x)
    grad[137] *= 1.01
    return grad


def softplus(x: Array) -> Array:
    return np.logaddexp(0.0, x)


def softplus_right(g: Array, x: Array) -> Array:
    return g * 0.5 * (1.0 + np.tanh(0.5 * x))


def softplus_overflows(g: Array, x: Array) -> Array:
    with np.errstate(over="ignore", invalid="ignore"):
        return g * np.exp(x) / (1.0 + np.exp(x))


def large(rng: np.random.Generator) -> tuple[Array, ...]:
    return (np.concatenate([rng.standard_normal(3), rng.uniform(750.0, 900.0, 2)]),)


def root_or_zero(x: Array) -> Array:
    with np.errstate(invalid="ignore"):
        return np.where(x > 0, np.sqrt(x), 0.0)


def root_or_zero_right(g: Array, x: Array) -> Array:
    taken = x > 0
    return np.where(taken, g * 0.5 / np.sqrt(np.where(taken, x, 1.0)), 0.0)


def root_of_the_other_branch(g: Array, x: Array) -> Array:
    with np.errstate(invalid="ignore"):
        return (x > 0) * g * 0.5 / np.sqrt(x)


def beyond_one(shape: tuple[int, ...]) -> Inputs:
    return lambda rng: (rng.uniform(1.5, 4.0, shape),)


MUTANTS = (
    Mutant(
        "cos: derivative taken as +sin", ("sign", "constant factor"),
        np.cos, lambda g, x: -g * np.sin(x), lambda g, x: g * np.sin(x), normal((2, 3)),
    ),
    Mutant(
        "square: 2 forgotten", ("constant factor",),
        np.square, lambda g, x: 2.0 * g * x, lambda g, x: g * x, normal((3, 4)),
    ),
    Mutant(
        "x * 1e-8: twice the gradient", ("constant factor",),
        lambda x: x * 1e-8, lambda g, x: g * 1e-8, lambda g, x: g * 2e-8, normal((3, 5)),
    ),
    Mutant(
        "sigmoid: 1 - y missing", ("missing local factor",),
        sigmoid, sigmoid_right, lambda g, x: g * sigmoid(x), normal((2, 5)),
    ),
    Mutant(
        "tanh: 1 - y**2 missing", ("missing local factor",),
        np.tanh, tanh_right, lambda g, x: g * np.ones_like(x), normal((4, 3)),
    ),
    Mutant(
        "tanh: derivative taken at the result", ("derivative at the result",),
        np.tanh, tanh_right, lambda g, x: tanh_right(g, np.tanh(x)), normal((3, 2)),
    ),
    Mutant(
        "sigmoid: derivative taken at the result", ("derivative at the result",),
        sigmoid, sigmoid_right, lambda g, x: sigmoid_right(g, sigmoid(x)), normal((4, 2)),
    ),
    Mutant(
        "log: 1e-3 added in the backward only", ("epsilon",),
        np.log, lambda g, x: g / x, lambda g, x: g / (x + 1e-3), positive((2, 3)),
    ),
    Mutant(
        "x**3: cotangent ignored", ("cotangent ignored",),
        lambda x: x**3, lambda g, x: 3.0 * g * x**2, lambda g, x: 3.0 * x**2, normal((3, 2)),
    ),
    Mutant(
        "sigmoid: cotangent applied twice", ("cotangent applied twice",),
        sigmoid, sigmoid_right, lambda g, x: g * sigmoid_right(g, x), normal((2, 4)),
    ),
    Mutant(
        "tanh: backward in float32", ("float32 inside",),
        np.tanh, tanh_right, tanh_float32, beyond_one((3, 4)),
    ),
    Mutant(
        "multiply: each input gets itself", ("swapped inputs",),
        np.multiply, multiply_right, lambda g, x, y: (g * x, g * y), normal((2, 3), (2, 3)),
    ),
    Mutant(
        "power: exponent gets no gradient", ("no gradient",),
        np.power, power_right, lambda g, x, y: (power_right(g, x, y)[0], np.zeros_like(y)),
        positive((2, 3), (2, 3)),
    ),
    Mutant(
        "tanh: one of 200 entries off by 1 %", ("few entries",),
        np.tanh, tanh_right, one_percent_off, normal((200,)),
    ),
    Mutant(
        "softplus: exp(x) / (1 + exp(x)) overflows", ("nan",),
        softplus, softplus_right, softplus_overflows, large,
    ),
    Mutant(
        "where: root of the branch not taken times 0", ("nan",),
        root_or_zero, root_or_zero_right, root_of_the_other_branch, away((2, 3)),
    ),
)  # fmt: skip
