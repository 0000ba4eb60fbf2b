"""Finished models as files that say what they are, so that loading needs nothing but the file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from inspect import signature
from pathlib import Path
from typing import Any

import autodiff as ad
from models.classifier import Classifier
from models.glove import GloVe
from models.gru import GRU
from models.lstm import LSTM
from models.mlp import MLP
from models.regressor import Regressor
from models.rnn import RNN
from models.seq2seq import Seq2Seq
from models.stack import Stack
from models.tagger import Tagger
from models.window_tagger import WindowTagger
from models.word2vec import CBOW, SkipGram

__all__ = ["MODEL", "load", "save"]

MODEL = "model.safetensors"
"""Its name in the folder of a run."""

KINDS: dict[str, type[ad.Module]] = {
    kind.__name__: kind
    for kind in (
        MLP, RNN, GRU, LSTM, Stack, Regressor, Tagger, WindowTagger, Classifier, Seq2Seq,
        SkipGram, CBOW, GloVe,
    )
}  # fmt: skip


def save(path: str | Path, model: ad.Module, arguments: Mapping[str, Any]) -> None:
    """Write a model and the arguments that make one like it.

    Parameters
    ----------
    path : path-like
        Ends in ``.safetensors`` or ``.npz``. The file is replaced whole.
    model : Module
        Of a class in `KINDS`.
    arguments : mapping
        Of its constructor by name, as far as JSON can hold them.

    Raises
    ------
    DTypeError
        If the model is of another class.
    FormatError
        If the ending is another one, JSON cannot hold the arguments, or they make a model of
        other sizes.
    OSError
        If the file cannot be written. An old file stays as it was.

    Examples
    --------
    >>> from models import MLP, load, save
    >>> save("model.npz", MLP([2, 3, 1]), {"sizes": [2, 3, 1]})
    >>> load("model.npz")([0.5, -0.5]).shape
    (1,)
    """
    name = type(model).__name__
    if name not in KINDS:
        raise ad.errors.DTypeError(
            f"save: takes a model of {', '.join(KINDS)}, not {name}; ad.io.save writes the "
            "state_dict() of others"
        )
    state = model.state_dict()
    try:
        signature(KINDS[name]).bind(**arguments)
        metadata = {"model": name, "arguments": json.dumps(arguments)}
        _made(metadata).load_state_dict(state)  # as `load` will do
    except (TypeError, ValueError, KeyError) as error:
        raise ad.errors.FormatError(
            f"save: these arguments make no such {name}: {error}"
        ) from error
    ad.io.save(path, state, metadata)


def _made(metadata: Mapping[str, str]) -> ad.Module:
    return KINDS[metadata["model"]](**json.loads(metadata["arguments"]))


def load(path: str | Path) -> ad.Module:
    """The model in a file, ready to be used.

    Parameters
    ----------
    path : path-like
        Written by `save`.

    Returns
    -------
    Module
        In the mode for use, not for training: see `Module.eval`.

    Raises
    ------
    FormatError or ShapeError
        If the file is damaged or holds no model of ours.
    OSError
        If it cannot be read.
    """
    state, metadata = ad.io.load(path)
    if metadata.get("model") not in KINDS:
        raise ad.errors.FormatError(f"{path} holds no model of {', '.join(KINDS)}")
    try:
        model = _made(metadata)
    except (ValueError, TypeError, KeyError) as error:
        raise ad.errors.FormatError(
            f"{path} does not say how its {metadata['model']} was made: {error!r}"
        ) from error
    model.load_state_dict(state)
    return model.eval()
