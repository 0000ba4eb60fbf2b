"""Files of word vectors: word2vec's text and binary formats, GloVe's text, and safetensors.

What is loaded is whole and fits together, or it is a `FormatError`: a number that was read wrong
would look like any other.
"""

from __future__ import annotations

import gzip
import json
import math
import os
import zlib
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

import autodiff as ad
from models.words.vectors import Vectors
from models.words.word2vec_format import bad, binary_rows, read_binary, read_text, text_rows

__all__ = ["load", "save"]

MOST = 3
"""Arrays that an error message names."""

DTYPES = {"F16": "<f2", "F32": "<f4", "F64": "<f8", "I32": "<i4", "I64": "<i8", "U8": "u1"}
"""What safetensors calls dtypes that can be left in a file."""


def save(path: str | os.PathLike[str], vectors: Vectors) -> None:
    """Write words and vectors to a file, whole or not at all.

    Parameters
    ----------
    path : path-like
        Its ending says the format: ``.txt`` or ``.vec`` is word2vec's text, from which each
        float32 comes back exactly; ``.bin`` is word2vec's binary format; a further ``.gz``
        compresses either. ``.safetensors`` keeps the counts too, and can be memory-mapped.
    vectors : Vectors

    Raises
    ------
    FormatError
        If the ending is another one, or the format cannot hold one of the words.
    DomainError
        If a vector is not finite.
    OSError
        If the file cannot be written. An old file stays as it was.

    Examples
    --------
    >>> save("roses.txt", Vectors(["a", "rose"], [[0.5, 1], [1, 0]]))
    >>> load("roses.txt")
    Vectors of 2 words in 2 dimensions
    """
    if not isinstance(vectors, Vectors):
        kind = type(vectors).__name__
        raise ad.errors.DTypeError(f"save takes Vectors, as model.vectors is, not {kind}")
    target = Path(path)
    suffix, is_compressed = _format(target)
    _require_finite(target, vectors)
    if suffix == ".safetensors":
        ad.io.save(target, _state(vectors))
        return
    content = b"".join((binary_rows if suffix == ".bin" else text_rows)(target, vectors))
    ad.io.replace(target, gzip.compress(content, 6, mtime=0) if is_compressed else content)


def load(path: str | os.PathLike[str], mmap: bool = False) -> Vectors:
    """Read words and vectors from a file that `save`, gensim, word2vec or GloVe has written.

    Parameters
    ----------
    path : path-like
        Its ending says the format, as for `save`. A text may lack the line with the number of
        words and their dimension, as GloVe's does.
    mmap : bool
        Leave the vectors in the file, which is then not to be changed; only for ``.safetensors``.

    Returns
    -------
    Vectors

    Raises
    ------
    FormatError
        If the file is empty, truncated, of another kind, or has a word twice.
    OSError
        If there is no such file, or it cannot be read.
    """
    source = Path(path)
    suffix, is_compressed = _format(source)
    if suffix == ".safetensors":
        return _mapped(source) if mmap else _of_state(source, ad.io.load(source)[0])
    if mmap:
        bad(source, "only .safetensors is memory-mapped: autodiff vectors IN OUT.safetensors")
    try:
        with gzip.open(source) if is_compressed else source.open("rb") as file:
            return (read_binary if suffix == ".bin" else read_text)(source, cast(BinaryIO, file))
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        bad(source, f"damaged, truncated or no gzip file: {error}")


def _format(path: Path) -> tuple[str, bool]:
    is_compressed = path.suffix.lower() == ".gz"
    suffix = (path.with_suffix("") if is_compressed else path).suffix.lower()
    if suffix not in (".txt", ".vec", ".bin") and (is_compressed or suffix != ".safetensors"):
        bad(path, "the name of a file of vectors ends in .txt, .vec or .bin, each with or without "
            ".gz, or in .safetensors")  # fmt: skip
    return suffix, is_compressed


def _require_finite(path: Path, vectors: Vectors) -> Vectors:
    try:
        _ = vectors.norms
    except ad.errors.DomainError as error:
        bad(path, str(error))
    return vectors


# ----------------------------------------------------------------------------------------------
# safetensors


def _state(vectors: Vectors) -> dict[str, np.ndarray]:
    """The arrays of a file: words are a list in JSON, as bytes, since any text may be a word."""
    words = np.frombuffer(json.dumps(vectors.words).encode(), np.uint8)
    counts = {} if vectors.counts is None else {"counts": vectors.counts}
    return {"vectors": vectors.vectors, "words": words, **counts}


def _of_state(path: Path, state: dict[str, np.ndarray]) -> Vectors:
    return _require_finite(path, _unchecked(path, state))


def _unchecked(path: Path, state: dict[str, np.ndarray]) -> Vectors:
    if not {"vectors", "words"} <= set(state):
        found = ", ".join(sorted(state)[:MOST]) or "nothing"
        bad(path, f"expected the arrays vectors and words, found {found}: no file of word vectors")
    try:
        words = json.loads(state["words"].astype(np.uint8).tobytes())
        if not isinstance(words, list):
            raise ValueError(f"{type(words).__name__} in place of a list")
        return Vectors(words, state["vectors"], state.get("counts"))
    except (ValueError, TypeError) as error:
        bad(path, f"no file of word vectors, or a damaged one: {error}")


def _mapped(path: Path) -> Vectors:
    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 0 < length <= size - 8:
                raise ValueError("there is no header")
            header = json.loads(file.read(length))
        header.pop("__metadata__", None)
        arrays = {name: _array(path, 8 + length, size, row) for name, row in header.items()}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        bad(path, f"no readable .safetensors file; it may be truncated or damaged: {error}")
    return _unchecked(path, arrays)


def _array(path: Path, start: int, size: int, row: dict[str, Any]) -> np.ndarray:
    """An array that stays in the file, from its row of the header."""
    first, last = row["data_offsets"]
    if row["dtype"] not in DTYPES:
        raise ValueError(f"arrays of {row['dtype']} cannot stay in the file")
    dtype, shape = np.dtype(DTYPES[row["dtype"]]), tuple(row["shape"])
    if not 0 <= first <= last <= size - start or last - first != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"an array of {last - first:,} bytes does not fit")
    return np.memmap(path, dtype, "r", start + first, shape)
