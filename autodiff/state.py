"""The state of a model or an optimiser, checked before any of it is taken over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from autodiff.errors import (
    DomainError,
    DTypeError,
    FormatError,
    GraphError,
    ShapeError,
    describe,
    shown,
)
from autodiff.tracked import Tracked

__all__ = ["fitted", "leaves"]

_TAKES = {"f": "f", "i": "iu", "u": "iu", "b": "b"}


def fitted(state: Mapping[str, Any], wanted: Mapping[str, Any], owner: str) -> dict[str, Any]:
    """The entries of `state` as new arrays of the shapes and dtypes that `wanted` has.

    Parameters
    ----------
    state : mapping of str to array_like
    wanted : mapping of str to anything with a shape and a dtype
    owner : str
        Whose state it is, for the messages.

    Raises
    ------
    FormatError
        If entries are missing or too many, or hold another kind of number.
    ShapeError
        If an entry has another shape.
    """
    if not isinstance(state, Mapping):
        raise DTypeError(
            f"a state of {owner} is a dict of arrays by name, not {describe(state)}; ad.io.load "
            "gives the pair (state, metadata)"
        )
    missing = [name for name in wanted if name not in state]
    extra = [name for name in state if name not in wanted]
    if missing or extra:
        wrong = [f"{what} {_listed(names)}" for what, names in
                 (("it has no", missing), ("not wanted is", extra)) if names]  # fmt: skip
        raise FormatError(f"this state does not belong to {owner}: {'; '.join(wrong)}")
    return {name: _fitted(name, state[name], like, owner) for name, like in wanted.items()}


def _listed(names: Iterable[str]) -> str:
    first, *rest = names
    return f"{first!r}" + (f" and {len(rest)} more" if rest else "")


def _fitted(name: str, value: Any, like: Any, owner: str) -> np.ndarray:
    array, dtype = np.asarray(value), np.dtype(like.dtype)
    if array.dtype.kind not in _TAKES[dtype.kind]:
        raise FormatError(f"{name!r} of {owner} is {dtype}, the state has {describe(array)}")
    if array.shape != like.shape:
        raise ShapeError(
            f"{name!r} of {owner} has shape {like.shape}, the state has {array.shape}; build it "
            "with the sizes it was saved with"
        )
    return np.array(array, dtype)


def leaves(params: Any) -> list[Any]:
    """The parameters as a list, if they are leaves that require a gradient, each once."""
    if not isinstance(params, Iterable) or isinstance(params, Tracked):
        raise DTypeError(
            f"params is a list, as of module.parameters(), not a {type(params).__name__}"
        )
    found = list(params)
    if not found:
        raise DomainError("there are no parameters to step")
    for i, p in enumerate(found):
        if not isinstance(p, Tracked) or not p.requires_grad or p._node.op is not None:
            raise GraphError(
                f"params[{i}] is {shown(p)}: a parameter is a leaf with requires_grad=True"
            )
    if len(set(map(id, found))) < len(found):
        raise DomainError("a parameter occurs twice among params, and would be stepped twice")
    return found
