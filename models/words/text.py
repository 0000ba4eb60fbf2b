"""Text to learn from: sentences that can be read again and again, from wherever they are."""

from __future__ import annotations

import gzip
import os
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, TextIO

import autodiff as ad
from models.data import DataError, sentences, tokens
from models.data.lines import malformed, quoted, require_there
from models.data.vectors import SENTENCES
from models.options import nearest

__all__ = ["Sentences", "Text"]

Sentences = Iterable[Iterable[str]]

LONGEST = 1 << 18
"""Characters of a line that are held at once."""

LONGEST_NAME = 255
"""Characters of a name that is looked for: for longer ones systems have errors of their own."""

KINDS = (".txt", ".gz")
"""What files of a folder end in that are read."""

NOT_UTF8 = re.compile("[\0\udc80-\udcff]")


class Text:
    """Sentences, each a list of words, that can be read as often as needed.

    Parameters
    ----------
    source : iterable of lists of str, str, or path
        Sentences in memory, or an object whose ``__iter__`` begins anew each time; a text file, in
        which a line is a sentence, also compressed as ``.gz``; a folder, of which all ``.txt`` and
        ``.gz`` are read in the order of their names, those in folders within too, hidden ones not;
        the name of a corpus (``"brown"``, ``"bbc"``; for a file so called write ``"./brown"``); or
        several of these, as in ``"brown+mine.txt"``.
    lower : bool
        Whether words of files are put in lower case. Sentences in memory stay as they are, and the
        corpora known by name are always in lower case.
    fetch : bool
        Download a corpus that is not here yet.

    Raises
    ------
    DomainError
        If the source can be read only once, or when a sentence turns out not to be a list of words.
    DataError
        If there is no such file or corpus, a folder has no text, or when a file that is read turns
        out to be empty, damaged, or in another encoding than UTF-8.

    Notes
    -----
    Files are read line by line, and never held as a whole. A line of more than 262,144 characters
    is cut into several sentences, between words.

    Examples
    --------
    >>> text = Text([["a", "rose"], ["is", "a", "rose"]])
    >>> [len(sentence) for sentence in text]
    [2, 3]
    """

    def __init__(
        self, source: Text | Sentences | str | Path, *, lower: bool = True, fetch: bool = False
    ) -> None:
        self._parts = _parts_of(source, lower, fetch)

    def __iter__(self) -> Iterator[list[str]]:
        for part in self._parts:
            yield from part()


Part = Callable[[], Iterator[list[str]]]


def _parts_of(source: Any, lower: bool, fetch: bool) -> list[Part]:
    if isinstance(source, Text):
        return source._parts
    if isinstance(source, str) and not (source in SENTENCES or os.path.exists(source)):
        return [_named(name, lower, fetch) for name in source.split("+")]
    if isinstance(source, (str, os.PathLike)):
        return [_named(source, lower, fetch)]
    _require_restartable(source)
    return [partial(_checked, source)]


def _named(name: str | os.PathLike[str], lower: bool, fetch: bool) -> Part:
    if isinstance(name, str) and name in SENTENCES:
        sentences(name, fetch=fetch)
        return partial(sentences, name)
    path = Path(name)
    _require_source(str(name), path)
    return partial(_read, path, _files_in(path) if path.is_dir() else [path], lower)


def _require_source(name: str, path: Path) -> None:
    if name and (os.path.isfile(path) or os.path.isdir(path)):
        return
    if name:
        _require_no_stream(path)
    if not name or nearest(name, SENTENCES) or len(name) > LONGEST_NAME:
        known = f"{nearest(name, SENTENCES)}; there is {', '.join(SENTENCES)}"
        raise DataError(f"{quoted(name)} is no corpus and no file{known}")
    require_there(path)


def _require_no_stream(path: Path) -> None:
    if os.path.exists(path) and not os.path.isfile(path):
        raise DataError(f"{path}: a text is read more than once, so that it must be a file")


def _require_restartable(source: Any) -> None:
    advice = "give a list of sentences, a path, or an object whose __iter__ begins anew"
    kind = type(source).__name__
    if not hasattr(type(source), "__iter__"):
        raise ad.errors.DomainError(f"text: sentences are lists of words, found {kind}; {advice}")
    if iter(source) is source:
        raise ad.errors.DomainError(
            f"text: it is read more than once, and this {kind} can be read only once; {advice}"
        )


def _checked(source: Iterable[Any]) -> Iterator[list[str]]:
    for i, sentence in enumerate(source):
        try:
            words = sentence if isinstance(sentence, list) else _listed(sentence)
            "".join(words)  # the fastest way to ask whether all are str
        except TypeError:
            raise ad.errors.DomainError(f"text: {_what_is_wrong(i, sentence)}") from None
        yield words


def _listed(sentence: Any) -> list[Any]:
    if isinstance(sentence, (str, bytes, Iterator)):
        raise TypeError  # an iterator would be empty when the text is read again
    return list(sentence)


def _what_is_wrong(i: int, sentence: Any) -> str:
    if isinstance(sentence, (str, bytes, Iterator)) or not isinstance(sentence, Iterable):
        found = f"sentence {i}, counted from 0, is {ad.errors.describe(sentence)}"
        return f"{found}, and not a list of words"
    j, word = next((j, word) for j, word in enumerate(sentence) if not isinstance(word, str))
    return f"word {j} of sentence {i}, counted from 0, is {ad.errors.describe(word)}, and no str"


def _files_in(folder: Path) -> list[Path]:
    found: list[Path] = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(place, n) for n in names if n.endswith(KINDS) and not n.startswith(".")]
    if not found:
        raise DataError(f"{folder}: expected files that end in {' or '.join(KINDS)}, found none")
    return sorted(found)


def _read(source: Path, files: list[Path], lower: bool) -> Iterator[list[str]]:
    is_empty = True
    for path in files:
        for line in _lines(path):
            if words := _words(line.lower() if lower else line):
                yield words
                is_empty = False
    if is_empty:
        raise DataError(f"{source}: expected lines of text, found no words")


def _words(line: str) -> list[str]:
    # Where all signs are of words, to split gives the same, three times as fast.
    is_plain = line.replace(" ", "").rstrip().isalnum()
    return line.split() if is_plain else tokens(line)


def _lines(path: Path) -> Iterator[str]:
    require_there(path)
    _require_no_stream(path)  # to open a pipe would wait for whoever writes
    try:
        with _opened(path) as file:
            yield from _pieces(path, file)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path}: expected a whole gzip file ({error}); get it again") from error


def _opened(path: Path) -> TextIO:
    opened = gzip.open if path.suffix == ".gz" else open
    return opened(path, "rt", encoding="utf-8-sig", errors="surrogateescape")


def _pieces(path: Path, file: TextIO) -> Iterator[str]:
    """Lines, those that are very long cut at whitespace."""
    number, rest = 1, ""
    while piece := file.readline(LONGEST - len(rest)):
        _require_text(path, number, piece)
        number += piece[-1] == "\n"
        line, rest = _cut(rest + piece)
        yield line
    yield rest


def _require_text(path: Path, number: int, line: str) -> None:
    if ("\0" in line or not line.isascii()) and (found := NOT_UTF8.search(line)):
        byte = f"the byte 0x{ord(found[0]) & 0xFF:02x}; save the file as UTF-8"
        malformed(path, number, "text in UTF-8", byte)


def _cut(line: str) -> tuple[str, str]:
    """What of a line is read, and what waits for more of it."""
    if len(line) < LONGEST or line[-1].isspace():
        return line, ""
    head, *tail = line.rsplit(None, 1)
    return (head, tail[0]) if tail else (line, "")
