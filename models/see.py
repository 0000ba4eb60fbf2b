"""The graph of a small example or of a loss of the user's own: as a picture, and its paths."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import autodiff as ad
from models.gru import GRU
from models.mlp import MLP
from models.options import nearest
from models.rnn import RNN
from models.target import TargetError, _line, module_at, named

__all__ = ["MODELS", "STEPS", "LossError", "list_paths", "save_graph"]

STEPS = 3
"""Time steps of a recurrent network, unless given."""
SHOWN = 20
"""Names that an error message lists."""
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


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
    seen = _seen(target, options)
    if to is not None:
        options["highlight"] = seen.J, _value(seen, to)
    graph = ad.graph(seen.J, title=target, **options)
    graph.save(out, scale=scale)
    return "\n".join([f"{out}: {seen.size}", *graph.notes])


def list_paths(target: str, to: str, **options: Any) -> str:
    """The table of the largest paths from a loss back to the value called `to`.

    Takes and raises what `save_graph` does, with options as for `autodiff.paths`.
    """
    seen = _seen(target, options)
    return str(ad.paths(seen.J, _value(seen, to), **options))


# ---- what is seen


@dataclass(frozen=True)
class _Seen:
    J: Any
    signals: Any
    kept: Any  # what the loss was made of: a leaf that is gone has no value to show
    steps: int | None

    @property
    def size(self) -> str:
        """How large the graph is."""
        steps = [] if self.steps is None else [_counted(self.steps, "time step")]
        return ", ".join([_counted(len(self.signals), "node"), *steps])


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _seen(target: str, options: dict[str, Any]) -> _Seen:
    """The loss of a target, made with those of the options that are for the making of it."""
    given = {name: options.pop(name) for name in _TAKEN_BY if name in options}
    for name in given:
        if target not in _TAKEN_BY[name]:
            raise TargetError(f"--{name} is for {', '.join(_TAKEN_BY[name])}, not for {target}")
    if target in RECURRENT:
        given.setdefault("steps", STEPS)
    with ad.watch():
        J, kept = _example(target, **given) if target in MODELS else _own(target)
    _give_names(kept)
    try:
        return _Seen(J, ad.signals(J), kept, given.get("steps"))
    except ad.errors.AutodiffError as error:
        raise LossError(f"{target} gave no loss: {error}") from error


def _called(function: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
    """What a function gives, and its variables when it gave that, which only a profiler sees."""
    variables: dict[str, Any] = {}
    code = getattr(function, "__code__", None)

    def note(frame: Any, event: str, _: Any) -> None:
        if event == "return" and frame.f_code is code:
            variables.update(frame.f_locals)

    sys.setprofile(note)
    try:
        return function(*args, **kwargs), variables
    finally:
        sys.setprofile(None)


def _give_names(variables: Mapping[str, Any]) -> None:
    """Call each value that has no name by the variable that holds it."""
    for variable, value in variables.items():
        for name, part in _parts(variable, value):
            if isinstance(part, (ad.Tensor, ad.Scalar)) and part.name is None:
                part.name = name


def _parts(name: str, value: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(value, (list, tuple)):
        return ((name + str(i).translate(_SUBSCRIPTS), part) for i, part in enumerate(value))
    return [(name, value)]


def _value(seen: _Seen, name: str) -> Any:
    """The value of that name; its number may be written as in h2 for h₂."""
    found = seen.signals
    nodes = {found.label(node): node for node in found.order}
    known = name if name in nodes else name.translate(_SUBSCRIPTS)
    if known not in nodes:
        worth = [n for n in reversed(found.order) if n in found.names or n.op is None]
        names = list(map(found.label, worth))
        raise TargetError(f"no value is called {name!r}{nearest(name, names)}; {_listed(names)}")
    return _handle(nodes[known], found)


def _handle(node: Any, found: Any) -> Any:
    if isinstance(node, ad.Scalar):
        return node
    handle = ad.Tensor(np.zeros(found.signal(node).shape))
    handle._node = node
    return handle


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"there is {', '.join(names[:SHOWN])}{more}"


# ---- examples: small enough to be read


def _example(model: str, seed: int = 0, **sizes: int) -> tuple[Any, dict[str, Any]]:
    return _called(MODELS[model], np.random.default_rng(seed), **sizes)


def _mlp(rng: np.random.Generator) -> Any:
    """The cross-entropy of one sample."""
    model = MLP([2, 3, 2], rng=rng)
    return ad.cross_entropy(model(_input("x", 2, rng)), 0)


def _rnn(rng: np.random.Generator, steps: int) -> Any:
    """The cross-entropy of the last step."""
    model = RNN(2, 3, 2, rng=rng)
    _, h = model(_sequence(steps, rng), _input("h0", 3, rng))
    return ad.cross_entropy(model.output(h), 0)


def _gru(rng: np.random.Generator, steps: int) -> Any:
    """Half the squared distance of the last state from a target."""
    model = GRU(2, 2, rng=rng)
    _, h = model(_sequence(steps, rng), _input("h0", 2, rng))
    error = h - rng.uniform(-1, 1, 2)
    return 0.5 * ad.sum(error**2)


def _sequence(steps: int, rng: np.random.Generator) -> list[ad.Tensor]:
    return [_input(f"x{t}", 2, rng) for t in range(1, steps + 1)]


def _input(name: str, size: int, rng: np.random.Generator) -> ad.Tensor:
    return ad.Tensor(rng.uniform(-1, 1, size), requires_grad=True, name=name)


MODELS = {"mlp": _mlp, "rnn": _rnn, "gru": _gru}
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
        J, variables = _called(function)
        return J, {**vars(module), **variables}
    except (Exception, SystemExit) as error:
        what = f"{name} raised {type(error).__name__}: {error}{_line(error, place)}"
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
