"""Gradients whose values may be right, and which break what their caller relies on."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.mutants.mutant import Array, Mutant, away, distinct, normal

__all__ = ["MUTANTS"]


def relu(x: Array) -> Array:
    return np.where(x > 0, x, 0.0)


def relu_right(g: Array, x: Array) -> Array:
    return g * (x > 0)


def relu_zeroes_cotangent(g: Array, x: Array) -> Array:
    g[x <= 0] = 0.0
    return g.copy()


def multiply_right(g: Array, x: Array, y: Array) -> tuple[Array, Array]:
    return g * y, g * x


def multiply_in_place(g: Array, x: Array, y: Array) -> tuple[Array, Array]:
    dx = g
    dx *= y
    return dx.copy(), g * x


def softmax(x: Array) -> Array:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def softmax_right(g: Array, x: Array) -> Array:
    y = softmax(x)
    return y * (g - (g * y).sum(axis=-1, keepdims=True))


def softmax_shifts_input(g: Array, x: Array) -> Array:
    x -= x.max(axis=-1, keepdims=True)
    return softmax_right(g, x)


def tanh_right(g: Array, x: Array) -> Array:
    return g / np.cosh(x) ** 2


class Accumulates:
    """Adds to the gradient of the call before: nobody sets it to zero."""

    def __init__(self) -> None:
        self.grad: Any = 0.0

    def __call__(self, g: Array, x: Array) -> Array:
        self.grad = self.grad + tanh_right(g, x)
        return self.grad.copy()


class KeepsFirstActivation:
    """Computes the activation at the first call, and takes that one ever after."""

    def __init__(self) -> None:
        self.y: Any = None

    def __call__(self, g: Array, x: Array) -> Array:
        if self.y is None:
            self.y = np.exp(x)
        return g * self.y


class ReusesBuffer:
    """Hands out the same array at every call."""

    def __init__(self) -> None:
        self.grad: Any = None

    def __call__(self, g: Array, x: Array) -> Array:
        if self.grad is None:
            self.grad = np.empty_like(x)
        np.multiply(g, 2.0 * x, out=self.grad)
        return self.grad


def gradient_noise(g: Array, x: Array) -> Array:
    return g * np.cos(x) + 1e-3 * np.random.default_rng().standard_normal(x.shape)


KEPT = np.arange(30).reshape(5, 6) % 3 > 0


def dropout(x: Array) -> Array:
    return np.where(KEPT, x / 0.6, 0.0)


def dropout_redrawn(g: Array, x: Array) -> Array:
    return np.where(np.random.default_rng().random(x.shape) < 0.6, g / 0.6, 0.0)


def subtract_right(g: Array, x: Array, y: Array) -> tuple[Array, Array]:
    return g.copy(), -g


def add_twice_the_same(g: Array, x: Array, y: Array) -> tuple[Array, Array]:
    d = g * 1.0
    return d, d


def row_sums(x: Array) -> Array:
    return x.sum(axis=1)


def row_sums_right(g: Array, x: Array) -> Array:
    return np.repeat(g[:, None], x.shape[1], axis=1)


def row_sums_view(g: Array, x: Array) -> Array:
    return np.broadcast_to(g[:, None], x.shape)


def matmul_right(g: Array, x: Array, W: Array) -> tuple[Array, Array]:
    return g @ W.T, x.T @ g


def matmul_flat(g: Array, x: Array, W: Array) -> tuple[Array, Array]:
    return g @ W.T, (x.T @ g).ravel()


def float32_buffer(g: Array, x: Array) -> Array:
    grad = np.zeros(x.shape, dtype=np.float32)
    grad += 2.0 * g * x
    return grad


KERNEL = np.array([0.5, -1.0, 0.0, 0.25, 2.0])
CIRCULANT = np.stack([np.roll(KERNEL, i) for i in range(5)], axis=1)


def convolve_by_fft(g: Array, x: Array) -> Array:
    result: Array = np.fft.ifft(np.fft.fft(g) * np.conj(np.fft.fft(KERNEL)))
    return result


MUTANTS = (
    Mutant(
        "relu: masks the cotangent in place", ("cotangent mutated",),
        relu, relu_right, relu_zeroes_cotangent, away((2, 4)),
    ),
    Mutant(
        "multiply: g *= y before g is used again", ("cotangent mutated",),
        np.multiply, multiply_right, multiply_in_place, normal((2, 3), (2, 3)),
    ),
    Mutant(
        "softmax: shifts its input in place", ("input mutated",),
        softmax, softmax_right, softmax_shifts_input, normal((3, 4)),
    ),
    Mutant(
        "tanh: gradient added to the last call's", ("state",),
        np.tanh, tanh_right, Accumulates(), normal((2, 3)),
    ),
    Mutant(
        "exp: activation of the first call kept", ("state",),
        np.exp, lambda g, x: g * np.exp(x), KeepsFirstActivation(), normal((4,)),
    ),
    Mutant(
        "square: same buffer returned at every call", ("state", "aliasing"),
        np.square, lambda g, x: 2.0 * g * x, ReusesBuffer(), normal((2, 5)),
    ),
    Mutant(
        "dropout: mask drawn anew in the backward", ("nondeterministic",),
        dropout, lambda g, x: np.where(KEPT, g / 0.6, 0.0), dropout_redrawn, normal((5, 6)),
    ),
    Mutant(
        "sin: gradient noise left on", ("nondeterministic",),
        np.sin, lambda g, x: g * np.cos(x), gradient_noise, normal((3, 4)),
    ),
    Mutant(
        "subtract: cotangent itself returned", ("aliasing",),
        np.subtract, subtract_right, lambda g, x, y: (g, -g), normal((3, 2), (3, 2)),
    ),
    Mutant(
        "add: one array returned for both inputs", ("aliasing",),
        np.add, lambda g, x, y: (g.copy(), g.copy()), add_twice_the_same, normal((2, 3), (2, 3)),
    ),
    Mutant(
        "sum over rows: broadcast view of the cotangent returned", ("aliasing",),
        row_sums, row_sums_right, row_sums_view, normal((3, 4)),
    ),
    Mutant(
        "matmul: gradient of W flattened", ("wrong shape",),
        np.matmul, matmul_right, matmul_flat, normal((2, 3), (3, 4)),
    ),
    Mutant(
        "square: float32 buffer", ("wrong dtype", "float32 inside"),
        np.square, lambda g, x: 2.0 * g * x, float32_buffer, normal((2, 4)),
    ),
    Mutant(
        "circular convolution by FFT: gradient stays complex", ("wrong dtype",),
        lambda x: CIRCULANT @ x, lambda g, x: CIRCULANT.T @ g, convolve_by_fft, distinct((5,)),
    ),
)  # fmt: skip
