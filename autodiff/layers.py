"""The layers that most models are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from autodiff import init
from autodiff.errors import DomainError, require_function, require_number
from autodiff.functions import FUNCTIONS
from autodiff.module import Module, Parameter

if TYPE_CHECKING:
    from autodiff.op_methods import ArrayLike, Tensor

__all__ = ["Dropout", "Embedding", "LayerNorm", "Linear", "Sequential"]


class Linear(Module):
    """The affine map ``y = x W^T + b`` along the last axis.

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

    Examples
    --------
    >>> import numpy as np
    >>> import autodiff as ad
    >>> layer = ad.Linear(3, 2, rng=0)
    >>> layer(np.ones((5, 3))).shape
    (5, 2)
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
        self.b: Parameter | None = Parameter(np.zeros(outputs, dtype)) if bias else None

    def forward(self, x: ArrayLike) -> Tensor:
        """Map x of shape (..., inputs) to y of shape (..., outputs)."""
        return FUNCTIONS["linear"](x, self.W, self.b)  # type: ignore[no-any-return]


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

    Examples
    --------
    >>> import autodiff as ad
    >>> table = ad.Embedding(1000, 4, rng=0)
    >>> table([[3, 1], [3, 2]]).sum().backward()
    >>> table.table.grad
    RowGrad(4 rows of (1000, 4), float64)
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
        self.table: Parameter = Parameter(start((count, size), rng=rng, dtype=dtype))

    def forward(self, ids: ArrayLike) -> Tensor:
        """Map integers of shape (...) below `count` to rows of shape (..., size).

        Raises
        ------
        IndexError
            If there is no such row.
        """
        return FUNCTIONS["embedding"](self.table, ids)  # type: ignore[no-any-return]


class Dropout(Module):
    """In training, sets entries to zero at random and makes up for it.

    What is kept is divided by ``1 - rate``, so that nothing has to be done outside training.

    Parameters
    ----------
    rate : float
        Share of the entries to drop, in [0, 1).
    rng : int or Generator, optional
        Source of the choice; a generator is shared, and goes on from where it is.

    Raises
    ------
    DomainError
        If the rate is outside [0, 1).

    References
    ----------
    Srivastava et al. 2014, Dropout: A simple way to prevent neural networks from overfitting.
    """

    def __init__(self, rate: float, *, rng: Any = None) -> None:
        require_number(rate, "Dropout: rate")
        if not 0 <= rate < 1:
            raise DomainError(f"Dropout: rate={rate} is outside [0, 1)")
        self.rate = rate
        self.rng: np.random.Generator = np.random.default_rng(rng)

    def forward(self, x: ArrayLike) -> Tensor:
        """Map an array of any shape to one of the same shape."""
        return FUNCTIONS["dropout"](x, self.rate, self.rng, self.training)  # type: ignore[no-any-return]


class LayerNorm(Module):
    """Each vector along the last axis to mean 0 and variance 1, then scaled and shifted.

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

    Raises
    ------
    ShapeError
        If `size` is no whole number.

    References
    ----------
    Ba, Kiros and Hinton 2016, Layer normalization, eq. 4.
    """

    def __init__(self, size: int, eps: float = 1e-5, *, dtype: Any = float) -> None:
        self.eps = eps
        shift = init.zeros((size,), dtype=dtype)
        self.scale: Parameter = Parameter(np.ones_like(shift))
        self.shift: Parameter = Parameter(shift)

    def forward(self, x: ArrayLike) -> Tensor:
        """Map an array of shape (..., size) to one of the same shape."""
        return FUNCTIONS["layer_norm"](x, self.scale, self.shift, eps=self.eps)  # type: ignore[no-any-return]


class Sequential(Module):
    """Functions one after the other; those that are modules bring their parameters.

    Parameters
    ----------
    *layers : callable
        Each takes what the one before gives.

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
        for layer in layers:
            require_function(layer, "Sequential")
        self.layers: list[Callable[[Any], Any]] = list(layers)

    def forward(self, x: Any) -> Any:
        """Give what the last layer gives, where the first one takes `x`."""
        for layer in self.layers:
            x = layer(x)
        return x
