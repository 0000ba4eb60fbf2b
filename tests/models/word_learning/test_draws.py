"""What is drawn from a text: on numpy and in C the same; windows, noise and kept words by law."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autodiff as ad
from models.word_learning.draws import ALL, Draws, Window, bits_at, keys_of
from models.word_learning.native import Native
from models.words.huffman import Huffman
from tests.compiler.near import needs_compiler

COUNTS = np.array([50, 20, 9, 5, 3, 2, 1])
KEYS = keys_of(1, 2, 3)


def chunk(*sentences: list[int]) -> np.ndarray:
    return np.array([i for sentence in sentences for i in [*sentence, -1]], np.int32)


def random_chunk(words: int, sentences: int, length: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return chunk(*(rng.integers(words, size=length).tolist() for _ in range(sentences)))


WINDOWS = [
    Window(size, shrink, negatives, subsample)
    for size, shrink, negatives, subsample in [
        (1, True, 1, 0), (3, False, 20, 0.05), (40, True, 2, 0),
    ]
]  # fmt: skip
"""Few of them, since each is a program of its own in C."""


@needs_compiler
@settings(max_examples=100)
@given(
    window=st.sampled_from(WINDOWS),
    is_bag=st.booleans(),
    is_tree=st.booleans(),
    words=st.sampled_from([2, 3, 7]),
    lengths=st.lists(st.sampled_from([0, 1, 2, 3, 8, 200]), max_size=6),
    seed=st.integers(0, 2**63 - 1),
)
def test_c_draws_the_same(
    window: Window, is_bag: bool, is_tree: bool, words: int, lengths: list[int], seed: int
) -> None:
    # In C the depth of a tree is fixed: that of seven words, of which a text may lack some.
    counts = COUNTS if is_tree else COUNTS[:words]
    rng = np.random.default_rng(seed)
    ids = chunk(*(rng.integers(words, size=n).tolist() for n in lengths))
    draws = Draws(counts, window, is_bag, has_noise=not is_tree)
    native = Native(draws, 4, Huffman.of(counts) if is_tree else None)
    keys = keys_of(seed, 0, 1)
    for mine, in_c in zip(draws.examples(ids, keys), native.examples(ids, keys), strict=True):
        np.testing.assert_array_equal(mine, in_c)
        assert mine.dtype == in_c.dtype == np.int32


@pytest.mark.parametrize("is_bag", [False, True])
def test_pairs_are_those_of_two_loops(is_bag: bool) -> None:
    sentences = [[0, 1, 2, 3, 4, 5, 6], [], [3], [1, 1], [6, 0, 6, 5]]
    draws = Draws(COUNTS, Window(3, shrink=False, subsample=0), is_bag, has_noise=False)
    inputs, outputs = draws.examples(chunk(*sentences), KEYS)
    expected = Counter(
        (sentence[c], sentence[o])
        for sentence in sentences
        for c in range(len(sentence))
        for o in range(max(c - 3, 0), min(c + 4, len(sentence)))
        if o != c
    )
    if is_bag:
        pairs = [(c, o) for c, row in zip(outputs, inputs, strict=True) for o in row if o >= 0]
    else:
        pairs = list(zip(inputs, outputs, strict=True))
    assert Counter((int(c), int(o)) for c, o in pairs) == expected


def test_windows_never_cross_sentences() -> None:
    rng = np.random.default_rng(0)
    # Words of even sentences are 0 to 2, those of odd ones 3 to 5.
    ids = chunk(*((rng.integers(3, size=4) + 3 * (i % 2)).tolist() for i in range(200)))
    draws = Draws(COUNTS, Window(6, subsample=0.2), False, has_noise=False)
    inputs, outputs = draws.examples(ids, KEYS)
    assert len(inputs) > 100
    np.testing.assert_array_equal(inputs < 3, outputs < 3)


def test_a_dropped_word_lets_others_come_near() -> None:
    """As in the original program: windows are of words that are kept."""
    counts = np.array([10**6, 1, 1])
    draws = Draws(counts, Window(1, shrink=False, subsample=1e-6), False, has_noise=False)
    inputs, outputs = draws.examples(chunk([1, 0, 2]), KEYS)
    assert inputs.tolist() == [1, 2] and outputs.tolist() == [2, 1]


@pytest.mark.parametrize("words", [2, 7])
def test_noise_is_never_the_right_word(words: int) -> None:
    draws = Draws(COUNTS[:words], Window(2, negatives=8, subsample=0), False, has_noise=True)
    outputs = draws.examples(random_chunk(words, 20, 30), KEYS).outputs
    assert outputs.shape[1] == 9
    assert not (outputs[:, 1:] == outputs[:, :1]).any()


def chi_square(found: np.ndarray, shares: np.ndarray) -> float:
    expected = found.sum() * shares
    return float(((found - expected) ** 2 / expected).sum())


def test_noise_follows_the_counts() -> None:
    draws = Draws(COUNTS, Window(1, negatives=5, subsample=0), False, has_noise=True)
    outputs = draws.examples(random_chunk(len(COUNTS), 1, 10_000), KEYS).outputs
    noise = outputs[outputs[:, 0] == 2, 1:]  # of one word: the rest has the other shares
    shares = COUNTS**0.75
    shares[2] = 0
    found = np.bincount(noise.ravel(), minlength=len(COUNTS))
    there = shares > 0
    assert found.sum() > 10_000
    assert chi_square(found[there], shares[there] / shares.sum()) < 20.5  # 5 degrees, 0.1 %


def test_sizes_of_windows_are_equally_likely() -> None:
    size = 5
    draws = Draws(COUNTS, Window(size, subsample=0), True, has_noise=False)
    inputs = draws.examples(random_chunk(7, 1, 20_000), KEYS).inputs[size:-size]
    sizes = (inputs >= 0).sum(1) // 2
    found = np.bincount(sizes, minlength=size + 1)
    assert found[0] == 0
    assert chi_square(found[1:], np.full(size, 1 / size)) < 18.5  # 4 degrees, 0.1 %


def test_frequent_words_are_kept_as_often_as_stated() -> None:
    counts, n = np.array([4000, 1000, 1000, 10]), 40_000
    draws = Draws(counts, Window(1, shrink=False, subsample=0.1), True, has_noise=False)
    x = counts / counts.sum() / 0.1
    likely = np.minimum(1 / np.sqrt(x) + 1 / x, 1)
    for word, p in enumerate(likely):
        kept = len(draws.examples(chunk([word] * n), KEYS).outputs)
        assert abs(kept - n * p) <= 4 * np.sqrt(n * p * (1 - p))
    assert draws.keep[3] == ALL and draws.keep[0] < ALL


def test_without_subsampling_all_are_kept() -> None:
    assert (Draws(COUNTS, Window(subsample=0), True, has_noise=True).keep == ALL).all()


def test_words_that_never_occur_are_no_noise() -> None:
    counts = np.array([5, 0, 3, 0])
    draws = Draws(counts, Window(1, subsample=1e-3), False, has_noise=True)
    outputs = draws.examples(random_chunk(4, 50, 200), KEYS).outputs
    assert len(outputs)
    assert set(outputs[:, 1:].ravel()) <= {0, 2}


@pytest.mark.parametrize("has_noise", [False, True])
def test_how_often_the_commonest_word_is_asked_for(has_noise: bool) -> None:
    rng = np.random.default_rng(1)
    ids = chunk(rng.choice(len(COUNTS), size=20_000, p=COUNTS / COUNTS.sum()).tolist())
    draws = Draws(COUNTS, Window(2, negatives=3, subsample=0.1), False, has_noise)
    outputs = draws.examples(ids, KEYS).outputs
    found = np.bincount(outputs.ravel()).max() / len(outputs)
    # Less than stated with noise, since that is never the right word.
    assert 0.6 * draws.busiest < found < 1.05 * draws.busiest


@pytest.mark.parametrize("counts", [[5], [5, 0], [10**7, 1]])
def test_noise_that_is_one_word_is_refused(counts: list[int]) -> None:
    with pytest.raises(ad.errors.DomainError, match="nearly always be the same word"):
        Draws(np.array(counts), Window(), False, has_noise=True)
    assert not len(Draws(np.array(counts), Window(), False, has_noise=False).table)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"size": 0}, "size is at least 1, not 0"),
        ({"negatives": 0}, "negatives is at least 1"),
        ({"subsample": -1e-9}, "subsample is at least 0"),
        ({"subsample": np.nan}, "not nan"),
    ],
)
def test_what_is_no_window(options: dict[str, float], why: str) -> None:
    with pytest.raises(ad.errors.DomainError, match=why):
        Window(**options)  # type: ignore[arg-type]


def test_the_bits_are_splitmix() -> None:
    """The first numbers of the published generator for the seed 1234567."""
    expected = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert bits_at(np.uint64(1234567), np.arange(3)).tolist() == expected


def test_keys_differ() -> None:
    found = [tuple(keys_of(*where)) for where in np.ndindex(4, 4, 4)]
    assert len({key for keys in found for key in keys}) == 3 * 64


def test_the_noise_of_a_window_is_bounded() -> None:
    with pytest.raises(ad.errors.DomainError, match="at most 10,000, not 5,000 times 5"):
        Draws(COUNTS, Window(5000), False, True)
    assert Draws(COUNTS, Window(5000), False, False).window.size == 5000
    with pytest.raises(TypeError, match="integer"):
        Window(2.5)  # type: ignore[arg-type]
