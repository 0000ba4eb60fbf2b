"""A program bound to the arguments of its calls: what goes in, what comes out, what is written."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff import tree
from autodiff.compiler.fast import matcher
from autodiff.compiler.kinds import dynamic
from autodiff.compiler.native import Native
from autodiff.compiler.program import Value
from autodiff.compiler.replay import replayed
from autodiff.compiler.trace import Trace
from autodiff.nodes import tick
from autodiff.scalar import Scalar
from autodiff.sparse import RowGrad
from autodiff.tensor import Tensor, wrap

__all__ = ["Specialized"]


class Specialized:
    """The program for one kind of arguments.

    Parameters
    ----------
    traced : Trace
    backend : {"c", "numpy"}
    cache : bool
    leaves : list
        Of the arguments, for messages.

    Attributes
    ----------
    match : callable or None
        The short way: new arrays for arguments that otherwise are those of the last call, or None.
    source : str
        The C text.
    """

    def __init__(self, traced: Trace, backend: str, cache: bool, leaves: list[Any]) -> None:
        self.trace, self.leaves, self.source = traced, leaves, ""
        self.match: Any = None
        self.native: Native | None = None
        if backend == "c":
            self.native = Native(traced.program, self._updates(), cache)
            self.source = self.native.source
        else:
            self._replay = replayed(traced.program)

    def _updates(self) -> dict[Value, Value]:
        """Outputs that are new values of inputs."""
        t = self.trace
        first = len(t.program.outputs) - len(t.updates) - len(t.grads)
        new = t.program.outputs[first : first + len(t.updates)]
        inputs = (t.program.inputs[i] for i in t.updates)
        return {u: i for u, i in zip(new, inputs, strict=True) if isinstance(u, Value)}

    def __call__(self, leaves: list[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self.holders = list(dynamic(leaves).values())
        for i in self.trace.updates:
            holder = self.holders[i]
            if isinstance(holder, Tensor) and holder.shape:
                holder._writable()
        inputs = [_value(h) for h in self.holders]
        inputs += [_value(h.grad) for h in self.holders if getattr(h, "grad", None) is not None]
        if self.native is None:
            with np.errstate(all="ignore"):
                return self.finish(self._replay(*inputs))
        result = self.finish(self.native(inputs))
        self._remember(args, kwargs)
        return result

    def _remember(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Prepare the short way."""
        assert self.native is not None
        if len(self.native.inputs) != len(self.holders):
            return
        self.match, self.numbers = matcher(args, kwargs, self.holders) or (None, [])
        held = [self.holders[i] for i in self.trace.updates]
        self.changed = [h._node.info for h in held if getattr(h, "_node", None) is not None]
        self.is_simple = not self.trace.grads and self.native.writes_in_place

    def again(self, new: tuple[Any, ...]) -> Any:
        """The result, with new arrays for some inputs of the last call."""
        assert self.native is not None
        outputs = self.native.again(new, self.numbers)
        if not self.is_simple:
            return self.finish(outputs)
        now = tick()
        for info in self.changed:
            info.changed = now
        return self._result(outputs)

    def finish(self, outputs: list[Any]) -> Any:
        """Give tensors their new values and gradients; the result of the function."""
        t, holders = self.trace, self.holders
        count = len(outputs) - len(t.updates) - len(t.grads)
        for i, new in zip(t.updates, outputs[count:]):
            _update(holders[i], new)
        for i in t.lost:
            if holders[i].grad is not None:
                holders[i].grad = None
        for i, g in zip(t.grads, outputs[count + len(t.updates) :]):
            holders[i].grad = g
        return self._result(outputs)

    def _result(self, outputs: list[Any]) -> Any:
        t = self.trace
        if t.results == ["tensor"] and t.definition.children is None:
            return wrap(outputs[0], None)
        given = iter(outputs)
        return tree.unflatten(t.definition, [_made(kind, given) for kind in t.results])


def _made(kind: Any, given: Any) -> Any:
    """The next part of the result."""
    if kind == "tensor":
        return wrap(next(given), None)
    if kind == "array":
        return next(given)
    if kind[0] == "rows":
        return RowGrad(next(given), next(given), kind[1])
    return kind[1]


def _value(holder: Any) -> Any:
    return holder._value if isinstance(holder, (Tensor, Scalar)) else holder


def _update(holder: Any, new: Any) -> None:
    """Give an argument the new value; None where that has been written in place."""
    if new is None:
        if not isinstance(holder, np.ndarray):
            holder._mark_changed()
    elif isinstance(holder, np.ndarray):
        holder[...] = new
    elif isinstance(holder, Scalar):
        holder.data = float(new)
    else:
        holder._mark_changed()
        holder._value = new
