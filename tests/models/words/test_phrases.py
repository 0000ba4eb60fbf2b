"""Pairs of words made one, compared with gensim's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autodiff as ad
from models.words.phrases import Phrases

TEXT = [["new", "york", "is", "new"], ["in", "new", "york"], ["york", "is", "in", "new"]] * 4


def test_the_score_is_that_of_the_paper_times_the_words_of_the_text() -> None:
    pairs = Phrases.of(TEXT, least=2, threshold=0.0).pairs
    assert pairs["new", "york"] == pytest.approx((8 - 2) / (16 * 12) * 44)
    assert ("is", "new") in pairs
    assert set(Phrases.of(TEXT, least=8, threshold=-1.0).pairs) == {
        ("new", "york"), ("york", "is"), ("in", "new"),
    }  # fmt: skip


def test_the_score_has_to_be_above_the_threshold() -> None:
    score = (8 - 2) / (16 * 12) * 44
    assert ("new", "york") not in Phrases.of(TEXT, least=2, threshold=score).pairs


def test_phrases_are_found_from_left_to_right() -> None:
    phrases = Phrases({("a", "b"): 1.0, ("b", "c"): 1.0, ("a", "a"): 1.0}, delimiter="+")
    assert phrases.join(list("abcbca")) == ["a+b", "c", "b+c", "a"]
    assert phrases.join(list("aaa")) == ["a+a", "a"]
    assert phrases.join([]) == []


def test_a_text_with_phrases_can_be_read_again_and_gives_longer_phrases() -> None:
    text = Phrases({("new", "york"): 1.0}).apply(TEXT)
    assert list(text) == list(text)
    assert next(iter(text)) == ["new_york", "is", "new"]
    longer = Phrases({("in", "new_york"): 1.0}).apply(text)
    assert list(longer)[1] == ["in_new_york"]


@given(st.lists(st.lists(st.sampled_from("abcde"), max_size=9)))
def test_no_word_is_lost(text: list[list[str]]) -> None:
    phrases = Phrases({("a", "b"): 1.0, ("c", "c"): 1.0})
    assert [[w for word in s for w in word.split("_")] for s in phrases.apply(text)] == text


def gensim_score(  # type: ignore[no-untyped-def]
    worda_count, wordb_count, bigram_count, len_vocab, min_count, corpus_word_count
):
    """The paper's score; gensim's own multiplies by the number of different words and pairs."""
    return (bigram_count - min_count) / (worda_count * wordb_count) * corpus_word_count


def test_finds_and_joins_what_gensim_does() -> None:
    gensim = pytest.importorskip("gensim.models.phrases")
    rng = np.random.default_rng(0)
    text = [[f"w{i}" for i in part] for part in np.split(rng.zipf(1.5, 20_000) % 50, 1000)]
    ours = Phrases.of(text, least=3, threshold=1.1)
    theirs = gensim.Phrases(text, min_count=3, threshold=1.1, scoring=gensim_score)
    expected = {tuple(key.split("_")): value for key, value in theirs.export_phrases().items()}
    assert ours.pairs == pytest.approx(expected)
    assert len(expected) > 20
    assert list(ours.apply(text)) == [theirs[sentence] for sentence in text]


def test_pairs_are_counted_within_bounded_memory() -> None:
    text = [["new", "york", f"once{i}"] for i in range(500)]
    phrases = Phrases.of(text, least=10, threshold=0.5, held=50)
    assert set(phrases.pairs) == {("new", "york")}


def test_no_words_are_an_error() -> None:
    with pytest.raises(ad.errors.DomainError, match="no words"):
        Phrases.of([[]])
