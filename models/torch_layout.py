"""Weights of recurrent networks in torch's layout: its names, and its gates in one array."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

import autodiff as ad
from models.gru import GRU
from models.lstm import LSTM
from models.recurrent import Recurrent
from models.rnn import RNN
from models.stack import Stack

__all__ = ["load_torch_state", "torch_state"]

LETTERS: dict[type[Recurrent], dict[str, tuple[str, ...]]] = {
    RNN: {"weight_ih": ("W",), "weight_hh": ("H",), "bias_ih": ("b1",)},
    GRU: {
        "weight_ih": ("Wr", "Wz", "W"),
        "weight_hh": ("Ur", "Uz", "U"),
        "bias_ih": ("br", "bz", "b"),
    },
    LSTM: {
        "weight_ih": ("Wi", "Wf", "W", "Wo"),
        "weight_hh": ("Ui", "Uf", "U", "Uo"),
        "bias_ih": ("bi", "bf", "b", "bo"),
    },
}
"""What torch stacks under each name, from top to bottom."""


def torch_state(model: Recurrent | Stack) -> dict[str, np.ndarray]:
    """The weights as the state dict of ``torch.nn.RNN``, ``GRU`` or ``LSTM``.

    Parameters
    ----------
    model : RNN, GRU, LSTM or Stack
        The outputs' U and b2 of an RNN are left out.

    Returns
    -------
    dict of str to ndarray
        As in ``weight_ih_l0``. torch adds two biases; the second, ``bias_hh``, is 0 here, but for
        the inner bias c of a GRU.

    Raises
    ------
    DomainError
        If a GRU has a c and no other biases, as none of torch has.
    """
    state = {}
    for suffix, _, network in _networks(model):
        for name, letters in LETTERS[type(network)].items():
            if getattr(network, letters[0]) is not None:
                parts = [getattr(network, letter).numpy() for letter in letters]
                state[f"{name}_{suffix}"] = np.concatenate(parts)
        if isinstance(network, GRU) and network.b is None and network.c is not None:
            raise ad.errors.DomainError("torch has no GRU with inner_bias=True and bias=False")
        if (bias := state.get(f"bias_ih_{suffix}")) is not None:
            state[f"bias_hh_{suffix}"] = _second_bias(network, bias)
    return state


def load_torch_state(model: Recurrent | Stack, state: Mapping[str, Any]) -> None:
    """Give the model the weights of a state dict of ``torch.nn.RNN``, ``GRU`` or ``LSTM``.

    After an error no parameter has changed.

    Parameters
    ----------
    model : RNN, GRU, LSTM or Stack
        Of the same kind and sizes.
    state : mapping of str to array_like

    Raises
    ------
    FormatError
        If names are missing or too many, or a value is not floating; or if a GRU has no c for a
        bias of the state (``inner_bias=True`` makes one).
    ShapeError
        If shapes do not fit.
    DomainError
        If a GRU has a c and no other biases, as none of torch has.
    """
    arrays = {name: np.asarray(value) for name, value in state.items()}
    _require_fitting(arrays, model)
    new = model.state_dict()
    for suffix, prefix, network in _networks(model):
        letters = _letters(network, suffix, arrays)
        new |= {f"{prefix}{letter}": value for letter, value in letters.items()}
    model.load_state_dict(new)


def _networks(model: Recurrent | Stack) -> Iterator[tuple[str, str, Any]]:
    """Each network with the end of its names in torch, and their beginning in the model."""
    if not isinstance(model, Stack):
        yield "l0", "", model
        return
    for i, network in enumerate(model.forwards):
        yield f"l{i}", f"forwards.{i}.", network
        if model.backwards:
            yield f"l{i}_reverse", f"backwards.{i}.", model.backwards[i]


def _second_bias(network: Any, first: np.ndarray) -> np.ndarray:
    """Zeros, with c in the place of the candidate."""
    bias = np.zeros_like(first)
    if getattr(network, "c", None) is not None and isinstance(network, GRU):
        bias[-len(bias) // 3 :] = network.c.data
    return bias


def _require_fitting(arrays: Mapping[str, Any], model: Any) -> None:
    wanted = torch_state(model)
    wrong = sorted(set(wanted) ^ set(arrays))
    if wrong:
        what = "not wanted is" if wrong[0] in arrays else "it has no"
        raise ad.errors.FormatError(
            f"this state does not belong to such a {type(model).__name__}: {what} {wrong[0]!r}"
        )
    for name, array in arrays.items():
        if array.shape != wanted[name].shape:
            raise ad.errors.ShapeError(
                f"{name!r} is {array.shape}; expected {wanted[name].shape} for this model"
            )


def _letters(network: Any, suffix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The parameters of one network by letter."""
    found: dict[str, np.ndarray] = {}
    for name, letters in LETTERS[type(network)].items():
        if (array := arrays.get(f"{name}_{suffix}")) is not None:
            found |= zip(letters, np.split(array, len(letters)))
    if (second := arrays.get(f"bias_hh_{suffix}")) is not None:
        letters = LETTERS[type(network)]["bias_ih"]
        parts = dict(zip(letters, np.split(second, len(letters))))
        if isinstance(network, GRU):
            found |= _inner(network, parts.pop("b"))
        found |= {letter: found[letter] + part for letter, part in parts.items()}
    return found


def _inner(network: GRU, c: np.ndarray) -> dict[str, np.ndarray]:
    """torch's bias within the reset gate, if there is one."""
    if network.c is not None:
        return {"c": c}
    if c.any():
        raise ad.errors.FormatError(
            "this state has a bias within the reset gate (the last third of bias_hh): make the "
            "GRU with inner_bias=True"
        )
    return {}
