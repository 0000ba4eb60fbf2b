"""What is known of the values in a graph: what they are called, and what they are."""

from __future__ import annotations

import ast
import linecache
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import count, islice
from typing import Any

from autodiff.inspect.notation import subscript
from autodiff.nodes import Node, TensorNode
from autodiff.scalar import Scalar
from autodiff.tracked import Tracked

__all__ = ["names", "numbered", "values", "variables"]


def values(order: list[Node], root: Tracked) -> dict[Node, Any]:
    """The value of each node of `order` that is still known: kept by itself or by a consumer.

    Parameters
    ----------
    order : list of Node
        Children before parents.
    root : Tensor or Scalar
        What the first node belongs to.
    """
    found: dict[Node, Any] = {root._node: root._value}
    first: dict[Node, int] = {}
    for node in order:
        if node not in found and (value := _own(node, first.get(node, -1))) is not None:
            found[node] = value
        for parent, value in _arguments(node):
            first[parent] = node.order
            if value is not None:
                found.setdefault(parent, value)
    return found


def _own(node: Node, used: int) -> Any:
    if node.op is None:
        return _of_leaf(node, used)
    if isinstance(node, Scalar):
        return node._value
    if node.value is not None or "out" not in node.op.needs:  # type: ignore[attr-defined]
        return node.value  # type: ignore[attr-defined]
    return node.saved[node.op.needs.index("out")]


def _of_leaf(node: Node, used: int) -> Any:
    """The value of a leaf, unless it was given another one since its first use."""
    if isinstance(node, TensorNode) and node.value is not None and node.info.changed < 0:
        return node.value
    if node.info is not None and node.info.changed > used:
        return None
    if isinstance(node, Scalar):
        return node._value
    owner = node.info.owner and node.info.owner() if node.info is not None else None
    return None if owner is None else owner._value


def _arguments(node: Node) -> Iterator[tuple[Node, Any]]:
    """The parents of a node, each with its value if the node holds it."""
    if node.info is not None and node.info.constants is not None:
        return ((p, v) for p, v in zip(node.parents, node.info.constants) if p is not None)
    if isinstance(node, Scalar) or node.op is None:
        return ((p, None) for p in node.parents if p is not None)
    op, saved = node.op, dict(zip(node.op.needs, node.saved, strict=False))
    given = saved.get(op.args[0]) if op.variadic else [saved.get(name) for name in op.args]
    given = given if given is not None else [None] * len(node.parents)
    return ((p, v) for p, v in zip(node.parents, given, strict=False) if p is not None)


def variables(depth: int) -> dict[str, Any]:
    """The variables of the caller so many frames up, those of a notebook's machinery left out."""
    found = sys._getframe(depth).f_locals
    return {n: value for n, value in found.items() if n.isidentifier() and not n.startswith("_")}


def names(order: list[Node], given: Mapping[str, Any]) -> dict[Node, str]:
    """What each node is called, as far as it is known; no two nodes have the same name.

    In this order: its own name, the variable in `given` that holds it, the variable that it was
    assigned to where it was made (of watched nodes). One that is taken gets a number.
    """
    held = {node: name for name, node in _held(given)}
    files: dict[str, dict[Any, str]] = {}
    found: dict[Node, str] = {}
    for node in order:
        own = node.info.name if node.info is not None else None
        if name := own or held.get(node) or _assigned(node, files):
            found[node] = name
    return numbered(found)


def _held(given: Mapping[str, Any]) -> Iterator[tuple[str, Node]]:
    # Backwards, so that of two variables for one value the first one counts.
    for name, value in reversed(list(given.items())):
        if isinstance(value, Tracked):
            yield name, value._node
        elif isinstance(value, (list, tuple)):
            for i, part in enumerate(islice(value, 1000)):
                if isinstance(part, Tracked):
                    yield subscript(name, i), part._node


def numbered(found: dict[Node, str], settled: Iterable[str] = ()) -> dict[Node, str]:
    """The same texts, with numbers in order of creation for those that occur more than once.

    A text that is `settled`, since something else is called so already, is numbered as well.
    """
    times, others = Counter(found.values()), set(settled)
    taken = others.union(times)
    fresh = {name: _fresh(name, taken) for name, n in times.items() if n > 1 or name in others}
    for node in sorted(found, key=lambda n: n.order):
        if (name := found[node]) in fresh:
            found[node] = next(fresh[name])
    return found


def _fresh(name: str, taken: set[str]) -> Iterator[str]:
    """``name₁``, ``name₂`` and so on, without those that something else is called."""
    for k in count(1):
        if (text := subscript(name, k)) not in taken:
            taken.add(text)
            yield text


def _assigned(node: Node, files: dict[str, dict[Any, str]]) -> str | None:
    """The variable that the value of a watched node was assigned to, at the line that made it."""
    place = node.info.source if node.info is not None else None
    several = node.op is not None and node.op.outputs != 1
    if place is None or several:
        return None
    file = place.code.co_filename
    if file not in files:
        files[file] = _assignments(_text(file))
    return files[file].get(_position(place.code, place.instruction))


def _text(file: str) -> str:
    """The file as it is now: it may have been edited, and its module reloaded."""
    linecache.checkcache(file)
    return "".join(linecache.getlines(file))


@lru_cache(maxsize=10_000)
def _position(code: Any, instruction: int) -> Any:
    """First line, last line, first column and last column of the call."""
    return next(islice(code.co_positions(), instruction // 2, None), None)


@lru_cache(maxsize=100)
def _assignments(text: str) -> dict[Any, str]:
    """Names by the positions of what is assigned to them."""
    try:
        tree = ast.parse(text)
    except SyntaxError:  # half edited
        return {}
    found: dict[Any, str] = {}
    for statement in ast.walk(tree):
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            found.update(_pairs(statement.targets[0], statement.value))
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            found.update(_pairs(statement.target, statement.value))
    return found


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[Any, str]]:
    """What is assigned, by its place, and to which name; also the entries of a list."""
    match target, value:
        case ast.Tuple(names), ast.Tuple(parts):
            for pair in zip(names, parts, strict=False):
                yield from _pairs(*pair)
        case ast.Name(name), ast.List(parts) | ast.Tuple(parts):
            for i, part in enumerate(parts):
                yield _extent(part), subscript(name, i)
        case ast.Name(name), ast.ListComp(part):
            yield _extent(part), name
        case ast.Name(name), _:
            yield _extent(value), name


def _extent(part: ast.expr) -> Any:
    return part.lineno, part.end_lineno, part.col_offset, part.end_col_offset
