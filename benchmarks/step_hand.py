"""The training steps with the derivatives worked out on paper, on buffers made once.

What an engine on numpy can hope for: the products with the inputs of a recurrence stand before
its loop, those for the weights' gradients after it, and results go where there is room (`out=`).
Each function gives the step and its matrix products alone, without which no step on numpy's
matrix product can be: a floor, not a peer.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np

from benchmarks.harness import Step

__all__ = ["diamond", "elman", "gru", "mlp", "network"]

Pair: TypeAlias = tuple[Step, Callable[[], object]]


def mlp(parameters: list[Any], data: list[Any], rate: float, activation: str) -> Pair:
    """Layers of (W, b), softmax cross-entropy and an update."""
    (x, target), count = data, len(data[0])
    layers = [*zip(parameters[::2], parameters[1::2], strict=True)]
    hs = [x, *(np.empty((count, len(b)), x.dtype) for _, b in layers)]
    ds = [np.empty_like(h) for h in hs[:-1]]
    gradients, ones = [np.empty_like(p) for p in parameters], np.ones(count, x.dtype)

    def step() -> list[Any]:
        for (W, b), (h, out) in zip(layers, pairwise(hs), strict=True):
            np.matmul(h, W.T, out)
            out += b
            if out is not hs[-1]:
                np.tanh(out, out) if activation == "tanh" else np.maximum(out, 0, out=out)
        value, d = _cross_entropy(hs[-1], target), hs[-1]
        for i in reversed(range(len(layers))):
            np.matmul(d.T, hs[i], gradients[2 * i])
            np.matmul(ones, d, gradients[2 * i + 1])
            if i:
                d = np.matmul(d, layers[i][0], ds[i])
                d *= 1 - hs[i] * hs[i] if activation == "tanh" else hs[i] > 0
        _descend(parameters, gradients, rate)
        return [value, *parameters]

    def products() -> None:
        for i, (W, _) in enumerate(layers):
            np.matmul(hs[i], W.T, hs[i + 1])
            np.matmul(hs[i + 1].T, hs[i], gradients[2 * i])
            if i:
                np.matmul(hs[i + 1], W, ds[i])

    return step, products


class _Language:
    """What the two recurrent networks share; `G` counts the gates."""

    def __init__(self, parameters: list[Any], data: list[Any], rate: float, gates: int) -> None:
        self.parameters, self.rate = parameters, rate
        self.E, self.V, self.c, self.W, self.U, self.b = parameters[:6]
        ids, self.target, h = data
        self.ids, (T, (B, H)) = ids.ravel(), (len(ids), h.shape)
        make = np.zeros  # not empty, so that products alone have numbers to work on

        self.X, self.hs = make((T * B, H), h.dtype), make((T + 1, B, H), h.dtype)
        self.hs[0] = h
        self.A, self.dA, self.dG = (make((T, B, gates * H), h.dtype) for _ in range(3))
        self.G, self.d, self.UT = make((B, gates * H), h.dtype), make((B, H), h.dtype), self.U.T
        self.logits, self.dhs = make((T * B, len(self.c)), h.dtype), make((T, B, H), h.dtype)
        self.gradients = [np.empty_like(p) for p in parameters[1:]]
        self.dX, self.ones = make((T * B, H), h.dtype), np.ones(T * B, h.dtype)
        self.T, self.H = T, H

    def step(self) -> list[Any]:
        np.take(self.E, self.ids, 0, self.X, "clip")  # "raise" makes a buffer of its own
        self.UT = np.ascontiguousarray(self.U.T)
        self.inputs()
        self.A += self.b
        self.forward()
        self.scores()
        self.logits += self.c
        value = _cross_entropy(self.logits, self.target)
        self.states()
        self.backward()
        self.weights()
        self.sums()
        self.update()
        return [value, *self.parameters]

    def products(self) -> None:
        self.inputs()
        for h in self.hs[:-1]:
            np.matmul(h, self.UT, self.G)
        self.scores()
        self.states()
        for g in self.dG:
            np.matmul(g, self.U, self.d)
        self.weights()

    def inputs(self) -> None:
        np.matmul(self.X, self.W.T, self.flat(self.A))

    def scores(self) -> None:
        np.matmul(self.flat(self.hs[1:]), self.V.T, self.logits)

    def states(self) -> None:
        np.matmul(self.logits, self.V, self.flat(self.dhs))

    def weights(self) -> None:
        dV, _, dW, dU = self.gradients[:4]
        np.matmul(self.logits.T, self.flat(self.hs[1:]), dV)
        np.matmul(self.flat(self.dA).T, self.X, dW)
        np.matmul(self.flat(self.dG).T, self.flat(self.hs[:-1]), dU)
        np.matmul(self.flat(self.dA), self.W, self.dX)

    def sums(self) -> None:
        np.matmul(self.ones, self.logits, self.gradients[1])
        np.matmul(self.ones, self.flat(self.dA), self.gradients[4])

    def update(self) -> None:
        """Of the embedding only the rows that were used, each once."""
        order = np.argsort(self.ids, kind="stable")
        words, starts = np.unique(self.ids[order], return_index=True)
        self.E[words] -= self.rate * np.add.reduceat(self.dX[order], starts)
        _descend(self.parameters[1:], self.gradients, self.rate)

    @staticmethod
    def flat(x: Any) -> Any:
        return x.reshape(-1, x.shape[-1])

    def forward(self) -> None:
        raise NotImplementedError

    def backward(self) -> None:
        raise NotImplementedError


class _Elman(_Language):
    def forward(self) -> None:
        for h, a, out in zip(self.hs, self.A, self.hs[1:], strict=False):
            np.matmul(h, self.UT, self.G)
            np.add(a, self.G, out)
            np.tanh(out, out)

    def backward(self) -> None:
        slope, later = 1 - self.hs[1:] * self.hs[1:], self.d
        later[...] = 0
        for t in reversed(range(self.T)):
            later += self.dhs[t]
            np.multiply(later, slope[t], self.dA[t])
            np.matmul(self.dA[t], self.U, later)


class _GRU(_Language):
    """Gates in torch's order: r, z, n."""

    def __init__(self, parameters: list[Any], data: list[Any], rate: float) -> None:
        super().__init__(parameters, data, rate, gates=3)
        self.cn = parameters[6]
        T, B, H = self.dhs.shape
        dtype = self.dhs.dtype
        self.rz, self.inner = np.empty((T, B, 2 * H), dtype), np.empty((T, B, H), dtype)
        self.n, self.gap = np.empty((T, B, H), dtype), np.empty((T, B, H), dtype)
        self.dh = np.empty((B, H), dtype)

    def forward(self) -> None:
        H, G = self.H, self.G
        for t in range(self.T):
            a, rz, h, n, gap = self.A[t], self.rz[t], self.hs[t], self.n[t], self.gap[t]
            np.matmul(h, self.UT, G)
            G += self.cn
            np.add(a[:, : 2 * H], G[:, : 2 * H], rz)
            rz *= 0.5  # sigmoid(x) = tanh(x / 2) / 2 + 1 / 2
            np.tanh(rz, rz)
            rz *= 0.5
            rz += 0.5
            self.inner[t] = G[:, 2 * H :]
            np.multiply(rz[:, :H], self.inner[t], n)
            n += a[:, 2 * H :]
            np.tanh(n, n)
            np.subtract(h, n, gap)
            np.multiply(rz[:, H:], gap, self.hs[t + 1])
            self.hs[t + 1] += n

    def backward(self) -> None:
        H, later, dh, z = self.H, self.d, self.dh, self.rz[:, :, self.H :]
        slopes = self.rz * (1 - self.rz)
        to_n, to_z = (1 - z) * (1 - self.n * self.n), self.gap * slopes[:, :, H:]
        to_r = self.inner * slopes[:, :, :H]
        later[...], dh[...] = 0, 0
        for t in reversed(range(self.T)):
            later += dh
            later += self.dhs[t]
            dA, dG = self.dA[t], self.dG[t]
            dn = np.multiply(later, to_n[t], dA[:, 2 * H :])
            np.multiply(dn, to_r[t], dA[:, :H])
            np.multiply(later, to_z[t], dA[:, H : 2 * H])
            dG[:, : 2 * H] = dA[:, : 2 * H]
            np.multiply(dn, self.rz[t, :, :H], dG[:, 2 * H :])
            np.matmul(dG, self.U, dh)
            later *= z[t]

    def sums(self) -> None:
        super().sums()
        np.matmul(self.ones, self.flat(self.dG), self.gradients[5])


def elman(parameters: list[Any], data: list[Any], rate: float) -> Pair:
    """Embedding, Elman cells, logits, cross-entropy and an update."""
    made = _Elman(parameters, data, rate, gates=1)
    made.dG = made.dA  # W x and U h have the same gradient
    return made.step, made.products


def gru(parameters: list[Any], data: list[Any], rate: float) -> Pair:
    """The same with gated recurrent units."""
    made = _GRU(parameters, data, rate)
    return made.step, made.products


def diamond(parameters: list[Any], data: list[Any], steps: int) -> Step:
    """u = x a, v = x + b, x' = u v, and back with ones."""
    (x,), (a, b) = parameters, data
    us, vs, xs = (np.empty((steps, *x.shape), x.dtype) for _ in range(3))
    g, gu, gv = (np.empty_like(x) for _ in range(3))

    def step() -> list[Any]:
        value = x
        for u, v, out in zip(us, vs, xs, strict=True):
            np.multiply(value, a, u)
            np.add(value, b, v)
            value = np.multiply(u, v, out)
        g[...] = 1
        for u, v in zip(us[::-1], vs[::-1], strict=True):
            np.multiply(g, v, gu)
            np.multiply(g, u, gv)
            np.multiply(gu, a, g)
            np.add(g, gv, g)
        return [value.sum(), g]

    return step


def network(parameters: list[Any], data: list[Any], layers: tuple[int, ...]) -> Step:
    """Neurons of (weights, bias), relu between the layers, sum of squared errors."""
    (flat,), (x, y, target), gradient = parameters, data, np.empty_like(parameters[0])
    sizes = [(n, m + 1) for m, n in pairwise(layers)]
    weights, gradients = _matrices(flat, sizes), _matrices(gradient, sizes)
    points = np.stack([x, y], 1)

    def step() -> list[Any]:
        hs = [points]
        for W in weights:
            out = hs[-1] @ W[:, :-1].T + W[:, -1]
            hs.append(np.maximum(out, 0, out=out) if W is not weights[-1] else out)
        error = hs.pop() - target[:, None]
        d = 2 * error
        for W, g, h in zip(weights[::-1], gradients[::-1], hs[::-1], strict=True):
            np.matmul(d.T, h, g[:, :-1])
            np.sum(d, 0, out=g[:, -1])
            d = d @ W[:, :-1] * (h > 0)
        return [np.sum(error * error), gradient]

    return step


def _matrices(flat: Any, sizes: list[tuple[int, int]]) -> list[Any]:
    """Views of it, one after the other."""
    ends = np.cumsum([n * m for n, m in sizes])
    return [part.reshape(size) for part, size in zip(np.split(flat, ends[:-1]), sizes, strict=True)]


def _cross_entropy(logits: Any, target: Any) -> Any:
    """The mean over the rows; the logits become its gradient by them."""
    rows = np.arange(len(target))
    logits -= logits.max(1, keepdims=True)
    correct = logits[rows, target]
    total = np.exp(logits, logits).sum(1, keepdims=True)
    value = np.mean(np.log(total[:, 0]) - correct)
    logits /= total * len(target)
    logits[rows, target] -= 1 / len(target)
    return value


def _descend(parameters: list[Any], gradients: list[Any], rate: float) -> None:
    for parameter, gradient in zip(parameters, gradients, strict=True):
        gradient *= rate
        parameter -= gradient
