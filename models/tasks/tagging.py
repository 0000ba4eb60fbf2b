"""Tagging words: the task, its measures, and the baselines to beat."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isnan, nan
from typing import Any

import numpy as np

import autodiff as ad
from models.data import Corpus, Tagged
from models.tasks.batches import by_length
from models.tasks.spans import MARKS, Score, Span, is_mention, score, spans
from models.vocabulary import padded
from models.word_tagger import WordTagger

__all__ = ["Tagging", "accuracy", "baselines", "figures", "has_mentions", "has_names"]

Tags = Sequence[Sequence[str]]


@dataclass
class Tagging:
    """Learn the tags of a corpus by the log probability of each; see `Task`.

    Parameters
    ----------
    corpus : Corpus of Tagged
    model : WordTagger
        Whose features and tags are used.
    batch_size : int
        Sentences of one step.
    unknown : float
        A training word that occurs n times is made unknown with probability
        ``unknown / (unknown + n)``, so that the network learns what to do with unknown ones.
    unit : str
        What is counted while it trains.

    Raises
    ------
    DomainError
        If the training or the validation part has a tag that the model does not know.
    """

    corpus: Corpus[Tagged]
    model: WordTagger
    batch_size: int = 64
    unknown: float = 0.25
    unit: str = "tokens"

    def __post_init__(self) -> None:
        seen = {tag for s in (*self.corpus.train, *self.corpus.validation) for tag in s.tags}
        unknown = sorted(tag for tag in seen if tag not in self.model.tags)
        if unknown:
            raise ad.errors.DomainError(
                f"{self.corpus.name} has tags that the model does not know: {', '.join(unknown)}"
            )

    @cached_property
    def _train(self) -> list[tuple[np.ndarray, np.ndarray]]:
        return self._numbered(self.corpus.train)

    def _numbered(self, sentences: Sequence[Tagged]) -> list[tuple[np.ndarray, np.ndarray]]:
        model = self.model
        return [(model.features.ids(s.words), model.tags.ids(s.tags)) for s in sentences]

    @cached_property
    def _rates(self) -> np.ndarray:
        """The probability of each word of being made unknown."""
        column = self.model.features.word_column
        words = np.concatenate([ids[:, column] for ids, _ in self._train])
        counts = np.bincount(words, minlength=len(self.model.features.vocabularies["word"]))
        return self.unknown / (self.unknown + counts + 1e-9)

    def plan(self, rng: np.random.Generator) -> list[np.ndarray]:
        """The sentences of each batch, of similar length."""
        return by_length([len(ids) for ids, _ in self._train], self.batch_size, rng)

    def size(self, batch: np.ndarray) -> int:
        """Words of a batch."""
        return sum(len(self._train[i][0]) for i in batch)

    def inputs(self, batch: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        """Ids of shape (time, batch, features), tags and mask of shape (time, batch)."""
        ids, y, mask = _arrays([self._train[i] for i in batch])
        column = self.model.features.word_column
        if self.unknown and column is not None:
            words = ids[..., column]
            words[rng.random(words.shape) < self._rates[words]] = 0
        return ids, y, mask

    def loss(self, model: WordTagger, ids: Any, y: Any, mask: Any) -> ad.Tensor:
        """The negative log probability of the tags per word."""
        return model.loss(ids, y, mask)

    def evaluate(self, model: WordTagger) -> dict[str, float]:
        """Loss and measures on the validation part."""
        sentences = self.corpus.validation
        total = words = 0.0
        numbered = self._numbered(sentences)
        for rows in by_length([len(s.words) for s in sentences], 64, np.random.default_rng(0)):
            ids, y, mask = _arrays([numbered[i] for i in rows])
            total += model.loss(ids, y, mask).item() * mask.sum()
            words += mask.sum()
        measured = figures(self.corpus.train, sentences, model.tag([s.words for s in sentences]))
        return {"loss": float(total / words), **measured}


def _arrays(sentences: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, ...]:
    ids, mask = padded([ids for ids, _ in sentences])
    y, _ = padded([y for _, y in sentences])
    return ids, y, mask


# ---- measures


def has_names(train: Sequence[Tagged]) -> bool:
    """Whether tags mark names, as ``B-kind`` and ``I-kind``, and not each word by itself."""
    return any(_is_of_name(tag) for sentence in train for tag in sentence.tags)


def has_mentions(train: Sequence[Tagged]) -> bool:
    """Whether the ``@`` before the name of a user is tagged as a name itself."""
    pairs = (pair for s in train if "@" in s.words for pair in zip(s.words, s.tags))
    return any(word == "@" and _is_of_name(tag) for word, tag in pairs)


def _is_of_name(tag: str) -> bool:
    mark, gap, _ = tag.partition("-")
    return bool(gap) and mark in MARKS


def figures(
    train: Sequence[Tagged],
    sentences: Sequence[Tagged],
    predicted: Tags,
    known: Collection[str] = (),
) -> dict[str, float]:
    """F1 of names or accuracy of tags, as the training part has names or not.

    Where it has mentions of users, also F1 without them; where there are words that are not
    `known`, also their accuracy.
    """
    if has_names(train):
        found = {"F1": names(sentences, predicted).f1}
        if has_mentions(train):
            found["F1 without mentions"] = names(sentences, predicted, mentions=False).f1
        return found
    unknown = accuracy(sentences, predicted, known) if known else nan
    extra = {} if isnan(unknown) else {"accuracy, unknown words": unknown}
    return {"accuracy": accuracy(sentences, predicted), **extra}


def accuracy(sentences: Sequence[Tagged], predicted: Tags, without: Collection[str] = ()) -> float:
    """Share of words whose tag is right; nan if there are none but those of `without`."""
    right = [
        true == tag
        for s, tags in zip(sentences, predicted, strict=True)
        for word, true, tag in zip(s.words, s.tags, tags, strict=True)
        if word not in without
    ]
    return float(np.mean(right)) if right else nan


def names(sentences: Sequence[Tagged], predicted: Tags, mentions: bool = True) -> Score:
    """Exact spans; without those that are mentions of users, if so told."""

    def found(words: Sequence[str], tags: Sequence[str]) -> list[Span]:
        return [s for s in spans(tags) if mentions or not is_mention(words, s)]

    ours = [found(s.words, tags) for s, tags in zip(sentences, predicted, strict=True)]
    return score(ours, [found(s.words, s.tags) for s in sentences])


# ---- baselines


def baselines(corpus: Corpus[Tagged]) -> dict[str, list[list[str]]]:
    """The tags of the test part by simpler ways, by name."""
    words = [sentence.words for sentence in corpus.test]
    if not has_names(corpus.train):
        return {"most frequent tag": _most_frequent(corpus.train, words)}
    found = {"dictionary": _dictionary(corpus.train, words)}
    if has_mentions(corpus.train):
        found["rule for @"] = [_at(sentence) for sentence in words]
    return found


def _most_frequent(train: Sequence[Tagged], test: Sequence[Sequence[str]]) -> list[list[str]]:
    """Of a word in the training part; of all words, for one that does not occur there."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for sentence in train:
        for word, tag in zip(sentence.words, sentence.tags):
            counts[word][tag] += 1
    usual = _commonest(sum(counts.values(), Counter()))
    tags = {word: _commonest(count) for word, count in counts.items()}
    return [[tags.get(word, usual) for word in words] for words in test]


def _commonest(counts: Counter[str]) -> str:
    return counts.most_common(1)[0][0]


def _dictionary(train: Sequence[Tagged], test: Sequence[Sequence[str]]) -> list[list[str]]:
    """Phrases that are names in at least half of their places in the training part.

    From left to right, the longest one that fits.
    """
    kinds: defaultdict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for sentence in train:
        for span in spans(sentence.tags):
            kinds[sentence.words[span.start : span.stop]][span.kind] += 1
    longest = max(map(len, kinds))
    places = Counter(phrase for s in train for _, phrase in _phrases(s.words, longest))
    known = {p: _commonest(c) for p, c in kinds.items() if 2 * sum(c.values()) >= places[p]}
    return [_looked_up(words, known, longest) for words in test]


def _phrases(words: Sequence[str], longest: int) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Each start with each phrase from there, the longest first."""
    for start in range(len(words)):
        for stop in range(min(start + longest, len(words)), start, -1):
            yield start, tuple(words[start:stop])


def _looked_up(words: Sequence[str], known: dict[tuple[str, ...], str], longest: int) -> list[str]:
    tags, free = ["O"] * len(words), 0
    for start, phrase in _phrases(words, longest):
        if start >= free and phrase in known:
            free = start + len(phrase)
            tags[start:free] = [f"{mark}-{known[phrase]}" for mark in "B" + "I" * (len(phrase) - 1)]
    return tags


def _at(words: Sequence[str]) -> list[str]:
    """Each ``@`` and the word after it are a person."""
    return ["B-PER" if "@" in words[max(i - 1, 0) : i + 1] else "O" for i in range(len(words))]
