"""The layers that most models are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff import init
from autodiff.errors import DomainError
from autodiff.functions import FUNCTIONS
from autodiff.module import Module, Parameter

__all__ = ["Dropout", "Embedding", "LayerNorm", "Linear", "Sequential"]


class Linear(Module):
    """``y = x W^T + b`` along the last axis.

    Parameters
    ----------
    inputs, outputs : int
        Lengths of the last axis of x and y.
    bias : bool
        Whether there is a b; it starts at zero.
    rng : int or Generator, optional
        Source of the starting weights.
    dtype : dtype
        Of the parameters.
    start : callable
        One of `autodiff.init`, for W.

    Attributes
    ----------
    W : Parameter, shape (outputs, inputs)
    b : Parameter, shape (outputs,), or None
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        bias: bool = True,
        *,
        rng: Any = None,
        dtype: Any = float,
        start: Callable[..., np.ndarray] = init.xavier_uniform,
    ) -> None:
        self.W = Parameter(start((outputs, inputs), rng=rng, dtype=dtype))
        self.b = Parameter(np.zeros(outputs, dtype)) if bias else None

    def forward(self, x: Any) -> Any:
        """x of shape (..., inputs) to y of shape (..., outputs)."""
        return FUNCTIONS["linear"](x, self.W, self.b)


class Embedding(Module):
    """A row of a table for each id; its gradient touches the rows used only.

    Parameters
    ----------
    count, size : int
        Number of ids, and length of a row.
    rng, dtype, start
        As for `Linear`; rows start normal with variance 1.

    Attributes
    ----------
    table : Parameter, shape (count, size)
    """

    def __init__(
        self,
        count: int,
        size: int,
        *,
        rng: Any = None,
        dtype: Any = float,
        start: Callable[..., np.ndarray] = init.normal,
    ) -> None:
        self.table = Parameter(start((count, size), rng=rng, dtype=dtype))

    def forward(self, ids: Any) -> Any:
        """Integers of shape (...) to rows of shape (..., size)."""
        return FUNCTIONS["embedding"](self.table, ids)


class Dropout(Module):
    """In training, sets entries to zero at random and makes up for it (Srivastava et al. 2014).

    What is kept is divided by ``1 - rate``, so that nothing has to be done outside training.

    Parameters
    ----------
    rate : float
        Share of the entries to drop, in [0, 1).
    rng : int or Generator, optional
        Source of the choice; a generator is shared, and goes on from where it is.
    """

    def __init__(self, rate: float, *, rng: Any = None) -> None:
        if not 0 <= rate < 1:
            raise DomainError(f"Dropout: rate={rate} is outside [0, 1)")
        self.rate = rate
        self.rng = np.random.default_rng(rng)

    def forward(self, x: Any) -> Any:
        """An array of any shape to one of the same shape."""
        return FUNCTIONS["dropout"](x, self.rate, self.rng, self.training)


class LayerNorm(Module):
    """Each vector along the last axis to mean 0 and variance 1, then scaled (Ba et al. 2016).

    Parameters
    ----------
    size : int
        Length of the last axis.
    eps : float
        Added to the variance, so that a constant vector does no harm.
    dtype : dtype
        Of the parameters.

    Attributes
    ----------
    scale, shift : Parameter, shape (size,)
        Start at 1 and 0.
    """

    def __init__(self, size: int, eps: float = 1e-5, *, dtype: Any = float) -> None:
        self.eps = eps
        self.scale = Parameter(np.ones(size, dtype))
        self.shift = Parameter(np.zeros(size, dtype))

    def forward(self, x: Any) -> Any:
        """An array of shape (..., size) to one of the same shape."""
        return FUNCTIONS["layer_norm"](x, self.scale, self.shift, eps=self.eps)


class Sequential(Module):
    """Functions one after the other; those that are modules bring their parameters.

    Examples
    --------
    >>> import autodiff as ad
    >>> ad.Sequential(ad.Linear(2, 3, rng=0), ad.tanh)
    Sequential(
      layers.0=Linear(W=float64(3, 2), b=float64(3,))
      layers.1=tanh
    )
    """

    def __init__(self, *layers: Callable[[Any], Any]) -> None:
        self.layers = list(layers)

    def forward(self, x: Any) -> Any:
        """The result of the last layer."""
        for layer in self.layers:
            x = layer(x)
        return x
