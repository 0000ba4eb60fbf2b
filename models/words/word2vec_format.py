"""word2vec's two formats and GloVe's: a word and its numbers, row after row."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO, NoReturn

import numpy as np

import autodiff as ad
from models.words.vectors import Vectors

__all__ = ["bad", "binary_rows", "read_binary", "read_text", "text_rows"]

HEADER = "the number of words and their dimension, as in '71291 100'"

SHOWN = 40
"""Bytes that an error message shows."""


def bad(path: Path, message: str) -> NoReturn:
    """Raise the `FormatError` for a file."""
    raise ad.errors.FormatError(f"{path}: {message}")


def text_rows(path: Path, vectors: Vectors) -> Iterator[bytes]:
    """The lines of a text: the number of words and their dimension, then a word each."""
    row = " ".join(["%.9g"] * vectors.size)  # nine digits tell any two float32 apart
    yield f"{len(vectors)} {vectors.size}\n".encode()
    for word, vector in zip(vectors.words, vectors.vectors):
        yield _head(path, word) + (row % tuple(vector.tolist())).encode() + b"\n"


def binary_rows(path: Path, vectors: Vectors) -> Iterator[bytes]:
    """The same with the numbers as they are in memory, and no ends of lines."""
    yield f"{len(vectors)} {vectors.size}\n".encode()
    for word, vector in zip(vectors.words, vectors.vectors):
        yield _head(path, word) + vector.astype("<f4").tobytes()


def _head(path: Path, word: str) -> bytes:
    try:
        head = word.encode()
    except UnicodeEncodeError:
        head = b""
    if not head or b" " in head or b"\n" in head:
        bad(path, f"this format cannot hold the word {word!r}: no spaces, no ends of lines, no "
            "half characters; .safetensors can")  # fmt: skip
    return head + b" "


def read_text(path: Path, file: BinaryIO) -> Vectors:
    """Vectors from lines, with the number of words and their dimension before them or not."""
    first = file.readline().removeprefix(b"\xef\xbb\xbf")
    sizes = _sizes(first)
    count, size = sizes or (None, len(first.rstrip().split(b" ")) - 1)
    lines = enumerate(file, 2) if sizes else chain([(1, first)], enumerate(file, 2))
    words: dict[str, None] = {}
    rows = []
    for number, line in lines:
        if not line.strip():
            continue
        word, vector = _row(path, number, line, size, has_header=count is not None)
        if word in words:
            bad(path, f"line {number}: the word {word!r} is there twice")
        if len(words) == count:
            bad(path, f"line {number}: one more than the {count:,} words stated in line 1")
        words[word] = None
        rows.append(vector)
    if not words or len(words) < (count or 0):
        _too_few(path, first, len(words), count)
    return Vectors(words, np.array(rows))


def _too_few(path: Path, first: bytes, found: int, count: int | None) -> NoReturn:
    if not first.strip():
        bad(path, f"line 1: expected a word and its numbers, or {HEADER}; it is empty")
    bad(path, f"truncated: line 1 states {count:,} words, and {found:,} are there")


def _sizes(line: bytes) -> tuple[int, int] | None:
    """The number of words and their dimension; None if the line states something else."""
    fields = line.split()
    if len(fields) != 2 or not all(field.isdigit() and len(field) < 16 for field in fields):
        return None
    return int(fields[0]), int(fields[1])


def _row(
    path: Path, number: int, line: bytes, size: int, has_header: bool
) -> tuple[str, np.ndarray]:
    fields = line.rstrip().rsplit(b" ", size)
    # Without a header it is GloVe's, whose words may be such as ". . ."
    if len(fields) <= size or not size or (
        b" " in fields[0] and (has_header or _is_number(fields[0].rsplit(b" ", 1)[1]))
    ):  # fmt: skip
        found = len(line.rstrip().split(b" ")) - 1
        _bad_line(path, number, line, f"expected a word and {size or 'its'} numbers, found {found}")
    if not line.endswith(b"\n"):
        _bad_line(path, number, line, "truncated: if it is whole, end it with a new line")
    try:
        if b"_" in line[len(fields[0]) :]:  # float takes 1_0 for 10
            raise ValueError
        with np.errstate(over="ignore"):
            vector = np.array(list(map(float, fields[1:])), np.float32)
        word = fields[0].decode()
    except ValueError:
        shown = line[:SHOWN].decode(errors="replace").rstrip()
        _bad_line(path, number, line, f"expected a word and {size} numbers, found {shown!r}")
    if not np.isfinite(vector).all():
        _bad_line(path, number, line, f"the numbers of {word!r} are not all finite in float32")
    return word, vector


def _is_number(field: bytes) -> bool:
    try:
        return bool(float(field) + 1)
    except ValueError:
        return False


def _bad_line(path: Path, number: int, line: bytes, message: str) -> NoReturn:
    try:
        is_text = "\0" not in line.decode()
    except UnicodeDecodeError:
        is_text = False
    hint = "" if is_text else "; this is no text: word2vec's binary format is named .bin"
    bad(path, f"line {number}: {message}{hint}")


def read_binary(path: Path, file: BinaryIO) -> Vectors:
    """Vectors from word2vec's binary format, with ends of lines between the words or not."""
    content = file.read()
    at = content.find(b"\n") + 1
    sizes = _sizes(content[:at])
    if sizes is None or 0 in sizes:
        bad(path, f"line 1: expected {HEADER}, found {content[: at or None][:SHOWN]!r}")
    count, size = sizes
    _refuse_text(path, content[at : at + 100 * (size + 1)].partition(b"\n")[0], size)
    if count * (4 * size + 1) > len(content) - at:
        bad(path, f"truncated: {len(content):,} bytes cannot hold {count:,} words of {size} "
            "numbers, as stated in line 1")  # fmt: skip
    words: dict[str, None] = {}
    vectors = np.empty((count, size), np.float32)
    for i in range(count):
        word, start = _word(path, content, at)
        at = start + 4 * size
        if at > len(content):
            bad(path, f"truncated: it ends in the numbers of {word!r}, word {i + 1:,} of {count:,}")
        if word in words:
            bad(path, f"byte {start:,}: the word {word!r} is there twice")
        words[word], vectors[i] = None, np.frombuffer(content, "<f4", size, start)
        if not np.isfinite(vectors[i]).all():
            bad(path, f"byte {start:,}: the numbers of {word!r} are not all finite")
    if content[at:].strip():
        bad(path, f"byte {at:,}: more than the {count:,} words stated in line 1")
    return Vectors(words, vectors)


def _word(path: Path, content: bytes, at: int) -> tuple[str, int]:
    """The word at a byte, and where its numbers start."""
    space = content.find(b" ", at)
    if space < 0:
        bad(path, f"byte {at:,}: expected a word and a space; it may be truncated")
    found = content[at:space].lstrip(b"\n")  # word2vec itself ends each row with one
    try:
        if b"\n" in found:
            raise ValueError("a word with an end of a line")
        return found.decode(), space + 1
    except ValueError:
        bad(path, f"byte {at:,}: expected a word in UTF-8, found {found[:SHOWN]!r}; the dimension "
            "in line 1 may be wrong")  # fmt: skip


def _refuse_text(path: Path, line: bytes, size: int) -> None:
    fields = line.rstrip().split(b" ")
    if len(fields) == size + 1 and all(map(_is_number, fields[1:])):
        bad(path, "this is word2vec's text format, which is named .txt or .vec")
