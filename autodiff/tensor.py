"""`Tensor`: a value and its node, and `apply`, the one way in which an op is recorded."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any
from weakref import ref

import numpy as np

from autodiff.errors import DTypeError, GraphError, ShapeError, describe, explained, shown
from autodiff.nodes import SMALL, Info, Node, TensorNode, tick
from autodiff.op import OPS, Op, array, asarray
from autodiff.scalar import NUMBERS, Scalar, apply_scalar
from autodiff.settings import current, recorder, recording
from autodiff.tracked import TensorMethods, Tracked

__all__ = [
    "Tensor", "apply", "constant", "frozen", "items", "operand", "real_array",
    "record", "wrap",
]  # fmt: skip

_new = object.__new__
_recording = recording.get
_KINDS = "fiub"


class Tensor(Tracked, TensorMethods):
    """An array in a graph.

    Parameters
    ----------
    data : array_like
        Copied. Nothing writes into a tensor's array afterwards.
    requires_grad : bool
        Whether gradients are wanted with respect to it.
    name : str, optional
        For printing and drawing.
    dtype : dtype, optional
        Floating, integer or boolean; only floating tensors can require a gradient.

    Raises
    ------
    DTypeError
        If the entries are no real numbers, or a gradient is asked for that are no floats.
    GraphError
        For a list of tensors, which would lose their gradients.

    Examples
    --------
    >>> import autodiff as ad
    >>> x = ad.Tensor([1.0, 2.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    array([2., 4.])
    """

    __slots__ = ("__weakref__", "_node", "_value")
    _value: Any
    __array_priority__ = 1000

    def __init__(
        self, data: Any, requires_grad: bool = False, name: str | None = None, dtype: Any = None
    ) -> None:
        array = _array(data, dtype)
        self._value = array if array.ndim else array[()]
        self._node = None
        if requires_grad:
            _require_floating(array, requires_grad)
        if requires_grad or name:
            self._node = _leaf(array, requires_grad, name)
            self._node.info.owner = ref(self)
            if (watch := current.get().watch) is not None:
                watch.leaf(self._node, self._value)

    @property
    def data(self) -> np.ndarray:
        """The value as a read-only array. A leaf may be given a new one of the same shape."""
        array = np.asarray(self._value)
        if array.flags.writeable:
            array.flags.writeable = False
        return array

    @data.setter
    def data(self, value: Any) -> None:
        self._require_leaf("set data of")
        array = real_array(value._value if isinstance(value, Tensor) else value, self.dtype)
        if array.shape != self.shape:
            raise ShapeError(f"data of shape {array.shape} given to a tensor of shape {self.shape}")
        self._mark_changed()
        self._value = array if array.ndim else array[()]

    def _require_leaf(self, what: str) -> None:
        if self._node is not None and self._node.op is not None:
            raise GraphError(f"{shown(self)} is the result of {self._node.op.name}: {what} a leaf")

    def _mark_changed(self) -> None:
        if self._node is not None and self._node.info is not None:
            self._node.info.changed = tick()

    def _writable(self) -> np.ndarray:
        """The array of a leaf, to be written into; copied first if anything else holds it."""
        self._require_leaf("write into")
        array = self._value
        self._mark_changed()
        if hasattr(array, "is_traced"):
            array = self._value = array.copy()
            return array
        if not isinstance(array, np.ndarray):
            raise ShapeError("a 0-d tensor holds a number: give it a new one by `t.data = value`")
        # Held by this slot, the local name and the call's argument only: then no graph has it.
        if not array.flags.writeable or array.base is not None or sys.getrefcount(array) > 3:
            array = self._value = array.copy()
        return array

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        return self._value.shape  # type: ignore[no-any-return]

    @property
    def dtype(self) -> np.dtype[Any]:
        """dtype of the value, and of its gradient."""
        return self._value.dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self._value.ndim  # type: ignore[no-any-return]

    @property
    def size(self) -> int:
        """Number of entries."""
        return self._value.size  # type: ignore[no-any-return]

    def item(self) -> float:
        """The value of a tensor with one entry, as a Python number.

        Raises
        ------
        ShapeError
            If it has none or several.
        """
        if self.size != 1:
            raise ShapeError(f"item() takes a tensor with one entry, this has shape {self.shape}")
        return self._value.item()  # type: ignore[no-any-return]

    def numpy(self) -> np.ndarray:
        """The value as an array of its own, to do with as you like."""
        return np.array(self._value)

    def detach(self) -> Tensor:
        """The same value, cut off from the graph."""
        return wrap(self._value, None)

    def astype(self, dtype: Any) -> Tensor:
        """The value in another floating dtype."""
        return apply(OPS["astype"], self, dtype)  # type: ignore[no-any-return]

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a 0-d tensor")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        if not self.shape:
            raise TypeError("iteration over a 0-d tensor")
        return (self[i] for i in range(self.shape[0]))

    def __bool__(self) -> bool:
        return bool(self._value)

    __hash__ = object.__hash__  # by identity; comparisons compare values

    def __repr__(self) -> str:
        text = np.array2string(np.asarray(self._value), precision=4, threshold=20, separator=", ")
        text = text.replace("\n", "\n       ")
        parts = [text] if self.dtype == np.float64 else [text, f"dtype={self.dtype}"]
        if self.name:
            parts.append(f"name={self.name!r}")
        if self._node is not None and self._node.op is not None:
            parts.append(f"op={self._node.op.name}")
        elif self.requires_grad:
            parts.append("requires_grad=True")
        return f"Tensor({', '.join(parts)})"


def _array(data: Any, dtype: Any) -> Any:
    if isinstance(data, (Tensor, Scalar)):
        data = data._value
    made = _copied(data, "Tensor", dtype)
    if made.dtype.kind not in _KINDS:
        raise DTypeError(f"a tensor holds real numbers, not {made.dtype}: {describe(data)}")
    return made


def _copied(data: Any, taker: str, dtype: Any = None) -> Any:
    if isinstance(data, (list, tuple)) and _holds_tracked(data):
        raise GraphError("a list of tensors would lose their gradients: use ad.stack(list)")
    try:
        return array(data, dtype)
    except (ValueError, TypeError) as error:
        params = {} if dtype is None else {"dtype": dtype}
        raise explained(error, taker, (data,), params) from error


def real_array(value: Any, dtype: Any) -> Any:
    """A copy in a floating dtype; complex numbers have no place there."""
    refusal = DTypeError(f"takes real numbers, not {describe(value)}")
    if np.iscomplexobj(value):
        raise refusal
    try:
        return array(value, dtype)
    except (ValueError, TypeError) as error:
        raise refusal from error


def _holds_tracked(data: Sequence[Any]) -> bool:
    return any(
        getattr(d, "_node", None) is not None
        or (isinstance(d, (list, tuple)) and _holds_tracked(d))
        for d in data
    )


def _require_floating(array: Any, requires_grad: Any) -> None:
    if not isinstance(requires_grad, (int, np.bool_)):  # numpy's second argument is the dtype
        raise DTypeError(f"requires_grad={describe(requires_grad)}: True or False; or dtype=")
    if array.dtype.kind != "f":
        raise DTypeError(
            f"requires_grad=True on {describe(array)}: only floating values have gradients; "
            "write 1.0 for 1, or pass dtype=float"
        )


def _leaf(array: Any, requires_grad: bool, name: str | None) -> Node:
    node = TensorNode(None, (), (), (array.shape, array.dtype))
    node.info = Info(name, keeps_grad=requires_grad)
    return node


def wrap(data: Any, node: Node | None) -> Tensor:
    """A tensor around `data` itself, not a copy."""
    made = _new(Tensor)
    made._value = data
    made._node = node
    return made


def operand(value: Any, op: Op) -> tuple[Any, Any]:
    """``(value, node)`` of anything that an op accepts; node is None for a constant."""
    if isinstance(value, Tensor):
        node = value._node
        return value._value, node if node is not None and value.requires_grad else None
    if isinstance(value, Scalar):
        return value._value, value
    if isinstance(value, (float, int)) or (value is None and op.optional):
        return value, None
    return _constant(value, op), None


def _constant(value: Any, op: Op) -> Any:
    # Copied, since the caller may write into his array before backward reads it.
    made = _copied(value, op.name)
    if made.dtype.kind not in _KINDS:
        raise DTypeError(
            f"{op.name}() takes real arrays, not {describe(value)} of dtype {made.dtype}"
        )
    return made if made.ndim else made[()]


def _sequence(op: Op, value: Any = None, *others: Any) -> tuple[Any, ...]:
    try:
        arrays = tuple(value)
    except TypeError as error:
        raise DTypeError(f"{op.name}() takes a list of arrays, not {describe(value)}") from error
    if any(getattr(other, "ndim", 0) for other in others):
        raise DTypeError(f"{op.name}() takes its arrays as one list: {op.name}([x, y])")
    return arrays


def apply(op: Op, *args: Any, **params: Any) -> Any:
    """Compute an op and record it if any argument is tracked.

    Parameters
    ----------
    op : Op
    *args : array_like, Tensor or Scalar
        The differentiable arguments, then settings by position.
    **params
        Settings by name.

    Returns
    -------
    Tensor, Scalar or tuple of Tensor
        A Scalar if the op is elementwise and all tracked arguments are Scalars.
    """
    count = len(op.args)
    arrays = _sequence(op, *args) if op.variadic else args[:count]
    params = _settings(op, args[count:], params)
    if op.partials is not None and not params and _all_scalars(arrays):
        return apply_scalar(op, *arrays)
    values, nodes = zip(*(operand(a, op) for a in arrays), strict=True) if arrays else ((), ())
    if not any(hasattr(v, "dtype") for v in values):  # numbers only, so none has a shape
        values = tuple(v if v is None else asarray(v)[()] for v in values)
    given = (values,) if op.variadic else values
    try:
        out = op.forward(*given, **params)
    except (ValueError, TypeError, IndexError, AttributeError) as error:
        raise explained(error, op.name, values, params) from error
    scope = _recording()
    if not any(node is not None for node in nodes) or not scope:
        if (trace := recorder.get()) is not None:
            trace.refuse_old(*nodes)
        return tuple(wrap(o, None) for o in out) if op.outputs > 1 else wrap(out, None)
    tracked = sum(1 << i for i, node in enumerate(nodes) if node is not None)
    keep = op.keeper(1 if op.variadic else tracked)
    saved = keep(out, *given, *map(frozen, params.values())) if keep else ()
    return record(op, out, saved, nodes, scope, values)


def record(
    op: Op, out: Any, saved: tuple[Any, ...], nodes: tuple[Any, ...], scope: Any, args: Any
) -> Any:
    """The result of an op as a tensor (or several) on a new node."""
    if op.outputs > 1:
        node = TensorNode(op, nodes, saved, tuple((o.shape, o.dtype) for o in out), scope)
    elif out.dtype.kind == "f":
        value = out if out.size <= SMALL else None
        node = TensorNode(op, nodes, saved, (out.shape, out.dtype), scope, value)
    else:  # no gradient leads through an integer
        return wrap(out, None)
    if scope.watch:
        scope.watch(node, out, args)
    return items(out, node) if op.outputs > 1 else wrap(out, node)


def constant(setting: Tensor | Scalar, op: Op, name: str) -> Any:
    """The plain value of a tensor or scalar given as a setting."""
    if setting.requires_grad:
        if name == "index":
            raise DTypeError(f"an index is of integers, not {describe(setting)}")
        raise DTypeError(
            f"{op.name}() has no derivative with respect to {name}, which is tracked: pass .data "
            "or .detach() of it on purpose"
        )
    return setting._value


def frozen(setting: Any) -> Any:
    """A setting as it is now: the caller may write into his index before backward reads it."""
    kind = setting.__class__
    if kind is np.ndarray:
        return setting.copy()
    if kind is Tensor:
        return setting._value
    if kind is dict:
        return {name: frozen(value) for name, value in setting.items()}
    return kind(map(frozen, setting)) if kind is list or kind is tuple else setting


def items(values: tuple[Any, ...], node: Node) -> tuple[Any, ...]:
    """The values of a node that has several, each as a tensor of its own."""
    row = OPS["item"]
    specs = node.spec[: len(values)]
    made = (
        TensorNode(row, (node,), (i, node.spec), spec, node.scope, values[i])
        for i, spec in enumerate(specs)
    )
    return tuple(map(wrap, values, made))


def _settings(op: Op, positional: tuple[Any, ...], named: dict[str, Any]) -> dict[str, Any]:
    if not op.params and not positional and not named:
        return {}
    if len(positional) > len(op.params):
        raise TypeError(f"{op.name}() takes {len(op.args) + len(op.params)} arguments at most")
    params = {**op.params, **dict(zip(op.params, positional)), **named}
    for name, value in params.items():
        if isinstance(value, (Tensor, Scalar)):
            params[name] = constant(value, op, name)
    if len(params) > len(op.params):
        unknown = sorted(set(params) - set(op.params))
        raise TypeError(f"{op.name}() has no setting {', '.join(unknown)}; it has {[*op.params]}")
    return params


def _all_scalars(arrays: Sequence[Any]) -> bool:
    found = False
    for a in arrays:
        if isinstance(a, Scalar):
            found = True
        elif not isinstance(a, NUMBERS):
            return False
    return found
