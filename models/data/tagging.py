"""Sentences with a tag for each word: parts of speech and names."""

from __future__ import annotations

import functools
import re
import tarfile
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path

from models.data import own
from models.data.archives import member_of
from models.data.corpus import Corpus, Tagged
from models.data.fetch import files_of
from models.data.lines import malformed, quoted, read_lines
from models.data.own import Rows

__all__ = ["TAGGING", "brown_documents", "load_tagging"]

Word = tuple[str, str]
"""A word and its tag."""

WHOLE = {"--", "*", "$"}
"""Tags of Brown that consist of the signs at which others are cut."""

DOCUMENT = re.compile(r"package/c[a-r]\d\d")


def load_tagging(name_or_path: str | Path, *, fetch: bool = False) -> Corpus[Tagged]:
    """Sentences with tags, by name or from files of your own.

    Parameters
    ----------
    name_or_path : str or Path
        A name in `TAGGING`; a file; or a folder with ``train.*``, ``dev.*`` (or
        ``validation.*``) and ``test.*``. Files that end in ``.conllu`` are read as CoNLL-U, with
        the column UPOS for tags. In other files the first column is the word and the last one
        its tag, and a blank line ends a sentence. One file is cut into consecutive blocks of 80,
        10 and 10 percent.
    fetch : bool
        Download a corpus that is not here yet.

    Returns
    -------
    Corpus of Tagged

    Raises
    ------
    DataError
        If there is no such corpus, or its files are not what they should be.

    Examples
    --------
    >>> from pathlib import Path
    >>> Path("roses.tsv").write_text("a DET\\nrose NOUN\\n\\n" * 10)
    170
    >>> corpus = load_tagging("roses.tsv")
    >>> len(corpus.train), corpus.test[0].tags
    (8, ('DET', 'NOUN'))
    """
    return own.load(name_or_path, TAGGING, _read, _tags, fetch)


def _tags(sentence: Tagged) -> tuple[str, ...]:
    return sentence.tags


def _brown(fetch: bool) -> Corpus[Tagged]:
    parts: dict[str, list[Tagged]] = {part: [] for part in own.PARTS}
    for index, document in enumerate(brown_documents(fetch)):
        part = "test" if index % 10 == 0 else "validation" if index % 20 == 5 else "train"
        parts[part] += document
    note = "Whole documents are held out: every tenth for the test, every twentieth to choose by."
    return Corpus("brown", parts["train"], parts["validation"], parts["test"], note)


def brown_documents(fetch: bool = False) -> Iterator[list[Tagged]]:
    """The sentences of each of the 500 documents, in the order of their names."""
    (path,) = files_of("brown", fetch)
    with tarfile.open(path) as archive:
        for member in sorted(archive.getmembers(), key=lambda member: member.name):
            if DOCUMENT.fullmatch(member.name):
                text = member_of(archive, member).decode("ascii")
                yield [_of_brown(line) for line in text.splitlines() if line.strip()]


def _of_brown(line: str) -> Tagged:
    words, tags = zip(*(word.rsplit("/", 1) for word in line.split()))
    return Tagged(words, tuple(map(_simple, tags)))


@functools.cache
def _simple(tag: str) -> str:
    """The tag without what it says about headlines, titles, foreign words and contractions."""
    tag = tag.upper()
    return tag if tag in WHOLE else re.split("[-+]", tag)[0].rstrip("*$") or tag


def _btc(fetch: bool) -> Corpus[Tagged]:
    a, b, e, f, g, h = (_read_columns(path) for path in files_of("btc", fetch))
    half = len(f.examples) // 2
    train = [*a.examples, *b.examples, *g.examples, *f.examples[:half]]
    note = (
        "Training: a, b, g and half of f; test: h and the other half; validation: e. "
        "Each @ and the user name after it is tagged as two persons."
    )
    skipped = sum(rows.skipped for rows in (a, b, e, f, g, h))
    return Corpus("btc", train, e.examples, h.examples + f.examples[half:], note, skipped)


def _wnut17(fetch: bool) -> Corpus[Tagged]:
    train, validation, test = (_read_columns(path) for path in files_of("wnut17", fetch))
    note = "As published; no name of the test part occurs in the training part."
    skipped = train.skipped + validation.skipped + test.skipped
    return Corpus("wnut17", train.examples, validation.examples, test.examples, note, skipped)


def _read(path: Path) -> Rows:
    return (_read_conllu if path.suffix == ".conllu" else _read_columns)(path)


def _read_columns(path: Path) -> Rows:
    return _sentences(path, _of_columns)


def _of_columns(path: Path, number: int, line: str) -> Word | None:
    """A word and its tag; no word, if the line lacks one."""
    columns = line.split("\t") if "\t" in line else line.split()
    word, tag = columns[0].strip(), columns[-1].strip()
    if len(columns) < 2 or not tag:
        malformed(path, number, "a word and its tag", quoted(line))
    return word, tag


def _read_conllu(path: Path) -> Rows:
    return _sentences(path, _of_conllu)


def _of_conllu(path: Path, number: int, line: str) -> Word | None:
    """A word and its tag; None for what is no word: comments, ranges and omitted words."""
    if line.startswith("#"):
        return None
    columns = line.split("\t")
    if len(columns) != 10:
        malformed(path, number, "10 columns of CoNLL-U", f"{len(columns)} in {quoted(line)}")
    if not columns[0].isdecimal():
        return None
    word, tag = columns[1], columns[3]
    if tag in ("", "_"):
        malformed(path, number, "a tag in the column UPOS", quoted(line))
    return word, tag


def _sentences(path: Path, parse: Callable[[Path, int, str], Word | None]) -> Rows:
    """What stands between blank lines; lines that hold no word are left out."""
    rows, skipped = Rows(path, [], []), 0
    numbered = enumerate(read_lines(path), 1)
    for is_blank, group in groupby(numbered, lambda line: not line[1].strip()):
        if not is_blank:
            lines = list(group)
            found = [word for line in lines if (word := parse(path, *line))]
            words = [word for word in found if word[0]]
            skipped += len(found) - len(words)
            if words:
                rows.examples.append(Tagged(*zip(*words)))
                rows.lines.append(lines[0][0])
    return rows._replace(skipped=skipped)


TAGGING: dict[str, Callable[[bool], Corpus[Tagged]]] = {
    "brown": _brown,
    "btc": _btc,
    "wnut17": _wnut17,
}
"""Ready-made corpora."""
