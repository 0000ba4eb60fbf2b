"""Losses, dropout and normalisation, made of rows of the op table."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.errors import DomainError, ShapeError, require_number
from autodiff.functions import FUNCTIONS, ArrayLike, composite, plain
from autodiff.op import array, asarray, overridable, rare
from autodiff.tensor import wrap

__all__ = [
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "dropout",
    "huber",
    "layer_norm",
    "mae",
    "mse",
    "uniform",
]


@composite("cross_entropy")
def cross_entropy(
    logits: ArrayLike,
    target: ArrayLike,
    axis: int = -1,
    reduction: str = "mean",
    mask: ArrayLike | None = None,
) -> Any:
    """Cross entropy of ``softmax(logits)`` with the target, without overflow.

    Parameters
    ----------
    logits : array_like
        Scores of the classes along `axis`.
    target : array_like
        Integers: the class, of the logits' shape without `axis`. Of the logits' shape: the
        probabilities of the classes; the loss is differentiable by these too.
    axis : int
        The axis of the classes.
    reduction : {"mean", "sum", "none"}
        What becomes of the losses of the rows.
    mask : array_like, optional
        Weight of each row, such as 0 for padding, of the logits' shape without `axis`. The mean
        is over the weights, and 0 if all are 0. A class of weight 0 may be any integer.

    Returns
    -------
    Tensor
        A number; with ``reduction="none"`` of the logits' shape without `axis`.

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    IndexError
        If a target class is none of the logits'.
    DomainError
        For an unknown reduction.

    Notes
    -----
    For the class y it is ``logsumexp(logits) - logits[y]``, in nats, with the gradient
    ``softmax(logits) - onehot(y)`` (Bishop 2006, Pattern Recognition and Machine Learning,
    eq. 4.108 and 4.109).

    Examples
    --------
    >>> import autodiff as ad
    >>> print(ad.cross_entropy([[0.0, 0.0], [0.0, 100.0]], [0, 1], reduction="none").data.round(4))
    [0.6931 0.    ]
    """
    if _ndim(target) == _ndim(logits):
        return _reduced(_of_probabilities(logits, target, axis), reduction, mask)
    row = FUNCTIONS["softmax_cross_entropy"]
    if mask is None:
        return row(logits, target, axis, reduction)[0]
    target = asarray(plain(target))
    _same_shape("cross_entropy", mask, target)
    loss = row(logits, np.where(plain(mask), target, 0), axis, "none")[0]
    return _reduced(loss, reduction, mask)


def _of_probabilities(logits: Any, target: Any, axis: int) -> Any:
    _same_shape("cross_entropy", logits, target)
    log_p = FUNCTIONS["log_softmax"](logits, axis)
    target = _floating(target, log_p)
    # A class that is impossible on both sides has no part in the sum.
    absent = np.isneginf(plain(log_p)) & (plain(target) == 0)
    return -np.sum(np.where(absent, 0.0, log_p) * target, axis=axis)


@composite("binary_cross_entropy_with_logits")
def binary_cross_entropy_with_logits(
    logits: ArrayLike, target: ArrayLike, reduction: str = "mean", mask: ArrayLike | None = None
) -> Any:
    """Cross entropy of ``sigmoid(logits)`` with probabilities, accurate in both tails.

    Parameters
    ----------
    logits, target : array_like
        Of the same shape, the target in [0, 1].
    reduction : {"mean", "sum", "none"}
    mask : array_like, optional
        Weight of each entry; the mean is over the weights.

    Returns
    -------
    Tensor
        A number; with ``reduction="none"`` of the logits' shape.

    Raises
    ------
    ShapeError
        If the shapes differ.

    Notes
    -----
    It is ``softplus(logits) - target * logits``, in nats (Bishop 2006, eq. 4.90, written in the
    logits).
    """
    _same_shape("binary_cross_entropy_with_logits", logits, target)
    loss = FUNCTIONS["logistic_loss"](logits, _floating(target, logits))
    return _reduced(loss, reduction, mask)


@composite("mse")
def mse(
    x: ArrayLike, target: ArrayLike, reduction: str = "mean", mask: ArrayLike | None = None
) -> Any:
    """Mean squared error of two arrays of the same shape.

    Parameters
    ----------
    x, target : array_like
    reduction, mask
        As for `binary_cross_entropy_with_logits`.

    Returns
    -------
    Tensor
        A number; with ``reduction="none"`` of the shape of `x`.

    Raises
    ------
    ShapeError
        If the shapes differ.

    Examples
    --------
    >>> import autodiff as ad
    >>> ad.mse([1.0, 2.0], [1.0, 4.0]).item()
    2.0
    """
    _same_shape("mse", x, target)
    difference = FUNCTIONS["subtract"](x, _floating(target, x))
    return _reduced(FUNCTIONS["square"](difference), reduction, mask)


@composite("mae")
def mae(
    x: ArrayLike, target: ArrayLike, reduction: str = "mean", mask: ArrayLike | None = None
) -> Any:
    """Mean absolute error of two arrays of the same shape; its slope at 0 is 0.

    Parameters
    ----------
    x, target, reduction, mask
        As for `mse`.

    Returns
    -------
    Tensor
        As for `mse`.

    Raises
    ------
    ShapeError
        If the shapes differ.
    """
    _same_shape("mae", x, target)
    difference = FUNCTIONS["subtract"](x, _floating(target, x))
    return _reduced(FUNCTIONS["absolute"](difference), reduction, mask)


@composite("huber")
def huber(
    x: ArrayLike,
    target: ArrayLike,
    delta: float = 1.0,
    reduction: str = "mean",
    mask: ArrayLike | None = None,
) -> Any:
    """Half the squared error up to `delta`, and a straight line of slope `delta` beyond.

    Parameters
    ----------
    x, target : array_like
        Of the same shape.
    delta : float
        Above 0.
    reduction, mask
        As for `mse`.

    Returns
    -------
    Tensor
        As for `mse`.

    Raises
    ------
    ShapeError
        If the shapes differ.

    References
    ----------
    Huber 1964, Robust estimation of a location parameter, Ann. Math. Stat. 35.
    """
    _same_shape("huber", x, target)
    distance = FUNCTIONS["absolute"](FUNCTIONS["subtract"](x, _floating(target, x)))
    near = FUNCTIONS["minimum"](distance, delta)
    return _reduced(near * (distance - 0.5 * near), reduction, mask)


@composite("dropout")
def dropout(x: ArrayLike, rate: float, rng: Any = None, training: bool = True) -> Any:
    """Entries set to zero at random, the others divided by ``1 - rate``.

    Parameters
    ----------
    x : array_like
    rate : float
        Share of the entries to drop, in [0, 1).
    rng : int or Generator
        Source of the choice. A generator goes on from where it is; a seed makes the same choice
        at each call.
    training : bool
        If false, `x` is returned as it is.

    Returns
    -------
    Tensor
        Of the shape of `x`.

    Raises
    ------
    DomainError
        If `rate` is outside [0, 1), or `rng` is missing in training.

    References
    ----------
    Srivastava et al. 2014, Dropout: A simple way to prevent neural networks from overfitting.
    """
    require_number(rate, "dropout: rate")
    if not 0 <= rate < 1:
        raise DomainError(f"dropout: rate={rate} is outside [0, 1)")
    x = FUNCTIONS["positive"](x) if not hasattr(x, "_value") else x
    if not training or rate == 0:
        return x
    if rng is None:
        raise DomainError("dropout: pass rng=, a seed or a generator, so that runs can be repeated")
    kept = uniform(x._value, rng) >= rate
    return x * wrap(kept.astype(x.dtype) / (1 - rate), None)


@overridable
def uniform(x: Any, rng: Any) -> Any:
    """A float32 number in [0, 1) for each entry of `x`."""
    return np.random.default_rng(rng).random(np.shape(x), np.float32)


@composite("layer_norm")
def layer_norm(
    x: ArrayLike,
    scale: ArrayLike | None = None,
    shift: ArrayLike | None = None,
    axis: Any = -1,
    eps: float = 1e-5,
) -> Any:
    """The entries with mean 0 and variance 1 along `axis`, times `scale`, plus `shift`.

    Parameters
    ----------
    x : array_like
    scale, shift : array_like, optional
        They have to broadcast with `x`: for the last axis, of its length.
    axis : int or tuple of int
    eps : float
        Added to the variance, so that a constant row does no harm.

    Returns
    -------
    Tensor
        Of the shape of `x`.

    Raises
    ------
    ShapeError
        If `scale` or `shift` does not broadcast.

    References
    ----------
    Ba, Kiros and Hinton 2016, Layer normalization, eq. 4.
    """
    out = FUNCTIONS["standardize"](x, axis, eps)[0]
    out = out if scale is None else out * scale
    return out if shift is None else out + shift


def _ndim(x: Any) -> int:
    return x.ndim if hasattr(x, "ndim") else np.ndim(x)  # type: ignore[no-any-return]


def _floating(target: Any, x: Any) -> Any:
    """A target of integers or booleans in the dtype of `x`, so that float32 stays float32."""
    if hasattr(target, "_value"):
        return target
    made = asarray(target)
    return made if made.dtype.kind == "f" else made.astype(getattr(x, "dtype", float))


def _same_shape(name: str, x: Any, y: Any) -> None:
    """Two losses in three are wrong by a broadcast of (n, 1) with (n,)."""
    if np.shape(plain(x)) != np.shape(plain(y)):
        raise ShapeError(
            f"{name}: shapes {np.shape(plain(x))} and {np.shape(plain(y))} differ; reshape one"
        )


def _reduced(loss: Any, reduction: str, mask: Any) -> Any:
    if reduction not in ("mean", "sum", "none"):
        raise DomainError(f"reduction={reduction!r} is none of 'mean', 'sum', 'none'")
    if mask is None:
        return loss if reduction == "none" else FUNCTIONS[reduction](loss)
    weights = array(mask, loss.dtype)
    _same_shape("mask and loss", weights, loss)
    loss = np.where(weights != 0, loss, 0.0) * weights  # also where the loss is inf
    if reduction == "none":
        return loss
    total = np.sum(weights) if reduction == "mean" else 1.0
    return np.sum(loss) / (1.0 if rare(total == 0) else total)
