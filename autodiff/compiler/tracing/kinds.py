"""What a call's arguments are: two calls of the same kind can run the same program."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from types import MethodType
from typing import Any
from weakref import ref

import numpy as np

from autodiff.compiler.tracing.held import is_held
from autodiff.errors import describe
from autodiff.module import Module
from autodiff.scalar import Scalar
from autodiff.settings import is_recording
from autodiff.tensor import Tensor

__all__ = ["STATE", "described", "differences", "dynamic", "is_dynamic", "key_of", "kind_of"]

STATE = ("_lr", "_steps", "_rates", "_state", "_slots", "_rate", "_eps")
"""What of an optimiser may change from call to call, or follows from that."""


def is_dynamic(leaf: Any) -> bool:
    """Whether a leaf of the arguments may have another value at the next call."""
    return isinstance(leaf, (Tensor, Scalar, np.ndarray, np.generic)) or type(leaf) is float


def dynamic(leaves: list[Any]) -> dict[Any, Any]:
    """The dynamic leaves, those that are one object once; a number is always one of its own."""
    return {key_of(i, leaf): leaf for i, leaf in enumerate(leaves) if is_dynamic(leaf)}


def key_of(i: int, leaf: Any) -> Any:
    """What is equal for the same tensor or array in two places."""
    return id(leaf) if isinstance(leaf, (Tensor, Scalar, np.ndarray)) else ("number", i)


def kind_of(leaves: list[Any], definition: Any) -> tuple[Any, ...]:
    """Equal for calls of the same kind."""
    first: dict[Any, int] = {}
    kinds = tuple((first.setdefault(key_of(i, x), i), _kind(x)) for i, x in enumerate(leaves))
    return (is_recording(), kinds, _shape(definition))


def _kind(leaf: Any) -> Any:
    if isinstance(leaf, (Tensor, Scalar)):
        info = leaf._node.info if leaf._node is not None else None
        hooks, grad = info.hooks if info else (), leaf.grad
        of_gradient = (type(grad), getattr(grad, "dtype", None))
        return (type(leaf), *_array_kind(leaf._value), leaf.requires_grad, of_gradient, hooks)
    if isinstance(leaf, (np.ndarray, np.generic)):
        return _array_kind(leaf)
    if type(leaf) is float:
        return float
    return _static(leaf)


def _array_kind(x: Any) -> tuple[Any, ...]:
    """Also whether it can be written into, which a single number cannot."""
    return np.shape(x), np.result_type(x), isinstance(x, np.ndarray)


class _Identity:
    """Equal for one and the same object, which it does not keep alive where that can be helped;
    its id would be equal for another one as well, once it is gone."""

    def __init__(self, thing: Any) -> None:
        self._id = id(thing)
        self._get: Callable[[], Any]
        try:
            self._get = ref(thing)
        except TypeError:
            self._get = lambda: thing

    def __hash__(self) -> int:
        return self._id

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Identity) or self._id != other._id:
            return False
        thing = self._get()
        return thing is not None and thing is other._get()


def _static(value: Any, in_module: bool = False) -> Any:
    """Something that is equal just for equal constants."""
    if in_module and is_held(value):
        return np.ndarray  # which is among the leaves
    if isinstance(value, (list, tuple)):
        return (type(value), *(_static(v, in_module) for v in value))
    if isinstance(value, (set, frozenset)):
        return (type(value), frozenset(map(_static, value)))
    if isinstance(value, deque):
        return (deque, value.maxlen, *map(_static, value))
    if isinstance(value, dict):
        return (type(value), *((k, _static(v, in_module)) for k, v in value.items()))
    if isinstance(value, (float, complex)):  # 0.0 is not -0.0, and nan is nan
        return (type(value), complex(value).real.hex(), complex(value).imag.hex())
    if isinstance(value, (bool, int, str, bytes, type(None), range)):
        return (type(value), value)
    if isinstance(value, slice):
        return (slice, *map(_static, (value.start, value.stop, value.step)))
    if isinstance(value, MethodType):
        return (MethodType, _Identity(value.__func__), _Identity(value.__self__))
    if isinstance(value, (np.ndarray, np.generic)):
        entries = map(_static, value.flat) if value.dtype.hasobject else [value.tobytes()]
        return (type(value), value.shape, value.dtype, *entries)
    return (type(value), _Identity(value))


def _shape(definition: Any) -> Any:
    """The containers, and what in modules and optimisers is constant."""
    node, children = definition.example, definition.children
    if children is None:
        return None
    below = tuple(map(_shape, children))
    if isinstance(node, dict):
        return (type(node), getattr(node, "default_factory", None), tuple(node), below)
    if isinstance(node, (list, tuple)):
        return (type(node), below)
    return (type(node), _Identity(node), _constants(node), below)


def _constants(node: Any) -> tuple[Any, ...]:
    if isinstance(node, Module):
        spaces = [(k, v) for part in node.modules() for k, v in vars(part).items()]
        return tuple((k, _static(v, True)) for k, v in spaces if k not in ("_name", "_paths"))
    return tuple((k, _static(v)) for k, v in vars(node).items() if k not in STATE)


def described(leaves: list[Any]) -> list[tuple[Any, str]]:
    """The kind of each leaf, and words for it, without the leaves."""
    return [(_kind(leaf), describe(leaf)) for leaf in leaves]


def differences(leaves: list[Any], definition: Any, others: list[Any], reached: int) -> str:
    """What of the arguments is not as in an earlier call, in words.

    Parameters
    ----------
    leaves : list
    definition : TreeDef
        Of ``(given, kwargs, arrays)``, the last of them those that modules hold.
    others : list
        The leaves of the earlier call, `described`.
    reached : int
        How many of what is given the function reaches by itself.
    """
    if len(leaves) != len(others):
        return f"{len(leaves)} arrays and constants in place of {len(others)}"
    given, named, _ = definition.children
    titles = ["what it reaches"] * reached + [
        f"argument {i}" for i in range(len(given.children) - reached)
    ]
    pairs = [*zip(titles, given.children, strict=True), *zip(named.example, named.children)]
    names = [name for title, child in pairs for name in _names(child, title)]
    names += ["an array of a module"] * (len(leaves) - len(names))
    changed = [
        f"{name} is {new}, and was {old}"
        for name, (kind, new), (before, old) in zip(names, described(leaves), others, strict=True)
        if kind != before
    ]  # fmt: skip
    return "; ".join(changed[:3]) or "a module, an optimiser, or a constant of theirs"


def _names(definition: Any, name: str) -> Iterator[str]:
    """What each leaf is called in messages."""
    node, children = definition.example, definition.children
    if children is None:
        yield name
    elif isinstance(node, Module):
        yield from (f"{name}.{path}" for path in node.named_parameters())
    else:
        keys = list(node) if isinstance(node, dict) else range(len(children))
        for key, child in zip(keys, children, strict=True):
            yield from _names(child, f"{name}[{key!r}]")
