"""Step rules: how a gradient changes the parameters, and how far it may."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from typing import Any

import numpy as np

from autodiff.clipping import clip_grad_norm
from autodiff.errors import DomainError, DTypeError, describe
from autodiff.optimizer import Optimizer, above_zero, within

__all__ = ["SGD", "Adagrad", "Adam", "AdamW", "Optimizer", "RMSProp", "clip_grad_norm"]


class SGD(Optimizer):
    """Gradient descent with classical or Nesterov momentum.

    ``v = momentum * v - lr * g;  x = x + v``, with Nesterov's ``x = x + momentum * v - lr * g``.

    Parameters
    ----------
    params, lr
        As for `Optimizer`.
    momentum : float
        In [0, 1).
    nesterov : bool
    weight_decay : float
        Adds ``weight_decay * x`` to the gradient.

    Raises
    ------
    DomainError
        If a setting is outside its range, or `nesterov` is set without momentum.

    Notes
    -----
    The learning rate is part of the velocity, as published. Some libraries leave it out of the
    velocity; the numbers then differ from ours after the rate was changed, not before.

    References
    ----------
    Sutskever, Martens, Dahl and Hinton 2013, On the importance of initialization and momentum in
    deep learning, eq. 1-4, where x stands for the point at which the gradient is taken.

    Examples
    --------
    >>> import autodiff as ad
    >>> x = ad.Parameter([1.0, -2.0])
    >>> optimizer = ad.optim.SGD([x], lr=0.1)
    >>> (x * x).sum().backward()
    >>> optimizer.step()
    >>> x.data
    array([ 0.8, -1.6])
    """

    _settings: tuple[str, ...] = ("momentum", "nesterov", "weight_decay")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        self.momentum: float = within(momentum, "momentum", 0.0, 1.0)
        self.weight_decay: float = within(weight_decay, "weight_decay", 0.0, inf)
        self.nesterov = nesterov
        if nesterov and not momentum:
            raise DomainError("SGD: nesterov=True has no effect without momentum, such as 0.9")
        self.keeps: tuple[str, ...] = ("velocity",) if momentum else ()
        super().__init__(params, lr)

    def _update(self, x: Any, g: Any, t: Any, *state: Any) -> None:
        if hasattr(self.weight_decay, "is_traced") or self.weight_decay:
            np.multiply(x, self.weight_decay, out=t, dtype=t.dtype)
            g = np.add(g, t, out=t)
        np.multiply(g, self._rates[t.dtype], t)
        if not state:
            x -= t
            return
        (v,) = state
        v *= self.momentum
        v -= t
        if self.nesterov:
            x -= t
            x += np.multiply(v, self.momentum, out=t)
        else:
            x += v


class Adagrad(Optimizer):
    """Steps by the gradient over the root of the sum of all its squares.

    ``s = s + g^2;  x = x - lr * g / (sqrt(s) + eps)``

    Parameters
    ----------
    params, lr
        As for `Optimizer`.
    eps : float
        Above 0; keeps the quotient finite.

    References
    ----------
    Duchi, Hazan and Singer 2011, Adaptive subgradient methods for online learning and stochastic
    optimization, fig. 1.
    """

    keeps: tuple[str, ...] = ("square_sum",)
    _settings: tuple[str, ...] = ("eps",)

    def __init__(self, params: Iterable[Any], lr: float = 0.01, eps: float = 1e-10) -> None:
        self.eps: float = above_zero(eps, "eps")
        super().__init__(params, lr)

    def _update(self, x: Any, g: Any, t: Any, *state: Any) -> None:
        (s,) = state
        s += np.multiply(g, g, out=t)
        x -= _quotient(g, s, self._rates[t.dtype], self.eps, t)


class RMSProp(Optimizer):
    """Steps by the gradient over its root mean square.

    ``s = decay * s + (1 - decay) * g^2;  x = x - lr * g / (sqrt(s) + eps)``

    Parameters
    ----------
    params, lr
        As for `Optimizer`.
    decay : float
        In [0, 1).
    eps : float
        Above 0; keeps the quotient finite.

    References
    ----------
    Tieleman and Hinton 2012, Neural networks for machine learning, lecture 6.5.
    """

    keeps: tuple[str, ...] = ("square_mean",)
    _settings: tuple[str, ...] = ("decay", "eps")

    def __init__(
        self, params: Iterable[Any], lr: float = 0.001, decay: float = 0.9, eps: float = 1e-8
    ) -> None:
        self.decay: float = within(decay, "decay", 0.0, 1.0)
        self.eps: float = above_zero(eps, "eps")
        super().__init__(params, lr)

    def _update(self, x: Any, g: Any, t: Any, *state: Any) -> None:
        (s,) = state
        _average_square(s, g, self.decay, t)
        x -= _quotient(g, s, self._rates[t.dtype], self.eps, t)


class Adam(Optimizer):
    """Steps by the mean of the gradient over its root mean square.

    ``m = b1 * m + (1 - b1) * g;  s = b2 * s + (1 - b2) * g^2`` and at step number n
    ``x = x - lr * m / (1 - b1^n) / (sqrt(s / (1 - b2^n)) + eps)``.

    Parameters
    ----------
    params, lr
        As for `Optimizer`.
    betas : tuple of float
        ``(b1, b2)``, each in [0, 1).
    eps : float
        Above 0; keeps the quotient finite.

    Notes
    -----
    For row-sparse gradients a row's means change only at the steps that use it, while n counts
    all steps.

    References
    ----------
    Kingma and Ba 2015, Adam: A method for stochastic optimization, alg. 1.
    """

    keeps: tuple[str, ...] = ("mean", "square_mean")
    _settings: tuple[str, ...] = ("betas", "eps")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        b1, b2 = _pair(betas)
        self.betas: tuple[float, float] = (
            within(b1, "betas[0]", 0.0, 1.0),
            within(b2, "betas[1]", 0.0, 1.0),
        )
        self.eps: float = above_zero(eps, "eps")
        super().__init__(params, lr)

    def _prepare(self) -> None:
        # Both corrections for the start at zero as factors of numbers instead of arrays (sec. 2).
        b1, b2 = self.betas
        root = np.sqrt(1 - b2**self._steps)
        self._rate, self._eps = self._lr * root / (1 - b1**self._steps), self.eps * root

    def _update(self, x: Any, g: Any, t: Any, *state: Any) -> None:
        m, s = state
        b1, b2 = self.betas
        m *= b1
        m += np.multiply(g, 1 - b1, out=t)
        _average_square(s, g, b2, t)
        x -= _quotient(m, s, self._rate.astype(t.dtype), self._eps.astype(t.dtype), t)


class AdamW(Adam):
    """Adam with weight decay beside the gradient instead of in it.

    Before Adam's step, ``x = x - lr * weight_decay * x``.

    Parameters
    ----------
    params, lr, betas, eps
        As for `Adam`.
    weight_decay : float
        Not negative.

    References
    ----------
    Loshchilov and Hutter 2019, Decoupled weight decay regularization, alg. 2, with its decay rate
    written as ``lr * weight_decay``, so that a schedule of `lr` scales both terms as it does there.
    """

    _settings: tuple[str, ...] = (*Adam._settings, "weight_decay")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        self.weight_decay: float = within(weight_decay, "weight_decay", 0.0, inf)
        super().__init__(params, lr, betas, eps)

    def _update(self, x: Any, g: Any, t: Any, *state: Any) -> None:
        rate = (self._lr * self.weight_decay).astype(t.dtype)
        x -= np.multiply(x, rate, out=t, dtype=t.dtype)
        super()._update(x, g, t, *state)


def _pair(betas: Any) -> tuple[Any, Any]:
    if not isinstance(betas, (tuple, list)) or len(betas) != 2:
        raise DTypeError(f"betas={describe(betas)} is no pair of numbers, such as (0.9, 0.999)")
    return betas[0], betas[1]


def _average_square(s: Any, g: Any, decay: float, t: Any) -> None:
    s *= decay
    np.multiply(g, g, out=t)
    t *= 1 - decay
    s += t


def _quotient(g: Any, s: Any, rate: Any, eps: Any, t: Any) -> Any:
    """``rate * g / (sqrt(s) + eps)``, written into `t`."""
    np.sqrt(s, out=t)
    t += eps
    np.divide(g, t, out=t)
    t *= rate
    return t
