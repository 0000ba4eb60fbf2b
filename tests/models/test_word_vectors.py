"""Word vectors: counts by hand, and words in the same company."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections import defaultdict
from math import log
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from models import word_vectors as module
from models.extras import MissingExtraError
from models.vocabulary import Vocabulary
from models.word_vectors import word_vectors

TEXT = [["a", "b", "a", "c"], ["b"], ["c", "a"], []]


def counts_by_hand(text: list[list[str]], window: int) -> dict[tuple[str, str], float]:
    """Weights 1/d of the words at most `window` apart, both ways."""
    found: defaultdict[tuple[str, str], float] = defaultdict(float)
    for sentence in text:
        for i, one in enumerate(sentence):
            for j, other in enumerate(sentence):
                if 0 < abs(i - j) <= window:
                    found[one, other] += 1 / abs(i - j)
    return found


def counts(text: list[list[str]], window: int) -> np.ndarray:
    """The counts of the module, of words in alphabetical order."""
    words = sorted({word for sentence in text for word in sentence})
    ids = Vocabulary(words).ids(word for sentence in text for word in sentence)
    place = np.repeat(np.arange(len(text)), list(map(len, text)))
    return module._counts(ids, place, len(words), window).toarray()


def test_counts_of_a_small_text() -> None:
    # a b a c: a-b twice at 1, a-a at 2, a-c at 1 and at 3, b-c at 2; c a: at 1.
    np.testing.assert_allclose(
        counts(TEXT, 3), [[2 / 2, 2, 1 + 1 / 3 + 1], [2, 0, 1 / 2], [7 / 3, 1 / 2, 0]]
    )


@pytest.mark.parametrize("window", [1, 2, 9])
def test_counts_are_weights_of_pairs_in_a_sentence(window: int) -> None:
    rng = np.random.default_rng(0)
    text = [[str(word) for word in rng.choice(list("abcd"), n)] for n in (5, 0, 1, 7, 4)]
    expected = np.zeros((4, 4))
    for (one, other), n in counts_by_hand(text, window).items():
        expected["abcd".index(one), "abcd".index(other)] = n
    np.testing.assert_allclose(counts(text, window), expected, rtol=1e-12)


def test_ppmi_by_hand() -> None:
    n = np.array([[0.0, 6.0, 1.0], [6.0, 2.0, 0.0], [1.0, 0.0, 0.0]])
    total = {i: n[i].sum() for i in range(3)}  # 7, 8, 1
    smoothed = sum(t**0.75 for t in total.values())
    expected = np.zeros((3, 3))
    for i in range(3):
        for j in range(3):
            if n[i, j]:
                pmi = log(n[i, j] / 16) - log(total[i] / 16) - log(total[j] ** 0.75 / smoothed)
                expected[i, j] = max(0.0, pmi)
    sparse = pytest.importorskip("scipy.sparse")
    found = module._ppmi(sparse.csr_array(n)).toarray()
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert expected[1, 1] == 0 < expected[0, 1]


def test_vectors_are_factors_of_the_ppmi() -> None:
    words, vectors = word_vectors(TEXT, size=2, least=1)
    assert words == ["a", "b", "c"]
    ids = Vocabulary(words)
    n = np.zeros((3, 3))
    for (one, other), count in counts_by_hand(TEXT, 4).items():
        n[ids.ids([one])[0], ids.ids([other])[0]] = count
    context = n.sum(0) ** 0.75
    with np.errstate(divide="ignore"):
        pmi = np.log(n / (n.sum(1, keepdims=True) * context / context.sum()))
    U, S, _ = np.linalg.svd(np.maximum(pmi, 0))
    U, S = U[:, :2], S[:2]
    scale = np.mean((U * np.sqrt(S)) ** 2)
    np.testing.assert_allclose(vectors @ vectors.T, (U * S) @ U.T / scale, rtol=1e-5, atol=1e-6)


def companions(seed: int = 0) -> list[list[str]]:
    """Cats and dogs do one kind of thing, cars and buses another."""
    rng = np.random.default_rng(seed)
    kinds = [(["cat", "dog"], ["eats", "sleeps", "runs"]), (["car", "bus"], ["stops", "honks"])]
    chosen = [kinds[i] for i in rng.integers(0, 2, 200)]
    return [["the", str(rng.choice(who)), str(rng.choice(does))] for who, does in chosen]


def cosine(vectors: dict[str, np.ndarray], one: str, other: str) -> float:
    a, b = vectors[one], vectors[other]
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


def test_words_in_the_same_company_are_similar() -> None:
    vectors = dict(zip(*word_vectors(companions(), size=4)))
    assert cosine(vectors, "cat", "dog") > 0.8
    assert cosine(vectors, "car", "bus") > 0.8
    assert cosine(vectors, "cat", "car") < 0.3
    assert cosine(vectors, "eats", "sleeps") > 0.8
    assert cosine(vectors, "eats", "honks") < 0.3


@pytest.mark.parametrize("size", [1, 4, 50])
def test_vectors_have_the_size_that_was_asked_for(size: int) -> None:
    words, vectors = word_vectors(companions(), size=size)
    assert (vectors.shape, vectors.dtype) == ((len(words), size), np.float32)
    assert np.isfinite(vectors).all()
    used = vectors[:, vectors.any(0)]
    assert used.shape[1] == min(size, len(words) - 1)
    np.testing.assert_allclose(np.mean(used**2), 1, rtol=1e-5)


def test_the_same_seed_gives_the_same_vectors() -> None:
    one, two, other = (word_vectors(companions(), size=3, rng=seed)[1] for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, two)
    np.testing.assert_allclose(np.abs(other), np.abs(one), rtol=1e-3, atol=1e-4)
    (drawn,) = {word_vectors(companions(), size=3, rng=np.random.default_rng(0))[1].tobytes()}
    assert drawn == one.tobytes()


def test_rare_words_keep_others_apart_and_have_no_vector() -> None:
    text = [*[["a", "b"]] * 3, *[["a", "tulip", "c"]] * 1, *[["c", "b"]] * 3]
    words, _ = word_vectors(text, size=2, least=3)
    assert words == ["b", "a", "c"]
    with_gap = word_vectors(text, size=2, least=3, window=1)[1]
    apart = word_vectors([*text[:3], ["a"], ["c"], *text[4:]], size=2, least=3, window=1)[1]
    np.testing.assert_allclose(with_gap, apart, rtol=1e-5)


def test_text_may_be_read_only_once() -> None:
    one = word_vectors(iter(companions()), size=3)[1]
    np.testing.assert_array_equal(one, word_vectors(companions(), size=3)[1])


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ([], {}),
        ([[]], {}),
        ([["a", "b", "c"]], {}),
        ([["a"]], {"least": 1}),
        ([["a", "a"]], {"least": 1}),
        ([["a"], ["b"], ["c"]], {"least": 1}),
        ([["a", "b", "c"]], {"least": 1, "window": 0}),
    ],
    ids=["empty", "no word", "rare", "one word", "one word twice", "alone", "no window"],
)
def test_refuses_a_text_that_is_too_small(text: Any, options: dict[str, int]) -> None:
    with pytest.raises(ad.errors.DomainError, match="word vectors: too small a text") as caught:
        word_vectors(text, **options)
    assert "\n" not in str(caught.value)


def test_says_that_it_needs_scipy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda package: None)
    with pytest.raises(
        MissingExtraError, match=r"making word vectors needs scipy, .*autodiff\[train\]"
    ):
        word_vectors(companions())


REPEATED = """
from models.word_vectors import word_vectors
text = [["the", thing, "is", "not", mood] for thing in ("cat", "dog") for mood in ("bad", "good")]
print(word_vectors(text * 9, 4, least=1)[1].tobytes().hex())
"""


def test_the_same_vectors_in_each_process_also_of_a_text_that_repeats_itself() -> None:
    line = [sys.executable, "-c", REPEATED]
    found = {subprocess.run(line, capture_output=True, check=True).stdout for _ in range(3)}
    assert len(found) == 1


def test_a_large_matrix_has_the_vectors_of_a_small_one(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    text = [list(map(str, rng.integers(0, 40, 30))) for _ in range(40)]
    words, small = word_vectors(text, 5, rng=0)
    monkeypatch.setattr(module, "SMALL", 0)
    same, large = word_vectors(text, 5, rng=0)
    assert words == same
    np.testing.assert_allclose(small @ small.T, large @ large.T, atol=1e-4)
