"""Pairs of sentences: lines of the user's own, and those of the dictionary."""

from pathlib import Path

import pytest

from models.data import DataError, Pair, load_translation
from models.data.cache import missing
from tests.models.data.conftest import Place


def test_lines(tmp_path: Path) -> None:
    path = tmp_path / "pairs.tsv"
    path.write_text("Guten Tag!\tHello!\n" * 10)
    assert load_translation(path).train[0] == Pair("Guten Tag!", "Hello!")


def test_malformed(tmp_path: Path) -> None:
    path = tmp_path / "pairs.tsv"
    path.write_text("Guten Tag!\tHello!\nGuten Tag! Hello!\n")
    with pytest.raises(DataError, match=r"pairs\.tsv:2: expected source<TAB>target, found 'Guten"):
        load_translation(path)


def found(place: Place, *entries: str) -> set[Pair]:
    """The pairs of these entries, which stand before many others."""
    others = (f"Das ist Nummer {i}. :: This is number {i}." for i in range(40))
    place("de-en", "\n".join(["# Version", *entries, *others, ""]).encode())
    corpus = load_translation("de-en")
    pairs = {*corpus.train, *corpus.validation, *corpus.test}
    return {pair for pair in pairs if "Nummer" not in pair.source}


@pytest.mark.parametrize(
    ("entry", "pairs"),
    [
        (
            "Haus {n} | Das Haus brennt. | ein Haus :: house | The house burns. | a house",
            [("Das Haus brennt.", "The house burns.")],
        ),
        ("Wer ist da? [ugs.] :: Who {pron} is there?", [("Wer ist da?", "Who is there?")]),
        ("Er geht heim! :: He goes home", []),
        ("Er geht. :: He goes away.", []),
        ("Er geht heim; er schläft. :: He goes home.", []),
        ("Er geht (heim) jetzt. :: He goes home.", []),
        ("Er geht heim. | Er bleibt hier. :: He goes home.", [("Er geht heim.", "He goes home.")]),
        (f"{'so ' * 19}ist es. :: It is so.", []),
        (f"{'so ' * 18}ist es. :: It is so.", [(f"{'so ' * 18}ist es.", "It is so.")]),
    ],
)
def test_sentences_of_an_entry(place: Place, entry: str, pairs: list[tuple[str, str]]) -> None:
    assert found(place, entry) == {Pair(*pair) for pair in pairs}


def test_each_pair_once_and_none_of_training_in_another_part(place: Place) -> None:
    lines = [f"Satz {i % 90} ist hier. :: Sentence {i} is here." for i in range(100)]
    place("de-en", "\n".join(lines + lines[:50]).encode())
    corpus = load_translation("de-en")
    assert [len(corpus.validation), len(corpus.test)] == [3, 6]
    held_out = {sentence for pair in [*corpus.validation, *corpus.test] for sentence in pair}
    pairs = [Pair(*line.split(" :: ")) for line in lines]
    allowed = [pair for pair in pairs if held_out.isdisjoint(pair)]
    assert sorted(corpus.train) == sorted(allowed)
    assert len(allowed) < 91


def test_counts() -> None:
    if missing("de-en"):
        pytest.skip("de-en is not here: autodiff data fetch de-en")
    corpus = load_translation("de-en")
    sizes = [len(part) for part in (corpus.train, corpus.validation, corpus.test)]
    assert sizes == [13803, 459, 920]
