"""Wrong gradients of layers: norms over batch and features, convolution, losses."""

from __future__ import annotations

from functools import partial

import numpy as np

from benchmarks.mutants.mutant import Array, Mutant, away, normal, positive

__all__ = ["MUTANTS"]

EPSILON = 1e-3


def standardised(x: Array, axis: int) -> tuple[Array, Array]:
    """Give the standardised array, and what it was divided by."""
    deviation = x - x.mean(axis=axis, keepdims=True)
    scale = np.sqrt((deviation * deviation).mean(axis=axis, keepdims=True) + EPSILON)
    return deviation / scale, scale


def norm(x: Array, gamma: Array, beta: Array, axis: int) -> Array:
    return gamma * standardised(x, axis)[0] + beta


def norm_vjp(
    g: Array, x: Array, gamma: Array, beta: Array, axis: int, mean: bool = True, var: bool = True
) -> tuple[Array, Array, Array]:
    """Differentiate `norm`; `mean` and `var` tell whether that path is followed."""
    y, scale = standardised(x, axis)
    d = g * gamma
    through_mean = d.mean(axis=axis, keepdims=True) if mean else 0.0
    through_var = y * (d * y).mean(axis=axis, keepdims=True) if var else 0.0
    return (d - through_mean - through_var) / scale, (g * y).sum(axis=0), g.sum(axis=0)


batch_norm, batch_norm_right = partial(norm, axis=0), partial(norm_vjp, axis=0)
layer_norm, layer_norm_right = partial(norm, axis=1), partial(norm_vjp, axis=1)


def gamma_averaged(g: Array, x: Array, gamma: Array, beta: Array) -> tuple[Array, Array, Array]:
    dx, dgamma, dbeta = batch_norm_right(g, x, gamma, beta)
    return dx, dgamma / len(x), dbeta


def gamma_missing(g: Array, x: Array, gamma: Array, beta: Array) -> tuple[Array, Array, Array]:
    dx, _, _ = batch_norm_right(g, x, np.ones_like(gamma), beta)
    return dx, *batch_norm_right(g, x, gamma, beta)[1:]


def epsilon_outside(g: Array, x: Array, gamma: Array, beta: Array) -> tuple[Array, Array, Array]:
    y, _ = standardised(x, axis=0)
    d = g * gamma
    dx = (d - d.mean(axis=0) - y * (d * y).mean(axis=0)) / (x.std(axis=0) + EPSILON)
    return dx, (g * y).sum(axis=0), g.sum(axis=0)


def gamma_and_beta_swapped(
    g: Array, x: Array, gamma: Array, beta: Array
) -> tuple[Array, Array, Array]:
    dx, dgamma, dbeta = layer_norm_right(g, x, gamma, beta)
    return dx, dbeta, dgamma


def norm_inputs(rng: np.random.Generator) -> tuple[Array, ...]:
    return (*normal((5, 3))(rng), *positive((3,))(rng), *normal((3,))(rng))


def convolve_rows(x: Array, w: Array) -> Array:
    return sum(x[:, k : k + 5] * w[k] for k in range(3))


def convolve_rows_right(g: Array, x: Array, w: Array) -> tuple[Array, Array]:
    dx = np.zeros_like(x)
    for k in range(3):
        dx[:, k : k + 5] += g * w[k]
    return dx, np.array([(g * x[:, k : k + 5]).sum() for k in range(3)])


def kernel_flipped(g: Array, x: Array, w: Array) -> tuple[Array, Array]:
    dx, dw = convolve_rows_right(g, x, w)
    return dx, dw[::-1].copy()


PIXELS = [(i, j) for i in range(2) for j in range(2)]


def convolve(x: Array, w: Array, b: Array) -> Array:
    """Batch, channels, 4 by 5 pixels; outputs, channels, 2 by 2 pixels; outputs."""
    parts = (
        np.einsum("nchw,oc->nohw", x[:, :, i : i + 3, j : j + 4], w[:, :, i, j]) for i, j in PIXELS
    )
    return sum(parts) + b[:, None, None]


def convolve_vjp(
    g: Array, x: Array, w: Array, b: Array, spec: str = "nohw,oc->nchw"
) -> tuple[Array, Array, Array]:
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for i, j in PIXELS:
        dx[:, :, i : i + 3, j : j + 4] += np.einsum(spec, g, w[:, :, i, j])
        dw[:, :, i, j] = np.einsum("nohw,nchw->oc", g, x[:, :, i : i + 3, j : j + 4])
    return dx, dw, g.sum(axis=(0, 2, 3))


IMAGES = normal((2, 2, 4, 5), (2, 2, 2, 2), (2,))


def prelu(x: Array, slope: Array) -> Array:
    return np.where(x > 0, x, slope * x)


def prelu_right(g: Array, x: Array, slope: Array) -> tuple[Array, Array]:
    return g * np.where(x > 0, 1.0, slope), (g * np.where(x > 0, 0.0, x)).sum(axis=0)


def prelu_fixed(g: Array, x: Array, slope: Array) -> tuple[Array, Array]:
    return g * np.where(x > 0, 1.0, slope), np.zeros_like(slope)


CLASSES = np.array([0, 2, 1, 2])


def cross_entropy(x: Array) -> Array:
    shifted = x - x.max(axis=1, keepdims=True)
    chosen = shifted[np.arange(4), CLASSES]
    return np.asarray((np.log(np.exp(shifted).sum(axis=1)) - chosen).mean())


def cross_entropy_right(g: Array, x: Array) -> Array:
    p = np.exp(x - x.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(4), CLASSES] -= 1.0
    return p * g / 4


def cross_entropy_float32(g: Array, x: Array) -> Array:
    return cross_entropy_right(g.astype(np.float32), x.astype(np.float32)).astype(np.float64)


MUTANTS = (
    Mutant(
        "batch norm: path through the variance forgotten", ("dropped path",),
        batch_norm, batch_norm_right, partial(batch_norm_right, var=False), norm_inputs,
    ),
    Mutant(
        "batch norm: gamma's gradient averaged over the batch",
        ("wrong reduction", "constant factor"),
        batch_norm, batch_norm_right, gamma_averaged, norm_inputs,
    ),
    Mutant(
        "batch norm: gamma missing in the gradient of x", ("missing local factor",),
        batch_norm, batch_norm_right, gamma_missing, norm_inputs,
    ),
    Mutant(
        "batch norm: epsilon outside the root in the backward only", ("epsilon",),
        batch_norm, batch_norm_right, epsilon_outside, norm_inputs,
    ),
    Mutant(
        "layer norm: mean and variance taken as constants", ("dropped path",),
        layer_norm, layer_norm_right, partial(layer_norm_right, mean=False, var=False), norm_inputs,
    ),
    Mutant(
        "layer norm: gradients of gamma and beta swapped", ("swapped inputs",),
        layer_norm, layer_norm_right, gamma_and_beta_swapped, norm_inputs,
    ),
    Mutant(
        "conv1d: gradient of the kernel comes out flipped", ("permuted",),
        convolve_rows, convolve_rows_right, kernel_flipped, normal((2, 7), (3,)),
    ),
    Mutant(
        "conv2d: channels of the kernel not transposed", ("missing transpose",),
        convolve, convolve_vjp, partial(convolve_vjp, spec="nohw,co->nchw"), IMAGES,
    ),
    Mutant(
        "prelu: slope gets no gradient", ("no gradient",),
        prelu, prelu_right, prelu_fixed,
        lambda rng: (*away((4, 3))(rng), *positive((3,))(rng)),
    ),
    Mutant(
        "softmax cross entropy: cotangent ignored", ("cotangent ignored",),
        cross_entropy, cross_entropy_right, lambda g, x: cross_entropy_right(np.ones(()), x),
        normal((4, 3)),
    ),
    Mutant(
        "softmax cross entropy: backward in float32", ("float32 inside",),
        cross_entropy, cross_entropy_right, cross_entropy_float32, normal((4, 3)),
    ),
)  # fmt: skip
