"""Tensors, modules and optimisers that a function reaches by itself, without being given them.

They are looked up anew at each call, and for the time of a trace the function is made again with
others in their places: the function itself, and whoever else uses it, sees nothing of that.
"""

from __future__ import annotations

import dis
from collections.abc import Callable, Iterator
from functools import partial
from types import CellType, CodeType, FunctionType, MethodType
from typing import Any

import numpy as np

from autodiff import tree
from autodiff.compiler.tracing.refusals import TraceError
from autodiff.module import Module
from autodiff.optim import Optimizer
from autodiff.tracked import Tracked

__all__ = ["Captured"]

_LIBRARIES = ("autodiff", "numpy")


class Captured:
    """What a function reaches.

    Parameters
    ----------
    f : callable

    Attributes
    ----------
    function : callable
        It, without the object of a method and the arguments of a partial.
    bound : tuple
        These, which come first at each call.
    keywords : dict
        Those of a partial.
    """

    def __init__(self, f: Callable[..., Any]) -> None:
        self.function: Callable[..., Any] = f
        self.bound: tuple[Any, ...] = ()
        self.keywords: dict[str, Any] = {}
        if isinstance(f, Module):
            self.function, self.bound = type(f).__call__, (f,)
        while isinstance(self.function, (MethodType, partial)):
            self._unpack(self.function)
        self._functions: dict[int, FunctionType] = {}
        self.getters: list[Callable[[], Any]] = []
        self.generators: list[np.random.Generator] = []
        self._slots: list[tuple[FunctionType, str]] = []
        if isinstance(self.function, FunctionType):
            self._visit(self.function)

    def _unpack(self, f: Any) -> None:
        if isinstance(f, MethodType):
            self.function, self.bound = f.__func__, (f.__self__, *self.bound)
        else:
            self.function, self.bound = f.func, (*f.args, *self.bound)
            self.keywords = {**f.keywords, **self.keywords}

    def given(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """What is reached now, and then all arguments."""
        if not self.getters:
            return (*self.bound, *args) if self.bound else args
        return (*(get() for get in self.getters), *self.bound, *args)

    def call(self, given: list[Any], kwargs: dict[str, Any]) -> Any:
        """The function, with what `given` holds in place of what it reaches."""
        count = len(self.getters)
        return self.rebuilt(given[:count])(*given[count:], **kwargs)

    def _visit(self, f: FunctionType) -> None:
        if id(f) in self._functions:
            return
        self._functions[id(f)] = f
        for name, get in _reached(f):
            value = get()
            if _is_tracked(value):
                self._slots.append((f, name))
                self.getters.append(get)
            elif isinstance(value, FunctionType):
                self._visit(value)
            elif isinstance(value, np.random.Generator):
                self.generators.append(value)

    def rebuilt(self, stand_ins: list[Any]) -> Callable[..., Any]:
        """The function with `stand_ins` in the places of `values`."""
        if not isinstance(self.function, FunctionType):
            return self.function
        held: dict[int, dict[str, Any]] = {}
        for (f, name), stand_in in zip(self._slots, stand_ins, strict=True):
            held.setdefault(id(f), {})[name] = stand_in
        return _Rebuilding(self._functions, held).function(self.function)


def _reached(f: FunctionType) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Names of a function that are bound outside of it, and how to look them up."""
    for name in _defaults(f):
        yield name, partial(_default, f, name)
    for name, cell in zip(f.__code__.co_freevars, f.__closure__ or (), strict=True):
        if _is_set(cell):
            yield name, partial(getattr, cell, "cell_contents")
    if str(f.__globals__.get("__name__")).split(".")[0] in _LIBRARIES:
        return
    for name in dict.fromkeys(_global_names(f.__code__)):
        if name in f.__globals__:
            yield name, partial(f.__globals__.__getitem__, name)


def _defaults(f: FunctionType) -> dict[str, Any]:
    """Values of arguments that may be left out."""
    by_place = {f"default {i}": value for i, value in enumerate(f.__defaults__ or ())}
    return by_place | {f"default {k}": value for k, value in (f.__kwdefaults__ or {}).items()}


def _default(f: FunctionType, name: str) -> Any:
    return _defaults(f)[name]


def _is_set(cell: CellType) -> bool:
    try:
        cell.cell_contents  # noqa: B018 - raises where nothing has been assigned yet
    except ValueError:
        return False
    return True


def _global_names(code: CodeType) -> Iterator[str]:
    for i in dis.get_instructions(code):
        if i.opname == "STORE_GLOBAL":
            raise TraceError(
                f"{code.co_filename}:{code.co_firstlineno} assigns the global {i.argval}: a "
                "compiled function has no effect but on its arguments; return the value"
            )
        if i.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield i.argval
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _global_names(constant)


def _is_tracked(value: Any) -> bool:
    if isinstance(value, (list, tuple, dict)):
        return any(isinstance(leaf, Tracked) for leaf in tree.flatten(value)[0])
    return isinstance(value, (Tracked, Module, Optimizer))


class _Rebuilding:
    """Functions made again."""

    def __init__(self, functions: dict[int, FunctionType], held: dict[int, dict[str, Any]]) -> None:
        self.functions, self.held = functions, held
        self.made: dict[int, FunctionType] = {}

    def function(self, f: FunctionType) -> FunctionType:
        """`f`, reaching stand-ins, and functions that do."""
        if id(f) in self.made:
            return self.made[id(f)]
        new = self.held.get(id(f), {})
        cells = tuple(
            self._cell(name, cell, new)
            for name, cell in zip(f.__code__.co_freevars, f.__closure__ or (), strict=True)
        )
        space = dict(f.__globals__)
        defaults = tuple(
            new.get(f"default {i}", value) for i, value in enumerate(f.__defaults__ or ())
        )
        made = FunctionType(f.__code__, space, f.__name__, defaults or None, cells)
        named = f.__kwdefaults__ or {}
        made.__kwdefaults__ = {k: new.get(f"default {k}", v) for k, v in named.items()} or None
        self.made[id(f)] = made
        for name, value in list(space.items()):
            if name in new and name not in f.__code__.co_freevars:
                space[name] = new[name]
            elif isinstance(value, FunctionType) and id(value) in self.functions:
                space[name] = self.function(value)
        for cell in cells:
            value = cell.cell_contents if _is_set(cell) else None
            if isinstance(value, FunctionType) and id(value) in self.functions:
                cell.cell_contents = self.function(value)
        return made

    def _cell(self, name: str, cell: CellType, new: dict[str, Any]) -> CellType:
        if name in new:
            return CellType(new[name])
        value = cell.cell_contents if _is_set(cell) else None
        if isinstance(value, FunctionType) and id(value) in self.functions:
            return CellType(value)  # of its own, for the function made again
        return cell
