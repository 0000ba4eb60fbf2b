"""Corpora of the user's own: how they are cut, and what is refused."""

from pathlib import Path

import pytest

from models.data import DataError, load_classification, load_tagging, load_translation


def write(path: Path, *lines: str) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("count", "sizes"), [(10, [8, 1, 1]), (19, [15, 2, 2]), (100, [80, 10, 10])]
)
def test_file_is_cut_into_blocks(tmp_path: Path, count: int, sizes: list[int]) -> None:
    path = write(tmp_path / "pairs.tsv", *(f"eins {i}\tone {i}" for i in range(count)))
    corpus = load_translation(path)
    parts = [corpus.train, corpus.validation, corpus.test]
    assert [len(part) for part in parts] == sizes
    assert [pair.target for part in parts for pair in part] == [f"one {i}" for i in range(count)]
    assert corpus.name == "pairs.tsv"
    assert "80 %" in corpus.note


@pytest.mark.parametrize("validation", ["dev.tsv", "validation.txt"])
def test_folder_is_taken_as_it_is(tmp_path: Path, validation: str) -> None:
    for name, text in {"train.tsv": "a", validation: "b", "test.tsv": "c", "notes.md": "d"}.items():
        write(tmp_path / name, f"good\t{text}")
    corpus = load_classification(str(tmp_path))
    parts = [corpus.train, corpus.validation, corpus.test]
    assert [[example.text for example in part] for part in parts] == [["a"], ["b"], ["c"]]
    assert corpus.note == ""


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["train.tsv", "test.tsv"], r"one file dev\.\* or validation\.\*, found none"),
        (["train.tsv", "train.txt"], r"one file train\.\*, found train\.tsv, train\.txt"),
    ],
)
def test_folder_without_a_part(tmp_path: Path, names: list[str], message: str) -> None:
    for name in names:
        write(tmp_path / name, "good\tbook")
    with pytest.raises(DataError, match=message):
        load_classification(tmp_path)


def test_folder_with_an_empty_part(tmp_path: Path) -> None:
    for name in ("train", "dev", "test"):
        write(tmp_path / f"{name}.conllu", "# nothing")
    with pytest.raises(DataError, match=r"train\.conllu: expected at least 1 examples, found 0"):
        load_tagging(tmp_path)


def test_too_little_to_cut(tmp_path: Path) -> None:
    path = write(tmp_path / "pairs.tsv", *["eins\tone"] * 9)
    with pytest.raises(DataError, match=r"pairs\.tsv: expected at least 10 examples, found 9"):
        load_translation(path)


def test_unknown_label(tmp_path: Path) -> None:
    lines = [*["good\tbook"] * 18, "bad\tfilm", "bad\tplay"]
    path = write(tmp_path / "reviews.tsv", *lines)
    message = r"reviews\.tsv:19: expected labels .* found 'bad' \(2 times in the test part"
    with pytest.raises(DataError, match=message):
        load_classification(path)


def test_unknown_tag_in_a_folder(tmp_path: Path) -> None:
    write(tmp_path / "train.conll", "a\tDET", "dog\tNOUN")
    write(tmp_path / "dev.conll", "a\tDET", "", "runs\tVERB", "", "a\tDET", "runs\tVERB")
    write(tmp_path / "test.conll", "a\tDET")
    message = r"dev\.conll:3: .* found 'VERB' \(2 times in the validation part, here first\)"
    with pytest.raises(DataError, match=message):
        load_tagging(tmp_path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("brwn", r"no corpus or file 'brwn' \(did you mean brown\?\); there is brown, btc, wnut17"),
        ("none/brown", r"brown: no such file"),
        ("my.conllu", r"my\.conllu: no such file"),
    ],
)
def test_unknown_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=message):
        load_tagging(name)
