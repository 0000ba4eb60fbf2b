"""A conditional random field along a chain: tags are scored together, not one by one."""

from __future__ import annotations

from typing import Any

import numpy as np

import autodiff as ad
from models.arrays import as_array

__all__ = ["CRF"]


class CRF(ad.Module):
    """A linear-chain conditional random field (Lafferty, McCallum and Pereira 2001).

    With the scores e(t) of the tags at each of T steps, a sequence of tags y has the score ::

        s(y) = start[y(1)] + sum over t of e(t)[y(t)]
             + sum over t > 1 of A[y(t-1), y(t)] + end[y(T)]

    and the probability exp(s(y)) / Z. The sum Z over all sequences is had by the forward
    algorithm::

        alpha(1)    = start + e(1)
        alpha(t)[j] = e(t)[j] + log sum over i of exp(alpha(t-1)[i] + A[i, j])
        log Z       = log sum over j of exp(alpha(T)[j] + end[j])

    The derivative of log Z with respect to e(t)[j] is the probability of tag j at step t: backprop
    through the forward algorithm is the forward-backward algorithm (Eisner 2016).

    Parameters
    ----------
    tags : int
        Number of tags, K.
    dtype : dtype
        Of the parameters, which start at 0.

    Attributes
    ----------
    A : Parameter, shape (K, K)
    start, end : Parameter, shape (K,)

    Raises
    ------
    ShapeError
        If `tags` is no whole number.

    Examples
    --------
    >>> import numpy as np
    >>> crf = CRF(tags=2)
    >>> e = np.zeros((3, 1, 2))  # 3 steps, 1 sequence: all 8 sequences of tags are equally likely
    >>> print(crf(e, np.zeros((3, 1), int)).data / np.log(2))
    [3.]
    """

    def __init__(self, tags: int, dtype: Any = np.float64) -> None:
        self.A = ad.Parameter(ad.init.zeros((tags, tags), dtype=dtype))
        self.start = ad.Parameter(np.zeros(tags, dtype))
        self.end = ad.Parameter(np.zeros(tags, dtype))

    def forward(self, e: Any, y: Any, mask: Any = None) -> ad.Tensor:
        """The negative log probability of each sequence of a batch, of shape (batch,).

        Parameters
        ----------
        e : array_like, shape (time, batch, K)
        y : array_like of int, shape (time, batch)
        mask : array_like of bool, shape (time, batch), optional
            Where there is a step; true from the first step to the last one of each sequence.

        Raises
        ------
        ShapeError
            If shapes do not fit, or the mask has holes.
        DomainError
            If an entry of `y` is no tag.
        """
        return self.log_partition(e, mask) - self.score(e, y, mask)

    def log_partition(self, e: Any, mask: Any = None) -> ad.Tensor:
        """The log Z of each sequence.

        Parameters
        ----------
        e, mask
            As for `forward`.

        Returns
        -------
        Tensor, shape (batch,)
        """
        e, mask = self._fitting(e, mask)
        alpha = self.start + e[0]
        if len(e) > 1 and ad.is_compiling():
            alpha, _ = ad.scan(lambda alpha, t: (self._next(alpha, *t), None), alpha,
                               (e[1:], mask[1:]))  # fmt: skip
        elif len(e) > 1:
            for scores, counts in zip(e[1:], mask[1:]):
                alpha = self._next(alpha, scores, None if counts.all() else counts)
        return ad.logsumexp(alpha + self.end, -1)

    def _next(self, alpha: Any, scores: Any, counts: Any) -> ad.Tensor:
        """alpha(t) from alpha(t-1), which it is for the sequences that do not count."""
        longer = scores + ad.logsumexp(ad.expand_dims(alpha, -1) + self.A, 1)
        return longer if counts is None else ad.where(counts[:, None], longer, alpha)

    def score(self, e: Any, y: Any, mask: Any = None) -> ad.Tensor:
        """The score s(y) of each sequence.

        Parameters
        ----------
        e, y, mask
            As for `forward`.

        Returns
        -------
        Tensor, shape (batch,)
        """
        e, mask = self._fitting(e, mask)
        y = self._known(y, mask)
        rows = np.arange(y.shape[1])
        last = y[mask.sum(0) - 1, rows]
        steps = np.arange(len(y))[:, None]
        own = ad.sum(ad.where(mask, e[steps, rows, y], 0.0), 0)
        moves = ad.sum(ad.where(mask[1:], self.A[y[:-1], y[1:]], 0.0), 0)
        return self.start[y[0]] + own + moves + self.end[last]

    def marginals(self, e: Any, mask: Any = None) -> np.ndarray:
        """The probability of each tag at each step; 0 past an end.

        Parameters
        ----------
        e, mask
            As for `forward`.

        Returns
        -------
        ndarray, shape (time, batch, K)
        """
        scores = np.asarray(e.data if isinstance(e, ad.Tensor) else e)
        with ad.no_grad():  # `ad.grad` records by itself; around it, no graph is to be left
            return ad.grad(lambda scores: ad.sum(self.log_partition(scores, mask)))(scores)

    def decode(self, e: Any, mask: Any = None) -> np.ndarray:
        """The most probable tags (Viterbi 1967); 0 past an end.

        Parameters
        ----------
        e, mask
            As for `forward`.

        Returns
        -------
        ndarray of int, shape (time, batch)
        """
        e, mask = self._fitting(e.data if isinstance(e, ad.Tensor) else e, mask)
        A, best = self.A.data, self.start.data + e[0]
        came = np.zeros(e.shape, np.int64)
        for t in range(1, len(e)):
            longer = best[:, :, None] + A
            came[t] = longer.argmax(1)
            best = np.where(mask[t, :, None], longer.max(1) + e[t], best)
        return _followed(came, (best + self.end.data).argmax(-1), mask)

    def _fitting(self, e: Any, mask: Any) -> tuple[Any, np.ndarray]:
        """`e` as an array or a tensor, and where there are steps."""
        e = as_array(e)
        tags = len(self.start)
        if e.ndim != 3 or not len(e) or e.shape[-1] != tags:
            raise ad.errors.ShapeError(
                f"CRF: scores are {e.shape}; expected (time, batch, {tags}), with a step or more"
            )
        mask = np.ones(e.shape[:2], bool) if mask is None else as_array(mask, bool)
        if mask.shape != e.shape[:2] or _has_holes(mask):
            raise ad.errors.ShapeError(
                f"CRF: mask is {mask.shape}; expected {e.shape[:2]}, each sequence true from "
                "its first step to its last"
            )
        return e, mask

    def _known(self, y: Any, mask: np.ndarray) -> np.ndarray:
        """`y`, and tag 0 past the ends."""
        if np.shape(y) != mask.shape:
            raise ad.errors.ShapeError(f"CRF: tags are {np.shape(y)}; expected {mask.shape}")
        y, tags = np.where(mask, y, 0), len(self.start)
        wrong = [] if ad.is_compiling() else y[~np.isin(y, np.arange(tags))]
        if len(wrong):
            raise ad.errors.DomainError(
                f"CRF: there is no tag {wrong[0]}; tags are numbers from 0 to {tags - 1}"
            )
        return y.astype(np.int64)


def _has_holes(mask: Any) -> bool:
    """Whether a sequence is not true from its first step to its last; of values that are known."""
    if ad.is_compiling():
        return False
    return not mask[0].all() or bool((mask[1:] > mask[:-1]).any())


def _followed(came: np.ndarray, last: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The tags on the way back from `last`, by where each step came from."""
    rows = np.arange(len(last))
    y = np.zeros(mask.shape, np.int64)
    tag = last
    for t in range(len(mask) - 1, -1, -1):
        y[t] = np.where(mask[t], tag, 0)
        tag = np.where(mask[t], came[t, rows, tag], tag)
    return y
