"""The published step rules in plain numpy, x after the gradients gs, beside ours."""

from __future__ import annotations

import numpy as np
import pytest

import autodiff as ad
from autodiff import optim

__all__ = ["draw", "each_case", "each_rule", "leaf", "steps"]


def sgd(x, gs, lr, momentum=0.0, nesterov=False, weight_decay=0.0):
    v = 0 * x
    for g in gs:
        g = g + weight_decay * x
        v = momentum * v - lr * g
        x = x + (momentum * v - lr * g if nesterov else v)
    return x


def adagrad(x, gs, lr, eps=1e-10):
    total = 0 * x
    for g in gs:
        total = total + g**2
        x = x - lr * g / (np.sqrt(total) + eps)
    return x


def rmsprop(x, gs, lr, decay=0.9, eps=1e-8):
    mean = 0 * x
    for g in gs:
        mean = decay * mean + (1 - decay) * g**2
        x = x - lr * g / (np.sqrt(mean) + eps)
    return x


def adam(x, gs, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    m, v = 0 * x, 0 * x
    b1, b2 = betas
    for n, g in enumerate(gs, 1):
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
        m_hat, v_hat = m / (1 - b1**n), v / (1 - b2**n)
        x = x - lr * (m_hat / (np.sqrt(v_hat) + eps) + weight_decay * x)
    return x


def adamw(x, gs, lr, weight_decay=0.01, **settings):
    return adam(x, gs, lr, weight_decay=weight_decay, **settings)


CASES = [
    (optim.SGD, sgd, {"lr": 0.1}),
    (optim.SGD, sgd, {"lr": 0.1, "weight_decay": 0.3}),
    (optim.SGD, sgd, {"lr": 0.1, "momentum": 0.9}),
    (optim.SGD, sgd, {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    (optim.SGD, sgd, {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.3}),
    (optim.Adagrad, adagrad, {"lr": 0.1}),
    (optim.Adagrad, adagrad, {"lr": 0.1, "eps": 0.5}),
    (optim.RMSProp, rmsprop, {"lr": 0.1}),
    (optim.RMSProp, rmsprop, {"lr": 0.1, "decay": 0.5, "eps": 0.5}),
    (optim.Adam, adam, {"lr": 0.1}),
    (optim.Adam, adam, {"lr": 0.1, "betas": (0.5, 0.9), "eps": 0.5}),
    (optim.AdamW, adamw, {"lr": 0.1}),
    (optim.AdamW, adamw, {"lr": 0.1, "weight_decay": 0.5, "eps": 0.5}),
]
IDS = [f"{rule.__name__} {' '.join(list(settings)[1:])}".strip() for rule, _, settings in CASES]

each_case = pytest.mark.parametrize(("rule", "formula", "settings"), CASES, ids=IDS)
each_rule = pytest.mark.parametrize(
    ("rule", "settings"), [(rule, settings) for rule, _, settings in CASES], ids=IDS
)


def leaf(value, dtype=None):
    return ad.Tensor(value, requires_grad=True, dtype=dtype)


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def steps(optimizer, gradients):
    """Step with each of `gradients` as the gradient of the one parameter."""
    (parameter,) = optimizer.params
    for gradient in gradients:
        parameter.grad = gradient
        optimizer.step()
