"""Arguments by place and by name: how a function takes them, and how a program writes them."""

from __future__ import annotations

from functools import cache
from inspect import Parameter, signature
from itertools import takewhile
from typing import Any

import numpy as np

__all__ = ["by_place", "in_normal_form", "names_of"]


_WRITTEN_IN_C: dict[Any, Any] = {
    np.bincount: lambda x, /, weights=None, minlength=0: ...,
    np.concatenate: lambda arrays, /, axis=0, out=None, *, dtype=None, casting="same_kind": ...,
    np.copyto: lambda dst, src, casting="same_kind", where=True: ...,
    np.dot: lambda a, b, out=None: ...,
    np.inner: lambda a, b, /: ...,
    np.lexsort: lambda keys, axis=-1: ...,
    np.putmask: lambda a, /, mask, values: ...,
    np.reshape: lambda a, /, shape, order="C", *, copy=None: ...,
    np.vdot: lambda a, b, /: ...,
    np.where: lambda condition, x=None, y=None, /: ...,
}
"""The arguments of functions that say nothing of them themselves, before numpy 2.4."""


@cache
def _parameters(f: Any) -> tuple[Parameter, ...]:
    try:
        return tuple(signature(_WRITTEN_IN_C.get(f, f)).parameters.values())
    except (TypeError, ValueError):  # some of those written in C
        return ()


@cache
def names_of(f: Any) -> tuple[str, ...]:
    """What the arguments are called that may be given by their place."""
    kinds = Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD
    return tuple(p.name for p in takewhile(lambda p: p.kind in kinds, _parameters(f)))


def by_place(f: Any, args: Any, kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """The arguments, the first ones by their place, however they were given."""
    args, kwargs = list(args), dict(kwargs)
    for name in takewhile(kwargs.__contains__, names_of(f)[len(args) :]):
        args.append(kwargs.pop(name))
    return args, kwargs


def in_normal_form(f: Any, args: Any, kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The arguments as programs have them: by their place those that a call needs, others by name.

    For a function that takes any number of them as they are given, and for the methods of ufuncs.
    """
    if getattr(f, "is_opaque", False) or isinstance(getattr(f, "__self__", None), np.ufunc):
        return args, kwargs
    order, placed = _order(f)
    if not order:
        return args, kwargs
    given = {**dict(zip(order, args)), **kwargs}
    named = {name: given.pop(name) for name in order if name in given and name not in placed}
    first = tuple(given.pop(name) for name in placed if name in given)
    return first, {**named, **given}


@cache
def _order(f: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of all arguments, and of those that stand in their places; nothing for a function
    that takes any number of them."""
    found = [p for p in _parameters(f) if p.kind is not Parameter.VAR_KEYWORD]
    if any(p.kind is Parameter.VAR_POSITIONAL for p in found):
        return (), ()
    placed = [p.name for p in found if p.kind is Parameter.POSITIONAL_ONLY or _is_needed(p)]
    return tuple(p.name for p in found), tuple(placed)


def _is_needed(p: Parameter) -> bool:
    return p.kind is Parameter.POSITIONAL_OR_KEYWORD and p.default is Parameter.empty
