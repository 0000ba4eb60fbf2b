"""Pictures of computation graphs: values, error signals, paths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autodiff.draw.dot import SHOW
from autodiff.draw.layout import DrawingError, MissingEngineError
from autodiff.draw.picture import Graph
from autodiff.draw.view import NUMERALS
from autodiff.errors import DomainError, DTypeError
from autodiff.inspect.naming import variables
from autodiff.inspect.paths import Paths, found
from autodiff.inspect.signals import Signals, result
from autodiff.nodes import topological

__all__ = ["DrawingError", "Graph", "MissingEngineError", "graph"]

MANAGEABLE = 250_000
"""Nodes of a graph that are looked at without being asked twice."""


def graph(
    J: Any,
    *,
    show: str = "values+grads",
    expand: Any = None,
    highlight: Any = None,
    element: Any = None,
    top: int = 8,
    rankdir: str = "LR",
    title: str = "",
    names: Mapping[str, Any] | None = None,
    force: bool = False,
) -> Graph:
    """A picture of all that `J` was computed from, with its backprop.

    Parameters
    ----------
    J : Tensor or Scalar
        One number, such as a loss.
    show : {"values+grads", "values", "grads", "names"}
        What stands on a card.
    expand : int, str or list of str, optional
        Which scopes are open. Left out, as many as can be taken in at once; a depth; ``"all"``;
        ``"ops"`` for all, and each op by itself; ``"path"`` for those that the highlighted paths
        cross; or names.
    highlight : Tensor, Scalar, str or pair, optional
        ``x`` or ``(J, x)``, or the name of x: the paths to it in colours, with what each adds.
    element : int or tuple of int, optional
        The entry of x that the paths are ranked by.
    top : int
        How many paths to highlight, 8 at most.
    rankdir : {"LR", "TB", "RL", "BT"}
        Direction of the forward.
    title : str, optional
        Shown below the picture.
    names : mapping, optional
        Values by name. Left out, the variables of the caller.
    force : bool
        Draw even what nobody can read.

    Returns
    -------
    Graph
        With ``.dot``, ``.svg()``, ``.png()``, ``.pdf()``, ``.html()`` and ``.save(path)``.

    Raises
    ------
    ShapeError
        If `J` has more than one entry.
    GraphError
        If `J` depends on nothing that requires a gradient.
    DomainError
        For an unknown setting or name, or a scope in `expand` that is not there.
    DrawingError
        If the graph has so many nodes that this takes long, without `force`.

    Examples
    --------
    >>> import autodiff as ad
    >>> x = ad.Tensor(2.0, requires_grad=True)
    >>> J = ad.tanh(x) * x
    >>> ad.graph(J)
    <Graph of J: 3 nodes, 3 cards>
    """
    start = result(J, "graph")
    _check("show", show, SHOW)
    _check("rankdir", rankdir, ("LR", "TB", "RL", "BT"))
    if expand == "path" and highlight is None:
        raise DomainError("graph(): expand='path' opens what paths cross; name some by highlight=")
    given = variables(2) if names is None else names
    if not force:
        _require_manageable(start)
    signals = Signals(start, given)
    paths = None if highlight is None else _highlighted(signals, highlight, top, element)
    return Graph(signals, expand, paths, show, rankdir, title, force)


def _check(name: str, value: Any, known: tuple[str, ...]) -> None:
    if value not in known:
        raise DomainError(f"graph(): {name}={value!r}; there is {', '.join(known)}")


def _require_manageable(start: Any) -> None:
    count = len(topological(start._node))
    if count > MANAGEABLE:
        raise DrawingError(
            f"graph(): {count:,} nodes would take a while to look at, about "
            f"{count // 25_000:,} seconds; force=True draws them, closed as far as need be"
        )


def _highlighted(signals: Signals, highlight: Any, top: int, element: Any) -> Paths:
    ends = highlight if isinstance(highlight, (tuple, list)) else (signals.start, highlight)
    if len(ends) != 2:
        raise DTypeError("graph(): highlight takes a value, or the pair (J, x)")
    if signals.tensor(ends[0], "graph()")._node is not signals.root:
        raise DomainError("graph(): paths start at the J that is drawn: highlight=(J, x)")
    return found(signals, ends[1], top, element, "graph()", most=len(NUMERALS))
