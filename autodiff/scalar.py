"""Scalar graphs on Python floats: a `Scalar` is its own node, so that one costs little.

The local derivatives are numbers, so they are worked out at once, and backward only multiplies.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff import ops  # noqa: F401 - fills the table
from autodiff.errors import DTypeError, GraphError, shown
from autodiff.nodes import Info, Node, ScalarNode, tick
from autodiff.op import Op
from autodiff.settings import current, recording
from autodiff.tracked import ScalarMethods, Tracked

__all__ = ["NUMBERS", "Scalar"]

_new = object.__new__
_recording = recording.get
NUMBERS = (int, float, np.integer, np.floating)


class Scalar(Tracked, ScalarNode, ScalarMethods):
    """A number in a graph.

    Parameters
    ----------
    data : float
    requires_grad : bool
        Whether gradients are wanted with respect to it (default: yes).
    name : str, optional
        For printing and drawing.

    Raises
    ------
    DTypeError
        If it is no real number.

    Examples
    --------
    >>> import autodiff as ad
    >>> x, y = ad.Scalar(3.0), ad.Scalar(4.0)
    >>> (x * y + x.tanh()).backward()
    >>> x.grad, y.grad
    (4.009866037165..., 3.0)
    """

    __slots__ = ("_value",)
    _value: float
    info: Any
    order: int
    scope: Any
    __array_priority__ = 1000
    spec: Any = ((), float)
    shape: tuple[()] = ()
    ndim: int = 0
    size: int = 1
    dtype: type[float] = float

    def __init__(self, data: Any, requires_grad: bool = True, name: str | None = None) -> None:
        if isinstance(data, bool) or not isinstance(data, NUMBERS):
            raise DTypeError(f"Scalar() takes a real number, not {data!r}; arrays go into Tensor()")
        self._value = float(data)
        self.order = tick()
        self.scope = None
        self.connect(None, (), ())
        self.info = Info(name, keeps_grad=requires_grad) if requires_grad or name else None
        if self.info is not None and (watch := current.get().watch) is not None:
            watch.leaf(self, self._value)

    @property
    def data(self) -> float:
        """The value. A leaf may be given a new one; recorded graphs keep the old."""
        return self._value

    @data.setter
    def data(self, value: float) -> None:
        if self.op is not None:
            raise GraphError(f"{shown(self)} is the result of {self.op.name}: set data of a leaf")
        if self.info is not None:
            self.info.changed = tick()
        self._value = float(value)

    @property
    def _node(self) -> Scalar:
        return self

    def item(self) -> float:
        """The value as a Python float."""
        return self._value

    def numpy(self) -> Any:
        """The value as a 0-d array of its own."""
        return np.array(self._value)

    def detach(self) -> Scalar:
        """The same value, cut off from the graph."""
        return Scalar(self._value, requires_grad=False)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        name = self.info.name if self.info else None
        made = f", op={self.op.name}" if self.op else ""
        return f"Scalar({self._value:.6g}{f', name={name!r}' if name else ''}{made})"

    # By identity; comparisons compare values.
    __hash__: Callable[[Any], int] = Node.__hash__  # type: ignore[assignment]


def _make(
    op: Op, args: tuple[float, ...], out: float, parents: tuple[Any, ...], saved: tuple[Any, ...]
) -> Scalar:
    made = _new(Scalar)
    made._value = out
    made.order = tick()
    made.info = None
    made.scope = scope = _recording()
    made.connect(*((op, parents, saved) if scope else (None, (), ())))
    if scope and scope.watch:
        scope.watch(made, out, args)
    return made


def apply_scalar(op: Op, *args: Any) -> Scalar:
    """An elementwise op on Scalars and numbers."""
    parents = tuple(a if isinstance(a, Scalar) else None for a in args)
    values = tuple(a._value if isinstance(a, Scalar) else float(a) for a in args)
    tracked = sum(1 << i for i, parent in enumerate(parents) if parent is not None)
    try:
        out = (op.scalar or op.forward)(*values)
        return _make(op, values, float(out), parents, op.local(tracked)(out, *values))
    except (ArithmeticError, ValueError):
        return _make(op, values, *_by_numpy(op, op.local(tracked, np), values, parents))


def _by_numpy(
    op: Op, local: Any, values: tuple[float, ...], parents: Any
) -> tuple[float, Any, Any]:
    # Python raises where IEEE arithmetic gives inf or nan; a graph goes on, as with arrays.
    values = tuple(map(np.float64, values))
    with np.errstate(all="ignore"):
        out = op.forward(*values)
        return float(out), parents, tuple(map(float, local(out, *values)))
