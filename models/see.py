"""The graph of a small example or of a loss of the user's own: as a picture, and its paths."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

import autodiff as ad
from models.glove import GloVe
from models.gru import GRU
from models.mlp import MLP
from models.options import nearest
from models.rnn import RNN
from models.target import TargetError, line_of, module_at, named
from models.word2vec import CBOW, SkipGram

__all__ = ["MODELS", "STEPS", "LossError", "list_paths", "save_graph"]

STEPS = 3
"""Time steps of a recurrent network, unless given."""


class LossError(ad.errors.AutodiffError):
    """A function that gives no loss."""


def save_graph(
    target: str, out: Path, to: str | None = None, scale: float = 2, **options: Any
) -> str:
    """Write the picture of a loss into a file.

    Parameters
    ----------
    target : str
        A name in `MODELS`; or ``MODULE:NAME`` or ``FILE.py:NAME``, a function without required
        arguments that gives a loss.
    out : Path
        Its suffix decides what is written.
    to : str, optional
        The name of a value: the paths that lead to it are highlighted.
    scale : float
        Of a PNG.
    **options
        `steps` and `seed` for what is in `MODELS`, the rest as for `autodiff.graph`.

    Returns
    -------
    str
        What was written.

    Raises
    ------
    TargetError
        If the target or the value is not there, or takes no such option.
    AutodiffError
        If it gives no loss, or no picture can be made of it.
    """
    J, names = _loss(target, options, to)
    if to is not None:
        options["highlight"] = to
    graph = ad.graph(J, title=target, names=names, **options)
    graph.save(out, scale=scale)
    count = len(graph.signals)
    return "\n".join([f"{out}: {count:,} node{'s' if count > 1 else ''}", *graph.notes])


def list_paths(target: str, to: str, **options: Any) -> str:
    """The table of the largest paths from a loss back to the value called `to`.

    Takes and raises what `save_graph` does, with options as for `autodiff.paths`.
    """
    J, names = _loss(target, options, to)
    return str(ad.paths(J, to, names=names, **options))


def _loss(target: str, options: dict[str, Any], to: str | None) -> tuple[Any, Mapping[str, Any]]:
    """The loss of a target, in which there is a value called `to`, and the variables around it.

    Takes those of the options that are for the making of the loss.
    """
    given = {name: options.pop(name) for name in _TAKEN_BY if name in options}
    for name in given:
        if target not in _TAKEN_BY[name]:
            raise TargetError(f"--{name} is for {', '.join(_TAKEN_BY[name])}, not for {target}")
    with ad.watch(), np.errstate(all="ignore"):  # the picture says what is not finite
        J, names = (_example(target, **given), {}) if target in MODELS else _own(target)
    try:
        signals = ad.signals(J, names=names)
    except ad.errors.AutodiffError as error:
        raise LossError(f"{target} gave no loss: {error}") from error
    if to is not None:
        try:
            signals.tensor(to, "--to")
        except ad.errors.DomainError as error:
            raise TargetError(str(error)) from error
    return J, names


# ---- examples: small enough to be read


def _example(model: str, seed: int = 0, **sizes: int) -> Any:
    return MODELS[model](np.random.default_rng(seed), **sizes)


def _mlp(rng: np.random.Generator) -> Any:
    """The cross-entropy of one sample."""
    model = MLP([2, 3, 2], rng=rng)
    return ad.cross_entropy(model(_input("x", 2, rng)), 0)


def _rnn(rng: np.random.Generator, steps: int = STEPS) -> Any:
    """The cross-entropy of the last step."""
    model = RNN(2, 3, 2, rng=rng)
    _, h = model(_sequence(steps, rng), _input("h0", 3, rng))
    return ad.cross_entropy(model.output(h), 0)


def _gru(rng: np.random.Generator, steps: int = STEPS) -> Any:
    """Half the squared distance of the last state from a target."""
    model = GRU(2, 2, rng=rng)
    _, h = model(_sequence(steps, rng), _input("h0", 2, rng))
    error = h - rng.uniform(-1, 1, 2)
    return 0.5 * ad.sum(error**2)


def _skipgram(rng: np.random.Generator) -> Any:
    """Word 0 beside word 1, and not beside word 2."""
    return _redrawn(SkipGram(*_words(), size=2), rng).loss([0], [[1, 2]], [1, -1])


def _cbow(rng: np.random.Generator) -> Any:
    """Word 1 between words 0 and 3, and not word 2."""
    return _redrawn(CBOW(*_words(), size=2), rng).loss([[0, 3]], [[1, 2]], [1, -1])


def _glove(rng: np.random.Generator) -> Any:
    """Word 1 four times near word 0."""
    return _redrawn(GloVe(*_words(), size=2), rng).loss([0], [1], [4.0])


def _words() -> tuple[list[str], list[int]]:
    return ["a", "rose", "is", "red"], [4, 3, 2, 1]


def _redrawn(model: Any, rng: np.random.Generator) -> Any:
    """The model with parameters as large as after training: half of them start at 0."""
    for parameter in model.parameters():
        parameter.data = rng.uniform(-1, 1, parameter.shape)
    return model


def _sequence(steps: int, rng: np.random.Generator) -> list[ad.Tensor]:
    return [_input(f"x{t}", 2, rng) for t in range(1, steps + 1)]


def _input(name: str, size: int, rng: np.random.Generator) -> ad.Tensor:
    return ad.Tensor(rng.uniform(-1, 1, size), requires_grad=True, name=name)


MODELS = {
    "mlp": _mlp, "rnn": _rnn, "gru": _gru,
    "skipgram": _skipgram, "cbow": _cbow, "glove": _glove,
}  # fmt: skip
RECURRENT = ("rnn", "gru")
_TAKEN_BY = {"steps": RECURRENT, "seed": tuple(MODELS)}


# ---- losses of the user's own


def _own(target: str) -> tuple[Any, dict[str, Any]]:
    place, _, name = target.rpartition(":")
    if not place or not name:
        raise TargetError(
            f"unknown {target!r}{nearest(target, MODELS)}; there is {', '.join(MODELS)}, and what "
            "is your own as FILE.py:NAME or MODULE:NAME"
        )
    module = module_at(place)
    function = named(name, module)
    _require_callable(name, function)
    try:
        return function(), vars(module)
    except (Exception, SystemExit) as error:
        what = f"{name} raised {type(error).__name__}: {error}{line_of(error, place)}"
        raise LossError(what) from error


def _require_callable(name: str, function: Any) -> None:
    """Raise for what is no function, or one that has to be given arguments."""
    if not callable(function):
        raise LossError(f"{name} is of type {type(function).__name__}, and not a function")
    with suppress(ValueError):  # what is written in C may not tell its arguments
        signature = inspect.signature(function)
        try:
            signature.bind()
        except TypeError as error:
            raise LossError(f"{name}{signature}: {error}; write one that needs none") from error
