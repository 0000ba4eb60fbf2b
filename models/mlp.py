"""The multilayer perceptron: affine maps with an activation between them."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import autodiff as ad

__all__ = ["ACTIVATIONS", "MLP"]

ACTIVATIONS: dict[str, tuple[Callable[..., Any], Callable[..., np.ndarray]]] = {
    "tanh": (ad.tanh, ad.init.xavier_normal),
    "sigmoid": (ad.sigmoid, ad.init.xavier_normal),
    "relu": (ad.relu, ad.init.he_normal),
    "elu": (ad.elu, ad.init.he_normal),
    "silu": (ad.silu, ad.init.he_normal),
    "gelu": (ad.gelu, ad.init.he_normal),
}
"""Each activation with the initialiser that keeps its signals of the same size."""


class MLP(ad.Module):
    """A chain of layers, from inputs to scores.

    With L layers and the activation f::

        h[0]   = x
        h[l+1] = f(W[l] h[l] + b[l])          l = 0 .. L-2
        y      = W[L-1] h[L-1] + b[L-1]

    W[l] and b[l] are ``layers[l].W`` and ``layers[l].b``. The scores y have no activation:
    `ad.softmax` makes them probabilities, and `ad.cross_entropy` takes them as they are. In
    training, dropout sets units of the hidden layers h[1] .. h[L-1] to zero (Srivastava et al.
    2014).

    Parameters
    ----------
    sizes : sequence of int
        Units of the input, of each hidden layer, and of the output.
    activation : str
        f, one of `ACTIVATIONS`.
    dropout : float
        Share of the hidden units dropped in a training step, in [0, 1).
    rng : int or Generator
        Source of the starting weights, and of what is dropped. Weights start normal, by Glorot's
        or He's rule as f asks for; biases start at zero.
    dtype : dtype
        Of the parameters.

    Raises
    ------
    DomainError
        For an unknown activation, or fewer than two sizes, or a size below 1.

    Examples
    --------
    >>> import numpy as np
    >>> model = MLP([2, 10, 10, 3], activation="tanh", rng=0)
    >>> model(np.zeros((5, 2))).shape
    (5, 3)
    """

    def __init__(
        self,
        sizes: Sequence[int],
        activation: str = "tanh",
        dropout: float = 0.0,
        rng: int | np.random.Generator = 0,
        dtype: Any = np.float64,
    ) -> None:
        _check(sizes, activation)
        rng = np.random.default_rng(rng)
        self.activation = activation
        _, start = ACTIVATIONS[activation]
        starts = [start] * (len(sizes) - 2) + [ad.init.xavier_normal]
        self.layers = [
            ad.Linear(inputs, outputs, rng=rng, dtype=dtype, start=start)
            for inputs, outputs, start in zip(sizes, sizes[1:], starts)
        ]
        self.dropout = ad.Dropout(dropout, rng=rng)

    def forward(self, x: Any) -> ad.Tensor:
        """The scores of inputs.

        Parameters
        ----------
        x : array_like, shape (..., inputs)

        Returns
        -------
        Tensor, shape (..., outputs)
        """
        f, _ = ACTIVATIONS[self.activation]
        *hidden, last = self.layers
        h = x
        for layer in hidden:
            h = self.dropout(f(layer(h)))
        return last(h)


def _check(sizes: Sequence[int], activation: str) -> None:
    is_list = isinstance(sizes, (list, tuple)) and len(sizes) >= 2
    if not is_list or not all(isinstance(n, (int, np.integer)) and n >= 1 for n in sizes):
        raise ad.errors.DomainError(
            f"MLP: sizes={sizes}; give the units of the input, of each hidden layer and of "
            "the output, each at least 1"
        )
    if not isinstance(activation, str) or activation not in ACTIVATIONS:
        close = difflib.get_close_matches(str(activation), ACTIVATIONS, 1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise ad.errors.DomainError(
            f"MLP: unknown activation {activation!r}; {hint}there are {', '.join(ACTIVATIONS)}"
        )
