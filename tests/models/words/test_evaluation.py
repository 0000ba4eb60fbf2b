"""Word vectors against judgements: the figures of scipy and of gensim, and what is covered."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats

from models.data import Analogy, Similarity
from models.words import Vectors, evaluation
from models.words.evaluation import analogy_scores, evaluate, similarity_score, spearman

SIZE = 6


def judged(rng: np.random.Generator) -> tuple[Vectors, list[Similarity], list[Analogy]]:
    """Words in mixed case, pairs of them, and analogies of which some hold."""
    array = rng.normal(size=(80, SIZE)).astype(np.float32)
    words = [f"w{i}" if i % 3 else f"W{i - 1}" for i in range(80)]  # W2 is w2 in upper case
    words[0] = "Only"
    names = [*words, "absent"]
    chosen = [rng.choice(names, 2).tolist() for _ in range(60)]  # a word with itself: rounding
    pairs = [Similarity(a, b, round(rng.uniform(0, 10))) for a, b in chosen
             if a.upper() != b.upper()]  # fmt: skip
    quads = [rng.choice(80, 4, replace=False) for _ in range(150)]
    for a, b, c, d in quads[:4]:
        array[d] = array[b] - array[a] + array[c]
    asked = [Analogy("gram1" if i % 2 else "family", *(words[j].upper() for j in quad))
             for i, quad in enumerate(quads)]  # fmt: skip
    return Vectors(words, array), pairs, [*asked, Analogy("none", "absent", "w1", "w2", "w4")]


@pytest.fixture(params=range(3))
def case(request: Any) -> tuple[Vectors, list[Similarity], list[Analogy]]:
    return judged(np.random.default_rng(request.param))


def keyed(v: Vectors) -> Any:
    made = pytest.importorskip("gensim.models").KeyedVectors(v.size)
    made.add_vectors(list(v.words), v.vectors)
    return made


@pytest.mark.parametrize("among", [80, 40])
def test_similarity_is_gensims(case: Any, among: int, tmp_path: Path) -> None:
    v, pairs, _ = case
    lines = [f"{p.first}\t{p.second}\t{p.score}\n" for p in pairs]
    (tmp_path / "pairs.tsv").write_text("".join(lines))
    _, (rho, _), absent = keyed(v).evaluate_word_pairs(
        str(tmp_path / "pairs.tsv"), restrict_vocab=among
    )
    score = similarity_score(v, pairs, among)
    assert score.value == pytest.approx(rho, abs=1e-12)
    assert score.covered == round(len(pairs) * (1 - absent / 100)) <= score.total == len(pairs)


@pytest.mark.parametrize("among", [80, 40])
def test_analogies_are_gensims(
    case: Any, among: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    v, _, questions = case
    lines = []
    for section in ("family", "gram1", "none"):
        lines += [f": {section}\n", *(" ".join(q[1:]) + "\n" for q in questions
                                      if q.section == section)]  # fmt: skip
    (tmp_path / "questions.txt").write_text("".join(lines))
    _, sections = keyed(v).evaluate_word_analogies(
        str(tmp_path / "questions.txt"), restrict_vocab=among
    )
    monkeypatch.setattr("models.words.vectors.BLOCK", 7 * SIZE)  # many blocks of words
    monkeypatch.setattr(evaluation, "QUESTIONS", 11)
    scores = analogy_scores(v, questions, among)
    for name, theirs in zip(("family", "gram1", "none", "analogies"), sections):
        right, wrong = len(theirs["correct"]), len(theirs["incorrect"])
        assert scores[name].covered == right + wrong
        assert scores[name].value == pytest.approx(right / (right + wrong or math.nan), nan_ok=True)
    assert scores["semantic"].total == scores["family"].total + 1
    assert scores["syntactic"] == scores["gram1"]
    assert among < 80 or scores["analogies"].value > 0


@pytest.mark.parametrize("values", [5, 40, 10**9])
def test_spearman_is_scipys(values: int) -> None:
    rng = np.random.default_rng(values)
    x, y = rng.integers(0, values, (2, 50))
    assert spearman(x, y) == pytest.approx(scipy.stats.spearmanr(x, y).statistic, abs=1e-12)


def test_of_equal_values_there_is_no_rank_correlation() -> None:
    assert math.isnan(spearman(np.ones(5), np.arange(5)))


def test_the_error_of_rho_is_its_spread_from_sample_to_sample() -> None:
    rng = np.random.default_rng(0)
    sides = rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], (2_000, 50))
    found = [spearman(*sample.T) for sample in sides]
    x = np.stack([np.cos(angle := np.linspace(0, 1, 51)), np.sin(angle)], 1)
    v = Vectors(["a", *(f"b{i}" for i in range(50))], x)
    said = [Similarity("a", f"b{i}", -i + rng.normal(0, 19)) for i in range(50)]
    score = similarity_score(v, said)
    assert score.value == pytest.approx(np.mean(found), abs=0.15)
    assert score.error == pytest.approx(np.std(found), rel=0.25)


def test_what_is_not_covered_is_no_figure() -> None:
    v = Vectors("ab", np.eye(2))
    score = similarity_score(v, [Similarity("a", "x", 1), Similarity("y", "b", 2)])
    assert math.isnan(score.value) and math.isnan(score.error) and score[2:] == (0, 2)
    none = analogy_scores(v, [Analogy("s", "a", "b", "x", "y")])["analogies"]
    assert math.isnan(none.value) and str(none).split() == ["-", "0", "of", "1"]


def test_all_sets_are_gone_through(monkeypatch: pytest.MonkeyPatch) -> None:
    v, pairs, questions = judged(np.random.default_rng(0))
    monkeypatch.setattr(evaluation, "word_pairs", lambda name, fetch: pairs)
    monkeypatch.setattr(evaluation, "analogies", lambda fetch: questions)
    parts = ["wordsim353", "simlex999", "analogies", "semantic", "syntactic"]
    assert list(evaluate(v)) == [*parts, "family", "gram1", "none"]
