"""Wrong gradients, each with the words for what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]


class Wrong(NamedTuple):
    """A wrong gradient and what is to be said of it; each of several words is right."""

    name: str
    kinds: tuple[str, ...]
    f: Callable[..., Any]
    vjp: Callable[..., Any]
    inputs: tuple[Array, ...]


def draw(*shape: int, seed: int = 0) -> Array:
    return np.asarray(np.random.default_rng(seed).normal(size=shape))


def positive(*shape: int, seed: int = 0) -> Array:
    return np.asarray(np.random.default_rng(seed).uniform(0.5, 2.0, shape))


# ---- functions of single entries


def softplus(x: Array) -> Array:
    return np.log(1 + np.exp(x))


def smooth_abs(x: Array) -> Array:
    return np.sqrt(x * x + 1e-2)


def gaussian(x: Array, mu: Array, s: Array) -> Array:
    return np.asarray(np.sum(-0.5 * ((x - mu) / s) ** 2 - np.log(s)))


def gaussian_vjp(g: Array, x: Array, mu: Array, s: Array, log: float = 1, mean: float = 1) -> Any:
    z = (x - mu) / s
    return -g * z / s, mean * g * z / s, g * (z * z / s - log / s)


def squares_about_mean(x: Array) -> Array:
    return np.asarray(np.sum((x - x.mean()) ** 2))


def in_float32(g: Array, x: Array) -> Array:
    x = x.astype(np.float32)
    return g * 2 * (x - x.mean()).astype(np.float64)


def odd_one_out(g: Array, x: Array) -> Array:
    out = g * np.cos(x)
    out[-1] = 0
    return out


ELEMENTWISE = [
    Wrong("softplus: 1 + exp(x) missing", ("missing local factor",),
          softplus, lambda g, x: g * np.exp(x), (draw(2, 3),)),
    Wrong("abs: sign missing", ("missing local factor",),
          np.abs, lambda g, x: g.copy(), (draw(6),)),
    Wrong("arctan: derivative at the result", ("derivative at the result",),
          np.arctan, lambda g, x: g / (1 + np.arctan(x) ** 2), (draw(5),)),
    Wrong("smooth abs: epsilon left out", ("epsilon",),
          smooth_abs, lambda g, x: g * np.sign(x), (draw(2, 4),)),
    Wrong("reciprocal: 1e-4 in the denominator", ("epsilon",),
          lambda x: 1 / x, lambda g, x: -g / (x + 1e-4) ** 2, (positive(3, 2),)),
    Wrong("density: log of the scale forgotten", ("dropped path",),
          gaussian, partial(gaussian_vjp, log=0), (draw(4), draw(4, seed=1), positive(4))),
    Wrong("density: sign of the mean", ("sign", "constant factor"),
          gaussian, partial(gaussian_vjp, mean=-1), (draw(4), draw(4, seed=1), positive(4))),
    Wrong("squares about the mean: in float32", ("float32 inside",),
          squares_about_mean, in_float32, (draw(3, 4) + 100,)),
    Wrong("sin: the loop stops before the last entry", ("few entries",),
          np.sin, odd_one_out, (draw(40),)),
]  # fmt: skip


# ---- sums, axes and places


def share(w: Array) -> Array:
    return w / w.sum()


def rms_norm(x: Array, gain: Array) -> Array:
    return gain * x / np.sqrt((x * x).mean(axis=1, keepdims=True) + 1e-3)


def rms_norm_constant(g: Array, x: Array, gain: Array) -> Any:
    rms = np.sqrt((x * x).mean(axis=1, keepdims=True) + 1e-3)
    return g * gain / rms, (g * x / rms).sum(axis=0)


def standardised(x: Array, gain: Array) -> Array:
    d = x - x.mean(axis=1, keepdims=True)
    return gain * d / np.sqrt((d * d).mean(axis=1, keepdims=True))


def standardised_vjp(g: Array, x: Array, gain: Array) -> Any:
    d = x - x.mean(axis=1, keepdims=True)
    s = np.sqrt((d * d).mean(axis=1, keepdims=True))
    y, t = d / s, g * gain
    mean = t.mean(axis=1, keepdims=True) + y * (t * y).mean(axis=1, keepdims=True)
    return (t - mean) / s, (g * d).sum(axis=0)


def softmax(x: Array, axis: int = -1) -> Any:
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def softmax_vjp(g: Array, x: Array, axis: int) -> Array:
    y = softmax(x, axis)
    return y * (g - (g * y).sum(axis=axis, keepdims=True))


def product_vjp(g: Array, x: Array) -> Array:
    return g[:, None] * np.prod(x, axis=1, keepdims=True) * np.ones_like(x)


PLACES = np.array([2, 0, 2, 1])


def weighted(x: Array, w: Array) -> Array:
    return x[PLACES] * w


def weighted_vjp(g: Array, x: Array, w: Array) -> Any:
    dx = np.zeros_like(x)
    dx[PLACES] = g * w
    return dx, g * x[PLACES]


def differences(x: Array) -> Array:
    return x[1:] - x[:-1]


ARRAYS = [
    Wrong("prod: not divided by the entry", ("missing local factor",),
          lambda x: np.prod(x, axis=1), product_vjp, (draw(3, 4),)),
    Wrong("var: 2 forgotten", ("constant factor",),
          lambda x: x.var(axis=0), lambda g, x: g * (x - x.mean(axis=0)) / 5, (draw(5, 3),)),
    Wrong("outer: summed along the other axis", ("wrong reduction",),
          lambda x, y: x[:, None] * y, lambda g, x, y: (g @ y, (g * x[:, None]).sum(axis=1)),
          (draw(4), draw(4, seed=1))),
    Wrong("share: the sum taken as a constant", ("dropped path",),
          share, lambda g, w: g / w.sum(), (positive(5),)),
    Wrong("rms norm: the norm taken as a constant", ("dropped path",),
          rms_norm, rms_norm_constant, (draw(3, 4), draw(4, seed=1))),
    Wrong("softmax: along the other axis", ("wrong reduction",),
          softmax, partial(softmax_vjp, axis=0), (draw(3, 4),)),
    Wrong("weighted rows: a row taken twice is overwritten", ("duplicate index",),
          weighted, weighted_vjp, (draw(4, 3), draw(4, 3, seed=1))),
    Wrong("cumsum along rows: not reversed", ("permuted",),
          lambda x: np.cumsum(x, axis=1), lambda g, x: np.cumsum(g, axis=1), (draw(3, 4),)),
    Wrong("roll: rolled on instead of back", ("permuted",),
          lambda x: np.roll(x, 1), lambda g, x: np.roll(g, 1), (draw(5),)),
    Wrong("differences: what is subtracted forgotten", ("dropped path",),
          differences, lambda g, x: np.concatenate([[0.0], g]), (draw(6),)),
    Wrong("layer norm: gain times what is not yet scaled", ("missing local factor",),
          standardised, standardised_vjp, (draw(3, 4), draw(4, seed=1))),
    Wrong("gain over batch and time: only the first of the batch", ("wrong reduction",),
          lambda x, b: x * b, lambda g, x, b: (g * b, (g * x)[0].sum(axis=0)),
          (draw(2, 3, 4), draw(4, seed=1))),
    Wrong("divergence: p outside the logarithm forgotten", ("dropped path",),
          lambda p, q: np.asarray(np.sum(p * np.log(p / q))),
          lambda g, p, q: (g * np.log(p / q), -g * p / q), (positive(4), positive(4, seed=1))),
    Wrong("mean: not divided", ("constant factor",),
          lambda x: np.asarray(np.mean(x**2)), lambda g, x: 2 * g * x, (draw(3, 2),)),
]  # fmt: skip


# ---- products of matrices


def batched_vjp(g: Array, a: Array, b: Array) -> Any:
    return np.einsum("bik,bjk->bij", g, b), np.einsum("bji,bik->bjk", a, g)


def distances(x: Array, y: Array) -> Array:
    return np.asarray(((x[:, None] - y) ** 2).sum(axis=2))


def distances_vjp(g: Array, x: Array, y: Array) -> Any:
    d = 2 * g[:, :, None] * (x[:, None] - y)
    return d.sum(axis=1), d.sum(axis=0)


def convolution(x: Array, w: Array) -> Array:
    return np.convolve(x, w, "valid")


def convolution_vjp(g: Array, x: Array, w: Array) -> Any:
    return np.convolve(g, w), np.convolve(x[::-1], g, "valid")


PRODUCTS = [
    Wrong("einsum: first factor not transposed", ("missing transpose",),
          lambda a, b: np.einsum("bij,bjk->bik", a, b), batched_vjp,
          (draw(2, 3, 3), draw(2, 3, 4, seed=1))),
    Wrong("trace of a product: not transposed", ("missing transpose", "result transposed"),
          lambda a, b: np.asarray(np.trace(a @ b)), lambda g, a, b: (g * b, g * a.T),
          (draw(3, 3), draw(3, 3, seed=1))),
    Wrong("log det: inverse not transposed", ("missing transpose", "result transposed"),
          lambda a: np.asarray(np.linalg.slogdet(a)[1]), lambda g, a: g * np.linalg.inv(a),
          (draw(3, 3) + 3 * np.eye(3),)),
    Wrong("bilinear form: x meets the wrong side", ("missing transpose",),
          lambda x, w, y: x @ w @ y,
          lambda g, x, w, y: (g * (w.T @ y), g * np.outer(x, y), g * (x @ w)),
          (draw(3), draw(3, 3, seed=1), draw(3, seed=2))),
    Wrong("squared distances: sign of the second points", ("sign", "constant factor"),
          distances, distances_vjp, (draw(3, 2), draw(4, 2, seed=1))),
    Wrong("convolution: kernel not flipped back", ("permuted",),
          convolution, convolution_vjp, (draw(7), draw(3, seed=1))),
]  # fmt: skip


# ---- networks


def network(x: Array, w: Array, u: Array) -> Array:
    return np.maximum(x @ w, 0.0) @ u


def network_without_mask(g: Array, x: Array, w: Array, u: Array) -> Any:
    h = np.maximum(x @ w, 0.0)
    return g @ u.T @ w.T, x.T @ (g @ u.T), h.T @ g


def deep(x: Array, w: Array, u: Array) -> Array:
    h = np.tanh(x @ w)
    return np.tanh(h @ u)


def deep_without_derivatives(g: Array, x: Array, w: Array, u: Array) -> Any:
    h = np.tanh(x @ w)
    return g @ u.T @ w.T, x.T @ (g @ u.T), h.T @ g


def deep_at_sums(g: Array, x: Array, w: Array, u: Array) -> Any:
    s, y = x @ w, deep(x, w, u)
    d = g * (1 - y * y)
    inner = d @ u.T * (1 - s * s)
    return inner @ w.T, x.T @ inner, np.tanh(s).T @ d


def residual(x: Array, w: Array) -> Array:
    return x + np.tanh(x @ w)


def residual_without_skip(g: Array, x: Array, w: Array) -> Any:
    d = g * (1 - np.tanh(x @ w) ** 2)
    return d @ w.T, x.T @ d


def ridge(w: Array, x: Array, y: Array) -> Array:
    return np.asarray(np.mean((x @ w - y) ** 2) + 0.3 * np.sum(w * w))


def ridge_unregularised(g: Array, w: Array, x: Array, y: Array) -> Any:
    r = 2 * g * (x @ w - y) / len(y)
    return x.T @ r, np.outer(r, w), -r


def average(h: Array, a: Array, xs: Array) -> Array:
    for x in xs:
        h = a * h + (1 - a) * x
    return h


def average_vjp(g: Array, h: Array, a: Array, xs: Array) -> Any:
    states = [average(h, a, xs[:t]) for t in range(len(xs))]
    da, dxs = np.zeros_like(a), np.zeros_like(xs)
    for t in reversed(range(len(xs))):
        da = da + g * states[t]
        dxs[t] = g * (1 - a)
        g = g * a
    return g, da, dxs


def attention(q: Array, k: Array, v: Array) -> Array:
    return softmax(q @ k.T / np.sqrt(q.shape[1])) @ v


def attention_vjp(
    g: Array, q: Array, k: Array, v: Array, turned: bool = True, whole: bool = True
) -> Any:
    p, d = softmax(q @ k.T / np.sqrt(q.shape[1])), g @ v.T
    ds = p * (d - (d * p).sum(axis=1, keepdims=True) * whole) / np.sqrt(q.shape[1])
    return ds @ k, ds.T @ q, (p.T if turned else p) @ g


def sigmoid(x: Array) -> Any:
    return 1 / (1 + np.exp(-x))


def gated(x: Array, w: Array, u: Array) -> Any:
    return sigmoid(sigmoid(x @ w) @ u)


def gated_with_plus(g: Array, x: Array, w: Array, u: Array) -> Any:
    h, y = sigmoid(x @ w), gated(x, w, u)
    d = g * y * (1 + y)
    inner = d @ u.T * h * (1 + h)
    return inner @ w.T, x.T @ inner, h.T @ d


def cell(a: Array, f: Array, c: Array) -> tuple[Array, Array]:
    new = sigmoid(f) * c + np.tanh(a)
    return np.tanh(new), new


def cell_forgotten(g: tuple[Array, Array], a: Array, f: Array, c: Array) -> Any:
    s, u = sigmoid(f), np.tanh(a)
    d = g[0] * (1 - np.tanh(s * c + u) ** 2)
    return d * (1 - u * u), d * c * s * (1 - s), d * s


def scores(q: Array, k: Array) -> Array:
    return np.asarray(np.einsum("qhd,khd->hqk", q, k))


def scores_vjp(g: Array, q: Array, k: Array) -> Any:
    return np.einsum("hqk,khd->qhd", g, k), np.einsum("hqk,khd->qhd", g, q)


NETWORKS = [
    Wrong("sigmoids: 1 + y for 1 - y", ("sign", "missing local factor"),
          gated, gated_with_plus, (draw(2, 3), draw(3, 4, seed=1), draw(4, 2, seed=2))),
    Wrong("cell: cotangent of the second result left out", ("dropped path",),
          cell, cell_forgotten, (draw(2, 3), draw(2, 3, seed=1), draw(2, 3, seed=2))),
    Wrong("heads: queries in the place of keys", ("missing transpose",),
          scores, scores_vjp, (draw(3, 2, 3), draw(3, 2, 3, seed=1))),
    Wrong("network: mask of the hidden layer forgotten", ("leak",),
          network, network_without_mask, (draw(4, 3), draw(3, 5, seed=1), draw(5, 2, seed=2))),
    Wrong("network: no derivative of any tanh", ("missing local factor",),
          deep, deep_without_derivatives, (draw(4, 3), draw(3, 5, seed=1), draw(5, 2, seed=2))),
    Wrong("network: formula in the result given the sum", ("derivative at the result",),
          deep, deep_at_sums, (draw(4, 3), draw(3, 5, seed=1), draw(5, 2, seed=2))),
    Wrong("residual: the skip forgotten", ("dropped path",),
          residual, residual_without_skip, (draw(2, 3), draw(3, 3, seed=1))),
    Wrong("ridge: the penalty forgotten", ("dropped path",),
          ridge, ridge_unregularised, (draw(3), draw(5, 3, seed=1), draw(5, seed=2))),
    Wrong("moving average: 1 - a taken as a constant at every step", ("dropped path",),
          average, average_vjp, (draw(3), positive(3), draw(4, 3, seed=1))),
    Wrong("attention: weights not transposed for the values", ("missing transpose",),
          attention, partial(attention_vjp, turned=False),
          (draw(3, 4), draw(3, 4, seed=1), draw(3, 2, seed=2))),
    Wrong("attention: softmax without its sum", ("dropped path",),
          attention, partial(attention_vjp, whole=False),
          (draw(3, 4), draw(2, 4, seed=1), draw(2, 5, seed=2))),
]  # fmt: skip

WRONG = [*ELEMENTWISE, *ARRAYS, *PRODUCTS, *NETWORKS]
