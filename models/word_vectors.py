"""Word vectors by counting: which words occur near which, in a few numbers a word.

What skip-gram with negative sampling learns is close to a factorisation of such counts (Levy and
Goldberg, NIPS 2014); here the factors are computed at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

import autodiff as ad
from models.extras import need
from models.vocabulary import Vocabulary

__all__ = ["word_vectors"]


SMALL = 1_000
"""Words up to which the whole matrix is factored."""


def word_vectors(
    sentences: Iterable[Sequence[str]],
    size: int = 100,
    window: int = 4,
    least: int = 3,
    rng: int | np.random.Generator = 0,
) -> tuple[list[str], np.ndarray]:
    """Vectors of the words of a text.

    The positive pointwise mutual information of words at most `window` apart (with weight 1/d at a
    distance of d, and context counts to the power 0.75, as Levy, Goldberg and Dagan 2015 advise)
    is factored by its largest singular values: a word's vector is its row of U sqrt(S).

    Parameters
    ----------
    sentences : iterable of sequence of str
        The text, in the form in which words are to be looked up.
    size : int
        Length of a vector.
    window : int
    least : int
        How often a word has to occur.
    rng : int or Generator
        Of the iteration that finds the singular values.

    Returns
    -------
    words : list of str
    vectors : ndarray of float32, shape (words, size)
        With a mean square of 1. A small text has fewer singular values than `size`: further
        entries are 0.

    Raises
    ------
    DomainError
        If the text is too small to tell anything about its words.
    MissingExtraError
        If scipy is not installed.
    """
    text = [list(sentence) for sentence in sentences]
    vocabulary = Vocabulary.of((word for sentence in text for word in sentence), least)
    ids = vocabulary.ids(word for sentence in text for word in sentence)
    place = np.array([i for i, sentence in enumerate(text) for _ in sentence])
    counts = _counts(ids, place, len(vocabulary), window)[1:, 1:]  # without the unknown ones
    words = list(vocabulary.words[1:])
    start = np.random.default_rng(rng).normal(size=len(words))
    strengths, count = _ppmi(counts), min(size, len(words) - 1)
    if not strengths.count_nonzero():
        raise ad.errors.DomainError(
            f"word vectors: too small a text; words that occur {least} times have to be near others"
        )
    U, S = _largest(strengths, count, start)
    vectors = U * np.sqrt(S)
    vectors = (vectors / np.sqrt(np.mean(vectors**2))).astype(np.float32)
    return words, np.pad(vectors, ((0, 0), (0, size - count)))


def _largest(matrix: Any, count: int, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The largest singular values with their vectors: the same ones at each call."""
    if len(start) <= SMALL:  # a matrix of low rank would make the iteration draw at random
        U, S, _ = np.linalg.svd(matrix.toarray())
        return U[:, :count], S[:count]
    svds = need("scipy.sparse.linalg", "making word vectors").svds
    # Each number of threads rounds in another way. Only now has scipy loaded a BLAS of its own.
    with need("threadpoolctl", "making word vectors").threadpool_limits(1):
        U, S, _ = svds(matrix, k=count, v0=start)
    return U, S


def _counts(ids: np.ndarray, place: np.ndarray, size: int, window: int) -> Any:
    """How often each word is near each other one; words of different sentences never are."""
    sparse = need("scipy.sparse", "making word vectors")
    total = sparse.csr_array((size, size))
    for d in range(1, window + 1):
        near = place[:-d] == place[d:]
        a, b = ids[:-d][near], ids[d:][near]
        total = total + sparse.csr_array((np.full(len(a), 1 / d), (a, b)), (size, size))
    return total + total.T


def _ppmi(counts: Any) -> Any:
    """max(0, log p(a, b) / (p(a) p(b))), with p(b) from counts to the power 0.75."""
    found = counts.tocoo()
    of_word = np.asarray(counts.sum(1)).ravel()
    of_context = of_word**0.75
    expected = of_word[found.row] * of_context[found.col] / of_context.sum()
    found.data = np.maximum(np.log(found.data / expected), 0)
    return found.tocsr()
