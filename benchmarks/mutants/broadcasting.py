"""Wrong gradients of what numpy broadcasts: sums missing, too many, or along a wrong axis."""

from __future__ import annotations

import numpy as np

from benchmarks.mutants.mutant import Array, Mutant, normal

__all__ = ["MUTANTS"]


def add(x: Array, b: Array) -> Array:
    return x + b


def add_right(g: Array, x: Array, b: Array) -> tuple[Array, Array]:
    return g.copy(), g.sum(axis=0)


def scale(x: Array, gamma: Array) -> Array:
    return x * gamma


def scale_right(g: Array, x: Array, gamma: Array) -> tuple[Array, Array]:
    return g * gamma, (g * x).sum(axis=0)


def column_right(g: Array, x: Array, c: Array) -> tuple[Array, Array]:
    return g * c, (g * x).sum(axis=1, keepdims=True)


def centre_right(g: Array, x: Array) -> Array:
    return g - g.mean(axis=0)


MUTANTS = (
    Mutant(
        "bias: not summed over the batch", ("wrong reduction", "wrong shape"),
        add, add_right, lambda g, x, b: (g.copy(), g.copy()), normal((3, 4), (4,)),
    ),
    Mutant(
        "bias: mean over the batch instead of sum", ("wrong reduction", "constant factor"),
        add, add_right, lambda g, x, b: (g.copy(), g.mean(axis=0)), normal((5, 4), (4,)),
    ),
    Mutant(
        "bias: summed over the features, shapes happen to fit", ("wrong reduction",),
        add, add_right, lambda g, x, b: (g.copy(), g.sum(axis=1)), normal((4, 4), (4,)),
    ),
    Mutant(
        "scale: summed over every axis", ("wrong reduction",),
        scale, scale_right, lambda g, x, gamma: (g * gamma, np.full_like(gamma, (g * x).sum())),
        normal((3, 4), (4,)),
    ),
    Mutant(
        "column scale: the summed axis is lost", ("wrong shape",),
        scale, column_right, lambda g, x, c: (g * c, (g * x).sum(axis=1)), normal((3, 4), (3, 1)),
    ),
    Mutant(
        "x - mean: path through the mean forgotten", ("dropped path",),
        lambda x: x - x.mean(axis=0), centre_right, lambda g, x: g.copy(), normal((4, 3)),
    ),
)  # fmt: skip
