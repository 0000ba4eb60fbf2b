"""A text as numbers in chunks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autodiff as ad
from models.words import encoded as module
from models.words.counted import WordCounts
from models.words.encoded import CHUNK, Encoded

VOCABULARY = WordCounts(list("abcd"), [4, 3, 2, 1])
TEXT = [["a", "b"], [], ["x"], ["c", "y", "d"] * 3] * 3


def decoded(encoded: Encoded) -> list[list[str]]:
    ids = np.concatenate(list(encoded))
    assert (ids.dtype, ids[-1]) == (np.int32, -1)
    sentences = np.split(ids, np.flatnonzero(ids == -1) + 1)[:-1]
    return [[VOCABULARY.words[i] for i in sentence[:-1]] for sentence in sentences]


@given(st.lists(st.lists(st.sampled_from("abcdxy"), max_size=8), max_size=20), st.integers(1, 9))
def test_what_is_decoded_is_the_text_without_unknown_words(text: list[list[str]], cut: int) -> None:
    known = [[word for word in sentence if word in VOCABULARY] for sentence in text]
    pieces = [s[i : i + cut] for s in known for i in range(0, len(s), cut)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CHUNK", cut)
        if pieces:
            encoded = Encoded(text, VOCABULARY)
            assert decoded(encoded) == pieces
            assert (encoded.words, len(encoded)) == (encoded.sizes.sum(), len(encoded.sizes))
            assert [np.count_nonzero(c >= 0) for c in encoded] == encoded.sizes.tolist()


def test_chunks_are_of_about_the_same_size() -> None:
    encoded = Encoded([["a"] * 7, ["x"], ["b"] * 25_000] * 3, VOCABULARY)
    assert encoded.words == 75_021
    assert all(CHUNK * 0.9 < size < 2 * CHUNK for size in encoded.sizes[:-1])
    ends = np.flatnonzero(np.concatenate(list(encoded)) == -1)
    assert np.diff(ends, prepend=-1).max() == CHUNK + 1


@pytest.mark.parametrize("in_memory", [1 << 20, 16])
def test_is_the_same_in_a_file_and_for_threads(
    monkeypatch: pytest.MonkeyPatch, in_memory: int
) -> None:
    monkeypatch.setattr(module, "CHUNK", 2)
    monkeypatch.setattr(module, "IN_MEMORY", in_memory)
    encoded = Encoded(TEXT, VOCABULARY)
    expected = list(encoded)
    assert len(encoded) == 12
    with ThreadPoolExecutor(4) as pool:
        chunks = list(pool.map(encoded.chunk, list(range(12)) * 20))
    for i, chunk in enumerate(chunks):
        np.testing.assert_array_equal(chunk, expected[i % 12])


def test_the_checksum_tells_texts_apart() -> None:
    checksum = Encoded(TEXT, VOCABULARY).checksum
    assert Encoded(TEXT, VOCABULARY).checksum == checksum
    assert Encoded(TEXT[:-1], VOCABULARY).checksum != checksum
    renamed = WordCounts([f"{word}s" for word in VOCABULARY.words], VOCABULARY.counts)
    text = [[f"{word}s" for word in sentence] for sentence in TEXT]
    assert Encoded(text, renamed).checksum != checksum


def test_tells_how_many_words_are_done() -> None:
    told: list[int] = []
    encoded = Encoded(TEXT * 3000, VOCABULARY, tell=told.append)
    assert told == encoded.sizes.tolist()
    assert len(told) > 1


def test_a_chunk_that_is_not_there_is_an_error() -> None:
    encoded = Encoded(TEXT, VOCABULARY)
    np.testing.assert_array_equal(encoded.chunk(-1), encoded.chunk(0))
    with pytest.raises(IndexError):
        encoded.chunk(1)


@pytest.mark.parametrize("text", [[], [["x", "y"]]])
def test_no_known_words_are_an_error(text: list[list[str]]) -> None:
    with pytest.raises(ad.errors.DomainError, match="none of its words is in the vocabulary"):
        Encoded(text, VOCABULARY)
