"""Tensors, modules and optimisers that a function reaches by itself, without being given them.

They are looked up anew at each call, and for the time of a trace the function is made again with
others in their places: the function itself, and whoever else uses it, sees nothing of that.
"""

from __future__ import annotations

import dis
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from types import CellType, CodeType, FunctionType, MethodType
from typing import Any

import numpy as np

from autodiff import tree
from autodiff.compiler.tracing.refusals import TraceError
from autodiff.module import Module
from autodiff.optim import Optimizer
from autodiff.tracked import Tracked

__all__ = ["Captured", "Wrapper"]

_LIBRARIES = ("autodiff", "numpy")


class Wrapper:
    """What calls a function `f` and reaches nothing else, as a compiled function does."""

    f: Callable[..., Any]


_CALLABLE = (FunctionType, MethodType, partial, Wrapper)


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
        while isinstance(self.function, (MethodType, partial, Wrapper)):
            self._unpack(self.function)
        self._visited: dict[int, Any] = {}
        self.getters: list[Callable[[], Any]] = []
        self.generators: list[np.random.Generator] = []
        self._slots: list[tuple[int, str]] = []
        if isinstance(self.function, FunctionType):
            self._visit(self.function)

    def _unpack(self, f: Any) -> None:
        if isinstance(f, MethodType):
            self.function, self.bound = f.__func__, (f.__self__, *self.bound)
        elif isinstance(f, Wrapper):
            self.function = f.f
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

    def _visit(self, f: Any) -> None:
        if id(f) in self._visited:
            return
        self._visited[id(f)] = f
        for name, get in _reached(f):
            value = get()
            if _is_tracked(value):
                self._slots.append((id(f), name))
                self.getters.append(get)
            elif isinstance(value, _CALLABLE):
                self._visit(value)
            elif isinstance(value, np.random.Generator):
                self.generators.append(value)

    def rebuilt(self, stand_ins: list[Any]) -> Callable[..., Any]:
        """The function with `stand_ins` in the places of what it reaches."""
        if not stand_ins:
            return self.function
        held = dict(zip(self._slots, stand_ins, strict=True))
        made: Callable[..., Any] = _Rebuilding(self._visited, held).thing(self.function)
        return made


def _reached(f: Any) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Names of a function that are bound outside of it, and how to look them up."""
    if isinstance(f, FunctionType):
        yield from _reached_by_name(f)
        return
    for name, value in _parts(f).items():
        yield name, partial(_itself, value)


def _parts(f: Any) -> dict[str, Any]:
    """What a method, a partial or a wrapper consists of."""
    if isinstance(f, MethodType):
        return {"function": f.__func__, "self": f.__self__}
    if isinstance(f, Wrapper):
        return {"function": f.f}
    by_place = {str(i): value for i, value in enumerate(f.args)}
    return {"function": f.func, **by_place, **{f"{k}=": v for k, v in f.keywords.items()}}


def _itself(value: Any) -> Any:
    return value


def _reached_by_name(f: FunctionType) -> Iterator[tuple[str, Callable[[], Any]]]:
    for name in _defaults(f):
        yield name, partial(_default, f, name)
    for name, cell in zip(f.__code__.co_freevars, f.__closure__ or (), strict=True):
        if _is_set(cell):
            yield name, partial(getattr, cell, "cell_contents")
    if str(f.__globals__.get("__name__")).split(".")[0] in _LIBRARIES:
        return
    for name in _global_names(f.__code__):
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


@lru_cache(maxsize=1024)  # functions are looked through at each call with other arguments
def _global_names(code: CodeType) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_loaded_names(code)))


def _loaded_names(code: CodeType) -> Iterator[str]:
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
            yield from _loaded_names(constant)


def _is_tracked(value: Any) -> bool:
    if isinstance(value, (list, tuple, dict)):
        return any(isinstance(leaf, Tracked) for leaf in tree.flatten(value)[0])
    return isinstance(value, (Tracked, Module, Optimizer))


class _Rebuilding:
    """Functions made again."""

    def __init__(self, visited: dict[int, Any], held: dict[tuple[int, str], Any]) -> None:
        self.visited, self.held = visited, held
        self.made: dict[int, Any] = {}

    def thing(self, f: Any) -> Any:
        """`f`, reaching stand-ins, and functions that do; whatever else as it is."""
        if not isinstance(f, _CALLABLE) or id(f) not in self.visited:
            return f
        if id(f) not in self.made:
            self.made[id(f)] = self._function(f) if isinstance(f, FunctionType) else self._whole(f)
        return self.made[id(f)]

    def _part(self, f: Any, name: str, value: Any) -> Any:
        key = (id(f), name)
        return self.held[key] if key in self.held else self.thing(value)

    def _whole(self, f: Any) -> Any:
        function, *rest = (self._part(f, name, value) for name, value in _parts(f).items())
        if isinstance(f, Wrapper):
            return function
        if isinstance(f, MethodType):
            return MethodType(function, *rest)
        count = len(f.args)
        return partial(function, *rest[:count], **dict(zip(f.keywords, rest[count:], strict=True)))

    def _function(self, f: FunctionType) -> FunctionType:
        names, closure = f.__code__.co_freevars, f.__closure__ or ()
        cells = tuple(self._cell(f, n, c) for n, c in zip(names, closure, strict=True))
        defaults = {k: self._part(f, k, v) for k, v in _defaults(f).items()}
        count, space = len(f.__defaults__ or ()), dict(f.__globals__)
        by_place, named = list(defaults.values())[:count], list(defaults.values())[count:]
        made = FunctionType(f.__code__, space, f.__name__, tuple(by_place) or None, cells)
        made.__kwdefaults__ = dict(zip(f.__kwdefaults__ or {}, named, strict=True)) or None
        made.__qualname__ = f.__qualname__
        made.__dict__.update(f.__dict__)
        self.made[id(f)] = made  # before others that reach it
        for name, value in space.items():
            space[name] = value if name in names else self._part(f, name, value)
        for name, cell in zip(names, cells, strict=True):
            if _is_set(cell) and (id(f), name) not in self.held:
                new = self.thing(cell.cell_contents)
                if new is not cell.cell_contents:
                    cell.cell_contents = new
        return made

    def _cell(self, f: FunctionType, name: str, cell: CellType) -> CellType:
        if (id(f), name) in self.held:
            return CellType(self.held[id(f), name])
        value = cell.cell_contents if _is_set(cell) else None
        if isinstance(value, _CALLABLE) and id(value) in self.visited:
            return CellType(value)  # of its own, for the function made again
        return cell
