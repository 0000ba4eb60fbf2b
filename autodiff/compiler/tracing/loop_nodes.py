"""A scan within a program: a loop on nodes of the graph, with backprop through time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from autodiff import tree
from autodiff.compiler.tracing.loop_backward import Backward
from autodiff.compiler.tracing.loop_forward import Forward
from autodiff.compiler.tracing.loop_graph import LoopGraph, array_of
from autodiff.custom import PACK
from autodiff.nodes import TensorNode
from autodiff.op import op
from autodiff.settings import recording
from autodiff.sparse import Parts
from autodiff.tensor import Tensor, items, wrap

__all__ = ["traced_scan"]


def traced_scan(
    cell: Callable[..., Any], h0: Any, xs: list[Any], x_def: Any, length: int
) -> tuple[Any, Any]:
    """The scan as an instruction of the program under way, on a node of the graph."""
    forward = Forward(cell, h0, xs, x_def, length)
    outputs = _recorded(forward, dict(enumerate(forward.values)))
    last = [o._value if plain else o for o, plain in zip(outputs, forward.plain_h_out)]
    h = tree.unflatten(forward.h_def, last)
    ys = tree.unflatten(forward.y_def, outputs[len(forward.h0) :])
    return h, ys[0] if ys else None


def _recorded(graph: LoopGraph, values: dict[int, Any]) -> list[Tensor]:
    """Results by their numbers, on nodes, one for all that depend on the same: what eager mode
    finds no way to gets no gradient here either."""
    nodes = [_tracked(x) for x in [*graph.h0, *graph.xs]] + graph.held
    groups: dict[tuple[Any, ...], dict[int, Any]] = {}
    for i, value in values.items():
        sources = graph.sources([i])[1]
        parents = tuple(n if k in sources else None for k, n in enumerate(nodes))
        groups.setdefault(parents, {})[i] = value
    made: dict[int, Tensor] = {}
    for parents, group in groups.items():
        made.update(zip(group, _group(graph, group, parents), strict=True))
    return [made[i] for i in values]


def _tracked(x: Any) -> Any:
    return x._node if isinstance(x, Tensor) and x.requires_grad else None


def _group(graph: LoopGraph, group: dict[int, Any], parents: tuple[Any, ...]) -> Iterable[Tensor]:
    """Results of the loop, by their numbers, on a node that has `parents`."""
    numbers, values, scope = [*group], [*group.values()], recording.get()
    if scope is None or all(n is None for n in parents):
        return [wrap(v, None) for v in values]
    inputs = (*graph.starts, *map(array_of, graph.xs))
    specs = (*((np.shape(x), np.result_type(x)) for x in inputs), *(n.spec for n in graph.held))
    packed = TensorNode(PACK, parents, (), specs)

    def rule(g: Any, values: Any) -> Parts:
        parts = g if isinstance(g, tuple) else (g,)
        given = g.grads if isinstance(g, Parts) else dict(enumerate(parts))
        given = {numbers[i]: part for i, part in given.items()}
        found = _gradients(graph, given, values)
        return Parts({i: g for i, g in found.items() if parents[i] is not None}, specs)

    row = op("scan", lambda values: values, rule, numpy=(), outputs=len(values), lazy=Parts)
    spec = tuple((v.shape, v.dtype) for v in values)
    if len(values) == 1:
        return [wrap(values[0], TensorNode(row, (packed,), (inputs,), spec[0], scope))]
    return items(tuple(values), TensorNode(row, (packed,), (inputs,), spec, scope))


def _gradients(graph: LoopGraph, given: dict[int, Any], values: Any) -> dict[int, Any]:
    """Gradients by the numbers of what went into the loop: arrays, or tensors if the given ones
    are tensors."""
    if not any(isinstance(g, Tensor) for g in given.values()):
        back = Backward(graph, given)
        return {**dict(zip(back.numbers, back.values, strict=True)), **back.lazy}
    states = _states(graph)
    xs = values[len(graph.h0) :]
    slices = [x for x, t in zip(xs, graph.x_in, strict=True) if t._node is not None]
    back = Backward(graph, given, [*states, *slices])
    back.connect()
    return dict(zip(back.numbers, _recorded(back, dict(enumerate(back.values))), strict=True))


def _states(graph: LoopGraph) -> list[Tensor]:
    """The states before each of the steps, as far as gradients go through them."""
    places = [i for i, h in enumerate(graph.h_in) if h._node is not None]
    wholes = {
        graph.add_state_as_y(i): graph.loop.in_all_steps(graph.h_in[i]._value) for i in places
    }
    return _recorded(graph, wholes)
