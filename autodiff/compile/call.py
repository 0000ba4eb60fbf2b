"""`compile`: a function that is traced once for each kind of arguments, and then runs natively."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from functools import update_wrapper
from typing import Any

import numpy as np

from autodiff import tree
from autodiff.compile.fast import matcher
from autodiff.compile.native import Native
from autodiff.compile.program import Value
from autodiff.compile.replay import Retry, replayed
from autodiff.compile.trace import Trace, is_dynamic, trace
from autodiff.compile.traced import Traced, recorder
from autodiff.errors import DomainError
from autodiff.module import Module
from autodiff.nodes import tick
from autodiff.scalar import Scalar
from autodiff.settings import is_recording
from autodiff.sparse import RowGrad
from autodiff.tensor import Tensor, wrap

__all__ = ["Compiled", "compile"]

BACKENDS = ("auto", "numpy", "c", "off")


def compile(  # noqa: A001 - the field's name for it
    f: Callable[..., Any], *, backend: str = "auto", cache: bool = True
) -> Compiled:
    """Make `f` run as one program: traced at the first call, replayed at later ones."""
    return Compiled(f, backend, cache)


class Compiled:
    """A function with a program for each kind of arguments that it was called with."""

    def __init__(self, f: Callable[..., Any], backend: str, cache: bool) -> None:
        if backend not in BACKENDS:
            raise DomainError(f"backend={backend!r} is none of {', '.join(BACKENDS)}")
        self.f, self.backend, self.cache = f, backend, cache
        self._programs: dict[Any, _Specialized] = {}
        self._last: _Specialized | None = None
        update_wrapper(self, f)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        last = self._last
        if last is not None and last.match is not None:
            new = last.match(args, kwargs)
            if new is not None and recorder.get() is None:
                try:
                    return last.again(new)
                except Retry:
                    return self.f(*args, **kwargs)
        return self._by_the_long_way(args, kwargs)

    def _by_the_long_way(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        backend = _chosen(self.backend)
        if backend == "off" or recorder.get() is not None:
            return self.f(*args, **kwargs)
        leaves, definition = tree.flatten((args, kwargs))
        key = (is_recording(), _signature(leaves), _fingerprint(definition))
        found = self._programs.get(key)
        if found is None:
            found = _Specialized(trace(self.f, leaves, definition), backend, self.cache)
            self._programs[key] = found
        self._last = found
        try:
            return found(leaves, args, kwargs)
        except Retry:
            return self.f(*args, **kwargs)

    @property
    def program(self) -> Any:
        """The program of the last call."""
        return self._last and self._last.trace.program

    @property
    def source(self) -> str:
        """The C of the last call."""
        return self._last.source if self._last else ""


def _chosen(backend: str) -> str:
    return os.environ.get("AUTODIFF_COMPILE", backend) if backend == "auto" else backend


def _signature(leaves: list[Any]) -> tuple[Any, ...]:
    first: dict[int, int] = {}
    return tuple((first.setdefault(id(x), i), _kind(x)) for i, x in enumerate(leaves))


def _kind(leaf: Any) -> Any:
    if isinstance(leaf, (Tensor, Scalar)):
        return (type(leaf), leaf.shape, leaf.dtype, leaf.requires_grad, leaf.grad is None)
    if isinstance(leaf, (np.ndarray, np.generic)):
        return (leaf.shape, leaf.dtype)
    if type(leaf) is float:
        return float
    try:
        hash(leaf)
    except TypeError:
        return (type(leaf), id(leaf))
    return (type(leaf), leaf)


def _fingerprint(definition: Any) -> Any:
    """What of the containers is static."""
    node, children = definition.example, definition.children
    if children is None:
        return None
    below = tuple(map(_fingerprint, children))
    if isinstance(node, dict):
        return (type(node), tuple(node), below)
    if type(node) in (list, tuple):
        return (type(node), below)
    return (type(node), id(node), _statics(node), below)


def _statics(node: Any) -> tuple[Any, ...]:
    found = [(k, _static(v)) for k, v in vars(node).items() if not k.startswith("_")]
    if isinstance(node, Module):
        found += [(None, _statics(m)) for m in node.modules()[1:]]
    return tuple(found)


def _static(value: Any) -> Any:
    if isinstance(value, (int, float, str, bool, type(None))):
        return value
    if type(value) in (tuple, list):
        return tuple(map(_static, value))
    return id(value)


class _Specialized:
    """The program for one kind of arguments."""

    def __init__(self, traced: Trace, backend: str, cache: bool) -> None:
        self.trace, self.source = traced, ""
        self.match: Any = None
        self.holders: list[Any] = []
        outputs, count = traced.program.outputs, len(traced.updates)
        first = len(outputs) - count - len(traced.grads)
        new = outputs[first : first + count]
        updates = {
            u: traced.program.inputs[i] for u, i in zip(new, traced.updates, strict=True)
            if isinstance(u, Value)
        }  # fmt: skip
        if backend in ("auto", "c"):
            native = Native(traced.program, updates, cache)
            self.source, self.run = native.source, native
            self.native: Any = native
        else:
            run = replayed(traced.program, updates)
            self.native, self.run = None, lambda inputs: run(*inputs)  # type: ignore[assignment]

    def __call__(self, leaves: list[Any], args: Any, kwargs: Any) -> Any:
        self.holders = list({id(leaf): leaf for leaf in leaves if is_dynamic(leaf)}.values())
        for i in self.trace.updates:
            if isinstance(self.holders[i], Tensor) and self.holders[i].shape:
                self.holders[i]._writable()
        inputs = [h._value if isinstance(h, (Tensor, Scalar)) else h for h in self.holders]
        inputs += [_array(h.grad) for h in self.holders if getattr(h, "grad", None) is not None]
        with np.errstate(all="ignore"):
            result = self.finish(self.run(inputs))
        self._remember(args, kwargs)
        return result

    def _remember(self, args: Any, kwargs: Any) -> None:
        if self.native is not None and len(self.native.inputs) == len(self.holders):
            self.match, self.numbers = matcher(args, kwargs, self.holders) or (None, [])
            held = [self.holders[i] for i in self.trace.updates]
            self.changed = [h._node.info for h in held if getattr(h, "_node", None) is not None]
            self.is_simple = not self.trace.grads and self.native.writes_in_place

    def again(self, new: Any) -> Any:
        """The result, with new arrays for some inputs of the last call."""
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
        made = [
            wrap(next(given), None) if kind == "tensor" else
            next(given) if kind == "array" else
            RowGrad(next(given), next(given), kind[1]) if kind[0] == "rows" else kind[1]
            for kind in t.results
        ]  # fmt: skip
        return tree.unflatten(t.definition, made)


def _array(grad: Any) -> Any:
    return grad._value if isinstance(grad, Tensor) else np.asarray(grad)


def _update(holder: Any, new: Any) -> None:
    if new is None:  # written in place
        if not isinstance(holder, np.ndarray):
            holder._mark_changed()
    elif isinstance(holder, np.ndarray):
        holder[...] = new
    elif isinstance(holder, Scalar):
        holder.data = float(new)
    else:
        holder._mark_changed()
        holder._value = new
