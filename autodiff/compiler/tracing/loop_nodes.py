"""A scan within a program: a loop on nodes of the graph, with backprop through time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from autodiff import tree
from autodiff.backward import sweep
from autodiff.compiler.tracing.effects import hooks_apart, refuse_hooks
from autodiff.compiler.tracing.loop_backward import Backward, add_seed, dense
from autodiff.compiler.tracing.loop_forward import Forward, array_of, leaf_of
from autodiff.compiler.tracing.steps import unrolled
from autodiff.custom import PACK
from autodiff.nodes import Node, TensorNode
from autodiff.op import op
from autodiff.settings import enable_grad, recording
from autodiff.sparse import Parts
from autodiff.tensor import Tensor, items, wrap

__all__ = ["traced_scan"]


def traced_scan(
    cell: Callable[..., Any], h0: Any, xs: list[Any], x_def: Any, length: int
) -> tuple[Any, Any]:
    """The scan as an instruction of the program under way, on a node of the graph."""
    forward = Forward(cell, h0, xs, x_def, length)
    values = [*forward.carries, *forward.stacks]
    outputs = _recorded(forward, values)
    last = [o._value if plain else o for o, plain in zip(outputs, forward.plain_h_out)]
    h = tree.unflatten(forward.h_def, last)
    ys = tree.unflatten(forward.y_def, outputs[len(forward.h0) :])
    return h, ys[0] if ys else None


def _recorded(forward: Forward, values: list[Any]) -> list[Tensor]:
    """Results on nodes, one for all that depend on the same: what eager mode finds no way to gets
    no gradient here either."""
    nodes = [_tracked(x) for x in [*forward.h0, *forward.xs]] + forward.held
    groups: dict[tuple[Any, ...], list[int]] = {}
    for i in range(len(values)):
        sources = forward.sources([i])[1]
        parents = tuple(n if k in sources else None for k, n in enumerate(nodes))
        groups.setdefault(parents, []).append(i)
    made: dict[int, Tensor] = {}
    for parents, numbers in groups.items():
        made.update(zip(numbers, _group(forward, values, numbers, parents), strict=True))
    return [made[i] for i in range(len(values))]


def _tracked(x: Any) -> Any:
    return x._node if isinstance(x, Tensor) and x.requires_grad else None


def _group(
    forward: Forward, values: list[Any], numbers: list[int], parents: tuple[Any, ...]
) -> Iterable[Tensor]:
    """Results of the loop, by their numbers, on a node that has `parents`."""
    values, scope = [values[i] for i in numbers], recording.get()
    if scope is None or all(n is None for n in parents):
        return [wrap(v, None) for v in values]
    inputs = (*forward.starts, *map(array_of, forward.xs))
    specs = (*((np.shape(x), np.result_type(x)) for x in inputs), *(n.spec for n in forward.held))
    packed = TensorNode(PACK, parents, (), specs)

    def rule(g: Any, values: Any) -> Parts:
        parts = g if isinstance(g, tuple) else (g,)
        given = g.grads if isinstance(g, Parts) else dict(enumerate(parts))
        given = {numbers[i]: part for i, part in given.items()}
        if any(map(_is_tensor, given.values())):
            return Parts(_backward_on_tensors(forward, values, given, parents), specs)
        return Parts(Backward(forward, given).collect(parents), specs)

    row = op("scan", lambda values: values, rule, numpy=(), outputs=len(values), lazy=Parts)
    spec = tuple((v.shape, v.dtype) for v in values)
    if len(values) == 1:
        return [wrap(values[0], TensorNode(row, (packed,), (inputs,), spec[0], scope))]
    return items(tuple(values), TensorNode(row, (packed,), (inputs,), spec, scope))


def _is_tensor(g: Any) -> bool:
    return isinstance(g, Tensor)


def _backward_on_tensors(
    forward: Forward, values: Any, given: dict[int, Any], parents: tuple[Any, ...]
) -> dict[int, Any]:
    """Gradients that can be differentiated again: the steps are done once more, one by one."""
    count = len(forward.h0)
    plain = [*forward.plain_h, *(not isinstance(x, Tensor) for x in forward.xs)]
    again = [_again(v, p) for v, p in zip(values, plain, strict=True)]
    with enable_grad():
        h = tree.unflatten(forward.h_def, again[:count])
        h, y = unrolled(forward.cell, h, again[count:], forward.x_def, forward.length)
    seeds: dict[Node, Any] = {}
    for i, result in enumerate([*tree.leaves_like(forward.h_def, h), *tree.flatten(y)[0]]):
        if i in given and isinstance(result, Tensor):
            add_seed(seeds, result, given[i])
    inner = [x._node if isinstance(x, Tensor) else None for x in again]
    pairs = enumerate(zip([*inner, *forward.held], parents, strict=True))
    wanted = {i: node for i, (node, parent) in pairs if node is not None and parent is not None}
    with hooks_apart(forward.held):
        refuse_hooks(seeds, forward.start)
        grads = sweep(seeds, wanted.values(), record=True, within=True)
    return {i: dense(grads[node]) for i, node in wanted.items() if node in grads}


def _again(value: Any, plain: bool) -> Any:
    """A state or an x for the cell, from which derivatives start."""
    if plain:
        return value._value if _is_tensor(value) else value
    if value.dtype.kind != "f":
        return value if _is_tensor(value) else wrap(value, None)
    return +value if _is_tensor(value) else leaf_of(value, True)
