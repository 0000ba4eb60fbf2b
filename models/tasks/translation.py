"""Translating sentences: the task, its measures, and the baselines to beat."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

import autodiff as ad
from models.data.corpus import Corpus, Pair
from models.extras import need
from models.ibm1 import NULL, LexiconTable, ibm1, word_for_word
from models.search import FIRST, joined, words
from models.seq2seq import Seq2Seq
from models.tasks.batches import by_length
from models.vocabulary import Vocabulary

__all__ = ["Translation", "baselines", "bleu", "chrf", "learnt_words"]

Sentences = tuple[list[str], list[str]]
"""The words of a source sentence and of its translation."""

LEAST = 0.01
"""Less likely translations are left out of lexicons: they are noise, and most of the size."""


@dataclass
class Translation:
    """Learn to translate by cross-entropy of the words; see `Task`.

    In training a sentence gets a lexicon that was made without it. One made with it would have
    its rare words right, and the network would learn to trust it more than it deserves.

    Parameters
    ----------
    corpus : Corpus of Pair
    model : Seq2Seq
        Whose vocabularies are used.
    batch_size : int
        Sentences of one step.
    folds : int
        The training part is cut into so many blocks; the lexicon of each is made of the others.
    unknown : float
        Share of the words that are made unknown to the network in a training step.
    unit : str
        What is counted while it trains.
    """

    corpus: Corpus[Pair]
    model: Seq2Seq
    batch_size: int = 64
    folds: int = 10
    unknown: float = 0.1
    unit: str = "tokens"

    @cached_property
    def _train(self) -> list[Sentences]:
        return _split(self.corpus.train)

    @cached_property
    def _tables(self) -> list[LexiconTable]:
        """The lexicon of each training sentence."""
        blocks = np.array_split(np.arange(len(self._train)), min(self.folds, len(self._train)))
        return [table for block in blocks for table in [self._without(block)] * len(block)]

    def _without(self, block: np.ndarray) -> LexiconTable:
        others = self._train[: block[0]] + self._train[block[-1] + 1 :]
        return LexiconTable(ibm1(others, least=LEAST), self.model.target)

    def plan(self, rng: np.random.Generator) -> list[np.ndarray]:
        """The sentences of each batch, of similar length."""
        lengths = [len(source) + len(target) for source, target in self._train]
        return by_length(lengths, self.batch_size, rng)

    def size(self, batch: np.ndarray) -> int:
        """Target words of a batch, with the end of each sentence."""
        return sum(len(self._train[i][1]) + 1 for i in batch)

    def inputs(self, batch: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        """What the model takes of the sentences, then the words to be written and their mask."""
        sources, targets = zip(*(self._train[i] for i in batch))
        f, mask, L = self.model.inputs(sources, [self._tables[i] for i in batch])
        before, y, counts = self.model.outputs(targets)
        for ids in (f, before):
            ids[rng.random(ids.shape) < self.unknown] = 0
        return f, mask, L, before, y, counts

    def loss(
        self, model: Seq2Seq, f: Any, mask: Any, L: Any, before: Any, y: Any, counts: Any
    ) -> ad.Tensor:
        """Mean cross-entropy of the target words."""
        return ad.cross_entropy(model(f, mask, L, before), y, mask=counts)

    def evaluate(self, model: Seq2Seq) -> dict[str, float]:
        """Loss per word and BLEU on the validation part."""
        part = _split(self.corpus.validation)
        lengths = [len(source) for source, _ in part]
        total = count = 0.0
        for rows in by_length(lengths, 64, np.random.default_rng(0)):
            sources, targets = zip(*(part[i] for i in rows))
            before, y, counts = model.outputs(targets)
            scores = model(*model.inputs(sources), before)
            total += ad.cross_entropy(scores, y, reduction="sum", mask=counts).item()
            count += counts.sum()
        found = model.translate([pair.source for pair in self.corpus.validation], beam=1)
        return {"loss": float(total / count), "BLEU": bleu(found, _targets(self.corpus.validation))}


def learnt_words(corpus: Corpus[Pair], least: int = 2) -> dict[str, Any]:
    """What a `Seq2Seq` has to know of the training part, by the names of its arguments.

    Parameters
    ----------
    corpus : Corpus of Pair
    least : int
        A word that occurs less often belongs to neither vocabulary.
    """
    train = _split(corpus.train)
    source, target = (
        Vocabulary.of((w for pair in train for w in pair[side]), least, FIRST) for side in (0, 1)
    )
    lexicon = ibm1(train, least=LEAST)
    lexicon.pop(NULL, None)
    return {
        "source_words": list(source.words), "target_words": list(target.words), "lexicon": lexicon
    }  # fmt: skip


def _split(part: Sequence[Pair]) -> list[Sentences]:
    return [(words(pair.source), words(pair.target)) for pair in part]


def _targets(part: Sequence[Pair]) -> list[str]:
    return [pair.target for pair in part]


# ---- measures


def bleu(hypotheses: Sequence[str], references: Sequence[str]) -> float:
    """BLEU of a corpus in percent, as sacreBLEU has it (Post 2018), in lower case."""
    sacrebleu = need("sacrebleu", "the measure of translations")
    return float(sacrebleu.corpus_bleu(list(hypotheses), [list(references)], lowercase=True).score)


def chrf(hypotheses: Sequence[str], references: Sequence[str]) -> float:
    """chrF of a corpus in percent (Popović 2015): shared groups of letters, in lower case."""
    sacrebleu = need("sacrebleu", "the measure of translations")
    lowered = [[text.lower() for text in texts] for texts in (hypotheses, references)]
    return float(sacrebleu.corpus_chrf(lowered[0], [lowered[1]]).score)


# ---- baselines


def baselines(corpus: Corpus[Pair]) -> dict[str, list[str]]:
    """The test part, translated in simpler ways, by name."""
    train, sources = _split(corpus.train), [words(pair.source) for pair in corpus.test]
    lexicon = ibm1(train)
    return {
        "word for word (IBM model 1)": [joined(word_for_word(lexicon, s)) for s in sources],
        "nearest training sentence": _nearest(train, sources),
        "the source as it is": [joined(s) for s in sources],
    }


def _nearest(train: Sequence[Sentences], sources: Sequence[list[str]]) -> list[str]:
    """The translation of the training sentence with the largest cosine of tf-idf weights."""
    bags = [Counter(_grams(source)) for source, _ in train]
    idf = {g: np.log(len(bags) / n) + 1 for g, n in Counter(g for b in bags for g in b).items()}
    places: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
    for i, bag in enumerate(bags):
        weights = np.array([n * idf[gram] for gram, n in bag.items()])
        for gram, weight in zip(bag, weights / np.linalg.norm(weights)):
            places[gram].append((i, weight))
    rows = {gram: tuple(map(np.array, zip(*found))) for gram, found in places.items()}
    best = []
    for source in sources:
        scores = np.zeros(len(train))
        for gram, n in Counter(_grams(source)).items():
            if gram in rows:
                where, weights = rows[gram]
                scores[where] += n * idf[gram] * weights
        best.append(int(scores.argmax()))
    return [joined(train[i][1]) for i in best]


def _grams(source: list[str]) -> list[str]:
    return source + list(map(" ".join, pairwise(source)))
