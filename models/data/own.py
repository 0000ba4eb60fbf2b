"""Corpora by name or from the user's own files: one that is cut, or a folder with one a part."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from models.data.corpus import Corpus
from models.data.lines import require_there
from models.data.split import DataError
from models.options import nearest

__all__ = ["Rows", "load"]

PARTS = {"train": ("train",), "validation": ("dev", "validation"), "test": ("test",)}
"""The parts of a corpus, and what their files in a folder are called."""

LEAST = 10
"""Examples of a file that can be cut into parts."""

CUT = "Consecutive blocks of one file: 80 % training, 10 % validation, 10 % test."


class Rows(NamedTuple):
    """Examples of one file, and the line that each begins in."""

    path: Path
    examples: list[Any]
    lines: list[int]
    skipped: int = 0

    def between(self, start: int, stop: int) -> Rows:
        """Some of the examples."""
        return self._replace(examples=self.examples[start:stop], lines=self.lines[start:stop])

    def places(self) -> list[str]:
        """For each example ``file:line``."""
        return [f"{self.path}:{line}" for line in self.lines]


def load(
    name_or_path: str | Path,
    known: Mapping[str, Callable[[bool], Corpus[Any]]],
    read: Callable[[Path], Rows],
    labels: Callable[[Any], Iterable[str]],
    fetch: bool,
) -> Corpus[Any]:
    """The corpus of a name, or the one in a file or folder of the user's own.

    Parameters
    ----------
    name_or_path : str or Path
    known : mapping
        A loader for each name.
    read : callable
        Reads one file.
    labels : callable
        The labels of an example, all of which training has to have.
    fetch : bool
        Download a corpus that is not here yet.

    Raises
    ------
    DataError
        If there is nothing of this name, too little, or a label that training does not have.
    """
    if str(name_or_path) in known:
        corpus = known[str(name_or_path)](fetch)
        _require_known({part: getattr(corpus, part) for part in PARTS}, labels)
        return corpus
    path = _existing(Path(name_or_path), known)
    parts = _of_folder(path, read) if path.is_dir() else _blocks(read(path))
    examples = {part: rows.examples for part, rows in parts.items()}
    _require_known(examples, labels, {part: rows.places() for part, rows in parts.items()})
    skipped = sum({rows.path: rows.skipped for rows in parts.values()}.values())
    return Corpus(path.name, **examples, note="" if path.is_dir() else CUT, skipped=skipped)


def _existing(path: Path, known: Iterable[str]) -> Path:
    if not path.exists() and path.name == str(path) and not path.suffix:
        there_is = f"there is {', '.join(known)}, or name a file or folder of your own"
        raise DataError(f"no corpus or file {str(path)!r}{nearest(str(path), known)}; {there_is}")
    require_there(path)
    return path


def _of_folder(folder: Path, read: Callable[[Path], Rows]) -> dict[str, Rows]:
    parts = {part: read(_file_of(folder, names)) for part, names in PARTS.items()}
    for rows in parts.values():
        _require(1, rows)
    return parts


def _file_of(folder: Path, names: Sequence[str]) -> Path:
    found = sorted(path for path in folder.iterdir() if path.is_file() and path.stem in names)
    if len(found) == 1:
        return found[0]
    expected = " or ".join(f"{name}.*" for name in names)
    listed = ", ".join(path.name for path in found) or "none"
    raise DataError(f"{folder}: expected one file {expected}, found {listed}")


def _blocks(rows: Rows) -> dict[str, Rows]:
    _require(LEAST, rows)
    count = len(rows.examples)
    ends = [0, count * 8 // 10, count * 9 // 10, count]
    return {part: rows.between(*pair) for part, pair in zip(PARTS, pairwise(ends))}


def _require(least: int, rows: Rows) -> None:
    if len(rows.examples) < least:
        found = len(rows.examples)
        raise DataError(f"{rows.path}: expected at least {least} examples, found {found}")


def _require_known(
    parts: Mapping[str, Sequence[Any]],
    labels: Callable[[Any], Iterable[str]],
    places: Mapping[str, Sequence[str]] | None = None,
) -> None:
    """Raise a `DataError` if a later part has a label that the training part does not have."""
    known = {label for example in parts["train"] for label in labels(example)}
    for part in ("validation", "test"):
        found = [(label, i) for i, x in enumerate(parts[part]) for label in labels(x)]
        new = [(label, i) for label, i in found if label not in known]
        if new:
            label, first = new[0]
            times = sum(other == label for other, _ in new)
            where = places[part][first] if places else f"example {first + 1} of {part}"
            raise DataError(
                f"{where}: expected labels that the training part has, found {label!r} "
                f"({times} times in the {part} part, here first); rename it or divide anew"
            )
