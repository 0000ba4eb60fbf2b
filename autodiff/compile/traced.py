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
from pathlib import Path
from typing import Any

import numpy as np

from autodiff.compile.program import Instruction, Program, Value, mapped
from autodiff.errors import AutodiffError
from autodiff.strong_zero import holds_nan

__all__ = [
    "Recorder", "TraceError", "Traced", "added_at", "cast", "copied", "emit", "recorder",
    "recording_into", "user_line", "written",
]  # fmt: skip

_OWN = str(Path(__file__).parents[1])


class TraceError(AutodiffError, TypeError):
    """Code that depends on a value, which a compiled function must not."""


class Recorder:
    """The program under way."""

    def __init__(self) -> None:
        self.program = Program([])

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


def user_line() -> str:
    """The innermost line that is not of this library."""
    frame: Any = sys._getframe(1)
    while frame is not None:
        name = frame.f_code.co_filename
        if not name.startswith((_OWN, "<autodiff>")) and "numpy" not in name:
            return f"{Path(name).name}:{frame.f_lineno}"
        frame = frame.f_back
    return ""


def emit(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a function on the examples, and write the call down."""
    under_way = recorder.get()
    if under_way is None:
        raise TraceError(
            f"an array of a compiled function was used outside of it, at {user_line()}: return "
            "what you need from the function"
        )
    with np.errstate(all="ignore"):
        example = function(*mapped(_example, args), **mapped(_example, kwargs))
    is_tuple = isinstance(example, (tuple, list))
    examples = tuple(example) if is_tuple else (example,)
    out = tuple(map(Value.like, examples))
    under_way.program.instructions.append(
        Instruction(
            function, mapped(_value, args), mapped(_value, kwargs), out, is_tuple, user_line()
        )
    )
    made = [Traced(v, e, _memory(e, (args, kwargs))) for v, e in zip(out, examples, strict=True)]
    return type(example)(made) if type(example) in (tuple, list) else (
        tuple(made) if is_tuple else made[0])  # fmt: skip


def _example(leaf: Any) -> Any:
    if isinstance(leaf, slice):
        return slice(*map(_example, (leaf.start, leaf.stop, leaf.step)))
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

    def __getitem__(self, index: Any) -> Any:
        return emit(operator.getitem, self, index)

    def __setitem__(self, index: Any, part: Any) -> None:
        self._become(emit(written, self, index, part))

    def _become(self, new: Any) -> Traced:
        """Take the value of `new`, as a write into the array does."""
        if not isinstance(self.example, np.ndarray):
            return new if isinstance(new, Traced) else emit(copied, new)
        if sys.getrefcount(self.memory) > 2:
            raise TraceError(
                f"{user_line()} writes into an array of which there are views: a compiled function "
                "has none; write x = x.at[index].set(value) of a Tensor, or copy the array first"
            )
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
        raise _needs_value("takes .item()")

    def tolist(self) -> Any:
        """Not possible: another call has another value."""
        raise _needs_value("takes .tolist()")

    def __bool__(self) -> bool:
        raise _needs_value("branches on a value")

    def __float__(self) -> float:
        raise _needs_value("takes float()")

    def __int__(self) -> int:
        raise _needs_value("takes int()")

    def __index__(self) -> int:
        raise _needs_value("takes a value for a length or an index of Python's")

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise _needs_value("makes a plain array")

    def __array_ufunc__(self, ufunc: Any, how: str, *inputs: Any, **kwargs: Any) -> Any:
        out = kwargs.pop("out", None)
        if how == "at":
            target, *rest = inputs
            if not isinstance(target, Traced):
                raise _foreign_write()
            target._become(emit(added_at, target, ufunc, *rest))
            return None
        if any(_foreign(x) for x in inputs):
            return NotImplemented
        made = emit(ufunc if how == "__call__" else getattr(ufunc, how), *inputs, **kwargs)
        return made if out is None or out[0] is None else _into(out, made)

    def __array_function__(self, f: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if any(_foreign(x) for x in args):
            return NotImplemented
        if f is holds_nan:  # looked at when the program runs
            emit(holds_nan, *args)
            return False
        out = kwargs.pop("out", None)
        if f in _SHAPES:
            return _SHAPES[f](*args, **kwargs)
        f, args, kwargs = _like_numpy(f, args, kwargs)
        made = emit(f, *args, **kwargs)
        return made if out is None else _into(out if isinstance(out, tuple) else (out,), made)

    def __repr__(self) -> str:
        return f"Traced({self.value!r})"

    def __deepcopy__(self, memo: Any) -> Any:
        return self.copy()

    __hash__ = object.__hash__


_SHAPES: dict[Any, Callable[..., Any]] = {
    np.shape: lambda a: a.shape,
    np.ndim: lambda a: a.ndim,
    np.size: lambda a: a.size,
    np.result_type: lambda *args: np.result_type(*(getattr(a, "dtype", a) for a in args)),
    np.iscomplexobj: lambda x: False,
    np.isrealobj: lambda x: True,
    np.copy: lambda a, *args, **kwargs: a.copy(),
    np.zeros_like: lambda a, dtype=None, **kwargs: np.zeros(a.shape, dtype or a.dtype),
    np.ones_like: lambda a, dtype=None, **kwargs: np.ones(a.shape, dtype or a.dtype),
}
"""What is known without the value."""


def _like_numpy(f: Any, args: Any, kwargs: Any) -> Any:
    """Some functions by their simplest form, so that backends meet fewer."""
    if f is np.empty_like:
        return copied, args[:1], {}
    return f, args, kwargs


def _foreign(x: Any) -> bool:
    """Whether something else than an array wants to answer, such as a tensor."""
    kind = type(x)
    return not issubclass(kind, (Traced, np.ndarray, np.generic)) and (
        getattr(kind, "__array_ufunc__", True) is None or hasattr(kind, "_node")
    )


def _into(out: tuple[Any, ...], made: Any) -> Any:
    (target,) = out
    if not isinstance(target, Traced):
        raise _foreign_write()
    return target._become(made)


def _foreign_write() -> TraceError:
    return TraceError(
        f"{user_line()} writes into an array that is no argument: a compiled function changes its "
        "arguments and returns results, and has no other effect; pass the array as an argument"
    )


def _needs_value(what: str) -> TraceError:
    return TraceError(
        f"{user_line()} {what} within a compiled function, where values are not known yet: use "
        "np.where(condition, a, b) in place of a branch, ad.scan for a loop, return what is to be "
        "looked at, or keep this part out of the compiled function"
    )


def cast(x: Any, dtype: Any) -> Any:
    """`x` in another dtype."""
    return x.astype(dtype) if hasattr(x, "astype") else np.dtype(dtype).type(x)


def copied(x: Any) -> Any:
    """`x` as an array of its own."""
    return x.copy() if hasattr(x, "copy") else x


def written(x: Any, index: Any, part: Any) -> Any:
    """`x` with `part` written at `index`."""
    out = np.array(x)
    out[index] = part
    return out


def added_at(x: Any, ufunc: Any, index: Any, *part: Any) -> Any:
    """`x` after ``ufunc.at(x, index, part)``."""
    out = np.array(x)
    ufunc.at(out, index, *part)
    return out


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
