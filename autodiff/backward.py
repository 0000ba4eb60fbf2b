"""THE loop: error signals flow from the result to the leaves, and add up where paths meet."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from threading import Lock
from typing import Any

import numpy as np

from autodiff.errors import GraphError, ShapeError, describe, shown
from autodiff.lift import lift
from autodiff.nodes import Node, needed, topological
from autodiff.op import OPS, Op, array, asarray, sum_to
from autodiff.scalar import Scalar
from autodiff.settings import current
from autodiff.sparse import Lazy, Parts, RowGrad
from autodiff.strong_zero import has_nan, strong_zero
from autodiff.tensor import Tensor, apply, real_array, wrap

__all__ = ["backward", "contributions", "cotangent", "flow", "sweep"]


def sweep(
    seeds: dict[Node, Any],
    targets: Iterable[Node] | None = None,
    record: bool = False,
    ends: bool = False,
    within: bool = False,
) -> dict[Node, Any]:
    """Gradients of the sum of ``seed * value`` over all seeds.

    Parameters
    ----------
    seeds : dict
        A cotangent of the node's shape for each result.
    targets : iterable of Node, optional
        Where gradients are wanted; the sweep visits nothing else. Default: all leaves that
        require a gradient, and inner nodes that keep theirs.
    record : bool
        Work on tensors, so that the gradients can be differentiated again.
    ends : bool
        The sweep ends at the targets, of which some may be on the way to others.
    within : bool
        The same as a part of a larger one: it gives what it has there, unevaluated where it is.

    Returns
    -------
    dict
        A gradient for each target that the results depend on.
    """
    order = topological(*seeds)
    wanted = None if targets is None else set(targets)
    with np.errstate(all="ignore"):
        kept = _sweep(order, seeds, wanted, record, careful=False, ends=ends, within=within)
        if within:
            return kept or {}
        if kept is None or any(has_nan(g) for g in kept.values()):
            # 0 * inf may have made a nan; a zero cotangent has to contribute exactly zero.
            kept = _sweep(order, seeds, wanted, record, careful=True, ends=ends)
    assert kept is not None
    watch = current.get().watch
    if watch is not None:
        watch.backward(order, seeds)
    return kept


def _sweep(
    order: list[Node],
    seeds: dict[Node, Any],
    targets: set[Node] | None,
    record: bool,
    careful: bool,
    ends: bool,
    within: bool = False,
) -> dict[Node, Any] | None:
    """The gradients; None if a hook would have been called in a sweep that is not careful."""
    grads, kept = dict(seeds), {}
    owned: set[Node] = set()  # nodes whose entry in grads nobody else holds
    useful = None if targets is None else needed(order, targets)
    take, ndarray = grads.pop, np.ndarray
    c = None
    for node in order:
        g = take(node, None)
        info = node.info
        if info is not None or targets is not None:
            if info is not None and info.hooks and g is not None:
                if not careful:
                    return None
                g = _hooks(node, g)
            c = None  # so that the count in _keep sees only holders that matter
            if info.keeps_grad if targets is None else node in targets:
                if within:
                    if g is not None:
                        kept[node] = g
                    continue
                kept[node] = _keep(node, g, sys.getrefcount(g) == 2)
                if ends:
                    continue
        op = node.op
        if op is None or g is None:
            continue
        if type(node) is Scalar and not record:
            # Spelt out for both parents: scalar graphs are all overhead.
            p, q = node._x, node._y
            if p is not None and (useful is None or p in useful):
                if p in grads:
                    grads[p] += g and g * node._dx
                else:
                    grads[p] = g and g * node._dx
            if q is not None and (useful is None or q in useful):
                if q in grads:
                    grads[q] += g and g * node._dy
                else:
                    grads[q] = g and g * node._dy
            continue
        if g.__class__ is not ndarray and g.__class__ in _LAZY:
            g = g if g.__class__ is op.lazy else _dense(g, node)
        local = node.spec if op.partials is not None else None
        saved = lift(node) if record else node.saved
        for p, rule in zip(node.parents, op.rules):
            if p is None or (useful is not None and p not in useful):
                continue
            c = rule(g, saved)
            if c is None:
                continue
            if careful:
                c = strong_zero(c, rule, g, saved, op)
            if p.spec is not local:
                c = _fit(c, p, op)
            if p not in grads:
                grads[p] = c
            elif p in owned and c.__class__ is grads[p].__class__:
                total = grads[p]
                total += c
                grads[p] = total
            else:
                grads[p] = grads[p] + c
                if not record:
                    owned.add(p)
    return kept


def flow(order: list[Node], seeds: dict[Node, Any]) -> Iterator[tuple[Node, Any, list[Any]]]:
    """The sweep told step by step: each node, its error signal, and what that adds to each parent.

    The same rules as in `sweep`, with nothing left out for speed; hooks are not called. A node
    that no error signal reaches comes with None.
    """
    grads = dict(seeds)
    for node in order:
        g = _plain_array(grads.pop(node, None), node)
        parts = [None] * len(node.parents) if g is None else contributions(node, g)
        _add(grads, node.parents, parts)
        yield node, g, [_plain_array(c, p) for p, c in zip(node.parents, parts)]


def _add(grads: dict[Node, Any], parents: tuple[Any, ...], parts: list[Any]) -> None:
    with np.errstate(all="ignore"):
        for parent, c in zip(parents, parts, strict=False):
            if c is not None:
                grads[parent] = grads[parent] + c if parent in grads else c


def contributions(node: Node, g: Any) -> list[Any]:
    """What the error signal `g` of a node adds to that of each parent; None where nothing flows."""
    if node.op is None:
        return []
    if isinstance(node, Scalar):
        pairs = zip(node.parents, node.saved, strict=True)
        return [None if p is None else g and g * d for p, d in pairs]
    if g.__class__ is tuple and node.op.lazy is Parts:
        g = Parts(dict(enumerate(g)), node.spec)
    elif g.__class__ in _LAZY and g.__class__ is not node.op.lazy:
        g = _dense(g, node)
    with np.errstate(all="ignore"):
        rules = zip(node.parents, node.op.rules)
        return [None if p is None else _contribution(node, p, rule, g) for p, rule in rules]


def _contribution(node: Node, parent: Node, rule: Any, g: Any) -> Any:
    c = rule(g, node.saved)
    if c is None:
        return None
    c = _fit(strong_zero(c, rule, g, node.saved, node.op), parent, node.op)
    if c.__class__ is not Parts:
        return _plain_array(c, parent)
    # From one of several results there may be nothing to pass on: a sign, an index.
    return c if any(part is not None for part in contributions(parent, c)) else None


def _plain_array(g: Any, node: Node) -> Any:
    return _dense(g, node) if g.__class__ in _LAZY and g.__class__ is not RowGrad else g


_LAZY = frozenset(Lazy.__subclasses__())


def _dense(g: Lazy, node: Node) -> Any:
    out = g.dense()
    return out if out.__class__ is tuple or out.dtype == node.spec[1] else out.astype(node.spec[1])


def _hooks(node: Node, g: Any) -> Any:
    for hook in node.info.hooks:
        g = _dense(g, node) if isinstance(g, Lazy) and not isinstance(g, RowGrad) else g
        result = hook(_shown(g))
        g = g if result is None else _checked(result, node)
    return g


def _shown(g: Any) -> Any:
    """A gradient for others to see: it may be somebody else's too, so nobody may write into it."""
    if g.__class__ is np.ndarray:
        g = g.view()
        g.flags.writeable = False
    return g


def _checked(result: Any, node: Node) -> Any:
    shape, dtype = node.spec
    if np.shape(result) != shape:
        raise ShapeError(f"a hook returned {describe(result)} for a gradient of {shape}")
    if isinstance(result, (Lazy, Scalar)) or getattr(result, "dtype", None) == dtype:
        return result
    if dtype is float:
        return float(result)
    return result.astype(dtype) if isinstance(result, Tensor) else array(result, dtype)[()]


def _keep(node: Node, g: Any, alone: bool) -> Any:
    """The gradient to hand out: an array that nothing else holds or will write into."""
    shape, dtype = node.spec
    if g is None:
        return 0.0 if dtype is float else np.zeros(shape, dtype)
    if dtype is float:
        return float(g) if isinstance(g, float) else g
    if g.__class__ is RowGrad:
        return RowGrad(g.rows, array(g.values, dtype), shape)
    if isinstance(g, Lazy) and g.__class__ is not Parts:
        return _dense(g, node)
    if isinstance(g, (float, Parts, Tensor, Scalar)):
        return g
    fresh = alone and g.__class__ is np.ndarray and g.base is None and g.flags.writeable
    return g if fresh else array(g)


def _fit(c: Any, parent: Node, op: Op) -> Any:
    """Undo broadcasting and promotion: a contribution takes the parent's shape and dtype."""
    if c.__class__ in _LAZY:
        return c
    shape, dtype = parent.spec
    if dtype is float:
        return _to_scalar(c)
    if c.__class__ is float or isinstance(c, Scalar):
        c = _to_array(c, dtype)
    if c.shape != shape:
        c = _unbroadcast(c, shape, op)
    return c if c.dtype == dtype else c.astype(dtype)


def _unbroadcast(c: Any, shape: tuple[int, ...], op: Op) -> Any:
    if c.shape[1:] == shape:  # a bias: one row for all
        return np.add.reduce(c, 0) if c.shape[0] != 1 else c[0]
    lost = len(c.shape) - len(shape)
    if lost < 0 or any(n not in (1, m) for n, m in zip(shape, c.shape[lost:], strict=True)):
        raise GraphError(
            f"a rule of {op.name} gave a gradient of shape {c.shape} for an argument of shape "
            f"{shape}"
        )
    return sum_to(c, shape)


def _to_scalar(c: Any) -> Any:
    if c.__class__ is float or isinstance(c, Scalar):
        return c
    return apply(OPS["sum"], c) if isinstance(c, Tensor) else float(np.sum(c))


def _to_array(c: Any, dtype: Any) -> Any:
    return c if isinstance(c, Scalar) else asarray(c, dtype)


def cotangent(value: Any, gradient: Any) -> Any:
    """The start of a sweep at `value`: `gradient` checked and copied, or one for a scalar."""
    if gradient is None:
        if value.shape == ():
            return 1.0 if value.dtype is float else value.dtype.type(1)
        if value.size != 1:
            raise ShapeError(
                f"the result has shape {value.shape}: reduce it to one number first (sum or "
                "mean), name an element, or pass the gradient to start from"
            )
        gradient = np.ones(value.shape, value.dtype)
    if isinstance(gradient, (Tensor, Scalar)):
        shape = gradient.shape
        if isinstance(gradient, Tensor) and value.dtype not in (float, gradient.dtype):
            gradient = gradient.astype(value.dtype)
    else:
        gradient = real_array(gradient, value.dtype)
        shape = gradient.shape
    if shape != value.shape:
        raise ShapeError(f"gradient of shape {shape} for a result of shape {value.shape}")
    if isinstance(value, Scalar):
        return gradient if isinstance(gradient, (Scalar, Tensor)) else float(gradient)
    return gradient if isinstance(gradient, Tensor) or gradient.ndim else gradient[()]


def backward(value: Any, gradient: Any = None, create_graph: bool = False) -> None:
    """Add to `.grad` of each leaf the derivative of this value with respect to it.

    Parameters
    ----------
    value : Tensor or Scalar
        As a method, what it is called on.
    gradient : array_like, optional
        Cotangent to start from, of this value's shape. Left out, the value must be a scalar
        and the start is 1.
    create_graph : bool
        Record the sweep itself, so that the gradients (then tensors) have derivatives.

    Raises
    ------
    GraphError
        If no value that requires a gradient leads here.
    ShapeError
        If the value is no scalar and `gradient` is missing or has another shape.
    """
    if not value.requires_grad:
        raise _untracked(value)
    seed = cotangent(value, gradient)
    if create_graph and not isinstance(seed, (Tensor, Scalar)):
        seed = wrap(seed, None) if isinstance(value, Tensor) else Scalar(seed, requires_grad=False)
    elif not create_graph and isinstance(seed, (Tensor, Scalar)):
        seed = seed._value
    grads = sweep({value._node: seed}, record=create_graph)
    if not grads:
        raise _untracked(value)
    with _delivery:
        for node, g in grads.items():
            _deliver(node, g)


_delivery = Lock()  # two threads that add to one gradient must not lose either's part


def _untracked(value: Any) -> GraphError:
    return GraphError(
        f"{shown(value)} depends on nothing that requires a gradient: make the inputs with "
        "requires_grad=True, and record outside no_grad()"
    )


def _deliver(node: Node, g: Any) -> None:
    info = node.info
    assert info is not None
    info.grad = g if info.grad is None else info.grad + g


for _kind in (Tensor, Scalar):
    setattr(_kind, "backward", backward)  # noqa: B010 - bound here, since it needs the sweep
