"""GloVe: vectors of words from how often each word occurs near each other one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import autodiff as ad
from models.arrays import as_array
from models.words.counted import WordCounts
from models.words.model import WordModel

__all__ = ["GloVe"]


class GloVe(WordModel):
    """Inner products near the logarithms of counts (Pennington, Socher and Manning, EMNLP 2014).

    With X[i,j], how often word j occurs near word i, the loss is a weighted sum of squares over all
    pairs of which there is any::

        J = 1/2 sum over i, j of f(X[i,j]) (w[i] . c[j] + b[i] + d[j] - log X[i,j])^2
        f(x) = min(x / x_max, 1)^0.75

    W and C hold w and c in their rows. (The paper has no 1/2 in its eq. 8; its program has.)

    Parameters
    ----------
    words : WordCounts
        Or the words as a sequence of str, with their `counts`.
    counts : sequence of int, optional
    size : int
        Length of a vector.
    x_max : float
        Counts from which on pairs weigh the same.
    rng : int or Generator
        All parameters start uniform within 1/2 / size.
    dtype : dtype

    Attributes
    ----------
    W, C : Parameter, shape (words, size)
        Vectors of words, and of words as neighbours.
    b, d : Parameter, shape (words,)

    Raises
    ------
    DomainError
        If there are no words, or `x_max` or `size` is not positive.

    Examples
    --------
    >>> model = GloVe(["a", "rose", "is"], [2, 2, 1], size=4)
    >>> J = model.loss([0, 1], [1, 2], [2.0, 1.0])  # "rose" twice near "a", "is" once near "rose"
    >>> J.backward()
    >>> model.b.grad.shape
    (3,)
    """

    W: ad.Parameter
    C: ad.Parameter
    b: ad.Parameter
    d: ad.Parameter

    def __init__(
        self,
        words: WordCounts | Sequence[str],
        counts: Sequence[int] = (),
        *,
        size: int = 100,
        x_max: float = 10.0,
        rng: int | np.random.Generator = 0,
        dtype: Any = np.float32,
    ) -> None:
        super().__init__(words, counts, size)
        if not x_max > 0:
            raise ad.errors.DomainError(f"GloVe: x_max is positive, not {x_max}")
        self.x_max, rng, n = x_max, np.random.default_rng(rng), len(self.words)
        shapes = {"W": (n, size), "C": (n, size), "b": (n,), "d": (n,)}
        for name, shape in shapes.items():
            start = ad.init.uniform(shape, -0.5 / size, 0.5 / size, rng=rng, dtype=dtype)
            setattr(self, name, ad.Parameter(start))

    @property
    def arguments(self) -> dict[str, Any]:
        return {**super().arguments, "x_max": self.x_max}

    def _vectors(self) -> np.ndarray:
        """The sums w + c (section 4.2 of the paper)."""
        return self.W.numpy() + self.C.numpy()

    def weights(self, x: Any) -> Any:
        """The weight f(x) of counts `x`."""
        return np.minimum(x / self.x_max, 1) ** 0.75

    def loss(self, i: Any, j: Any, x: Any) -> ad.Tensor:
        """J over n pairs.

        Parameters
        ----------
        i, j : array_like of int, shape (n,)
            Words, and their neighbours.
        x : array_like, shape (n,)
            Their counts, above 0.
        """
        x = as_array(x, self.W.dtype)
        near = ad.einsum("nd,nd->n", ad.embedding(self.W, i), ad.embedding(self.C, j))
        error = near + ad.embedding(self.b, i) + ad.embedding(self.d, j) - np.log(x)
        return 0.5 * ad.sum(self.weights(x) * error**2)
