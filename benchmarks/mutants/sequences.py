"""Wrong gradients of recurrent steps and of attention."""

from __future__ import annotations

from functools import partial

import numpy as np

from benchmarks.mutants.mutant import Array, Mutant, normal

__all__ = ["MUTANTS"]


def sigmoid(x: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-x))


def rnn_states(xs: Array, h: Array, W: Array) -> list[Array]:
    states = [h]
    for x in xs:
        states.append(np.tanh(x + states[-1] @ W))
    return states


def rnn(xs: Array, h: Array, W: Array) -> Array:
    """Last state of a plain recurrent network; xs is steps by batch by units."""
    return rnn_states(xs, h, W)[-1]


def rnn_vjp(
    g: Array, xs: Array, h: Array, W: Array,
    every_step: bool = True, factor: bool = True,
) -> tuple[Array, Array, Array]:  # fmt: skip
    """Differentiate `rnn`; each flag that is False leaves one thing out."""
    states, dxs, dW = rnn_states(xs, h, W), np.zeros_like(xs), np.zeros_like(W)
    last = len(xs) - 1
    for t in range(last, -1, -1):
        dxs[t] = g * (1.0 - states[t + 1] ** 2) if factor else g
        if every_step or t == last:
            dW += states[t].T @ dxs[t]
        g = dxs[t] @ W.T
    return dxs, g, dW


def lstm_gates(a: Array) -> tuple[Array, Array, Array, Array]:
    i, f, o, u = np.split(a, 4, axis=1)
    return sigmoid(i), sigmoid(f), sigmoid(o), np.tanh(u)


def lstm(a: Array, c: Array) -> Array:
    """One step, from the four sums before the gates and the cell: the state beside the new cell."""
    i, f, o, u = lstm_gates(a)
    c = f * c + i * u
    return np.concatenate([o * np.tanh(c), c], axis=1)


def lstm_vjp(g: Array, a: Array, c: Array, cell: bool = True) -> tuple[Array, Array]:
    i, f, o, u = lstm_gates(a)
    t = np.tanh(f * c + i * u)
    dh, dc = np.split(g, 2, axis=1)
    dc = dh * o * (1.0 - t * t) + (dc if cell else 0.0)
    into_gates = [dc * u * i * (1.0 - i), dc * c * f * (1.0 - f), dh * t * o * (1.0 - o)]
    return np.concatenate([*into_gates, dc * i * (1.0 - u * u)], axis=1), dc * f


def gru(a: Array, h: Array, U: Array) -> Array:
    """One step, from the three sums that the input adds to."""
    z, r, n = np.split(a, 3, axis=1)
    z, r = sigmoid(z), sigmoid(r + h)
    return (1.0 - z) * np.tanh(n + (r * h) @ U) + z * h


def gru_vjp(
    g: Array, a: Array, h: Array, U: Array, reset: bool = True, gate: float = 1.0
) -> tuple[Array, Array, Array]:
    z, r, n = np.split(a, 3, axis=1)
    z, r = sigmoid(z), sigmoid(r + h)
    n = np.tanh(n + (r * h) @ U)
    dn = g * (1.0 - z) * (1.0 - n * n)
    product = dn @ U.T
    dr = product * h * r * (1.0 - r)
    da = np.concatenate([gate * g * (h - n) * z * (1.0 - z), dr, dn], axis=1)
    return da, g * z + dr + (product * r if reset else 0.0), (r * h).T @ dn


def weights(q: Array, k: Array) -> Array:
    s = q @ k.T / np.sqrt(q.shape[1])
    e = np.exp(s - s.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def attention(q: Array, k: Array, v: Array) -> Array:
    return weights(q, k) @ v


def attention_vjp(
    g: Array, q: Array, k: Array, v: Array,
    scaled: bool = True, transpose: bool = True,
) -> tuple[Array, Array, Array]:  # fmt: skip
    p, d = weights(q, k), g @ v.T
    ds = p * (d - (d * p).sum(axis=1, keepdims=True))
    ds = ds / np.sqrt(q.shape[1]) if scaled else ds
    return ds @ k, (ds.T if transpose else ds) @ q, p.T @ g


def self_attention(x: Array) -> Array:
    return attention(x, x, x)


def self_attention_right(g: Array, x: Array) -> Array:
    dq, dk, dv = attention_vjp(g, x, x, x)
    return dq + dk + dv


def keys_forgotten(g: Array, x: Array) -> Array:
    dq, _, dv = attention_vjp(g, x, x, x)
    return dq + dv


STEPS = normal((3, 2, 4), (2, 4), (4, 4))

MUTANTS = (
    Mutant(
        "rnn: gradient of W from the last step only", ("dropped path",),
        rnn, rnn_vjp, partial(rnn_vjp, every_step=False), STEPS,
    ),
    Mutant(
        "rnn: 1 - h**2 missing", ("missing local factor",),
        rnn, rnn_vjp, partial(rnn_vjp, factor=False), STEPS,
    ),
    Mutant(
        "lstm: cotangent of the cell forgotten", ("dropped path",),
        lstm, lstm_vjp, partial(lstm_vjp, cell=False), normal((2, 12), (2, 3)),
    ),
    Mutant(
        "gru: path through the reset gate's product forgotten", ("dropped path",),
        gru, gru_vjp, partial(gru_vjp, reset=False), normal((2, 9), (2, 3), (3, 3)),
    ),
    Mutant(
        "gru: update gate with the wrong sign", ("sign",),
        gru, gru_vjp, partial(gru_vjp, gate=-1.0), normal((2, 9), (2, 3), (3, 3)),
    ),
    Mutant(
        "attention: 1 / sqrt(d) forgotten", ("constant factor",),
        attention, attention_vjp, partial(attention_vjp, scaled=False),
        normal((2, 3), (4, 3), (4, 5)),
    ),
    Mutant(
        "attention: scores not transposed for the keys", ("missing transpose",),
        attention, attention_vjp, partial(attention_vjp, transpose=False),
        normal((3, 4), (3, 4), (3, 2)),
    ),
    Mutant(
        "self-attention: use as keys forgotten", ("dropped path",),
        self_attention, self_attention_right, keys_forgotten, normal((3, 4)),
    ),
)  # fmt: skip
