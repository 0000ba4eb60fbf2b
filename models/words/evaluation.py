"""Word vectors judged by people's judgements: how alike words are, and analogies."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from models.data.vectors import (
    WORD_PAIRS,
    Analogy,
    Similarity,
    analogies,
    word_pairs,
)
from models.words.vectors import Vectors, blocks

__all__ = ["Score", "analogy_scores", "evaluate", "similarity_score", "spearman"]

AMONG = 300_000
"""The commonest words, among which answers are looked for; as many as gensim takes."""

QUESTIONS = 512
"""Questions answered at once."""


class Score(NamedTuple):
    """How well a set of judgements is met."""

    value: float
    """Spearman's rho, or the share of analogies completed; nan if nothing can be said."""
    error: float
    """Its standard error."""
    covered: int
    """Pairs or questions whose words are all there; the others do not count."""
    total: int

    def __str__(self) -> str:
        if math.isnan(self.value):
            return f"-               {self.covered:,} of {self.total:,}"
        return f"{self.value:.3f} ± {self.error:.3f}  {self.covered:,} of {self.total:,}"


def evaluate(vectors: Vectors, fetch: bool = True, among: int = AMONG) -> dict[str, Score]:
    """Compare vectors with WordSim-353, SimLex-999 and Google's analogies.

    Parameters
    ----------
    vectors : Vectors
        Upper and lower case of its words are not told apart, as with gensim's default; of words
        that differ in nothing else the first one counts.
    fetch : bool
        Download the judgements if they are not here yet.
    among : int
        Only the first so many words are known.

    Returns
    -------
    dict of str to Score
        ``"wordsim353"`` and ``"simlex999"``: rho. ``"analogies"``, its parts ``"semantic"`` and
        ``"syntactic"``, and each of its sections: accuracy.

    Raises
    ------
    DataError
        If the judgements are not here, and could not be fetched.
    """
    scores = {
        name: similarity_score(vectors, word_pairs(name, fetch=fetch), among) for name in WORD_PAIRS
    }
    return scores | analogy_scores(vectors, analogies(fetch=fetch), among)


def similarity_score(vectors: Vectors, pairs: Iterable[Similarity], among: int = AMONG) -> Score:
    """Spearman's rho of the cosines of pairs of words with what people said.

    Its standard error is Bonett and Wright's (Psychometrika, 2000): that of a normal distribution
    after Fisher's transformation.
    """
    pairs, rows = list(pairs), _rows(vectors.words[:among])
    known = [p for p in pairs if p.first.upper() in rows and p.second.upper() in rows]
    first, second = np.array(
        [[rows[word.upper()][0] for word in p[:2]] for p in known], np.int64
    ).reshape(-1, 2).T  # fmt: skip
    n, rho = len(known), spearman(_cosines(vectors, first, second), [p.score for p in known])
    error = (1 - rho**2) * math.sqrt((1 + rho**2 / 2) / (n - 3)) if n > 3 else math.nan
    return Score(rho, error, n, len(pairs))


def _rows(words: Sequence[str]) -> dict[str, list[int]]:
    """The rows of each word in upper case."""
    rows: dict[str, list[int]] = {}
    for i, word in enumerate(words):
        rows.setdefault(word.upper(), []).append(i)
    return rows


def _cosines(vectors: Vectors, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    a, b = vectors.units(first).astype(np.float64), vectors.units(second)
    return (a * b).sum(1)


def spearman(x: Sequence[float] | np.ndarray, y: Sequence[float] | np.ndarray) -> float:
    """Spearman's rank correlation; equal values have the mean of their ranks.

    It is nan where all of `x` or all of `y` are equal.
    """
    a, b = (_ranks(values) - (len(values) + 1) / 2 for values in (x, y))
    scale = math.sqrt((a @ a) * (b @ b))
    return float(a @ b) / scale if scale else math.nan


def _ranks(values: Sequence[float] | np.ndarray) -> np.ndarray:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse]


def analogy_scores(
    vectors: Vectors, questions: Iterable[Analogy], among: int = AMONG
) -> dict[str, Score]:
    """The share of analogies completed (3CosAdd): of all, of their two kinds, of each section."""
    questions, rows = list(questions), _rows(vectors.words[:among])
    known = [q for q in questions if all(word.upper() in rows for word in q[1:])]
    asked = [[rows[word.upper()] for word in q[1:]] for q in known]
    answers = _answers(vectors, asked, min(among, len(vectors)))
    right = {q: answer in d for q, answer, (*_, d) in zip(known, answers, asked)}
    sections = dict.fromkeys(q.section for q in questions)
    parts = {"analogies": list(sections), "semantic": [s for s in sections if s[:4] != "gram"],
             "syntactic": [s for s in sections if s[:4] == "gram"]}  # fmt: skip
    parts |= {section: [section] for section in sections}
    return {
        part: _accuracy([right.get(q) for q in questions if q.section in chosen])
        for part, chosen in parts.items()
    }


def _accuracy(found: Sequence[bool | None]) -> Score:
    """Of what was answered rightly, wrongly, and not at all (None)."""
    answered = [each for each in found if each is not None]
    n = len(answered)
    share = sum(answered) / n if n else math.nan
    return Score(share, math.sqrt(share * (1 - share) / n) if n else math.nan, n, len(found))


def _answers(vectors: Vectors, asked: Sequence[Sequence[list[int]]], count: int) -> np.ndarray:
    """For rows of a, b, c and d: the row most similar to b - a + c, other than those of the three.

    Vectors are taken up a block at a time, and each block answers all questions before the next.
    """
    a, b, c = np.array([[rows[0] for rows in q[:3]] for q in asked], np.int64).reshape(-1, 3).T
    wanted = vectors.units(b) - vectors.units(a) + vectors.units(c)
    given = np.array([(i, row) for i, q in enumerate(asked) for rows in q[:3] for row in rows])
    best, answers = np.full(len(asked), -np.inf, np.float32), np.zeros(len(asked), np.int64)
    for rows in blocks(count, vectors.size):
        units = vectors.units(rows).T
        for part, left_out in _parts(given, len(asked), rows):
            cosines = wanted[part] @ units
            cosines[left_out] = -np.inf
            nearest = cosines.argmax(1)
            height = cosines[np.arange(len(nearest)), nearest]
            is_better = height > best[part]
            best[part] = np.where(is_better, height, best[part])
            answers[part] = np.where(is_better, nearest + rows.start, answers[part])
    return answers


def _parts(
    given: np.ndarray, count: int, rows: slice
) -> Iterator[tuple[slice, tuple[np.ndarray, np.ndarray]]]:
    """Some of the questions at a time, and where in their table of cosines the given words are."""
    for start in range(0, count, QUESTIONS):
        low, high = np.searchsorted(given[:, 0], (start, start + QUESTIONS))
        i, row = given[low:high].T
        is_here = (rows.start <= row) & (row < rows.stop)
        yield (
            slice(start, start + QUESTIONS),
            (i[is_here] - start, row[is_here] - rows.start),
        )
