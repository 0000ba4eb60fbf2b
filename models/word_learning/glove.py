"""Learning GloVe from the counts of pairs: in C, or as a graph on numpy."""

from __future__ import annotations

import ctypes
import zlib
from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import autodiff as ad
from models.glove import GloVe
from models.word_learning.graph import OnGraph
from models.word_learning.loop import Loop, State, learner_for, require_rate
from models.word_learning.tables import LANES, Tables, built, pointer
from models.words.cooccurrence import Cooccurrences, Triples, cooccurrences, split
from models.words.encoded import Encoded
from models.words.text import Sentences, Text

__all__ = ["GloVeTrainer", "InC", "Pairs", "on_graph"]

PIECE = 50_000
"""Pairs of a piece."""
PER_ROUND = 10
"""Pieces that a thread learns from before it is told all that the others have learnt."""
BATCH = 1_000
"""Pairs of a step on numpy."""
EPS = 1e-10
"""Of AdaGrad."""


class Piece(NamedTuple):
    """Some pairs with their counts, and the learning rate."""

    pairs: Triples
    rate: float


class Pairs:
    """Pairs of words as pieces, in another order in each epoch.

    They are dealt out once, at random, to parts that fit into memory, since they are sorted by
    words; each part is shuffled anew for each epoch.
    """

    unit = "pairs"

    def __init__(self, counts: Cooccurrences, checksum: int, seed: int, lr: float) -> None:
        self._seed, self._lr = seed, lr
        self._parts = counts.dealt(np.random.default_rng([seed, 0]))
        self._places = [(k, i) for k, part in enumerate(self._parts)
                        for i in range(0, len(part), PIECE)]  # fmt: skip
        self.sizes = np.array([min(PIECE, len(self._parts[k]) - i) for k, i in self._places])
        self.checksum = zlib.crc32(self.sizes, checksum)  # another window makes other pieces
        self._shuffled: tuple[tuple[int, int], Any] = (-1, -1), None

    def piece(self, epoch: int, i: int, done: float) -> Piece:
        k, start = self._places[i]
        return Piece(split(self._order(epoch, k)[start : start + PIECE]), self._lr)

    def _order(self, epoch: int, k: int) -> np.ndarray:
        if self._shuffled[0] != (epoch, k):
            rng = np.random.default_rng([self._seed, 1, epoch, k])
            entries = self._parts[k].read(0, len(self._parts[k]))
            self._shuffled = (epoch, k), rng.permutation(entries)
        return self._shuffled[1]


class InC:
    """Each pair by itself."""

    def __init__(self, model: GloVe, threads: int = 1) -> None:
        self.model, self.per_round = model, PER_ROUND * threads
        self.name, self._threads = f"GloVe in C, threads: {threads}", threads
        size = model.size
        stride = -(-(size + 2) // LANES) * LANES
        library = built(("rows.h", "glove.c"), STRIDE=stride, SIZE=size)
        self._learn_pairs = library.learn_pairs
        self._learn_pairs.restype = ctypes.c_double

    @cached_property
    def _tables(self) -> Tables:
        # Not before they are needed: until then a user may give the model other vectors.
        rows = self._rows(self.model.state_dict())
        return Tables([*rows, *map(np.zeros_like, rows)], self._threads)

    def learn(self, pieces: Sequence[Piece]) -> list[tuple[float, int]]:
        return self._tables.learn(pieces, self._piece)

    def _piece(self, piece: Piece, tables: Sequence[np.ndarray]) -> tuple[float, int]:
        i, j, x = piece.pairs
        logs, weights = np.log(x).astype(np.float32), self.model.weights(x).astype(np.float32)
        loss = self._learn_pairs(
            *map(pointer, (i, j, logs, weights)), ctypes.c_int64(len(i)), *map(pointer, tables),
            ctypes.c_float(piece.rate), ctypes.c_float(EPS),
        )  # fmt: skip
        return loss, len(i)

    def _rows(self, state: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        W, C, b, d = (state[name] for name in "WCbd")
        ones = np.ones_like(b)
        return [np.column_stack([W, b, ones]), np.column_stack([C, ones, d])]

    def state(self) -> State:
        size = self.model.size
        W, C, *squares = self._tables.arrays
        state = {
            "W": W[:, :size].copy(), "C": C[:, :size].copy(),
            "b": W[:, size].copy(), "d": C[:, size + 1].copy(),
        }  # fmt: skip
        self.model.load_state_dict(state)
        return state | {f"squares {i}": table.copy() for i, table in enumerate(squares)}

    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        squares = [state[f"squares {i}"] for i in range(2)]
        self.model.load_state_dict({name: state[name] for name in "WCbd"})
        self._tables.fill([*self._rows(state), *squares])


def on_graph(model: GloVe, backend: str) -> OnGraph:
    """What learns the same from batches."""
    optimizer = ad.optim.Adagrad(model.parameters(), lr=1.0, eps=EPS)
    return OnGraph(
        f"GloVe as a graph ({backend})", model, optimizer, backend, BATCH, lambda piece: piece.pairs
    )


class GloVeTrainer(Loop):
    """A `GloVe` model being trained on a text: its pairs are counted, and then learnt from.

    Pairs are learnt from one by one, in another order in each epoch, by AdaGrad. Without C they are
    learnt from in batches of 1,000.

    Parameters
    ----------
    model : GloVe
    text : Text, or anything it can be made of; or Encoded
    epochs : int
    lr : float
        Learning rate.
    window : int
        The greatest distance of two words that count as near; at a distance of d they count 1/d.
    memory : int
        Bytes that counting may use; what is more goes to temporary files.
    threads, compile, rng, checkpoint, settings, save_every, quiet
        As for `Word2VecTrainer`.

    Raises
    ------
    DomainError, CompilerError
        As for `Word2VecTrainer`.

    Notes
    -----
    Counts of 1/d and AdaGrad are those of Pennington, Socher and Manning 2014, sec. 4.2.

    Examples
    --------
    >>> from models import GloVe
    >>> from models.words import WordCounts
    >>> text = [["a", "rose", "is", "a", "rose"]] * 10
    >>> model = GloVe(WordCounts.of(text), size=8)
    >>> history = GloVeTrainer(model, text, epochs=3, compile="off").fit()
    >>> [round(row["loss"], 2) for row in history]
    [3.55, 3.28, 3.03]
    """

    def __init__(
        self,
        model: GloVe,
        text: Text | Sentences | str | Path | Encoded,
        *,
        epochs: int = 15,
        lr: float = 0.05,
        window: int = 10,
        memory: int = 512 << 20,
        threads: int = 1,
        compile: str = "auto",
        rng: int | np.random.Generator = 0,
        **options: Any,
    ) -> None:
        if not isinstance(model, GloVe):
            raise ad.errors.DTypeError(f"GloVeTrainer takes a GloVe, not {type(model).__name__}")
        require_rate(lr)
        encoded = Encoded.of(text, model.words)
        seed = int(np.random.default_rng(rng).integers(2**63))
        learner = learner_for(
            compile, threads,
            partial(InC, model, threads) if model.W.dtype == np.float32 else None,
            partial(on_graph, model),
        )  # fmt: skip
        counts = cooccurrences(encoded, len(model.words), window, memory=memory)
        source = Pairs(counts, encoded.checksum, seed, lr)
        super().__init__(learner, source, epochs=epochs, **options)
