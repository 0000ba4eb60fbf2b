"""Translation: a network reads a sentence, another one writes it in another language."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

import autodiff as ad
from models.data.corpus import tokens
from models.gru import GRU
from models.ibm1 import Lexicon, LexiconTable
from models.recurrent import check_sizes
from models.stack import Stack
from models.vocabulary import UNKNOWN, Vocabulary, padded

__all__ = ["END", "FIRST", "Encoded", "Seq2Seq", "State", "joined", "words"]

END = "</s>"
"""Stands after the last word of a sentence, and before the first one that is written."""

FIRST = (UNKNOWN, END)
"""With these both vocabularies begin."""

FORWARDS = (1.5, -0.3, 0.0, -0.6)
"""Where attention starts from: it goes to the next word, and away from those it has been to."""

Words = Sequence[str]


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


class Beginning(NamedTuple):
    """Of a translation: its log probability, the id of its last word, and its words."""

    log_p: float
    last: int
    words: list[str]


class Seq2Seq(ad.Module):
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
        For a size below 1, or words that occur twice.

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
        rng: int | np.random.Generator = 0,
        dtype: Any = np.float32,
    ) -> None:
        check_sizes("Seq2Seq", size=size, hidden=hidden)
        rng = np.random.default_rng(rng)
        given: Any = {"rng": rng, "dtype": dtype}
        self.source, self.target = Vocabulary(source_words), Vocabulary(target_words)
        self.table = LexiconTable(lexicon, self.target)
        self.E = ad.Embedding(len(self.source), size, start=_small, **given)
        self.D = ad.Embedding(len(self.target), size, start=_small, **given)
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
        states = []
        for y in self.dropout(self.D(before)):
            state = self.step(encoded, y, state)
            states.append(state)
        s, c, a, _ = zip(*states)
        return self.scores(encoded, ad.stack(s), ad.stack(c), ad.stack(a))

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

    # ---- translations

    def translate(self, texts: str | Sequence[str], beam: int = 1) -> str | list[str]:
        """Sentences in lower case, from sentences as they are.

        Parameters
        ----------
        texts : str or sequence of str
        beam : int
            1 takes the likeliest word at each step. More: see `beam`.
        """
        if isinstance(texts, str):
            return self.translate([texts], beam)[0]
        sentences = [words(text) for text in texts]
        if beam == 1:
            return [joined(found) for found in self.greedy(sentences)]
        return [joined(self.beam(sentence, beam)) for sentence in sentences]

    def greedy(self, sentences: Sequence[Words], batch: int = 64) -> list[list[str]]:
        """The translation of each sentence, with the likeliest word at each step."""
        found: dict[int, list[str]] = {i: [] for i in range(len(sentences))}
        order = sorted((i for i in found if sentences[i]), key=lambda i: len(sentences[i]))
        for rows in (order[i : i + batch] for i in range(0, len(order), batch)):
            found.update(zip(rows, self._greedy([sentences[i] for i in rows])))
        return list(found.values())

    def _greedy(self, sentences: list[Words]) -> list[list[str]]:
        encoded, state = self._begin(sentences)
        y = np.full(len(sentences), FIRST.index(END))
        found: list[list[str]] = [[] for _ in sentences]
        limits = np.array([_limit(sentence) for sentence in sentences])
        going = limits > 0
        for t in range(1, limits.max() + 1):
            state, log_p = self._advance(encoded, y, state)
            y = log_p.argmax(-1)
            going &= (y != FIRST.index(END)) & (t <= limits)
            if not going.any():
                break
            for i in np.flatnonzero(going):
                written = self._word(sentences[i], y[i], state.a.data[i], encoded.L[i])
                found[i].append(written)
        return found

    def beam(self, sentence: Words, width: int) -> list[str]:
        """The best translation found by a beam search.

        At each step the `width` likeliest beginnings are kept, of which those with an `END` need
        no more steps. The best in the end has the highest log probability per word; `END` counts.
        """
        if not sentence:
            return []
        encoded, state = self._begin([sentence])
        live, ended = [Beginning(0.0, FIRST.index(END), [])], []
        for _ in range(_limit(sentence)):
            state, log_p = self._advance(encoded, np.array([start.last for start in live]), state)
            log_p = log_p + np.array([[start.log_p] for start in live], log_p.dtype)
            rows, ids = _highest(log_p, width - len(ended))
            written = [
                self._word(sentence, y, state.a.data[row], encoded.L[0])
                for row, y in zip(rows, ids)
            ]
            grown = [
                Beginning(log_p[row, y], y, [*live[row].words, word])
                for row, y, word in zip(rows, ids, written)
            ]
            going = ids != FIRST.index(END)
            ended += [start for start, goes in zip(grown, going) if not goes]
            live = [start for start, goes in zip(grown, going) if goes]
            if not live:
                break
            state = State(*(part[rows[going]] for part in state))
        best = max(ended + live, key=lambda start: start.log_p / len(start.words))
        return [word for word in best.words if word != END]

    def _begin(self, sentences: Sequence[Words]) -> tuple[Encoded, State]:
        with ad.no_grad():
            return self.read(*self.inputs(sentences))

    def _advance(self, encoded: Encoded, y: np.ndarray, state: State) -> tuple[State, np.ndarray]:
        """The next state from the ids of the last words, and the log of p(t)."""
        with ad.no_grad():
            state = self.step(encoded, self.D(y), state)
            scores = self.scores(encoded, *(part[None] for part in state[:3]))
            return state, ad.log_softmax(scores).data[0]

    def _word(self, sentence: Words, y: int, a: np.ndarray, L: np.ndarray) -> str:
        """What the id of a written word stands for."""
        if y:
            return self.target.words[y]
        return self.table.rare(sentence[(a * L[:, 0])[: len(sentence)].argmax()])


def _limit(sentence: Words) -> int:
    """Words after which the translation ends in any case."""
    return 2 * len(sentence) + 5


def _highest(values: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the highest values of a matrix, the highest first."""
    order = np.argsort(-values, axis=None, kind="stable")[:count]
    return np.divmod(order, values.shape[1])


def _nearby(state: State) -> Any:
    """n(t), of shape (sentence, place, 4)."""
    edge = np.zeros((state.a.shape[0], 1), state.a.dtype)
    before = ad.concatenate([edge, state.a[:, :-1]], -1)
    after = ad.concatenate([state.a[:, 1:], edge], -1)
    return ad.stack([before, state.a, after, state.used], -1)


def _small(shape: Any, *, rng: Any, dtype: Any) -> np.ndarray:
    return ad.init.normal(shape, std=0.1, rng=rng, dtype=dtype)


def words(text: str) -> list[str]:
    """Words and signs of a sentence in lower case."""
    return tokens(text.lower())


def joined(words: Words) -> str:
    """A sentence from its words, with no space before signs."""
    return re.sub(r" ([.,!?:;])", r"\1", " ".join(words))
