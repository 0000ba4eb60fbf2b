"""Word vectors counted in text, for a network to start from."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import numpy as np

from models.data import DataError, sentences
from models.data.vectors import SENTENCES
from models.options import nearest
from models.word_vectors import word_vectors

__all__ = ["counted_vectors"]


def counted_vectors(
    names: Sequence[str],
    corpus: str,
    own: Sequence[Sequence[str]],
    form: Callable[[str], str],
    size: int,
    rng: np.random.Generator,
) -> tuple[list[str], np.ndarray]:
    """The words and vectors of some text.

    Parameters
    ----------
    names : sequence of str
        Of running text; ``"own"`` stands for `own`.
    corpus : str
        Name of the corpus that is learnt from. It stands for `own`, too, so that nothing is seen
        of its test part.
    own : sequence of sequence of str
        Sentences of its training part.
    form : callable
        Makes a word what the network knows it as.
    size : int
        Length of a vector.
    rng : Generator

    Raises
    ------
    DataError
        If there is no such text.
    """
    _require_known(names, {*SENTENCES, "own", corpus})
    if not names:
        return [], np.empty((0, size))
    others = [name for name in names if name not in ("own", corpus)]
    text = [s for name in others for s in sentences(name, fetch=True)]
    text += own if len(others) < len(names) else []
    return word_vectors([[form(word) for word in s] for s in text], size, rng=rng)


def _require_known(names: Sequence[str], known: Collection[str]) -> None:
    unknown = next((name for name in names if name not in known), None)
    if unknown is not None:
        there_is = f"there is {', '.join(sorted(known))}"
        raise DataError(f"vectors={unknown!r} is no text{nearest(unknown, known)}; {there_is}")
