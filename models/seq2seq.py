"""Translation: a network reads a sentence, another one writes it in another language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

import autodiff as ad
from models.embeddings import small_embedding
from models.gru import GRU
from models.ibm1 import Lexicon, LexiconTable
from models.recurrent import check_sizes
from models.search import END, FIRST, Translator, Words
from models.stack import Stack
from models.vocabulary import Vocabulary, padded

__all__ = ["Encoded", "Seq2Seq", "State"]

FORWARDS = (1.5, -0.3, 0.0, -0.6)
"""Where attention starts from: it goes to the next word, and away from those it has been to."""


class Encoded(NamedTuple):
    """Source sentences as the decoder looks at them; axes are sentence, place, then its own."""

    H: Any
    K: Any
    L: np.ndarray
    absent: np.ndarray
    """0 where there is a word, and minus infinity after the end."""


class State(NamedTuple):
    """Of the decoder, for each sentence: s(t), c(t), a(t), and the sum of a until t."""

    s: Any
    c: Any
    a: Any
    used: Any


class Seq2Seq(Translator):
    """An encoder and a decoder with attention (Bahdanau et al. 2015) and a lexicon.

    The sentence f(1) .. f(J), of which f(J) is `END`, is read in both directions. Then the words
    y(1), y(2), ... are written until one is `END`, which is y(0) too::

        x(j)   = E[f(j)]
        H(j)   = forwards(x)(j), backwards(x)(j), x(j)              joined
        s(0)   = tanh(S (last states of both))
        s(t)   = GRU((D[y(t-1)], c(t-1)), s(t-1))
        n(t,j) = a(t-1,j-1), a(t-1,j), a(t-1,j+1), a(1,j) + .. + a(t-1,j)
        a(t)   = softmax over j of s(t) . A H(j) + u . n(t,j)
        c(t)   = sum over j of a(t,j) H(j)
        o(t)   = tanh(C (s(t), c(t)))
        q(t,y) = sum over j of a(t,j) t(y|f(j))
        p(t)   = softmax over y of D[y] . o(t) + b[y] + log(q(t,y) + exp(k))

    with 0 for all that is before the first step. The lexicon t(y|f) is fixed, so that training
    begins with the translations of the attended words and learns which, in which order, with
    which words between; the log of it as a bias is that of Arthur, Neubig and Nakamura 2016.
    Attention by what was attended to is that of Chorowski et al. 2015; D is both input and output,
    as for Press and Wolf 2017. In training, dropout sets entries of x, forwards, backwards,
    D[y(t-1)] and o to zero.

    A rare word is written by the lexicon: where the network writes the unknown word, it stands
    for a translation of an attended word that `target_words` has not, or for that word itself.

    Parameters
    ----------
    source_words, target_words : sequence of str
        Both vocabularies in lower case, beginning with `FIRST`.
    lexicon : Lexicon
        t(y|f), as `ibm1` finds it.
    size, hidden : int
        Lengths of x and D[y], and of s and each encoder's state.
    dropout : float
    beam : int
        Translations that `translate` follows at once, unless it is told another number.
    rng : int or Generator
        Source of the starting weights, and of what is dropped.
    dtype : dtype

    Attributes
    ----------
    E, D : Embedding
    encoder : Stack
    decoder : GRU
    S, A, C : Linear
    u : Parameter, shape (4,)
    b : Parameter, shape (target words,)
    k : Parameter, shape ()

    Raises
    ------
    DomainError
        For a size below 1, or words that occur twice or do not begin with `FIRST`.

    Examples
    --------
    >>> lexicon = {"das": {"the": 0.9, "that": 0.1}, "haus": {"house": 1.0}}
    >>> model = Seq2Seq([*FIRST, "das", "haus"], [*FIRST, "the", "house"], lexicon, hidden=8).eval()
    >>> before, y, counts = model.outputs([["the", "house"]])
    >>> model(*model.inputs([["das", "haus"]]), before).shape
    (3, 1, 4)
    """

    def __init__(
        self,
        source_words: Words,
        target_words: Words,
        lexicon: Lexicon,
        size: int = 128,
        hidden: int = 128,
        dropout: float = 0.3,
        beam: int = 1,
        rng: int | np.random.Generator = 0,
        dtype: Any = np.float32,
    ) -> None:
        check_sizes("Seq2Seq", size=size, hidden=hidden, beam=beam)
        self.width = beam
        rng = np.random.default_rng(rng)
        given: Any = {"rng": rng, "dtype": dtype}
        self.source, self.target = Vocabulary(source_words), Vocabulary(target_words)
        if not self.source.words[:2] == self.target.words[:2] == FIRST:
            raise ad.errors.DomainError(f"Seq2Seq: both lists of words begin with {FIRST}")
        self.table = LexiconTable(lexicon, self.target)
        self.E = small_embedding(len(self.source), size, **given)
        self.D = small_embedding(len(self.target), size, **given)
        self.encoder = Stack("gru", size, hidden, bidirectional=True, **given)
        values = self.encoder.outputs + size
        self.decoder = GRU(size + values, hidden, **given)
        self.S = ad.Linear(self.encoder.outputs, hidden, **given)
        self.A = ad.Linear(values, hidden, bias=False, **given)
        self.C = ad.Linear(hidden + values, size, **given)
        self.u = ad.Parameter(FORWARDS, dtype=dtype)
        self.b = ad.Parameter(np.zeros(len(self.target), dtype))
        self.k = ad.Parameter(np.log(1e-4), dtype=dtype)
        self.dropout = ad.Dropout(dropout, rng=rng)

    # ---- sentences as arrays

    def inputs(
        self, sentences: Sequence[Words], tables: Sequence[LexiconTable] | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Ids and mask of shape (place, sentence); L of shape (sentence, place, target words).

        `tables` has a lexicon for each sentence, in place of our own.
        """
        ended = [[*sentence, END] for sentence in sentences]
        f, mask = padded([self.source.ids(sentence) for sentence in ended])
        rows = zip(tables or [self.table] * len(ended), ended)
        L, _ = padded([table.dense(sentence, self.b.dtype) for table, sentence in rows])
        return f, mask, L.swapaxes(0, 1)

    def outputs(self, sentences: Sequence[Words]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Ids of y(0), y(1), ..., of y(1), y(2), ..., and their mask, (time, sentence) each."""
        y, mask = padded([self.target.ids([*sentence, END]) for sentence in sentences])
        return np.concatenate([np.full_like(y[:1], FIRST.index(END)), y[:-1]]), y, mask

    # ---- the network

    def forward(self, f: np.ndarray, mask: np.ndarray, L: np.ndarray, before: np.ndarray) -> Any:
        """The scores whose softmax is p(t), of shape (time, sentence, target words).

        The arguments are those of `inputs`, and the first of `outputs`.
        """
        encoded, state = self.read(f, mask, L)
        return self.scores(encoded, *self._along(encoded, self.dropout(self.D(before)), state))

    def _along(self, encoded: Encoded, ys: Any, state: State) -> Any:
        """s, c and a of all steps, of which each is a loop's in a function that is compiled."""
        if ad.is_compiling():

            def step(state: State, y: Any) -> tuple[State, Any]:
                state = self.step(encoded, y, state)
                return state, state[:3]

            return ad.scan(step, state, ys)[1]
        states = []
        for y in ys:
            state = self.step(encoded, y, state)
            states.append(state[:3])
        return map(ad.stack, zip(*states))

    def read(self, f: np.ndarray, mask: np.ndarray, L: np.ndarray) -> tuple[Encoded, State]:
        """The sentences, and the state before the first step."""
        x = self.dropout(self.E(f))
        h, ends = self.encoder(x, mask=mask)
        H = np.swapaxes(ad.concatenate([self.dropout(h), x], -1), 0, 1)
        absent = np.where(mask.T, 0, -np.inf).astype(H.dtype)
        s, zeros = ad.tanh(self.S(ad.concatenate(ends, -1))), np.zeros_like(absent)
        start = State(s, np.zeros((len(absent), H.shape[-1]), H.dtype), zeros, zeros)
        return Encoded(H, self.A(H), L, absent), start

    def step(self, encoded: Encoded, y: Any, state: State) -> State:
        """The state after the step whose input is the vector D[y(t-1)]."""
        s = self.decoder.cell(ad.concatenate([y, state.c], -1), state.s)
        e = (encoded.K @ s[:, :, None])[:, :, 0] + _nearby(state) @ self.u
        a = ad.softmax(e + encoded.absent)
        return State(s, (a[:, None] @ encoded.H)[:, 0], a, state.used + a)

    def scores(self, encoded: Encoded, s: Any, c: Any, a: Any) -> Any:
        """The scores at some steps, from states of shape (time, sentence, ...)."""
        o = self.dropout(ad.tanh(self.C(ad.concatenate([s, c], -1))))
        q = np.swapaxes(np.swapaxes(a, 0, 1) @ encoded.L, 0, 1)
        return ad.linear(o, self.D.table, self.b) + ad.log(q + ad.exp(self.k))

    # ---- one word after the other

    def begin(self, sentences: Sequence[Words]) -> tuple[Encoded, State]:
        """What is made of the sentences, and the state before the first word."""
        with ad.no_grad():
            return self.read(*self.inputs(sentences))

    def advance(self, encoded: Encoded, y: np.ndarray, state: State) -> tuple[State, np.ndarray]:
        """The next state from the ids of the last words, and the log of p(t)."""
        with ad.no_grad():
            state = self.step(encoded, self.D(y), state)
            scores = self.scores(encoded, *(part[None] for part in state[:3]))
            return state, ad.log_softmax(scores).data[0]

    def written(self, sentence: Words, y: int, a: np.ndarray) -> str:
        """What the id of a written word stands for, by the attention to the sentence."""
        if y:
            return self.target.words[y]
        rare = [self.table.of_rare(word) for word in sentence]
        return self.table.rare(sentence[(a[: len(sentence)] * rare).argmax()])


def _nearby(state: State) -> Any:
    """n(t), of shape (sentence, place, 4)."""
    edge = np.zeros((state.a.shape[0], 1), state.a.dtype)
    before = ad.concatenate([edge, state.a[:, :-1]], -1)
    after = ad.concatenate([state.a[:, 1:], edge], -1)
    return ad.stack([before, state.a, after, state.used], -1)
