"""Affine maps, softmax, losses, lookups, dropout and normalisation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.ops.sample import Sample

_rng = np.random.default_rng(12)


def draw(*shape: int) -> np.ndarray:
    return _rng.normal(size=shape)


def linear(x: Any, W: Any, b: Any = 0.0) -> Any:
    return np.matmul(x, W.T) + b


def softmax(x: Any, axis: int = -1) -> Any:
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


def log_softmax(x: Any, axis: int = -1) -> Any:
    return np.log(softmax(x, axis))


def check(x: Any, y: Any) -> None:
    if np.shape(x) != np.shape(y):
        raise ValueError("shapes differ")


def reduced(loss: Any, reduction: str = "mean", mask: Any = None) -> Any:
    weights = np.ones(loss.shape) if mask is None else np.array(mask, float)
    check(weights, loss)
    if reduction == "none":
        return loss * weights
    return np.sum(loss * weights) / (np.sum(weights) if reduction == "mean" else 1)


def cross_entropy(x: Any, target: Any, axis: int = -1, **kwargs: Any) -> Any:
    target = np.asarray(target)
    if not x.ndim:
        raise ValueError("no classes")
    if target.dtype.kind != "f" and target.ndim < x.ndim:
        classes = np.moveaxis(np.eye(x.shape[axis])[target], -1, axis)
    else:
        classes = target
    check(x, classes)
    return reduced(-np.sum(classes * log_softmax(x, axis), axis=axis), **kwargs)


def softmax_cross_entropy(x: Any, target: Any, axis: int = -1, reduction: str = "mean") -> Any:
    return cross_entropy(x, target, axis, reduction=reduction), softmax(x, axis)


def standardize(x: Any, axis: Any = -1, eps: float = 1e-5) -> Any:
    centred = x - np.mean(x, axis=axis, keepdims=True)
    rate = (np.mean(centred * centred, axis=axis, keepdims=True) + eps) ** -0.5
    return centred * rate, rate


def layer_norm(x: Any, scale: Any = 1.0, shift: Any = 0.0, **kwargs: Any) -> Any:
    return standardize(x, **kwargs)[0] * scale + shift


def logistic_loss(x: Any, y: Any) -> Any:
    return np.log(1 + np.exp(x)) - x * y


def binary_cross_entropy(x: Any, y: Any, **kwargs: Any) -> Any:
    check(x, y)
    return reduced(np.asarray(logistic_loss(x, y)), **kwargs)


def of_difference(f: Callable[[Any], Any]) -> Callable[..., Any]:
    return lambda x, y, **kwargs: reduced(np.asarray(f(x - y)), **kwargs)


def huber(x: Any, y: Any, delta: float = 1.0, **kwargs: Any) -> Any:
    d = np.abs(x - y)
    loss = np.where(d < delta, d * d / 2, delta * (d - delta / 2))
    return reduced(np.asarray(loss), **kwargs)


def dropout(x: Any, rate: float, rng: Any = None, training: bool = True) -> Any:
    if not training or not rate:
        return x
    kept = np.random.default_rng(rng).random(x.shape, np.float32) >= rate
    return x * (kept.astype(x.dtype) / (1 - rate))


def embedding(table: Any, ids: Any) -> Any:
    return table[np.asarray(ids)]


def losses(reference: Callable[..., Any], *args: Any) -> list[Sample]:
    settings: list[dict[str, Any]] = [{}, {"reduction": "sum"}, {"reduction": "none"}]
    settings += [{**s, "mask": np.array([[True, False, True], [True, True, False]])}
                 for s in settings]  # fmt: skip
    settings.append({"mask": [[0.5, 2.0, 0.0], [1.0, 0.0, 3.0]]})
    return [Sample(args, kwargs, reference) for kwargs in settings]


CLASSES = np.array([[0, 3, 1], [2, 2, 0]])
SHARES = softmax(draw(2, 3, 4))

SAMPLES: dict[str, list[Sample]] = {
    "linear": [
        Sample((draw(2, 3), draw(4, 3), draw(4)), numpy=linear),
        Sample((draw(2, 3), draw(4, 3)), numpy=linear),
        Sample((draw(3), draw(4, 3), draw(4)), numpy=linear),
        Sample((draw(2, 2, 3), draw(4, 3), draw(4)), numpy=linear),
    ],
    "softmax": [
        Sample((draw(2, 3),), numpy=softmax, order=3),
        Sample((draw(2, 3, 2),), {"axis": 1}, softmax),
    ],
    "log_softmax": [
        Sample((draw(2, 3),), numpy=log_softmax, order=3),
        Sample((draw(2, 3),), {"axis": 0}, log_softmax),
    ],
    "softmax_cross_entropy": [
        Sample((draw(2, 3), np.array([2, 0])), numpy=softmax_cross_entropy, order=3),
        Sample((draw(2, 3), np.array([2, 0])), {"reduction": "sum"}, softmax_cross_entropy),
        Sample((draw(2, 3, 4), CLASSES), {"reduction": "none"}, softmax_cross_entropy),
        Sample((draw(3, 2), np.array([2, 0])), {"axis": 0}, softmax_cross_entropy),
        Sample((draw(2, 4, 3), CLASSES), {"axis": 1, "reduction": "none"}, softmax_cross_entropy),
        Sample((draw(3), 2), numpy=softmax_cross_entropy),
    ],
    "cross_entropy": [
        *losses(cross_entropy, draw(2, 3, 4), CLASSES),
        *losses(cross_entropy, draw(2, 3, 4), SHARES),
        Sample((draw(2, 3), [[0, 1, 0], [1, 0, 0]]), numpy=cross_entropy),
        Sample((draw(2, 4, 3), CLASSES), {"axis": -2}, cross_entropy),
        Sample((draw(2, 3), draw(2, 3)), {"axis": 0}, cross_entropy),
    ],
    "logistic_loss": [Sample((draw(2, 3), SHARES[:, :, 0]), numpy=logistic_loss, order=3)],
    "binary_cross_entropy_with_logits": losses(binary_cross_entropy, draw(2, 3), SHARES[:, :, 0]),
    "mse": losses(of_difference(np.square), draw(2, 3), draw(2, 3)),
    "mae": losses(of_difference(np.abs), draw(2, 3), draw(2, 3)),
    "huber": [
        *losses(huber, draw(2, 3), draw(2, 3)),
        Sample((draw(4), draw(4)), {"delta": 0.3}, huber),
    ],
    "embedding": [
        Sample((draw(4, 3), np.array([[0, 3], [0, 1]])), numpy=embedding),
        Sample((draw(4, 3, 2), [1, 1, 2]), numpy=embedding),
        Sample((draw(4), 2), numpy=embedding),
    ],
    "dropout": [
        Sample((draw(3, 4), 0.4), {"rng": 5}, dropout),
        Sample((draw(3, 4), 0.4), {"rng": np.random.default_rng(3)}, dropout),
        Sample((draw(3), 0.4), {"training": False}, dropout),
        Sample((draw(3), 0), {}, dropout),
    ],
    "standardize": [
        Sample((draw(2, 4),), numpy=standardize, order=3),
        Sample((draw(3, 2, 2),), {"axis": (0, -1), "eps": 0.1}, standardize),
    ],
    "layer_norm": [
        Sample((draw(2, 4), draw(4), draw(4)), numpy=layer_norm),
        Sample((draw(2, 4), draw(2, 1)), {"axis": 0, "eps": 0.1}, layer_norm),
        Sample((draw(2, 4),), numpy=layer_norm),
    ],
}
