"""`compile`: a function that is traced once for each kind of arguments, and then runs natively."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from functools import update_wrapper
from typing import Any

import numpy as np

from autodiff import tree
from autodiff.compile.native import Native
from autodiff.compile.program import Value
from autodiff.compile.replay import Retry, replayed
from autodiff.compile.trace import Trace, is_dynamic, trace
from autodiff.compile.traced import Traced, recorder
from autodiff.errors import DomainError
from autodiff.module import Module
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
            return found(leaves)
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
        outputs, count = traced.program.outputs, len(traced.updates)
        first = len(outputs) - count - len(traced.grads)
        new = outputs[first : first + count]
        self.updates = {
            u: traced.program.inputs[i] for u, i in zip(new, traced.updates, strict=True)
            if isinstance(u, Value)
        }  # fmt: skip
        if backend in ("auto", "c"):
            native = Native(traced.program, self.updates, cache)
            self.source, self.run = native.source, lambda *inputs: native(list(inputs))
        else:
            self.run = replayed(traced.program)

    def __call__(self, leaves: list[Any]) -> Any:
        t = self.trace
        holders = list({id(leaf): leaf for leaf in leaves if is_dynamic(leaf)}.values())
        inputs = [h._value if isinstance(h, (Tensor, Scalar)) else h for h in holders]
        inputs += [_array(h.grad) for h in holders if getattr(h, "grad", None) is not None]
        with np.errstate(all="ignore"):
            outputs = iter(self.run(*inputs))
        result = self._result(outputs)
        for i in t.updates:
            _update(holders[i], next(outputs))
        for i in t.lost:
            if holders[i].grad is not None:
                holders[i].grad = None
        for i in t.grads:
            holders[i].grad = next(outputs)
        return result

    def _result(self, outputs: Any) -> Any:
        made = []
        for kind in self.trace.results:
            if kind == "tensor":
                made.append(wrap(next(outputs), None))
            elif kind[0] == "rows":
                made.append(RowGrad(next(outputs), next(outputs), kind[1]))
            else:
                made.append(next(outputs) if kind == "array" else kind[1])
        return tree.unflatten(self.trace.definition, made)


def _array(grad: Any) -> Any:
    return grad._value if isinstance(grad, Tensor) else np.asarray(grad)


def _update(holder: Any, new: Any) -> None:
    if isinstance(holder, np.ndarray):
        holder[...] = new
    elif isinstance(holder, Scalar):
        holder.data = float(new)
    else:
        holder._mark_changed()
        holder._value = new
