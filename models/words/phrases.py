"""Words that belong together, such as New York, made one word."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import autodiff as ad
from models.words.counted import HELD, Tally
from models.words.text import Sentences, Text

__all__ = ["Phrases"]

Pair = tuple[str, str]


class Phrases:
    """Pairs of words that follow each other more often than chance has it.

    Parameters
    ----------
    pairs : dict
        For each pair its score.
    delimiter : str
        What stands between the words of a phrase.

    Examples
    --------
    >>> text = [["new", "york", "is", "new"], ["new", "york", "it", "is"]]
    >>> phrases = Phrases.of(text, least=1, threshold=1.0)
    >>> phrases.pairs
    {('new', 'york'): 1.333...}
    >>> list(phrases.apply(text))
    [['new_york', 'is', 'new'], ['new_york', 'it', 'is']]
    """

    def __init__(self, pairs: dict[Pair, float], delimiter: str = "_") -> None:
        self.pairs, self.delimiter = pairs, delimiter

    @classmethod
    def of(
        cls,
        text: Text | Sentences | str | Path,
        least: int = 5,
        threshold: float = 10.0,
        delimiter: str = "_",
        held: int = HELD,
    ) -> Phrases:
        """Find the phrases of a text.

        Parameters
        ----------
        text : Text, or anything it can be made of
        least : int
            How often a pair has to occur.
        threshold : float
            The score has to be above it.
        delimiter : str
        held : int
            Different words, and different pairs, held in memory while counting; when there are
            more, the rarest so far are forgotten.

        Raises
        ------
        DomainError
            If there are no words in the text.

        Notes
        -----
        The score is (count(a b) - least) / (count(a) count(b)), equation 6 of Mikolov, Sutskever,
        Chen, Corrado and Dean (NIPS 2013), times the words of the text, as in their program, so
        that it depends little on the size of the text. Phrases of more words are found in a text
        to which phrases have been applied.
        """
        words: Tally[str] = Tally(held)
        pairs: Tally[Pair] = Tally(held)
        for sentence in Text(text):
            words.add(sentence)
            pairs.add(pairwise(sentence))
        if not words.total:
            raise ad.errors.DomainError("text: there are no words in it")
        scores = _scores(words, pairs, least)
        return cls({pair: s for pair, s in scores if s > threshold}, delimiter)

    def apply(self, text: Text | Sentences | str | Path) -> Sentences:
        """The text with each phrase as one word, found from left to right.

        Parameters
        ----------
        text : Text, or anything it can be made of

        Returns
        -------
        iterable of list of str
            Sentences that can be read again and again.
        """
        return _Joined(self, Text(text))

    def join(self, sentence: list[str]) -> list[str]:
        """A sentence with each phrase as one word.

        Parameters
        ----------
        sentence : list of str

        Returns
        -------
        list of str
        """
        words, was_joined = sentence[:1], False
        for pair in pairwise(sentence):
            was_joined = not was_joined and pair in self.pairs
            if was_joined:
                words[-1] = self.delimiter.join(pair)
            else:
                words.append(pair[1])
        return words


class _Joined:
    def __init__(self, phrases: Phrases, text: Text) -> None:
        self._phrases, self._text = phrases, text

    def __iter__(self) -> Iterator[list[str]]:
        return map(self._phrases.join, self._text)


def _scores(words: Tally[str], pairs: Tally[Pair], least: int) -> Iterator[tuple[Pair, float]]:
    """Scores of the pairs that are common enough; words may have been forgotten."""
    counts, total = words.counts, words.total
    for (a, b), n in pairs.counts.items():
        if n >= least and a in counts and b in counts:
            yield (a, b), (n - least) / (counts[a] * counts[b]) * total
