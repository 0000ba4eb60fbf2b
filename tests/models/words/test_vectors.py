"""Questions to word vectors, against plain numpy and against gensim."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from models.words import Vectors, vectors

WORDS = [f"w{i}" for i in range(50)]
ARRAY = np.random.default_rng(0).normal(size=(50, 8)).astype(np.float32)
ARRAY5 = ARRAY[5]
V = Vectors(WORDS, ARRAY)


@pytest.fixture(scope="module")
def theirs() -> Any:
    """gensim's vectors, of the same words."""
    keyed = pytest.importorskip("gensim.models").KeyedVectors(8)
    keyed.add_vectors(WORDS, ARRAY)
    return keyed


@pytest.mark.parametrize(
    ("positive", "negative", "n", "among"),
    [
        ("w3", (), 10, None),
        (["w3", "w7"], "w1", 5, None),
        (["w3", ARRAY[9]], [ARRAY[4], "w2"], 60, None),
        (ARRAY5, (), 3, None),
        (ARRAY[:2], (), 3, 20),
        ("w3", (), 10, 20),
        ("w33", ["w44"], 30, 20),
        ("w3", (), 0, None),
    ],
)
def test_the_most_similar_are_gensims(
    theirs: Any, positive: Any, negative: Any, n: int, among: int | None
) -> None:
    given = [[x] if isinstance(x, str) or x is ARRAY5 else list(x) for x in (positive, negative)]
    expected = theirs.most_similar(*given, topn=n, restrict_vocab=among)
    found = V.most_similar(positive, negative, n, among)
    assert [word for word, _ in found] == [word for word, _ in expected]
    np.testing.assert_allclose([c for _, c in found], [c for _, c in expected], rtol=0, atol=1e-6)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = V.most_similar("w3", n=50)
    monkeypatch.setattr(vectors, "BLOCK", 24)
    found = Vectors(WORDS, ARRAY).most_similar("w3", n=50)
    assert [word for word, _ in found] == [word for word, _ in expected]


def test_analogies_are_sums_at_length_1() -> None:
    unit = ARRAY / np.linalg.norm(ARRAY, axis=1, keepdims=True)
    cosines = unit @ (unit[2] - unit[1] + unit[3])
    cosines[[1, 2, 3]] = -9
    assert V.analogy("w1", "w2", "w3", n=1)[0][0] == WORDS[np.argmax(cosines)]
    assert V.analogy("w1", "w2", "w3", 4, 9) == V.most_similar(["w2", "w3"], "w1", 4, 9)


def test_similarity_and_the_odd_one_out_are_gensims(theirs: Any) -> None:
    assert V.similarity("w1", "w2") == pytest.approx(theirs.similarity("w1", "w2"), abs=1e-6)
    assert V.similarity("w1", ARRAY[1]) == pytest.approx(1, abs=1e-15)
    assert V.doesnt_match(WORDS[:6]) == theirs.doesnt_match(WORDS[:6])


def test_of_equals_the_first_comes_first() -> None:
    v = Vectors("abcde", np.ones((5, 2)))
    assert [word for word, _ in v.most_similar("c", n=3)] == ["a", "b", "d"]


def test_zeros_are_similar_to_nothing() -> None:
    v = Vectors("abc", [[0, 0], [1, 0], [1, 1]])
    assert dict(v.most_similar("b"))["a"] == v.similarity("a", "b") == 0
    for positive, negative in [("a", ()), ("b", "b"), ((), ())]:
        with pytest.raises(ad.errors.DomainError, match="add up to zero"):
            v.most_similar(positive, negative)


def test_lookups() -> None:
    assert (len(V), V.size, "w3" in V, "king" in V) == (50, 8, True, False)
    assert list(V) == WORDS
    assert repr(V) == "Vectors of 50 words in 8 dimensions"
    np.testing.assert_array_equal(V["w3"], ARRAY[3])
    np.testing.assert_array_equal(V[["w3", "w1"]], ARRAY[[3, 1]])
    np.testing.assert_array_equal(V.counts, None)


def test_an_array_of_float32_is_not_copied(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", ARRAY)
    mapped = np.load(tmp_path / "v.npy", mmap_mode="r")
    assert np.shares_memory(Vectors(WORDS, mapped).vectors, mapped)
    assert Vectors(WORDS, ARRAY.astype(np.float64)).vectors.dtype == np.float32


@pytest.mark.parametrize(
    ("word", "hint"),
    [("quen", "; did you mean 'queen'"), ("King", "; did you mean 'king'"), ("xyzzy", "$")],
)
def test_an_unknown_word_is_said_with_close_spellings(word: str, hint: str) -> None:
    v = Vectors(["king", "queen", "tea"], np.eye(3))
    for ask in (v.most_similar, v.__getitem__, lambda w: v.similarity("tea", w)):
        with pytest.raises(ad.errors.DomainError, match=f"'{word}' is not in the vocabulary{hint}"):
            ask(word)


@pytest.mark.parametrize(
    ("words", "array", "counts", "message"),
    [
        ([], np.ones((0, 2)), None, "there are no words"),
        ("aba", np.ones((3, 2)), None, "'a' is not"),
        ([1, 2], np.ones((2, 2)), None, "not 1"),
        ("ab", np.ones((3, 2)), None, r"shape \(2, size\); this is float32\(3, 2\)"),
        ("ab", np.ones(2), None, r"float32\(2,\)"),
        ("ab", np.ones((2, 0)), None, r"float32\(2, 0\)"),
        ("ab", np.ones((2, 2)), [1], "as many counts"),
    ],
)
def test_refuses_what_does_not_fit(words: Any, array: Any, counts: Any, message: str) -> None:
    with pytest.raises((ad.errors.DomainError, ad.errors.ShapeError), match=message):
        Vectors(words, array, counts)


def test_refuses_what_has_no_answer() -> None:
    with pytest.raises(ad.errors.DomainError, match="three words"):
        V.doesnt_match(["w1", "w2"])
    with pytest.raises(ad.errors.ShapeError, match=r"a vector of 8, not float64\(3,\)"):
        V.most_similar(np.ones(3))
    with pytest.raises(ad.errors.DomainError, match=r"among: .* not 0"):
        V.most_similar("w1", among=0)
    with pytest.raises(ad.errors.DomainError, match="a vector is not finite"):
        V.most_similar(np.full(8, np.nan))
    broken = Vectors("ab", [[1, 2], [np.inf, 1]])
    with pytest.raises(ad.errors.DomainError, match="vector of 'b' is not finite"):
        broken.most_similar("a")
