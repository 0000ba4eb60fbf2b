"""Copying and pickling values deep in a graph, without recursion.

The graph below a value becomes one flat list, parents first. Leaves stay objects of their own,
so that two values pickled together still share them.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any
from weakref import ref

from autodiff.errors import GraphError
from autodiff.nodes import Node, TensorNode, topological
from autodiff.op import OPS, Op
from autodiff.scalar import Scalar
from autodiff.tensor import Tensor

__all__: list[str] = []


def _reduce_tensor(self: Tensor, name: Any = None) -> Any:
    if self._node is None or self._node.op is None:
        return _leaf_tensor, (type(self), self._value, self._node), *_state(self)
    records = _records(self._node, name or _op_name)
    return _inner_tensor, (type(self), self._value, records), *_state(self)


def _state(self: Tensor) -> tuple[Any, ...]:
    state = getattr(self, "__dict__", None)
    return (state,) if state else ()


def _leaf_tensor(kind: type[Tensor], data: Any, node: Node | None) -> Tensor:
    made = object.__new__(kind)
    made._value, made._node = data, node
    if node is not None and node.info is not None:
        node.info.owner = ref(made)
    return made


def _inner_tensor(kind: type[Tensor], data: Any, records: list[Any]) -> Tensor:
    return _leaf_tensor(kind, data, _rebuilt(records))


def _reduce_node(self: Node, name: Any = None) -> Any:
    if self.op is None:
        return _leaf_node, (self.spec, self.info)
    return _rebuilt, (_records(self, name or _op_name),)


def _leaf_node(spec: Any, info: Any) -> Node:
    node = TensorNode(None, (), (), spec)
    node.info = info
    return node


def _reduce_scalar(self: Scalar, name: Any = None) -> Any:
    if self.op is None:
        return _leaf_scalar, (self._value, self.info)
    return _rebuilt, (_records(self, name or _op_name),)


def _leaf_scalar(data: float, info: Any) -> Scalar:
    made = Scalar(data)
    made.info = info
    return made


def _records(root: Node, name: Callable[[Node], Any]) -> list[Any]:
    order = topological(root)[::-1]
    place = {node: i for i, node in enumerate(order)}
    return [node if node.op is None else _record(node, place, name(node)) for node in order]


def _record(node: Node, place: dict[Node, int], name: Any) -> tuple[Any, ...]:
    parents = tuple(None if p is None else place[p] for p in node.parents)
    value = node._value if isinstance(node, Scalar) else None
    return name, parents, node.saved, node.spec, node.info, value


def _op_name(node: Node) -> str:
    op: Op = node.op
    if OPS.get(op.name) is not op:
        raise GraphError(
            f"a graph with {op.name}() in it cannot be pickled: only rows of the op table can be "
            "found again; detach() the value, or copy.deepcopy() it"
        )
    return op.name


def _rebuilt(records: list[Any]) -> Node:
    nodes: list[Node] = []
    for record in records:
        nodes.append(record if isinstance(record, Node) else _node(record, nodes))
    return nodes[-1]


def _node(record: tuple[Any, ...], nodes: list[Node]) -> Node:
    name, places, saved, spec, info, value = record
    parents = tuple(None if i is None else nodes[i] for i in places)
    op = name if isinstance(name, Op) else OPS[name]
    if value is None:
        node: Node = TensorNode(op, parents, saved, spec)
    else:
        node = scalar = Scalar(value)
        scalar.connect(op, parents, saved)
    node.info = info
    return node


def _copier(reduce: Callable[..., Any]) -> Callable[..., Any]:
    """A deep copy by the same way, with the ops themselves in place of their names."""

    def copied(self: Any, memo: dict[int, Any]) -> Any:
        make, args, *state = reduce(self, lambda node: node.op)
        made = memo[id(self)] = make(*copy.deepcopy(args, memo))
        for values in state:
            vars(made).update(copy.deepcopy(values, memo))
        return made

    return copied


for _kind, _reduce in ((Tensor, _reduce_tensor), (Node, _reduce_node), (Scalar, _reduce_scalar)):
    setattr(_kind, "__reduce__", _reduce)  # noqa: B010 - bound here, since it is of no other concern
    setattr(_kind, "__deepcopy__", _copier(_reduce))  # noqa: B010
