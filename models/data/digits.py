"""Handwritten digits: 1,797 images of 8x8 pixels, which the wheel of scikit-learn ships.

They are the test part of "Optical Recognition of Handwritten Digits" (E. Alpaydin, C. Kaynak,
UCI repository, 1998), written by 13 people.
"""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import numpy as np

from models.data.split import DataError, Part, Split, stratified
from models.extras import folder_of

__all__ = ["load_digits"]

SHARES = 0.7, 0.1, 0.2
"""Training, validation and test part of each digit's images."""

NOTE = "The same 13 people wrote all parts, so other hands may be harder to read."

BRIGHTEST = 16


def load_digits(path: str | Path | None = None) -> Split:
    """The digits in their fixed split.

    Parameters
    ----------
    path : str or Path, optional
        Another file in the same format: gzipped CSV, 64 pixels from 0 to 16 and the digit.

    Returns
    -------
    Split
        `x` is float32 of shape (images, 64), rows from top to bottom, 0 empty and 1 full ink;
        `y` holds the digits as int64. The split is stratified and always the same.

    Raises
    ------
    MissingExtraError
        If scikit-learn is not installed.
    DataError
        If the file is not such a table.
    """
    table = _read(Path(path) if path else _installed())
    x, y = (table[:, :64] / BRIGHTEST).astype(np.float32), table[:, 64].astype(np.int64)
    parts = (Part(x[rows], y[rows]) for rows in stratified(y, SHARES, rng=0))
    return Split("digits", *parts, note=NOTE)


def _installed() -> Path:
    folder = folder_of("sklearn", "the digits data")
    return folder / "datasets" / "data" / "digits.csv.gz"


def _read(path: Path) -> np.ndarray:
    try:
        with gzip.open(path, "rt", encoding="ascii") as file:
            table = np.loadtxt(file, delimiter=",", ndmin=2)
    except (EOFError, ValueError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path}: not a gzipped table of digits ({error})") from error
    _check(table, path)
    return table


def _check(table: np.ndarray, path: Path) -> None:
    if table.shape[1:] != (65,):
        raise DataError(f"{path}: expected rows of 64 pixels and a digit, found {table.shape}")
    pixels, digits = table[:, :64], table[:, 64]
    if pixels.min() < 0 or pixels.max() > BRIGHTEST or not np.isin(digits, range(10)).all():
        raise DataError(f"{path}: expected pixels from 0 to {BRIGHTEST} and digits from 0 to 9")
