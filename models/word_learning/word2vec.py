"""Learning word2vec from the chunks of a text: in C, or as a graph on numpy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

import autodiff as ad
from models.word2vec import CBOW, SkipGram
from models.word_learning.draws import Draws, Piece, Window, keys_of
from models.word_learning.graph import OnGraph
from models.word_learning.loop import Loop, State, learner_for, require_rate
from models.word_learning.native import Native
from models.word_learning.tables import Tables
from models.words.encoded import Encoded
from models.words.text import Sentences, Text

__all__ = ["Chunks", "InC", "Word2VecTrainer", "on_graph"]

EACH = {"skip-gram": 2, "CBOW": 8}
"""Chunks that a thread learns from before it is told what the others have learnt of common words;
CBOW is through with one in a fourth of the time."""
PER_ROUND = 5
"""How many times that before it is told all."""

BATCH = 256
"""Examples of a step on numpy at most: as many as fit into a core's own cache with all that is made
of them."""
MOST = 25
"""Gradients that a batch may be expected to add up for a row: more would lead beyond the aim."""


class Chunks:
    """The chunks of a text as pieces, with a learning rate that falls from `lr` to `least`."""

    unit = "words"

    def __init__(self, encoded: Encoded, words: int, seed: int, lr: float, least: float) -> None:
        self._encoded, self._words, self._seed, self._rates = encoded, words, seed, (lr, least)
        self.sizes, self.checksum = encoded.sizes, encoded.checksum

    def piece(self, epoch: int, i: int, done: float) -> Piece:
        lr, least = self._rates
        ids, keys = self._encoded.chunk(i), keys_of(self._seed, epoch, i)
        if ids.max() >= self._words:
            raise ad.errors.DomainError(
                f"text: it has id {ids.max()}, and the model {self._words} words; encode it with "
                "the model's own"
            )
        return Piece(ids, keys, lr + (least - lr) * done)


class InC:
    """Each example by itself, in the order of the text."""

    def __init__(self, model: Any, draws: Draws, threads: int = 1) -> None:
        self.model, self._each = model, EACH["CBOW" if draws.is_bag else "skip-gram"]
        self.per_round = PER_ROUND * self._each * threads
        self.name = f"{name_of(model)} in C, threads: {threads}"
        whole_error = getattr(model, "whole_error", False)
        self._native = Native(draws, model.size, model.tree, whole_error)
        self._threads = threads

    @cached_property
    def _tables(self) -> Tables:
        # Not before they are needed: until then a user may give the model other vectors.
        return Tables([self.model.V.numpy(), self.model.U.numpy()], self._threads)

    def learn(self, pieces: Sequence[Piece]) -> list[tuple[float, int]]:
        return self._tables.learn(pieces, self._native.learn, self._each)

    def state(self) -> State:
        V, U = (table[:, : self.model.size].copy() for table in self._tables.arrays)
        self.model.V.data, self.model.U.data = V, U
        return {"V": V, "U": U}

    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        self.model.load_state_dict(state)  # refuses what does not fit
        self._tables.fill([state["V"], state["U"]])


def name_of(model: Any) -> str:
    """What kind of model it is: not to be mistaken for another one with parameters like it."""
    whole = " with the whole error" if getattr(model, "whole_error", False) else ""
    return f"{type(model).__name__}, {model.output}{whole},"


def on_graph(model: Any, draws: Draws, backend: str) -> OnGraph:
    """What learns the same from batches."""
    busiest = 1.0 if model.tree is not None else draws.busiest
    batch = max(1, min(BATCH, int(MOST / busiest)))
    optimizer = ad.optim.SGD(model.parameters(), lr=1.0)
    name = f"{name_of(model)} as a graph ({backend})"
    return OnGraph(name, model, optimizer, backend, batch, partial(_examples, model, draws))


def _examples(model: Any, draws: Draws, piece: Piece) -> tuple[np.ndarray, ...]:
    """What is seen, the rows of U that are asked, and the right answers, as the loss takes them."""
    inputs, outputs = draws.examples(piece.ids, piece.keys)
    if model.tree is not None:
        return inputs, model.tree.nodes[outputs], model.tree.signs[outputs]
    if not draws.has_noise:
        return inputs, outputs
    signs = np.full(outputs.shape[1], -1, model.U.dtype)
    signs[0] = 1
    return inputs, outputs, np.broadcast_to(signs, outputs.shape)


class Word2VecTrainer(Loop):
    """A skip-gram or CBOW model being trained on a text.

    Examples are learnt from one by one, in the order of the text, with a learning rate that falls
    linearly. Without C they are learnt from in batches of up to 256.

    Parameters
    ----------
    model : SkipGram or CBOW
    text : Text, or anything it can be made of; or Encoded
    epochs : int
    lr, least_lr : float
        Learning rate at the start and at the end, where it is no higher than at the start. Unless
        given, it starts at 0.025, and for `CBOW` at 0.07: there each word of a window is moved by
        its share only.
    window, shrink, negatives, subsample
        See `Window`.
    threads : int
        With several of them each learns from other sentences for a while before it is told what the
        others have learnt, and has a copy of all vectors in memory. The result depends on their
        number, but on nothing else.
    compile : {"auto", "c", "numpy", "off"}
        See `learner_for`.
    rng : int or Generator
        Of all that is drawn.
    checkpoint, settings, save_every, quiet
        As for `Loop`.

    Raises
    ------
    DomainError
        If the text can be read only once, or has none of the model's words, or a setting makes no
        sense.
    CompilerError
        If there is no compiler, and "c" was asked for.

    Notes
    -----
    The steps are those of the gradient; what is drawn is that of Mikolov et al. 2013, see `Window`.

    Examples
    --------
    >>> from models import SkipGram
    >>> from models.words import WordCounts
    >>> text = [["a", "rose", "is", "a", "rose"]] * 10
    >>> model = SkipGram(WordCounts.of(text), size=8)
    >>> history = Word2VecTrainer(model, text, epochs=3, subsample=0, compile="off").fit()
    >>> [round(row["loss"], 2) for row in history]
    [4.11, 3.32, 2.75]
    """

    def __init__(
        self,
        model: Any,
        text: Text | Sentences | str | Path | Encoded,
        *,
        epochs: int = 5,
        lr: float | None = None,
        least_lr: float = 1e-4,
        window: int = 5,
        shrink: bool = True,
        negatives: int = 5,
        subsample: float = 1e-3,
        threads: int = 1,
        compile: str = "auto",
        rng: int | np.random.Generator = 0,
        **options: Any,
    ) -> None:
        if not isinstance(model, (SkipGram, CBOW)):
            kind = type(model).__name__
            raise ad.errors.DTypeError(f"Word2VecTrainer takes a SkipGram or a CBOW, not {kind}")
        encoded = Encoded.of(text, model.words)
        is_bag = isinstance(model, CBOW)
        around = Window(window, shrink, negatives, subsample)
        draws = Draws(model.words.counts, around, is_bag, model.output == "negative")
        if lr is None:
            lr = 0.07 if is_bag and not model.whole_error else 0.025
        require_rate(lr)
        can_be_c = model.output != "softmax" and model.V.dtype == np.float32
        learner = learner_for(
            compile, threads,
            partial(InC, model, draws, threads) if can_be_c else None,
            partial(on_graph, model, draws),
        )  # fmt: skip
        seed = int(np.random.default_rng(rng).integers(2**63))
        source = Chunks(encoded, len(model.words), seed, lr, min(least_lr, lr))
        super().__init__(learner, source, epochs=epochs, **options)
