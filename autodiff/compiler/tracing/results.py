"""What a compiled function returns: which parts its program gives, and which it does not."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any
from weakref import ref

import numpy as np

from autodiff import tree
from autodiff.compiler.tracing.program import Value, mapped, named
from autodiff.module import Module
from autodiff.optim import Optimizer
from autodiff.scalar import Scalar
from autodiff.sparse import RowGrad
from autodiff.tensor import Tensor

__all__ = ["Results", "originals"]

_OUTPUTS = {"rows": 2, "static": 0, "same": 0}
_SCALARS = {"tensor": "scalar", "tracked": "tracked scalar"}


class Results:
    """What a call has given back.

    Parameters
    ----------
    out : object
        What the function returns.
    stand_ins : list
        What stood for the dynamic leaves of the arguments.
    same : dict
        Modules and optimisers of the caller's by the ids of those that stood for them.
    scalars : set of Value
        Those that are `Scalar` in eager mode.

    Attributes
    ----------
    kinds, definition
        As in `Trace`.
    outputs : list
        For a program: values and constants.
    """

    def __init__(
        self, out: Any, stand_ins: list[Any], same: dict[int, Any], scalars: set[Value]
    ) -> None:
        self.scalars = scalars
        numbers = {id(s): i for i, s in enumerate(stand_ins)}
        given = mapped(lambda leaf: _Same(same[id(leaf)]) if id(leaf) in same else leaf, out)
        leaves, definition = tree.flatten(given)
        self.definition = _without_leaves(definition)
        self.kinds: list[Any] = []
        self.outputs: list[Any] = []
        for leaf in leaves:
            self._add(leaf, numbers.get(id(leaf)))

    def _add(self, leaf: Any, number: int | None) -> None:
        value: Any = leaf._value if isinstance(leaf, (Tensor, Scalar)) else leaf
        if number is not None:
            self.kinds.append(("same", number))
        elif isinstance(leaf, RowGrad):
            self.kinds.append(("rows", leaf.shape))
            self.outputs += [named(leaf.rows), named(leaf.values)]
        elif hasattr(value, "is_traced"):
            is_scalar = isinstance(leaf, Tensor) and value.value in self.scalars
            self.kinds.append(_SCALARS[_kind(leaf)] if is_scalar else _kind(leaf))
            self.outputs.append(value.value)
        else:
            self.kinds.append(("static", leaf.original if isinstance(leaf, _Same) else leaf))

    def renew(self, outputs: list[Any]) -> None:
        """Add arrays and tensors that nobody holds, since the call has made them, to `outputs`.

        So each call gives new ones. What is the user's own stays what it is.
        """
        made = {
            k: (ref(kind[1]), _kind(kind[1]), np.array(getattr(kind[1], "_value", kind[1])))
            for k, kind in enumerate(self.kinds)
            if kind[0] == "static" and isinstance(kind[1], (np.ndarray, Tensor))
        }
        self.kinds[:] = [None if k in made else kind for k, kind in enumerate(self.kinds)]
        if any(held() is not None for held, _, _ in made.values()):
            gc.collect()  # what seems to be held may be garbage in a cycle
        place = 0
        for k, kind in enumerate(self.kinds):
            if kind is None:
                held, new_kind, copy = made[k]
                leaf = held()
                self.kinds[k] = new_kind if leaf is None else ("static", leaf)
                outputs[place:place] = [copy] if leaf is None else []
            place += _OUTPUTS.get(self.kinds[k][0], 1)


class _Same:
    """A module or an optimiser of the caller's, of which a tree is to see nothing more."""

    def __init__(self, original: Any) -> None:
        self.original = original


def originals(definition: tree.TreeDef, rebuilt: Any) -> Iterator[tuple[Any, Any]]:
    """Modules and optimisers of a tree beside those of the one from which it was rebuilt."""
    node, children = definition.example, definition.children
    if isinstance(node, Module):
        yield from zip(rebuilt.modules(), node.modules(), strict=True)
    elif isinstance(node, Optimizer):
        yield rebuilt, node
    elif children is not None:
        parts = rebuilt.values() if isinstance(rebuilt, dict) else rebuilt
        for child, part in zip(children, parts, strict=True):
            yield from originals(child, part)


def _kind(leaf: Any) -> str:
    if not isinstance(leaf, Tensor):
        return "array"
    return "tracked" if leaf._node is not None and leaf._node.op is not None else "tensor"


def _without_leaves(definition: tree.TreeDef) -> tree.TreeDef:
    """The same shape, of which the example holds no arrays."""
    if definition.children is None:
        return definition
    return tree.flatten(tree.unflatten(definition, [None] * definition.size))[1]
