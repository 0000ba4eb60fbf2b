"""word2vec: vectors of words from the words around them, as skip-gram and as CBOW."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import autodiff as ad
from models.arrays import as_array
from models.words.counted import WordCounts
from models.words.huffman import Huffman
from models.words.model import WordModel

__all__ = ["CBOW", "OUTPUTS", "SkipGram"]

OUTPUTS = ("negative", "hierarchical", "softmax")
"""How a word is predicted."""


class _Word2Vec(WordModel):
    """What skip-gram and CBOW share: two vectors for each word, and the loss."""

    def __init__(
        self,
        words: WordCounts | Sequence[str],
        counts: Sequence[int] = (),
        *,
        size: int = 100,
        output: str = "negative",
        rng: int | np.random.Generator = 0,
        dtype: Any = np.float32,
    ) -> None:
        super().__init__(words, counts, size)
        if output not in OUTPUTS:
            raise ad.errors.DomainError(f"output is {' or '.join(OUTPUTS)}, not {output!r}")
        self.output = output
        self.tree = Huffman.of(self.words.counts) if output == "hierarchical" else None
        rows = len(self.words) - (self.tree is not None)
        start, bound = (len(self.words), size), 0.5 / size
        self.V = ad.Parameter(ad.init.uniform(start, -bound, bound, rng=rng, dtype=dtype))
        self.U = ad.Parameter(np.zeros((rows, size), dtype))

    @property
    def arguments(self) -> dict[str, Any]:
        return {**super().arguments, "output": self.output}

    def _vectors(self) -> np.ndarray:
        return self.V.numpy()

    def hidden(self, inputs: Any) -> Any:
        """h, the vector that predicts: one for each example."""
        raise NotImplementedError(f"{type(self).__name__} states no hidden()")

    def loss(self, inputs: Any, outputs: Any, signs: Any = None) -> ad.Tensor:
        """J, summed over n examples.

        Parameters
        ----------
        inputs : array_like of int
            Words that are seen; see `hidden`.
        outputs : array_like of int, shape (n, k), or (n,) for the softmax
            Rows of U that are asked: words, or nodes of the tree.
        signs : array_like, shape (n, k) or (k,)
            1 where the answer is yes, -1 where it is no, 0 where there is no question. None for
            the softmax, of which `outputs` are the right words.
        """
        h = self.hidden(inputs)
        if signs is None:
            return ad.cross_entropy(h @ self.U.T, outputs, reduction="sum")
        signs = as_array(signs, self.U.dtype)
        scores = ad.einsum("nd,nkd->nk", h, ad.embedding(self.U, outputs))
        return ad.sum(np.abs(signs) * ad.softplus(-signs * scores))


class SkipGram(_Word2Vec):
    """Each word predicts the words around it.

    The word c in the centre has the input vector v[c], and a word o near it the output vector
    u[o]. With h = v[c] and the scores s[w] = u[w] . h, the loss J of a pair (c, o) is one of ::

        softmax         -log p(o|c),   p(o|c) = exp(s[o]) / sum over all words w of exp(s[w])
        negative        -log σ(s[o]) - sum over k of log σ(-s[n[k]]),   n[k] drawn from the noise
        hierarchical    -sum over the nodes j on the way to o of log σ(±s[j])

    V and U hold v and u in their rows. In a Huffman tree of all words each inner node j has a
    vector u[j], and σ(s[j]) is the probability that the way goes left.

    Parameters
    ----------
    words : WordCounts
        Or the words as a sequence of str, with their `counts`.
    counts : sequence of int, optional
    size : int
        Length of a vector.
    output : {"negative", "hierarchical", "softmax"}
    rng : int or Generator
        V starts uniform within 1/2 / size; U starts at 0.
    dtype : dtype

    Attributes
    ----------
    V : Parameter, shape (words, size)
    U : Parameter, shape (words, size), or (words - 1, size) with a tree
    tree : Huffman or None

    Raises
    ------
    DomainError
        For an unknown `output`, or no words, or a `size` below 1.

    References
    ----------
    Mikolov, Sutskever, Chen, Corrado and Dean 2013, Distributed representations of words and
    phrases and their compositionality, eq. 2 (softmax), 3 (hierarchical) and 4 (negative).

    Examples
    --------
    >>> model = SkipGram(["a", "rose", "is"], [2, 2, 1], size=4)
    >>> J = model.loss([0], [[1, 2]], signs=[1, -1])  # "a" beside "rose", and not beside "is"
    >>> round(J.item(), 4)  # 2 log 2, since nothing is known yet
    1.3863
    """

    def hidden(self, inputs: Any) -> Any:
        """The vectors of the words in the centre, shape (n,)."""
        return ad.embedding(self.V, inputs)


class CBOW(_Word2Vec):
    """The words around a word predict it: a continuous bag of words.

    h is the mean of the input vectors v of the words in the window. All else is as for `SkipGram`,
    with the word in the centre as o.

    Parameters
    ----------
    words, counts, size, output, rng, dtype
        As for `SkipGram`.
    whole_error : bool
        Whether each of the m words in a window is moved by the whole error signal of h, as in the
        original program and in gensim, and not by its share 1/m, which is the gradient.

    References
    ----------
    Mikolov, Chen, Corrado and Dean 2013, Efficient estimation of word representations in vector
    space, section 3.1.

    Examples
    --------
    >>> model = CBOW(["a", "rose", "is"], [2, 2, 1], size=4)
    >>> J = model.loss([[0, 2, -1, -1]], [[1, 0]], signs=[1, -1])  # "rose", from "a" and "is"
    >>> round(J.item(), 4)
    1.3863
    """

    def __init__(self, *args: Any, whole_error: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.whole_error = whole_error

    @property
    def arguments(self) -> dict[str, Any]:
        return {**super().arguments, "whole_error": self.whole_error}

    def hidden(self, inputs: Any) -> Any:
        """The mean vectors of the words in each window, shape (n, m); -1 where there is none."""
        inputs = as_array(inputs)
        is_word = (inputs >= 0).astype(self.V.dtype)[..., None]
        total = ad.sum(is_word * ad.embedding(self.V, np.maximum(inputs, 0)), axis=1)
        mean = total / np.sum(is_word, axis=1)
        if self.whole_error:
            return ad.stop_gradient(mean) + (total - ad.stop_gradient(total))
        return mean
