"""A program bound to the arguments of its calls: what goes in, what comes out, what is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from autodiff import tree
from autodiff.compiler.buffers import written_by_owner
from autodiff.compiler.fast import matcher
from autodiff.compiler.native.runner import Native
from autodiff.compiler.native.toolchain import CompilerError
from autodiff.compiler.replay import Replay, Retry, replayed
from autodiff.compiler.tracing.kinds import described, dynamic
from autodiff.compiler.tracing.program import Value
from autodiff.compiler.tracing.trace import Trace
from autodiff.errors import GraphError, warn
from autodiff.nodes import TensorNode, tick
from autodiff.op import op
from autodiff.scalar import Scalar
from autodiff.sparse import RowGrad
from autodiff.tensor import Tensor, wrap

__all__ = ["Again", "Specialized"]


@dataclass(frozen=True)
class Again:
    """What makes the next call with the same model short.

    Attributes
    ----------
    program : Specialized
    match : callable
        Of ``(args, kwargs)``: new arrays for those inputs that are not the same each time, or None
        if anything else has changed.
    numbers : list of int
        Which inputs these are.
    holders, inputs : list
        Tensors and arrays of the last call, and their memory.
    changed : list
        Of the tensors that are written into.
    is_simple : bool
        All that has to be done afterwards is to mark these.
    returns_new : bool
        One of the new arrays is itself a result.
    """

    program: Specialized
    match: Any
    numbers: list[int]
    holders: list[Any]
    inputs: list[Any]
    changed: list[Any]
    is_simple: bool
    returns_new: bool

    def __call__(self, new: tuple[Any, ...]) -> Any:
        outputs = self.program.run.again(self.inputs, new, self.numbers)
        holders = self._with(new) if self.returns_new else self.holders
        if not self.is_simple:
            return self.program.finish(holders, outputs)
        now = tick()
        for info in self.changed:
            info.changed = now
        return self.program.result(holders, outputs)

    def _with(self, new: tuple[Any, ...]) -> list[Any]:
        places = dict(zip(self.numbers, new, strict=True))
        return [places.get(k, holder) for k, holder in enumerate(self.holders)]


class Specialized:
    """The program for one kind of arguments.

    Parameters
    ----------
    traced : Trace
    backend : {"auto", "c", "numpy"}
        "auto" is C, or numpy for a program that the C compiler refuses.
    cache : bool
    leaves : list
        Of the arguments.

    Attributes
    ----------
    leaves : list
        These `described`, for messages.
    run : Native or Replay
    source : str
        The C text.
    """

    def __init__(self, traced: Trace, backend: str, cache: bool, leaves: list[Any]) -> None:
        self.trace, self.leaves, self.source = traced, described(leaves), ""
        updates = self._updates(list(dynamic(leaves).values()))
        self.run = self._built(updates, backend, cache)

    def _built(self, updates: dict[Value, Value], backend: str, cache: bool) -> Native | Replay:
        if backend == "numpy":
            return replayed(self.trace.program, updates)
        try:
            native = Native(self.trace.program, updates, cache)
        except CompilerError as error:
            if backend == "c":
                raise
            warn(
                f"compile: a program was not built, and runs as numpy calls: {error}. Set CC to "
                'another C compiler, make room on the disk, or ask for backend="numpy"',
                once="not built",
            )
            return self._built(updates, "numpy", cache)
        self.source = native.source
        return native

    def _updates(self, holders: list[Any]) -> dict[Value, Value]:
        """Outputs that are new values of inputs."""
        t = self.trace
        first = len(t.program.outputs) - len(t.updates) - t.grad_outputs
        new = t.program.outputs[first : first + len(t.updates)]
        pairs = zip(new, t.updates, strict=True)
        return {
            u: t.program.inputs[i] for u, i in pairs
            if isinstance(u, Value) and isinstance(_value(holders[i]), np.ndarray)
        }  # fmt: skip

    def __call__(
        self, leaves: list[Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[Any, Again | None]:
        """What the function returns; and the short way for the next call, if there is one."""
        holders = list(dynamic(leaves).values())
        for holder in (holders[i] for i in self.trace.updates):
            if isinstance(holder, Tensor) and holder.shape:
                holder._writable()
            elif isinstance(holder, np.ndarray) and not holder.flags.writeable:
                raise Retry  # eager mode says what is wrong
        inputs = [_value(h) for h in holders]
        written = written_by_owner(inputs, self._written_arrays(holders))
        if written is None:
            raise Retry  # the program does not see what it writes in another array
        inputs += [_value(h.grad) for h in holders if getattr(h, "grad", None) is not None]
        with np.errstate(all="ignore"):
            result = self.finish(holders, self.run(*inputs))
        is_whole = len(inputs) == len(holders)
        del inputs  # so that who else holds an array can be counted
        return result, self._prepared(args, kwargs, holders, written) if is_whole else None

    def _written_arrays(self, holders: list[Any]) -> list[np.ndarray]:
        """Not those of tensors, which are memory of their own."""
        return [h for h in (holders[i] for i in self.trace.updates) if isinstance(h, np.ndarray)]

    def _prepared(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], holders: list[Any], written: Any
    ) -> Again | None:
        inputs = [_value(h) for h in holders]
        found = matcher(args, kwargs, holders, written)
        if found is None or set(found[1]) & set(self.trace.updates):
            return None
        held = [holders[i] for i in self.trace.updates]
        nodes = [node for h in held if (node := getattr(h, "_node", None)) is not None]
        changed = [node.info for node in nodes if node.info is not None]
        is_simple = not self.trace.grads and self.run.writes_in_place
        match, numbers, settle = found
        self.run.settle(inputs)
        settle()
        returns_new = any(("same", k) in self.trace.results for k in numbers)
        return Again(self, match, numbers, holders, inputs, changed, is_simple, returns_new)

    def finish(self, holders: list[Any], outputs: list[Any]) -> Any:
        """Give tensors their new values and gradients; the result of the function."""
        t = self.trace
        count = len(outputs) - len(t.updates) - t.grad_outputs
        for i, new in zip(t.updates, outputs[count:]):
            _update(holders[i], new)
        for i in t.lost:
            if holders[i].grad is not None:
                holders[i].grad = None
        rest = iter(outputs[count + len(t.updates) :])
        for i, kind in t.grads.items():
            grad = _made(kind, rest, holders)
            holders[i].grad = float(grad) if isinstance(holders[i], Scalar) else grad
        return self.result(holders, outputs)

    def result(self, holders: list[Any], outputs: list[Any]) -> Any:
        """What the function returns."""
        t = self.trace
        if len(t.results) == 1 and t.definition.children is None:
            return _made(t.results[0], iter(outputs), holders)
        given = iter(outputs)
        return tree.unflatten(t.definition, [_made(kind, given, holders) for kind in t.results])


def _refuse(g: Any) -> Any:
    raise GraphError(
        "a gradient goes through the result of a compiled function, which has forgotten how it was "
        "made: take the gradient within the compiled function, or call its .f, in eager mode"
    )


_RESULT, _WITHIN = op("compiled", lambda x: x, _refuse, numpy=()), TensorNode(None, (), (), ())


def _made(kind: Any, given: Any, holders: list[Any]) -> Any:
    """The next part of the result."""
    if kind == "tensor":
        return wrap(next(given), None)
    if kind == "tracked":
        value = next(given)
        return wrap(value, _forgotten(value.shape, value.dtype))
    if kind == "array":
        return next(given)
    if kind in ("scalar", "tracked scalar"):
        return _scalar(next(given), kind == "tracked scalar")
    if kind[0] == "rows":
        return RowGrad(next(given), next(given), kind[1])
    return holders[kind[1]] if kind[0] == "same" else kind[1]


def _forgotten(*spec: Any) -> TensorNode:
    """A node at which a gradient is refused."""
    return TensorNode(_RESULT, (_WITHIN,), (), spec)


def _scalar(value: Any, tracked: bool) -> Scalar:
    before = _forgotten((), float)  # a sweep multiplies at a Scalar, and asks what it is made of
    made = Scalar(value, requires_grad=False)
    if tracked:
        made.connect(_RESULT, (before,), (1.0,))
    return made


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
    elif isinstance(holder._value, np.ndarray):  # the short way looks for the same memory
        holder._mark_changed()
        held = holder._value
        (held if held.flags.writeable else holder._writable())[...] = new
    else:
        holder._mark_changed()
        holder._value = new
