"""Arrays that write down what is done with them.

A `Traced` stands where numpy's arrays stand: inside tensors, in the rules of the op table, in the
step rules of optimisers. Each numpy call on it is computed on an example, for the sake of shapes,
and becomes an instruction of the program under way. What would need its value, which another call
will have another one of, is an error.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from autodiff.compile.copies import added_at, cast, changed, copied, uniform, written
from autodiff.compile.program import Instruction, Program, Value, mapped
from autodiff.compile.refusals import (
    TraceError,
    depends_on_values,
    foreign_write,
    leaked,
    needs_array,
    needs_value,
    user_line,
    viewed,
)
from autodiff.composites import neural
from autodiff.op import rare
from autodiff.ops.index import entries
from autodiff.sparse import (
    coalesced,
    padded_rows,
    put_rows,
    replaced_rows,
    taken_or_zero,
    taken_rows,
)
from autodiff.strong_zero import holds_nan

__all__ = [
    "Recorder", "TraceError", "Traced", "added_at", "cast", "copied", "emit", "recorder",
    "recording_into", "user_line", "written",
]  # fmt: skip


class Recorder:
    """The program under way.

    Attributes
    ----------
    program : Program
    start : int
        Values with a lower number are of another trace, and not of one around this one.
    """

    def __init__(self) -> None:
        self.program = Program([])
        around = recorder.get()
        self.start = around.start if around else Value((), bool).number

    def input(self, example: Any) -> Traced:
        """An array that the caller provides."""
        value = Value.like(example)
        self.program.inputs.append(value)
        return Traced(value, example)


recorder: ContextVar[Recorder | None] = ContextVar("autodiff.recorder", default=None)


@contextmanager
def recording_into(made: Recorder) -> Iterator[Recorder]:
    """Let instructions go into `made`."""
    token = recorder.set(made)
    try:
        yield made
    finally:
        recorder.reset(token)


def emit(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a function on the examples, and write the call down."""
    _require_own((args, kwargs))
    with np.errstate(all="ignore"):
        example = function(*mapped(_example, args), **mapped(_example, kwargs))
    return _write_down(function, args, kwargs, example)


def _require_own(given: Any) -> None:
    under_way = recorder.get()
    if under_way is None or any(t.value.number < under_way.start for t in _traced_in(given)):
        raise leaked()


def _write_down(function: Any, args: Any, kwargs: Any, example: Any) -> Any:
    is_tuple = isinstance(example, (tuple, list))
    examples = tuple(example) if is_tuple else (example,)
    out = tuple(map(Value.like, examples))
    instruction = Instruction(
        function, mapped(_value, args), mapped(_value, kwargs), out, is_tuple, user_line()
    )
    recorder.get().program.instructions.append(instruction)  # type: ignore[union-attr]
    made = [Traced(v, e, _memory(e, (args, kwargs))) for v, e in zip(out, examples, strict=True)]
    if not is_tuple:
        return made[0]
    return made if type(example) is list else tuple(made)


def _example(leaf: Any) -> Any:
    return leaf.example if isinstance(leaf, Traced) else leaf


def _value(leaf: Any) -> Any:
    return leaf.value if isinstance(leaf, Traced) else leaf


def _memory(example: Any, given: Any) -> Any:
    """What a view shares with the array that it is a view of."""
    if isinstance(example, np.ndarray) and example.base is not None:
        for leaf in _traced_in(given):
            if isinstance(leaf.example, np.ndarray) and np.may_share_memory(
                example, leaf.example
            ):
                return leaf.memory
    return None


def _traced_in(tree: Any) -> Iterator[Traced]:
    if isinstance(tree, Traced):
        yield tree
    elif isinstance(tree, dict):
        yield from _traced_in(list(tree.values()))
    elif isinstance(tree, (tuple, list)):
        for part in tree:
            yield from _traced_in(part)


class _Memory:
    """What views of each other have in common."""


class Traced:
    """An array in a program. It may be written into, which gives it another value."""

    __slots__ = ("__weakref__", "example", "memory", "value")
    __array_priority__ = 2000
    is_traced = True

    def __init__(self, value: Value, example: Any, memory: Any = None) -> None:
        self.value, self.example = value, example
        self.memory = memory or _Memory()

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        return self.value.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """dtype of the array."""
        return self.value.dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of entries."""
        return self.value.size

    @property
    def T(self) -> Any:  # noqa: N802 - as numpy
        """The axes in reverse order."""
        return emit(np.transpose, self)

    @property
    def base(self) -> Any:
        """Not None: nobody may take this for memory of its own."""
        return self

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    @property
    def mT(self) -> Any:  # noqa: N802 - as numpy
        """The last two axes exchanged."""
        return emit(np.swapaxes, self, -1, -2)

    def __getitem__(self, index: Any) -> Any:
        _require_known_shape(index)
        return emit(operator.getitem, self, index)

    def __setitem__(self, index: Any, part: Any) -> None:
        self._become(emit(written, self, index, part))

    def _become(self, new: Any) -> Traced:
        """Take the value of `new`, as a write into the array does."""
        if not isinstance(self.example, np.ndarray):
            return new if isinstance(new, Traced) else emit(copied, new)
        if sys.getrefcount(self.memory) > 2:
            raise viewed()
        if new.dtype != self.dtype:
            new = emit(cast, new, self.dtype)
        if new.shape != self.shape:
            new = emit(copied, emit(np.broadcast_to, new, self.shape))
        self.value, self.example = new.value, new.example
        return self

    def astype(self, dtype: Any, copy: bool = True) -> Any:
        """In another dtype."""
        return self if not copy and self.dtype == dtype else emit(cast, self, np.dtype(dtype))

    def copy(self) -> Any:
        """An array of its own."""
        return emit(copied, self)

    def reshape(self, *shape: Any) -> Any:
        """In another shape."""
        return emit(np.reshape, self, shape[0] if len(shape) == 1 else shape)

    def transpose(self, *axes: Any) -> Any:
        """The axes in another order."""
        return emit(np.transpose, self, axes[0] if len(axes) == 1 else axes or None)

    def dot(self, other: Any) -> Any:
        """Matrix product."""
        return emit(np.dot, self, other)

    def ravel(self) -> Any:
        """With a single axis."""
        return emit(np.reshape, self, (-1,))

    def item(self) -> Any:
        """Not possible: another call has another value."""
        raise needs_value("takes .item()")

    def tolist(self) -> Any:
        """Not possible: another call has another value."""
        raise needs_value("takes .tolist()")

    def __bool__(self) -> bool:
        raise needs_value("branches on a value")

    def __float__(self) -> float:
        raise needs_value("takes float()")

    def __int__(self) -> int:
        raise needs_value("takes int()")

    def __index__(self) -> int:
        raise needs_value("takes a value for a length or an index of Python's")

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise needs_array()

    def __format__(self, spec: str) -> str:
        if spec:
            raise needs_value("prints a number")
        return repr(self)

    def __array_ufunc__(self, ufunc: Any, how: str, *inputs: Any, **kwargs: Any) -> Any:
        if how == "at":
            target = _own(inputs[0])
            target._become(emit(added_at, target, ufunc, *inputs[1:]))
            return None
        if any(map(_foreign, inputs)):
            return NotImplemented
        (out,) = kwargs.pop("out", (None,))
        where = kwargs.pop("where", True)
        made = emit(ufunc if how == "__call__" else getattr(ufunc, how), *inputs, **kwargs)
        if out is None:
            return made
        return _own(out)._become(made if where is True else emit(np.where, where, made, out))

    def __array_function__(self, f: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if any(map(_foreign, args)):
            return NotImplemented
        if f in _ANSWERS:
            return _ANSWERS[f](*args, **kwargs)
        if _is_traced(args[_DECIDES[f]] if f in _DECIDES else None) or (f, len(args)) == _PLACES:
            raise depends_on_values(f"np.{f.__name__}")
        if f in _WRITERS:
            _own(args[0])._become(emit(changed, args[0], f, *args[1:], **kwargs))
            return None
        out = kwargs.pop("out", None)
        made = emit(f, *args, **kwargs)
        out = out[0] if isinstance(out, tuple) else out
        return made if out is None else _own(out)._become(made)

    def __repr__(self) -> str:
        return f"Traced({self.value!r})"

    def __deepcopy__(self, memo: Any) -> Any:
        return self.copy()

    __hash__ = object.__hash__


def _checked(f: Any) -> Callable[..., bool]:
    """What stops the program when it runs; while it is written all is well."""

    def answer(*args: Any) -> bool:
        emit(f, *args)
        return False

    return answer


def _uniform(x: Any, rng: Any) -> Any:
    # Not drawn for the example, since the generator has to go on from where it is.
    return _write_down(uniform, (x.shape, rng), {}, np.zeros(x.shape, np.float32))


def _of_rows(f: Any, with_gaps: Any) -> Callable[..., Any]:
    """`with_gaps`, whose shape does not depend on values, where the rows are not known."""

    def answer(x: Any, rows: Any) -> Any:
        return emit(with_gaps, x, rows) if _is_traced(rows) else f.__wrapped__(x, rows)

    return answer


def _put_rows(x: Any, rows: Any, part: Any) -> Any:
    new = emit(replaced_rows, x, rows, part)
    return x._become(new) if isinstance(x, Traced) else new


def _array_like(fill: Any) -> Callable[..., Any]:
    return lambda a, dtype=None, **kwargs: fill(a.shape, dtype or a.dtype)


_ANSWERS: dict[Any, Callable[..., Any]] = {
    np.shape: lambda a: a.shape,
    np.ndim: lambda a: a.ndim,
    np.size: lambda a: a.size,
    np.result_type: lambda *args: np.result_type(*map(_example, args)),
    np.iscomplexobj: lambda x: False,
    np.isrealobj: lambda x: True,
    np.copy: lambda a, *args, **kwargs: emit(copied, a),
    np.empty_like: lambda a, *args, **kwargs: emit(copied, a),
    np.zeros_like: _array_like(np.zeros),
    np.ones_like: _array_like(np.ones),
    holds_nan: _checked(holds_nan),
    rare: _checked(rare),
    neural.uniform: _uniform,
    coalesced: _of_rows(coalesced, padded_rows),
    taken_rows: _of_rows(taken_rows, taken_or_zero),
    put_rows: _put_rows,
    entries: lambda x, index: Traced.__getitem__(x, index),
}
"""What is not just written down."""

_DECIDES = {
    np.nonzero: 0, np.flatnonzero: 0, np.argwhere: 0, np.unique: 0, np.extract: 0, np.compress: 0,
    np.bincount: 0, np.trim_zeros: 0, np.union1d: 0, np.intersect1d: 0, np.setdiff1d: 0,
    np.setxor1d: 0, np.repeat: 1, np.delete: 1, np.insert: 1,
}  # fmt: skip
"""Of which argument the values decide how long the result is."""
_PLACES = (np.where, 1)
_WRITERS = {np.copyto, np.put, np.place, np.putmask, np.fill_diagonal, np.put_along_axis}


def _require_known_shape(index: Any) -> None:
    for part in index if isinstance(index, tuple) else (index,):
        if isinstance(part, Traced) and part.dtype == bool:
            raise depends_on_values("a mask as an index")
        if isinstance(part, slice) and any(map(_is_traced, (part.start, part.stop, part.step))):
            raise depends_on_values("a value as the end of a slice")


def _is_traced(x: Any) -> bool:
    return isinstance(x, Traced)


def _foreign(x: Any) -> bool:
    """Whether something else than an array wants to answer, such as a tensor."""
    kind = type(x)
    if kind in (list, tuple):
        return any(map(_foreign, x))
    return not issubclass(kind, (Traced, np.ndarray, np.generic)) and (
        getattr(kind, "__array_ufunc__", True) is None or hasattr(kind, "_node")
    )


def _own(target: Any) -> Traced:
    """An array that may be written into."""
    if not isinstance(target, Traced):
        raise foreign_write()
    return target


def _binary(function: Any, swapped: bool = False) -> Any:
    def method(self: Traced, other: Any) -> Any:
        if _foreign(other):
            return NotImplemented
        return emit(function, other, self) if swapped else emit(function, self, other)

    return method


def _in_place(function: Any) -> Any:
    return lambda self, other: (
        NotImplemented if _foreign(other) else self._become(emit(function, self, other))
    )


def _bind() -> None:
    for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or",
                 "xor", "lshift", "rshift"):  # fmt: skip
        function = getattr(operator, f"__{name}__")
        setattr(Traced, f"__{name}__", _binary(function))
        setattr(Traced, f"__r{name}__", _binary(function, swapped=True))
        setattr(Traced, f"__i{name}__", _in_place(function))
    for name in ("lt", "le", "gt", "ge", "eq", "ne"):
        setattr(Traced, f"__{name}__", _binary(getattr(operator, name)))
    for name in ("neg", "pos", "abs", "invert"):
        function = getattr(operator, name)
        setattr(Traced, f"__{name}__", lambda self, f=function: emit(f, self))
    for f in (np.sum, np.max, np.min, np.mean, np.prod, np.cumsum, np.argmax, np.argmin, np.argsort,
              np.all, np.any, np.clip, np.squeeze, np.swapaxes, np.repeat, np.take, np.nonzero,
              np.std, np.var):  # fmt: skip
        setattr(Traced, f.__name__, lambda self, *a, _f=f, **k: _f(self, *a, **k))


_bind()
