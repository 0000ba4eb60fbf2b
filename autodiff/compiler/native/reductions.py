"""Sums and the like, and what goes along an axis entry by entry."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.compiler.native.operations import Translation
from autodiff.compiler.tracing.program import Instruction, Value

__all__ = ["ALONG", "REDUCTIONS", "along", "reduced"]

REDUCTIONS: dict[Any, str] = {
    np.sum: "sum", np.add.reduce: "sum", np.max: "max", np.min: "min", np.prod: "prod",
    np.mean: "mean", np.amax: "max", np.amin: "min", np.maximum.reduce: "max",
    np.minimum.reduce: "min", np.any: "any", np.all: "all",
}  # fmt: skip
_LEAST = {"max": -np.inf, "min": np.inf}
_OF_BOOL = {"any": "max", "all": "min"}

ALONG: dict[Any, str] = {
    np.argmax: "argmax", np.argmin: "argmin", np.cumsum: "cumsum", np.cumprod: "cumprod",
}  # fmt: skip


def reduced(t: Translation) -> bool:
    """Over the last axes, over all but the last, or over all; others are moved there."""
    x, axis, known = _arguments(t.instruction)
    name = REDUCTIONS[t.instruction.function]
    if not known or not isinstance(x, Value):
        return False
    if not x.size:
        return _of_nothing(t, name)
    axes = tuple(range(len(x.shape))) if axis is None else axis
    axes = tuple(int(a) % len(x.shape) for a in axes) if x.shape else ()
    if name == "sum" and t.out.dtype == bool:
        name = "any"
    if name in _OF_BOOL:
        return _over_axes(t, _OF_BOOL[name], _as_bool(t, x), axes)
    counts = name == "sum" and x.dtype.kind in "biu"
    if x.dtype != t.out.dtype and not counts:
        x = t.copy(x, x.shape, t.out.dtype)
    if name in ("mean", "prod") and t.out.dtype.kind != "f":
        return False
    return _over_axes(t, name, x, axes)


def _of_nothing(t: Translation, name: str) -> bool:
    if name not in _OF_NOTHING:
        return False
    return t.add("map", "copied", (t.out.dtype.type(_OF_NOTHING[name]),))


_OF_NOTHING = {"sum": 0, "prod": 1, "any": False, "all": True}


def _as_bool(t: Translation, x: Value) -> Value:
    if x.dtype == bool:
        return x
    made = Value(x.shape, bool)
    t.add("map", "not_equal", (x, 0), out=made)
    return made


def _over_axes(t: Translation, name: str, x: Value, axes: tuple[int, ...]) -> bool:
    x, axes = _squeezed(t, x, axes)
    if not axes:
        place = t.made.place(x).reshaped(t.out.shape)
        assert place is not None
        return t.add("map", "copied", (t.made.value_at(place),))
    x, axes = _in_one_piece(t, x, axes)
    level = "all" if len(axes) == len(x.shape) else (
        "row" if len(x.shape) - 1 in axes else "column")  # fmt: skip
    if name != "mean":
        return t.add("reduce", name, (x,), level=level)
    total = Value(t.out.shape, t.out.dtype)
    t.add("reduce", "sum", (x,), level=level, out=total)
    return t.add("map", "divide", (total, float(x.size // max(t.out.size, 1))))


def _squeezed(t: Translation, x: Value, axes: tuple[int, ...]) -> tuple[Value, tuple[int, ...]]:
    """Without the axes of length 1."""
    left = [a for a, n in enumerate(x.shape) if n != 1]
    place = t.made.place(x).reshaped(tuple(x.shape[a] for a in left))
    assert place is not None
    return t.made.value_at(place), tuple(left.index(a) for a in axes if a in left)


def _in_one_piece(t: Translation, x: Value, axes: tuple[int, ...]) -> tuple[Value, tuple[int, ...]]:
    """With the axes that go at the end, as one, or all in front of the last one."""
    ndim = len(x.shape)
    kept = [a for a in range(ndim) if a not in axes]
    if kept and max(kept) > min(axes) and kept != [ndim - 1]:
        place = t.made.place(x).view(np.transpose, (*kept, *sorted(axes)))
        assert place is not None
        x, axes = t.made.value_at(place), tuple(range(len(kept), ndim))
    if 1 < len(axes) < ndim and ndim - 1 in axes:
        shape = (*x.shape[: ndim - len(axes)], -1)
        place = t.made.place(x).reshaped(shape) or t.in_order(x).reshaped(shape)
        assert place is not None
        x, axes = t.made.value_at(place), (ndim - len(axes),)
    return x, axes


def _arguments(instruction: Instruction) -> tuple[Any, Any, bool]:
    """Argument, axes (None: all), and whether there is nothing unusual about the call."""
    name = REDUCTIONS[instruction.function]
    names = ["a", "axis", "dtype", "out", "keepdims"]
    if name in _OF_BOOL:
        names.remove("dtype")
    given = dict(zip(names, instruction.args, strict=False)) | instruction.kwargs
    dtype, least = given.pop("dtype", None), given.pop("initial", None)
    x, axis = given.pop("a", None), given.pop("axis", _default_axis(instruction))
    given.pop("keepdims", None)
    known = given.pop("out", None) is None and least in (None, _LEAST.get(name)) and not given
    known = known and (dtype is None or np.dtype(dtype) == instruction.out[0].dtype)
    return x, (axis,) if isinstance(axis, (int, np.integer)) else axis, known


def _default_axis(instruction: Instruction) -> Any:
    return 0 if isinstance(getattr(instruction.function, "__self__", None), np.ufunc) else None


def along(t: Translation) -> bool:
    """Running sums and products, and where the largest entry is, one entry after the other."""
    names = ("a", "axis", "dtype") if "cum" in t.instruction.name else ("a", "axis")
    given = dict(zip(names, t.args, strict=False)) | t.instruction.kwargs
    x, axis, dtype = given.pop("a"), given.pop("axis", None), given.pop("dtype", None)
    given.pop("keepdims", None)  # the entries are the same
    known = not given and isinstance(x, Value) and x.size and x.shape
    if not known or x.dtype.kind != "f" or dtype not in (None, x.dtype):
        return False
    if axis is None:
        place = t.made.place(x).reshaped((-1,)) or t.in_order(x).reshaped((-1,))
        x, axis = t.made.value_at(place), 0  # type: ignore[arg-type]
    out = t.made.new(t.out)
    if "arg" in t.instruction.name:
        target = out.reshaped(tuple(1 if a == axis % len(x.shape) else n
                                    for a, n in enumerate(x.shape)))  # fmt: skip
    else:
        target = out
    assert target is not None
    places = [p.view(np.moveaxis, axis, -1) for p in (t.made.place(x), target)]
    return t.add("along", ALONG[t.instruction.function], (x,), extra={"places": places})
