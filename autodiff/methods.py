"""Rows made into methods: for elementwise ops, the way from operator to node without a detour.

Recording an op on a small array has to cost less than numpy's own call, so the source of each
method is filled in from its row: the forward, and the tuple of what the rules named.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import cache
from inspect import Parameter
from typing import Any

import numpy as np

from autodiff import settings
from autodiff.errors import DTypeError, explained
from autodiff.nodes import SMALL, TensorNode, tick
from autodiff.op import NUMBERS, Op, asarray
from autodiff.scalar import Scalar, apply_scalar
from autodiff.settings import recording
from autodiff.tensor import Tensor, apply, constant, frozen, operand, record, wrap

__all__ = ["recorder", "scalar_method", "tensor_method"]

_TENSOR_1 = """
def method(self):
    x, node = self._value, self._node
    out = {forward}
    made = new(Tensor)
    made._value = out
    if node is None or (node.op is None and not node.info.keeps_grad):
        made._node = None
        return made
    scope = recording()
    if not scope:
        made._node = None
        if trace() is not None:
            trace().refuse_old(node)
        return made
    made._node = inner = new(TensorNode)
    inner.op, inner.parents, inner.saved = op, (node,), {x_saved}
    inner.spec, inner.order, inner.info, inner.scope = node.spec, tick(), None, scope
    inner.value = out if out.size <= small else None
    if scope.watch:
        scope.watch(inner, out, (x,))
    return made
"""

_TENSOR_2 = """
def method(self, other):
    kind = other.__class__
    if kind is float or kind is int:
        y = other
        yn = None
    else:
        try:
            y, yn = other._value, other._node
        except AttributeError:
            y, yn = operand_or_none(other, op)
            if y is None:
                return NotImplemented
    x, xn = self._value, self._node
    {swap}
    try:
        out = {forward}
    except (ValueError, TypeError) as error:
        raise explained(error, op.name, (x, y), {{}}) from error
    made = new(Tensor)
    made._value = out
    if xn is not None and xn.op is None and not (xn.info and xn.info.keeps_grad):
        xn = None
    if yn is not None:
        if yn.op is None and not (yn.info and yn.info.keeps_grad):
            yn = None
        else:
            spec = yn.spec
            if xn is None:
                saved = {y_saved}
            else:
                saved = {saved}
    if yn is None:
        if xn is None:
            made._node = None
            return made
        spec = xn.spec
        saved = {x_saved}
    scope = recording()
    if not scope:
        made._node = None
        if trace() is not None:
            trace().refuse_old(xn, yn)
        return made
    if (xn is None or xn.spec is not spec) or yn is None:
        if out.shape != spec[0] or out.dtype is not spec[1]:
            spec = (out.shape, out.dtype)
    made._node = inner = new(TensorNode)
    inner.op, inner.parents, inner.saved = op, (xn, yn), saved
    inner.spec, inner.order, inner.info, inner.scope = spec, tick(), None, scope
    inner.value = out if out.size <= small else None
    if scope.watch:
        scope.watch(inner, out, (x, y))
    return made
"""

_SCALAR_1 = """
def method(self):
    x = self._value
    try:
        out = {forward}
        (dx,) = {x_local}
    except (ArithmeticError, ValueError):
        return apply_scalar(op, self)
    made = new(Scalar)
    made._value, made.order, made.info = out, tick(), None
    made.scope = scope = recording()
    if scope:
        made.op, made._x, made._y, made._dx = op, self, None, dx
        if scope.watch:
            scope.watch(made, out, (x,))
    else:
        made.op = made._x = made._y = None
    return made
"""

_SCALAR_2 = """
def method(self, other):
    kind = other.__class__
    x = self._value
    if kind is Scalar:
        y, node = other._value, other
    elif kind is float or kind is int:
        y, node = float(other), None
    else:
        return apply_or_defer(op, {arguments})
    {swap}
    try:
        out = {forward}
        if node is None:
            dx, dy = {half_local}
        else:
            dx, dy = {local}
    except (ArithmeticError, ValueError):
        return apply_scalar(op, {arguments})
    made = new(Scalar)
    made._value, made.order, made.info = out, tick(), None
    made.scope = scope = recording()
    if scope:
        made.op, made._x, made._y, made._dx, made._dy = op, {nodes}, dx, dy
        if scope.watch:
            scope.watch(made, out, (x, y))
    else:
        made.op = made._x = made._y = None
    return made
"""

_OTHERS = """
def method({signature}):
    {operands}
    {constants}
    if {are_numbers}:
        {values}, = [v if v is None else asarray(v)[()] for v in ({values},)]
    try:
        out = forward({call})
    except (ValueError, TypeError, IndexError, AttributeError) as error:
        raise explained(error, op.name, ({values},), dict({settings})) from error
    nodes = ({nodes},)
    tracked = {tracked}
    scope = recording()
    if not tracked or not scope:
        if trace() is not None:
            trace().refuse_old({nodes})
        return wrap(out, None) if outputs == 1 else tuple([wrap(o, None) for o in out])
    saved = keepers[tracked](out, {kept})
    if outputs != 1 or out.dtype.kind != "f":
        return record(op, out, saved, nodes, scope, ({values},))
    made = new(Tensor)
    made._value = out
    made._node = inner = new(TensorNode)
    inner.op, inner.parents, inner.saved = op, nodes, saved
    inner.spec, inner.order, inner.info = (out.shape, out.dtype), tick(), None
    inner.scope, inner.value = scope, out if out.size <= small else None
    if scope.watch:
        scope.watch(inner, out, ({values},))
    return made
"""

_CONSTANT = """
    if {0}.__class__ is Tensor or {0}.__class__ is Scalar:
        {0} = constant({0}, op, {0!r})
"""

_OPERAND = """
    try:
        {0}_, {0}n = {0}._value, {0}._node
        if {0}n is not None and {0}n.op is None and not ({0}n.info and {0}n.info.keeps_grad):
            {0}n = None
    except AttributeError:
        {0}_, {0}n = operand({0}, op)
"""

_NUMBERS = frozenset({float, int, bool, type(None)})
_INFIX = {
    operator.add: "x + y", operator.sub: "x - y", operator.mul: "x * y",
    operator.truediv: "x / y", operator.neg: "-x",
}  # fmt: skip


def _defer(op: Op, *args: Any) -> Any:
    """An operator between a Scalar and something else, which may know better."""
    foreign = any(_operand_or_none(a, op)[0] is None for a in args)
    return NotImplemented if foreign else apply(op, *args)


def _operand_or_none(value: Any, op: Op) -> tuple[Any, Any]:
    try:
        return operand(value, op)
    except DTypeError:
        return None, None


def recorder(op: Op) -> Callable[..., Any]:
    """The public function of a row that is not elementwise, with the signature of its forward."""
    defaults = {**op.optional, **op.params}
    missing = [n for n, default in defaults.items() if default is Parameter.empty]
    signature = [
        n if n not in defaults or n in missing else f"{n}=defaults[{n!r}]"
        for n in (*op.args, *op.params)
    ]
    texts = {
        "signature": ", ".join(signature),
        "operands": "".join(_OPERAND.format(a) for a in op.args).strip(),
        "constants": "".join(map(_CONSTANT.format, op.params)).strip(),
        "call": ", ".join([*(f"{a}_" for a in op.args), *op.params]),
        "kept": ", ".join([*(f"{a}_" for a in op.args), *(f"frozen({p})" for p in op.params)]),
        "values": ", ".join(f"{a}_" for a in op.args),
        "are_numbers": " and ".join(f"{a}_.__class__ in numbers" for a in op.args),
        "settings": ", ".join(f"{p}={p}" for p in op.params),
        "nodes": ", ".join(f"{a}n" for a in op.args),
        "tracked": " | ".join(f"({a}n is not None) << {i}" for i, a in enumerate(op.args)),
    }
    keepers = [op.keeper(tracked) or _nothing for tracked in range(1 << len(op.args))]
    return _compile(_OTHERS, op, op.forward, False, texts, keepers=keepers, defaults=defaults)


def _nothing(*args: Any) -> tuple[()]:
    return ()


@cache
def tensor_method(op: Op, swapped: bool = False) -> Callable[..., Any]:
    """An elementwise op as a method of `Tensor`; `swapped` makes the reflected operator."""
    texts = {
        "forward": _INFIX.get(op.forward, f"forward({', '.join(op.args)})"),
        "swap": "x, xn, y, yn = y, yn, x, xn" if swapped else "",
        "saved": op.saved_text(3), "x_saved": op.saved_text(1), "y_saved": op.saved_text(2),
    }  # fmt: skip
    return _compile((_TENSOR_1, _TENSOR_2)[len(op.args) - 1], op, op.forward, swapped, texts)


@cache
def scalar_method(op: Op, swapped: bool = False) -> Callable[..., Any]:
    """An elementwise op as a method of `Scalar`."""
    forward = op.scalar or op.forward
    both, names = op.local_text(3)
    texts = {
        "forward": _INFIX.get(forward, f"forward({', '.join(op.args)})"),
        "local": both, "x_local": op.local_text(1)[0],
        "nodes": "node, self" if swapped else "self, node",
        "half_local": op.local_text(2 if swapped else 1)[0],
        "swap": "x, y = y, x" if swapped else "",
    }  # fmt: skip
    template = (_SCALAR_1, _SCALAR_2)[len(op.args) - 1]
    return _compile(template, op, forward, swapped, texts, np=NUMBERS, **names)


def _compile(
    template: str, op: Op, forward: Any, swapped: bool, texts: dict[str, str], **names: Any
) -> Callable[..., Any]:
    space: dict[str, Any] = {
        "np": np, "asarray": asarray, "new": object.__new__, "small": SMALL, "tick": tick, "op": op,
        "recording": recording.get, "trace": settings.recorder.get,
        "Tensor": Tensor, "Scalar": Scalar, "TensorNode": TensorNode, "forward": forward,
        "apply": apply, "apply_scalar": apply_scalar, "apply_or_defer": _defer,
        "explained": explained, "operand": operand, "operand_or_none": _operand_or_none,
        "frozen": frozen, "constant": constant, "record": record, "wrap": wrap,
        "outputs": op.outputs, "numbers": _NUMBERS, **names,
    }  # fmt: skip
    arguments = "other, self" if swapped else "self, other"
    source = template.format(arguments=arguments, **texts)
    exec(compile(source, "<autodiff>", "exec"), space)
    made = space["method"]
    made.__name__ = made.__qualname__ = op.name  # Python names it where a call does not fit
    return made  # type: ignore[no-any-return]
