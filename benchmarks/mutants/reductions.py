"""Wrong gradients of sums, means, norms, softmax, and what runs along an axis."""

from __future__ import annotations

import numpy as np

from benchmarks.mutants.mutant import Array, Mutant, distinct, normal

__all__ = ["MUTANTS"]


def row_mean(x: Array) -> Array:
    return x.mean(axis=1)


def row_mean_right(g: Array, x: Array) -> Array:
    return np.repeat(g[:, None], x.shape[1], axis=1) / x.shape[1]


def variance(x: Array) -> Array:
    deviation = x - x.mean(axis=0)
    return (deviation * deviation).sum(axis=0) / (len(x) - 1)


def variance_right(g: Array, x: Array) -> Array:
    return 2.0 * g * (x - x.mean(axis=0)) / (len(x) - 1)


def softmax(x: Array) -> Array:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def softmax_right(g: Array, x: Array) -> Array:
    y = softmax(x)
    return y * (g - (g * y).sum(axis=-1, keepdims=True))


def softmax_diagonal(g: Array, x: Array) -> Array:
    y = softmax(x)
    return g * y * (1.0 - y)


def log_softmax(x: Array) -> Array:
    shifted = x - x.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def log_softmax_right(g: Array, x: Array) -> Array:
    return g - softmax(x) * g.sum(axis=-1, keepdims=True)


def log_softmax_plus(g: Array, x: Array) -> Array:
    return g + softmax(x) * g.sum(axis=-1, keepdims=True)


def logsumexp(x: Array) -> Array:
    return np.log(np.exp(x).sum(axis=1))


def logsumexp_wrong_axis(g: Array, x: Array) -> Array:
    e = np.exp(x)
    return g[:, None] * e / e.sum(axis=0)


def normalise(x: Array) -> Array:
    return x / np.sqrt((x * x).sum(axis=-1, keepdims=True))


def normalise_right(g: Array, x: Array) -> Array:
    norm = np.sqrt((x * x).sum(axis=-1, keepdims=True))
    return g / norm - x * (g * x).sum(axis=-1, keepdims=True) / norm**3


def normalise_norm_constant(g: Array, x: Array) -> Array:
    return g / np.sqrt((x * x).sum(axis=-1, keepdims=True))


LABELS = np.array([1.0, 0.0, 0.0, 1.0, 1.0])


def logistic_loss(x: Array) -> Array:
    return np.asarray((np.log(1.0 + np.exp(x)) - LABELS * x).mean())


def logistic_right(g: Array, x: Array) -> Array:
    return g * (1.0 / (1.0 + np.exp(-x)) - LABELS) / x.size


def row_max(x: Array) -> Array:
    return x.max(axis=1)


def max_shared(g: Array, x: Array) -> Array:
    tied = x == x.max(axis=1, keepdims=True)
    return g[:, None] * tied / tied.sum(axis=1, keepdims=True)


def max_to_each(g: Array, x: Array) -> Array:
    return g[:, None] * (x == x.max(axis=1, keepdims=True))


def tied_rows(rng: np.random.Generator) -> tuple[Array, ...]:
    (x,) = distinct((3, 4))(rng)
    x[1, :2] = x.max() + 0.5
    return (x,)


def row_product(x: Array) -> Array:
    return np.prod(x, axis=1)


def product_right(g: Array, x: Array) -> Array:
    columns = range(x.shape[1])
    others = [np.prod(np.delete(x, column, axis=1), axis=1) for column in columns]
    return g[:, None] * np.stack(others, axis=1)


def product_divided(g: Array, x: Array) -> Array:
    with np.errstate(invalid="ignore", divide="ignore"):
        return g[:, None] * np.prod(x, axis=1, keepdims=True) / x


def with_a_zero(rng: np.random.Generator) -> tuple[Array, ...]:
    (x,) = normal((2, 4))(rng)
    x[1, 2] = 0.0
    return (x,)


MUTANTS = (
    Mutant(
        "mean over rows: divided by the size of the whole array", ("constant factor",),
        row_mean, row_mean_right, lambda g, x: np.repeat(g[:, None], x.shape[1], axis=1) / x.size,
        normal((3, 4)),
    ),
    Mutant(
        "variance with ddof=1: divided by n", ("constant factor",),
        variance, variance_right, lambda g, x: 2.0 * g * (x - x.mean(axis=0)) / len(x),
        normal((5, 2)),
    ),
    Mutant(
        "logistic loss: labels minus probabilities", ("sign", "constant factor"),
        logistic_loss, logistic_right, lambda g, x: -logistic_right(g, x), normal((5,)),
    ),
    Mutant(
        "softmax: only y * (1 - y)", ("diagonal only",),
        softmax, softmax_right, softmax_diagonal, normal((2, 4)),
    ),
    Mutant(
        "log softmax: plus in place of minus", ("sign",),
        log_softmax, log_softmax_right, log_softmax_plus, normal((3, 4)),
    ),
    Mutant(
        "logsumexp: softmax along the wrong axis", ("wrong reduction",),
        logsumexp, lambda g, x: g[:, None] * softmax(x), logsumexp_wrong_axis, normal((3, 4)),
    ),
    Mutant(
        "normalise: norm taken as a constant", ("dropped path",),
        normalise, normalise_right, normalise_norm_constant, normal((3, 4)),
    ),
    Mutant(
        "max: each of two tied maxima gets it whole", ("ties",),
        row_max, max_shared, max_to_each, tied_rows,
    ),
    Mutant(
        "prod: product divided by a factor that is 0", ("nan",),
        row_product, product_right, product_divided, with_a_zero,
    ),
    Mutant(
        "cumsum: not reversed", ("permuted",),
        np.cumsum, lambda g, x: np.cumsum(g[::-1])[::-1].copy(), lambda g, x: np.cumsum(g),
        normal((5,)),
    ),
)  # fmt: skip
