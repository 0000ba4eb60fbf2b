"""Text as sentences that can be read again and again."""

from __future__ import annotations

import gzip
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import autodiff as ad
from models.data import DataError, tokens
from models.words import text as module
from models.words.text import Text

SENTENCES = [["a", "rose"], ["is", "a", "rose"]]


class Anew:
    """An object whose `__iter__` begins anew."""

    def __iter__(self) -> Iterator[list[str]]:
        yield from SENTENCES


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "b").mkdir()
    (tmp_path / ".git").mkdir()
    files = {"c.txt": "third", "a.txt": "first", "b/z.txt": "second", "b/note.md": "no"}
    for name, content in {**files, ".git/x.txt": "no", ".hidden.txt": "no"}.items():
        (tmp_path / name).write_text(content)
    return tmp_path


@pytest.mark.parametrize(
    "source", [SENTENCES, tuple(map(tuple, SENTENCES)), Anew(), Text(SENTENCES)]
)
def test_is_read_again_and_again(source: Any) -> None:
    text = Text(source)
    assert [list(text), list(text)] == [SENTENCES, SENTENCES]


def test_a_line_of_a_file_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("\ufeffA Rose is\r\n\r\na «Größe»!".encode())
    assert list(Text(path)) == [["a", "rose", "is"], ["a", "«", "größe", "»", "!"]]
    assert next(iter(Text(str(path), lower=False))) == ["A", "Rose", "is"]


@given(st.text(st.sampled_from(" \ta1_'’.é²½\u00a0\u2028Ⅷ一\x1c"), max_size=12))
def test_lines_are_split_as_by_tokens(line: str) -> None:
    assert module._words(line) == tokens(line)


def test_gzip_is_read_as_the_file_within(tmp_path: Path) -> None:
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(b"A rose\nis a rose\n"))
    assert list(Text(path)) == SENTENCES


def test_a_folder_is_its_files_in_order_without_hidden_ones(folder: Path) -> None:
    (folder / "d.gz").write_bytes(gzip.compress(b"fourth"))
    assert list(Text(folder)) == [["first"], ["second"], ["third"], ["fourth"]]


def test_several_are_joined_by_plus(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setattr(module, "sentences", lambda name, fetch=False: iter([[name]]))
    assert list(Text("brown+c.txt+bbc")) == [["brown"], ["third"], ["bbc"]]
    Path("a+c.txt").write_text("with a plus")
    assert list(Text("a+c.txt")) == [["with", "a", "plus"]]


def test_a_long_line_is_cut_between_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST", 7)
    path = tmp_path / "a.txt"
    path.write_text("one two three\nfour " + "x" * 20 + " five")
    pieces = list(Text(path))
    assert pieces == [
        ["one"], ["two"], ["three"], ["four"], ["xxxxxxx"], ["xxxxxxx"], ["xxxxxx"], ["five"],
    ]  # fmt: skip


@pytest.mark.parametrize("source", [iter(SENTENCES), map(list, SENTENCES), (s for s in SENTENCES)])
def test_what_can_be_read_only_once_is_refused_at_the_door(source: Any) -> None:
    with pytest.raises(ad.errors.DomainError, match="only once; give a list of sentences, a path"):
        Text(source)


def test_an_open_file_is_refused() -> None:
    with pytest.raises(ad.errors.DomainError, match="this StringIO can be read only once"):
        Text(io.StringIO("a rose"))  # type: ignore[arg-type]


def test_a_number_is_refused() -> None:
    with pytest.raises(ad.errors.DomainError, match="lists of words, found int"):
        Text(3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("sentence", "message"),
    [
        ("a rose", "sentence 1, counted from 0, is 'a rose', and not a list of words"),
        (b"a rose", "sentence 1, .* is b'a rose', and not a list"),
        (None, "sentence 1, .* is None, and not a list"),
        (iter(["a"]), "sentence 1, .* is <list_iterator.*, and not a list"),
        (["a", "b", 5], "word 2 of sentence 1, counted from 0, is 5, and no str"),
        (("a", None), "word 1 of sentence 1, counted from 0, is None, and no str"),
    ],
)
def test_what_is_no_list_of_words_is_an_error_with_its_place(sentence: Any, message: str) -> None:
    with pytest.raises(ad.errors.DomainError, match=message):
        list(Text([["fine"], sentence]))


def test_other_encodings_are_an_error_with_the_line(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"fine\nGr\xf6sse\n")
    with pytest.raises(DataError, match=r"a\.txt:2: expected text in UTF-8, found the byte 0xf6"):
        list(Text(path))
    path.write_bytes("fine".encode("utf-16-le"))
    with pytest.raises(DataError, match=r"a\.txt:1: .* the byte 0x00; save the file as UTF-8"):
        list(Text(path))


@pytest.mark.parametrize(
    "broken",
    [b"no gzip", gzip.compress(b"a rose", mtime=0)[:-9], b"\x1f\x8b\x08\0abc"],
    ids=["none", "cut", "damaged"],
)
def test_a_broken_gzip_file_is_an_error_that_names_it(tmp_path: Path, broken: bytes) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(broken)
    with pytest.raises(DataError, match=r"a\.gz: expected a whole gzip file"):
        list(Text(path))


def test_a_gzip_file_with_damage_inside_is_an_error(tmp_path: Path) -> None:
    path, content = tmp_path / "a.gz", bytearray(gzip.compress(b"a rose is a rose " * 50))
    content[12:20] = b"\xff" * 8
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"a\.gz: expected a whole gzip file"):
        list(Text(path))


def test_no_text_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"files that end in \.txt or \.gz, found none"):
        Text(tmp_path)
    (tmp_path / "a.txt").write_text(" \n")
    for source in (tmp_path, tmp_path / "a.txt"):
        with pytest.raises(DataError, match="expected lines of text, found no words"):
            list(Text(source))


def test_what_is_not_there_is_an_error_at_the_door(folder: Path) -> None:
    with pytest.raises(DataError, match=r"no such file \(did you mean a\.txt\?\)"):
        Text(folder / "aa.txt")
    with pytest.raises(
        DataError, match=r"'brwn' is no corpus and no file \(did you mean brown\?\)"
    ):
        Text("brwn")
    with pytest.raises(DataError, match="'' is no corpus"):
        Text(f"{folder / 'a.txt'}+")
    with pytest.raises(DataError, match=r"'a rose is a rose .*\.\.\.' is no corpus and no file"):
        Text("a rose is " * 500)


def test_a_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="more than once, so that it must be a file"):
        Text(tmp_path / "pipe")


def test_a_pipe_in_a_folder_is_refused(folder: Path) -> None:
    os.mkfifo(folder / "pipe.txt")
    with pytest.raises(DataError, match=r"pipe\.txt: .*must be a file"):
        list(Text(folder))


def test_a_file_that_goes_away_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("a rose")
    text = Text(path)
    path.unlink()
    with pytest.raises(DataError, match="no such file"):
        list(text)
