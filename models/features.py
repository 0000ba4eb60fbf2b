"""What a tagger sees of a word: the word itself, how it begins and ends, and its shape."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial

import numpy as np

import autodiff as ad
from models.vocabulary import Vocabulary

__all__ = ["FEATURES", "Features", "normal", "shape"]


def normal(word: str) -> str:
    """In lower case, each digit as 0, addresses of pages as one word."""
    return "<url>" if _PAGE.match(word) else _DIGIT.sub("0", word.lower())


def shape(word: str) -> str:
    """``"Xx"`` for ``"Paris"``: runs of capitals, small letters and digits, at most 2 of each.

    All other signs stand for themselves, also at most 2 in a row; of a long shape, 8 are kept.

    >>> shape("McDonald's"), shape("1998"), shape("IBM-3000")
    ("XxXxx'x", 'dd', 'XX-dd')
    """
    kinds = "".join(map(_kind, word))
    return _RUN.sub(r"\1\1", kinds)[:8]


def _kind(character: str) -> str:
    if character.isupper():
        return "X"
    if character.isalpha():
        return "x"
    return "d" if character.isdigit() else character


def _prefix(length: int, word: str) -> str:
    return word.lower()[:length]


def _suffix(length: int, word: str) -> str:
    return word.lower()[-length:]


_PAGE = re.compile(r"https?:|www\.", re.IGNORECASE)
_DIGIT = re.compile(r"\d")
_RUN = re.compile(r"(.)\1+")

FEATURES: dict[str, Callable[[str], str]] = {
    "word": normal,
    **{f"prefix{n}": partial(_prefix, n) for n in (1, 2, 3, 4)},
    **{f"suffix{n}": partial(_suffix, n) for n in (1, 2, 3, 4)},
    "shape": shape,
}


class Features:
    """The features of words as numbers.

    Parameters
    ----------
    tables : mapping of str to sequence of str
        For each feature, a name in `FEATURES`, the values that are known; `Vocabulary` says how
        they are numbered.

    Raises
    ------
    DomainError
        For an unknown feature.
    """

    def __init__(self, tables: Mapping[str, Sequence[str]]) -> None:
        _require_known(tables)
        self.vocabularies = {name: Vocabulary(values) for name, values in tables.items()}
        self._known: dict[str, np.ndarray] = {}

    @classmethod
    def of(
        cls,
        sentences: Iterable[Sequence[str]],
        names: Sequence[str],
        least: int = 3,
        least_word: int = 1,
        words: Sequence[str] = (),
    ) -> Features:
        """What occurs in some sentences often enough.

        Parameters
        ----------
        sentences : iterable of sequence of str
        names : sequence of str
            Of `FEATURES`.
        least, least_word : int
            How often a value has to occur: of other features than the word, and of the word.
        words : sequence of str
            Further words, such as those that have a vector already.

        Raises
        ------
        DomainError
            For an unknown feature.
        """
        _require_known(names)
        text = [word for sentence in sentences for word in sentence]
        found = {}
        for name in names:
            values = map(FEATURES[name], text)
            enough = least_word if name == "word" else least
            found[name] = list(Vocabulary.of(values, enough).words)
        if words and "word" in found:
            known = set(found["word"])
            found["word"] += [word for word in words if word not in known]
        return cls(found)

    @property
    def tables(self) -> dict[str, list[str]]:
        """What makes features like these."""
        return {name: list(v.words) for name, v in self.vocabularies.items()}

    @property
    def word_column(self) -> int | None:
        """Which of the features is the word, if one is."""
        names = list(self.vocabularies)
        return names.index("word") if "word" in names else None

    def knows(self, word: str) -> bool:
        """Whether the feature "word" has a value for this one."""
        return "word" in self.vocabularies and normal(word) in self.vocabularies["word"]

    def ids(self, words: Sequence[str]) -> np.ndarray:
        """The features of each word, of shape (words, features)."""
        shape = len(words), len(self.vocabularies)
        return np.array([self._row(word) for word in words], np.int64).reshape(shape)

    def _row(self, word: str) -> np.ndarray:
        if word not in self._known:
            values = [v.ids([FEATURES[name](word)])[0] for name, v in self.vocabularies.items()]
            self._known[word] = np.array(values)
        return self._known[word]


def _require_known(names: Collection[str]) -> None:
    unknown = [name for name in names if name not in FEATURES]
    if unknown or not names:
        found = f"unknown feature {unknown[0]!r}" if unknown else "no features"
        raise ad.errors.DomainError(f"{found}; there are {', '.join(FEATURES)}")
