"""The same graph run forwards: tangents flow from the inputs to the results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.backward import sweep
from autodiff.lift import lift
from autodiff.nodes import Info, Node, TensorNode, topological
from autodiff.op import Op, asarray
from autodiff.scalar import Scalar
from autodiff.sparse import Lazy
from autodiff.strong_zero import has_nan
from autodiff.tensor import Tensor, apply, wrap

__all__ = ["push"]


def push(roots: list[Node], tangents: dict[Node, Any], record: bool = False) -> dict[Node, Any]:
    """Tangents of `roots`, given those of some nodes that they depend on.

    Parameters
    ----------
    roots : list of Node
    tangents : dict
        A tangent of the node's shape for each input.
    record : bool
        Work on tensors, so that the tangents can be differentiated.

    Returns
    -------
    dict
        A tangent for each root that depends on one of the inputs.
    """
    order = topological(*roots)
    with np.errstate(all="ignore"):
        found = _push(order, tangents, record, careful=False)
        if any(has_nan(found[root]) for root in roots if root in found):
            found = _push(order, tangents, record, careful=True)
    return {root: found[root] for root in roots if root in found}


def _push(
    order: list[Node], tangents: dict[Node, Any], record: bool, careful: bool
) -> dict[Node, Any]:
    found = dict(tangents)
    for node in reversed(order):
        if node in found or node.op is None:
            continue
        incoming = [found.get(parent) for parent in node.parents]
        if any(t is not None for t in incoming):
            found[node] = _tangent(node, incoming, record, careful)
    return found


def _tangent(node: Node, incoming: list[Any], record: bool, careful: bool) -> Any:
    op: Op = node.op
    if isinstance(node, Scalar) and not record:
        pairs = zip(node.saved, incoming, strict=True)
        return sum(t and slope * t for slope, t in pairs if t is not None)
    saved = lift(node) if record else node.saved
    settings = dict(zip(op.needs, saved, strict=True))
    if op.partials is not None:
        out = _elementwise(op, saved, incoming, careful)
    elif op.tangent_rule is not None:
        out = op.tangent_rule(incoming, saved)
    elif op.linear == "each" or (op.linear == "jointly" and None not in node.parents):
        out = _linear(op, node, settings, incoming, record)
    else:
        out = _transposed(op, node, saved, incoming, record)
    return _shaped(out, node)


def _elementwise(op: Op, saved: Any, incoming: list[Any], careful: bool) -> Any:
    total: Any = None
    for slope, t in zip(op.slopes, incoming, strict=True):
        if t is None:
            continue
        part = slope(saved) * t
        if careful:
            zero = asarray(getattr(t, "_value", t)) == 0
            part = np.where(np.isnan(asarray(getattr(part, "_value", part))) & zero, 0.0, part)
        total = part if total is None else total + part
    return total


def _linear(op: Op, node: Node, settings: dict[str, Any], incoming: list[Any], record: bool) -> Any:
    params = {name: settings[name] for name in op.params}
    run: Callable[..., Any] = (lambda *a: apply(op, *a, **params)) if record else (
        lambda *a: op.forward(*a, **params))  # fmt: skip
    if op.linear == "jointly":
        # A constant argument would be zeros here, of a shape that nothing kept: see `_transposed`.
        pairs = zip(node.parents, incoming, strict=True)
        ts = [np.zeros(*parent.spec) if t is None else t for parent, t in pairs]
        return run(tuple(ts)) if op.variadic else run(*ts)
    values = list(settings[op.args[0]]) if op.variadic else [settings[a] for a in op.args]
    total: Any = None
    for i, t in enumerate(incoming):
        if t is not None:
            args = [*values[:i], t, *values[i + 1 :]]
            part = run(tuple(args)) if op.variadic else run(*args)
            total = part if total is None else total + part
    return total


def _transposed(op: Op, node: Node, saved: Any, incoming: list[Any], record: bool) -> Any:
    """The VJP is linear in its cotangent ``u``; its own VJP at the tangents is the JVP."""
    specs = node.spec if op.outputs > 1 else (node.spec,)
    us = [_probe(shape, dtype) for shape, dtype in specs]
    u = tuple(us) if op.outputs > 1 else us[0]
    total: Any = 0.0
    for t, rule in zip(incoming, op.rules):
        v = rule(u, saved) if t is not None else None
        if v is not None:
            total = total + _inner(v.dense() if isinstance(v, Lazy) else v, t)
    if not isinstance(total, Tensor) or not total.requires_grad:
        return tuple(np.zeros(*s) for s in specs) if op.outputs > 1 else np.zeros(*specs[0])
    seed = wrap(np.ones((), total.dtype)[()], None) if record else np.ones((), total.dtype)[()]
    grads = sweep({total._node: seed}, [x._node for x in us], record)
    out = tuple(grads.get(x._node, np.zeros(x.shape, x.dtype)) for x in us)
    return out if op.outputs > 1 else out[0]


def _inner(v: Any, t: Any) -> Any:
    if isinstance(v, tuple):
        return sum(_inner(a, b) for a, b in zip(v, t, strict=True) if b is not None)
    return np.sum(v * t)


def _probe(shape: Any, dtype: Any) -> Tensor:
    node = TensorNode(None, (), (), (shape, dtype))
    node.info = Info(keeps_grad=True)
    return wrap(np.zeros(shape, dtype), node)


def _shaped(out: Any, node: Node) -> Any:
    if node.op.outputs != 1 or isinstance(out, (float, Scalar)):
        return out
    shape, dtype = node.spec
    if dtype is float:
        return out
    if out.shape != shape:
        out = np.broadcast_to(out, shape)
    return out if out.dtype == dtype else out.astype(dtype)
