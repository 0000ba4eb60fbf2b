"""Wrong gradients of products of matrices, and of what solves them."""

from __future__ import annotations

import numpy as np

from benchmarks.mutants.mutant import Array, Inputs, Mutant, normal

__all__ = ["MUTANTS"]


def affine(x: Array, W: Array, b: Array) -> Array:
    return x @ W + b


def affine_right(g: Array, x: Array, W: Array, b: Array) -> tuple[Array, Array, Array]:
    return g @ W.T, x.T @ g, g.sum(axis=0)


def matmul_right(g: Array, x: Array, W: Array) -> tuple[Array, Array]:
    return g @ W.T, x.T @ g


def matmul_float32(g: Array, x: Array, W: Array) -> tuple[Array, Array]:
    g, x, W = (array.astype(np.float32) for array in (g, x, W))
    return (g @ W.T).astype(np.float64), (x.T @ g).astype(np.float64)


def batched_right(g: Array, x: Array, y: Array) -> tuple[Array, Array]:
    return g @ y.swapaxes(1, 2), x.swapaxes(1, 2) @ g


def quadratic_right(g: Array, x: Array, A: Array) -> tuple[Array, Array]:
    return g * (A + A.T) @ x, g * np.outer(x, x)


def solve(A: Array, b: Array) -> Array:
    return np.linalg.solve(A, b)


def solve_right(g: Array, A: Array, b: Array) -> tuple[Array, Array]:
    db = np.linalg.solve(A.T, g)
    return -np.outer(db, solve(A, b)), db


def solve_untransposed(g: Array, A: Array, b: Array) -> tuple[Array, Array]:
    db = np.linalg.solve(A, g)
    return -np.outer(db, solve(A, b)), db


def inverse_right(g: Array, A: Array) -> Array:
    Y = np.linalg.inv(A)
    return -Y.T @ g @ Y.T


def inverse_untransposed(g: Array, A: Array) -> Array:
    Y = np.linalg.inv(A)
    return -Y @ g @ Y


def triangular_solve(L: Array, b: Array) -> Array:
    return np.linalg.solve(np.tril(L), b)


def triangular_full(g: Array, L: Array, b: Array) -> tuple[Array, Array]:
    return solve_right(g, np.tril(L), b)


def triangular_right(g: Array, L: Array, b: Array) -> tuple[Array, Array]:
    dL, db = triangular_full(g, L, b)
    return np.tril(dL), db


def tied(x: Array, W: Array) -> Array:
    return np.tanh(x @ W) @ W.T


def tied_right(g: Array, x: Array, W: Array) -> tuple[Array, Array]:
    h = np.tanh(x @ W)
    da = g @ W * (1.0 - h * h)
    return da @ W.T, x.T @ da + g.T @ h


def tied_decoder_only(g: Array, x: Array, W: Array) -> tuple[Array, Array]:
    h = np.tanh(x @ W)
    return (g @ W * (1.0 - h * h)) @ W.T, g.T @ h


def dominant(side: int, *shapes: tuple[int, ...]) -> Inputs:
    """Draw a matrix that is far from singular and has a positive determinant, and other arrays."""

    def draw(rng: np.random.Generator) -> tuple[Array, ...]:
        A = rng.uniform(-1.0, 1.0, (side, side)) + (side + 1.0) * np.eye(side)
        return (A, *normal(*shapes)(rng))

    return draw


MUTANTS = (
    Mutant(
        "affine: x not transposed", ("missing transpose",),
        affine, affine_right, lambda g, x, W, b: (g @ W.T, x @ g, g.sum(axis=0)),
        normal((3, 3), (3, 4), (4,)),
    ),
    Mutant(
        "matmul: gradient of W transposed", ("result transposed",),
        np.matmul, matmul_right, lambda g, x, W: (g @ W.T, g.T @ x), normal((4, 3), (3, 3)),
    ),
    Mutant(
        "matmul: backward in float32", ("float32 inside",),
        np.matmul, matmul_right, matmul_float32, normal((2, 3), (3, 4)),
    ),
    Mutant(
        "batched matmul: .T turns every axis round", ("missing transpose",),
        np.matmul, batched_right, lambda g, x, y: (g @ y.T, x.T @ g), normal((3, 3, 3), (3, 3, 3)),
    ),
    Mutant(
        "quadratic form: 2 A x although A is not symmetric", ("missing transpose",),
        lambda x, A: np.asarray(x @ A @ x), quadratic_right,
        lambda g, x, A: (2.0 * g * A @ x, g * np.outer(x, x)), normal((4,), (4, 4)),
    ),
    Mutant(
        "x @ x.T: one of the two uses forgotten", ("dropped path",),
        lambda x: x @ x.T, lambda g, x: (g + g.T) @ x, lambda g, x: g @ x, normal((3, 4)),
    ),
    Mutant(
        "tied weights: the encoder's use of W forgotten", ("dropped path",),
        tied, tied_right, tied_decoder_only, normal((2, 4), (4, 3)),
    ),
    Mutant(
        "solve: the backward solves with A, not with its transpose", ("missing transpose",),
        solve, solve_right, solve_untransposed, dominant(4, (4,)),
    ),
    Mutant(
        "inv: neither factor transposed", ("missing transpose",),
        np.linalg.inv, inverse_right, inverse_untransposed, dominant(3),
    ),
    Mutant(
        "triangular solve: the triangle never read gets a gradient", ("leak",),
        triangular_solve, triangular_right, triangular_full, dominant(3, (3,)),
    ),
    Mutant(
        "outer: gradients of x and y swapped", ("swapped inputs",),
        np.outer, lambda g, x, y: (g @ y, g.T @ x), lambda g, x, y: (g.T @ x, g @ y),
        normal((4,), (4,)),
    ),
)  # fmt: skip
