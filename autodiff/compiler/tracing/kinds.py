"""What a call's arguments are: two calls of the same kind can run the same program."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from autodiff.errors import describe
from autodiff.module import Module
from autodiff.scalar import Scalar
from autodiff.settings import is_recording
from autodiff.tensor import Tensor

__all__ = ["differences", "dynamic", "is_dynamic", "key_of", "kind_of"]


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
        hooks = info.hooks if info else ()
        return (type(leaf), leaf.shape, leaf.dtype, leaf.requires_grad, leaf.grad is None, hooks)
    if isinstance(leaf, (np.ndarray, np.generic)):
        return (leaf.shape, leaf.dtype)
    if type(leaf) is float:
        return float
    return _static(leaf)


def _static(value: Any) -> Any:
    """Something that is equal just for equal constants."""
    if isinstance(value, tuple):
        return (type(value), *(id(v) if type(v) is np.ndarray else _static(v) for v in value))
    if type(value) is np.ndarray:
        return np.ndarray  # which is among the leaves
    if isinstance(value, list):
        return (type(value), *map(_static, value))
    if isinstance(value, dict):
        return (dict, *((k, _static(v)) for k, v in value.items()))
    if isinstance(value, (bool, int, float, str, bytes, type(None))):
        return (type(value), value)
    return (type(value), id(value))


def _shape(definition: Any) -> Any:
    """The containers, and what in modules and optimisers is constant."""
    node, children = definition.example, definition.children
    if children is None:
        return None
    below = tuple(map(_shape, children))
    if isinstance(node, dict):
        return (type(node), tuple(node), below)
    if isinstance(node, (list, tuple)):
        return (type(node), below)
    return (type(node), id(node), _constants(node), below)


def _constants(node: Any) -> tuple[Any, ...]:
    if isinstance(node, Module):
        spaces = [(k, v) for part in node.modules() for k, v in vars(part).items()]
        return tuple((k, _static(v)) for k, v in spaces if k not in ("_name", "_paths"))
    return tuple((k, _static(v)) for k, v in vars(node).items() if not k.startswith("_"))


def differences(leaves: list[Any], definition: Any, others: list[Any], reached: int) -> str:
    """What of the arguments is not as in an earlier call, in words.

    Parameters
    ----------
    leaves : list
    definition : TreeDef
        Of ``(given, kwargs)``.
    others : list
        The leaves of the earlier call.
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
        f"{name} is {describe(new)}, and was {describe(old)}"
        for name, new, old in zip(names, leaves, others, strict=True) if _kind(new) != _kind(old)
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
