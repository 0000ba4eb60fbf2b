"""Wrong gradients of masks, maxima, indices, and of what only moves entries about."""

from __future__ import annotations

import numpy as np

from benchmarks.mutants.mutant import Array, Mutant, away, distinct, normal

__all__ = ["MUTANTS"]


def relu(x: Array) -> Array:
    return np.where(x > 0, x, 0.0)


def clip_right(g: Array, x: Array) -> Array:
    return g * ((x > -1.0) & (x < 1.0))


def around_the_bounds(rng: np.random.Generator) -> tuple[Array, ...]:
    sizes = np.concatenate([rng.uniform(0.1, 0.8, 5), rng.uniform(1.2, 2.0, 5)])
    return (rng.permutation(sizes * rng.choice([-1.0, 1.0], 10)).reshape(2, 5),)


KEPT = np.array([[1.0, 0.0, 1.0, 1.0], [0.0, 1.0, 1.0, 0.0], [1.0, 1.0, 0.0, 1.0]])


def dropout(x: Array) -> Array:
    return x * KEPT / 0.6


def where_right(g: Array, x: Array, y: Array) -> tuple[Array, Array]:
    return np.where(KEPT > 0, g, 0.0), np.where(KEPT > 0, 0.0, g)


def where_detached(g: Array, x: Array, y: Array) -> tuple[Array, Array]:
    return np.where(KEPT > 0, g, 0.0), np.zeros_like(y)


def maximum_right(g: Array, x: Array, y: Array) -> tuple[Array, Array]:
    share = np.where(x > y, 1.0, np.where(x == y, 0.5, 0.0))
    return g * share, g * (1.0 - share)


def tied_pair(rng: np.random.Generator) -> tuple[Array, ...]:
    x, y = distinct((2, 3), (2, 3))(rng)
    y[1, 1] = x[1, 1]
    return x, y


def concatenate(x: Array, y: Array) -> Array:
    return np.concatenate([x, y], axis=1)


def concatenate_right(g: Array, x: Array, y: Array) -> tuple[Array, Array]:
    return g[:, :2].copy(), g[:, 2:].copy()


WORDS = np.array([1, 3, 1, 0, 1])


def embedding_right(g: Array, table: Array) -> Array:
    grad = np.zeros_like(table)
    np.add.at(grad, WORDS, g)
    return grad


def embedding_overwrites(g: Array, table: Array) -> Array:
    grad = np.zeros_like(table)
    grad[WORDS] = g
    return grad


def max_pool(x: Array) -> Array:
    """Windows of 3 that overlap by 1."""
    return np.stack([x[:, i : i + 3].max(axis=1) for i in (0, 2, 4)], axis=1)


def max_pool_vjp(g: Array, x: Array, overwrite: bool = False) -> Array:
    grad, rows = np.zeros_like(x), np.arange(len(x))
    for window, i in enumerate((0, 2, 4)):
        winner = i + x[:, i : i + 3].argmax(axis=1)
        grad[rows, winner] = g[:, window] + (0.0 if overwrite else grad[rows, winner])
    return grad


def winners_in_the_overlaps(rng: np.random.Generator) -> tuple[Array, ...]:
    (x,) = distinct((2, 7))(rng)
    x[0, 2], x[1, 4] = x.max() + 0.5, x.max() + 1.0
    return (x,)


def pool_pairs(x: Array) -> Array:
    return x.reshape(2, 3, 2).max(axis=2)


def pool_pairs_right(g: Array, x: Array) -> Array:
    pairs = x.reshape(2, 3, 2)
    tied = pairs == pairs.max(axis=2, keepdims=True)
    return (g[..., None] * tied / tied.sum(axis=2, keepdims=True)).reshape(x.shape)


def pool_pairs_each(g: Array, x: Array) -> Array:
    pairs = x.reshape(2, 3, 2)
    return (g[..., None] * (pairs == pairs.max(axis=2, keepdims=True))).reshape(x.shape)


def after_relu(rng: np.random.Generator) -> tuple[Array, ...]:
    # Two zeros in a window, which is what a relu before the pooling leaves.
    (x,) = distinct((2, 6))(rng)
    x = np.abs(x)
    x[0, 2:4] = 0.0
    return (x,)


AXES = (2, 0, 1)


def moved(x: Array) -> Array:
    return x.transpose(AXES).copy()


def sort_right(g: Array, x: Array) -> Array:
    grad = np.empty_like(x)
    grad[np.argsort(x)] = g
    return grad


MUTANTS = (
    Mutant(
        "relu: mask forgotten", ("leak",),
        relu, lambda g, x: g * (x > 0), lambda g, x: g * np.ones_like(x), away((3, 4)),
    ),
    Mutant(
        "clip: gradient outside the bounds", ("leak",),
        lambda x: np.clip(x, -1.0, 1.0), clip_right, lambda g, x: g * 1.0, around_the_bounds,
    ),
    Mutant(
        "dropout: mask forgotten", ("leak",),
        dropout, lambda g, x: g * KEPT / 0.6, lambda g, x: g / 0.6, normal((3, 4)),
    ),
    Mutant(
        "dropout: not divided by the share kept", ("constant factor",),
        dropout, lambda g, x: g * KEPT / 0.6, lambda g, x: g * KEPT, normal((3, 4)),
    ),
    Mutant(
        "where: second branch gets no gradient", ("no gradient",),
        lambda x, y: np.where(KEPT > 0, x, y), where_right, where_detached,
        normal((3, 4), (3, 4)),
    ),
    Mutant(
        "maximum: both of a tie get it whole", ("ties",),
        np.maximum, maximum_right, lambda g, x, y: (g * (x >= y), g * (y >= x)), tied_pair,
    ),
    Mutant(
        "max pool: both zeros of a window get it whole", ("ties",),
        pool_pairs, pool_pairs_right, pool_pairs_each, after_relu,
    ),
    Mutant(
        "max pool: overlapping windows overwrite each other", ("duplicate index",),
        max_pool, max_pool_vjp, lambda g, x: max_pool_vjp(g, x, overwrite=True),
        winners_in_the_overlaps,
    ),
    Mutant(
        "embedding: repeated words overwrite each other", ("duplicate index",),
        lambda table: table[WORDS], embedding_right, embedding_overwrites, normal((4, 3)),
    ),
    Mutant(
        "concatenate: parts in the wrong order", ("swapped inputs",),
        concatenate, concatenate_right,
        lambda g, x, y: (g[:, 2:].copy(), g[:, :2].copy()), normal((3, 2), (3, 2)),
    ),
    Mutant(
        "transpose of three axes: own order instead of the inverse", ("permuted",),
        moved, lambda g, x: g.transpose(np.argsort(AXES)).copy(), lambda g, x: moved(g),
        normal((3, 3, 3)),
    ),
    Mutant(
        "transpose: cotangent not transposed back", ("result transposed",),
        lambda x: x.T.copy(), lambda g, x: g.T.copy(), lambda g, x: g.copy(), normal((4, 4)),
    ),
    Mutant(
        "reshape in column order: undone in row order", ("permuted",),
        lambda x: x.reshape(6, 2, order="F").copy(),
        lambda g, x: g.reshape(x.shape, order="F").copy(), lambda g, x: g.reshape(x.shape).copy(),
        normal((3, 4)),
    ),
    Mutant(
        "sort: order applied again instead of undone", ("permuted",),
        np.sort, sort_right, lambda g, x: g[np.argsort(x)], distinct((5,)),
    ),
)  # fmt: skip
