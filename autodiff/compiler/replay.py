"""The program as a straight line of Python: the same numpy calls as in eager mode.

The first run shows how numpy lays out each value; later ones write into buffers of that layout.
"""

from __future__ import annotations

import keyword
import operator
import re
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any

import numpy as np

from autodiff.compiler.buffers import INFIX, LEAST, Buffers, into, owner_of, planned
from autodiff.compiler.tracing.program import Instruction, Program, Value, leaves, values_in
from autodiff.compiler.tracing.simplify import is_random
from autodiff.sparse import put_used_rows, replaced_rows

__all__ = ["Replay", "Retry", "generators", "replayed"]

_REDUCTIONS = {
    np.sum: np.add.reduce, np.prod: np.multiply.reduce, np.max: np.maximum.reduce,
    np.min: np.minimum.reduce,
}  # fmt: skip


class Retry(Exception):  # noqa: N818 - no error: the caller goes on in eager mode
    """Before anything was written: a value for which the program is not made."""


def replayed(program: Program, updates: dict[Value, Value] | None = None) -> Replay:
    """The program as a function of its inputs.

    Parameters
    ----------
    program : Program
    updates : dict, optional
        For outputs that are new values of inputs, these inputs. Where nothing speaks against it
        they are written into, and None comes in place of the output.
    """
    return Replay(program, updates or {})


class Replay:
    """A program that runs on numpy.

    Attributes
    ----------
    writes_in_place : bool
        False: whether all updates are depends on the inputs.
    text : str
        The Python of the last layout of the inputs that was met.
    """

    writes_in_place = False

    def __init__(self, program: Program, updates: dict[Value, Value]) -> None:
        self.program, self.updates, self.text = program, updates, ""
        self._plans: dict[Any, tuple[Buffers, set[int]]] = {}
        self._runs: dict[Any, Callable[..., list[Any]]] = {}
        self._arrays = [k for k, v in enumerate(program.inputs) if v.shape]
        self._updated = [k for k in self._arrays if program.inputs[k] in updates.values()]
        self._generators = list(dict.fromkeys(generators(program)))

    def __call__(self, *inputs: Any) -> list[Any]:
        """The outputs; nobody else holds their memory.

        Raises
        ------
        Retry
            If eager mode has to do it; generators are then where they were.
        """
        layout = tuple([inputs[k].strides for k in self._arrays]), self._overlap(inputs)
        run = self._runs.get(layout) or self._next(layout)
        if not self._generators:
            return run(*inputs)
        states = [g.bit_generator.state for g in self._generators]
        try:
            return run(*inputs)
        except Retry:
            for generator, state in zip(self._generators, states, strict=True):
                generator.bit_generator.state = state
            raise

    def settle(self, inputs: list[Any]) -> None:
        """Nothing is held."""

    def again(self, inputs: list[Any], new: tuple[Any, ...], numbers: list[int]) -> list[Any]:
        """A call with `inputs`, but for `new` ones in the places of these numbers."""
        given = list(inputs)
        for k, x in zip(numbers, new, strict=True):
            given[k] = x
        for k in self._updated:  # whoever was given it, and saw to that it stays as it is, is gone
            given[k].flags.writeable = True
        with np.errstate(all="ignore"):
            return self(*given)

    def _overlap(self, inputs: Any) -> bool:
        """Whether what is written into an input could show in another one."""
        if not self._updated:
            return True
        written = [inputs[k] for k in self._updated]
        viewed = [owner_of(inputs[k]) for k in self._arrays if inputs[k].base is not None]
        return any(x.base is not None or any(x is v for v in viewed) for x in written)

    def _next(self, layout: Any) -> Callable[..., list[Any]]:
        """What runs inputs of a layout: the first time without buffers, from then on with them."""
        if layout not in self._plans:
            return lambda *inputs: self._first_run(layout, inputs)
        writer = _Writer(self._plans[layout][0])
        run = self._runs[layout] = writer.finished(self.program, self._plans[layout][1])
        self.text = writer.text
        return run

    def _first_run(self, layout: Any, inputs: Any) -> list[Any]:
        outputs, found = _Writer(Buffers()).watched(self.program)(*inputs)
        arrays = {v: found[_name(v)] for v in _values(self.program) if _name(v) in found}
        shared = _shared(self.program, outputs, inputs)
        updates = {} if layout[1] else self.updates
        self._plans[layout] = planned(self.program, arrays, updates), shared
        return [x.copy() if k in shared else x for k, x in enumerate(outputs)]


def generators(program: Program) -> Iterator[Any]:
    """The generators that a program draws from."""
    for i in program.instructions:
        if is_random(i):
            yield from (a for a in i.args if isinstance(a, np.random.Generator))
        if i.body:
            yield from generators(i.body)


def _values(program: Program) -> list[Value]:
    return [*program.inputs, *(v for i in program.instructions for v in i.out)]


def _shared(program: Program, outputs: list[Any], inputs: Any) -> set[int]:
    """The numbers of the outputs that are memory of the caller, of the program, or of others."""
    constants = [a for i in program.instructions for a in _arrays_in((i.args, i.kwargs))]
    known = {id(owner_of(x)) for x in [*inputs, *constants, *_arrays_in(program.outputs)]}
    found = set()
    for k, x in enumerate(outputs):
        owner = id(owner_of(x))
        if isinstance(x, np.ndarray) and owner in known:
            found.add(k)
        known.add(owner)
    return found


def _arrays_in(tree: Any) -> list[np.ndarray]:
    return [leaf for leaf in leaves(tree) if isinstance(leaf, np.ndarray)]


class _Writer:
    """The text of one program, and what its names mean."""

    def __init__(self, plan: Buffers) -> None:
        self.plan, self.text = plan, ""
        self.pool: list[list[np.ndarray]] = []
        self.names: dict[str, Any] = {"Retry": Retry, "pool": self.pool, "new": plan.arrays}
        self._known: dict[Any, str] = {}

    def watched(self, program: Program) -> Callable[..., Any]:
        """A function that returns the outputs, and all values by name."""
        lines = self._body(program, keeping=True)
        return self._made(program, [*lines, f"return {self._outputs(program)}, locals()"])

    def finished(self, program: Program, shared: set[int]) -> Callable[..., Any]:
        """A function that returns the outputs, those that are `shared` as copies."""
        lines = self._body(program)
        outputs = self._outputs(program, shared)
        if count := 1 + max(self.plan.places.values(), default=-1):
            names = ", ".join(f"b{n}" for n in range(count))
            lines = [*_TAKEN, f"{names}, = buffers", *lines, "pool.append(buffers)"]
        return self._made(program, [*lines, f"return {outputs}"])

    def _made(self, program: Program, lines: list[str]) -> Callable[..., Any]:
        self.text = "\n".join(_function("run", program, lines))
        exec(self.text, self.names)
        return self.names["run"]  # type: ignore[no-any-return]

    def _outputs(self, program: Program, shared: set[int] | frozenset[int] = frozenset()) -> str:
        texts = ["None" if self._is_input(v) else self._word(v) for v in program.outputs]
        return f"[{', '.join(t + '.copy()' * (k in shared) for k, t in enumerate(texts))}]"

    def _is_input(self, value: Any) -> bool:
        return isinstance(value, Value) and value in self.plan.inputs

    def _body(self, program: Program, keeping: bool = False) -> list[str]:
        lines = []
        last = {v: k for k, i in enumerate(program.instructions) for v in i.inputs()}
        kept = {*values_in(program.outputs), *program.inputs, *self.plan.places}
        for k, i in enumerate(program.instructions):
            lines += self._lines(i)
            ended = [v for v in dict.fromkeys([*i.inputs(), *i.out]) if last.get(v, k) == k]
            ended = [v for v in ended if v.size >= LEAST and v not in kept and not keeping]
            lines += [f"del {', '.join(map(_name, ended))}"] if ended else []
        return lines

    def _lines(self, i: Instruction) -> list[str]:
        if i.body is not None:
            return self._loop(i, i.body)
        call = self._call(i)
        if i.name in ("holds_nan", "rare"):
            return [f"if {call}: raise Retry"]
        target = ", ".join(map(_name, i.out)) + ("," if i.is_tuple else "")
        return [f"{target} = {call}" if target else call]

    def _loop(self, i: Instruction, body: Program) -> list[str]:
        name = f"body_{i.out[0].number}" if i.out else "body"
        # What it reads of the values around it stays there while it runs.
        inside = _Writer(Buffers())
        inside.names, inside._known = self.names, self._known
        lines = [*inside._body(body, keeping=True), f"return {inside._outputs(body)}"]
        target = "".join(f"{_name(v)}, " for v in i.out)
        call = self._plain_call(i.function, "loop", i.args, {**i.kwargs, "run": _Text(name)})
        return [*_function(name, body, lines), f"{target}= {call}" if target else call]

    def _call(self, i: Instruction) -> str:
        buffer = self._buffer(i)
        if buffer and i.function is replaced_rows:
            return self._plain_call(put_used_rows, "put_used_rows", i.args, i.kwargs)
        if buffer and (found := into(i)):
            (function, place), args = found, list(i.args)
            if place is None:
                return self._plain_call(function, i.name, i.args, {**i.kwargs, "out": buffer})
            args[place] = buffer
            return self._plain_call(function, i.name, args, i.kwargs)
        if i.function in INFIX and not i.kwargs:
            return f" {INFIX[i.function]} ".join(map(self._operand, i.args))
        if i.function is operator.getitem:
            return f"{self._word(i.args[0])}[{self._index(i.args[1])}]"
        if i.function in _REDUCTIONS and _is_simple_reduction(i):
            args = [i.args[0], i.kwargs.get("axis")]
            kwargs = {k: v for k, v in i.kwargs.items() if k != "axis"}
            return self._plain_call(_REDUCTIONS[i.function], i.name, args, kwargs)
        return self._plain_call(i.function, i.name, i.args, i.kwargs)

    def _buffer(self, i: Instruction) -> _Text | None:
        new = i.out[0] if len(i.out) == 1 else None
        if new in self.plan.inputs:
            return _Text(_name(self.plan.inputs[new]))
        return _Text(f"b{self.plan.places[new]}") if new in self.plan.places else None

    def _plain_call(self, function: Any, hint: str, args: Any, kwargs: dict[str, Any]) -> str:
        words = [*map(self._word, args), *(f"{k}={self._word(v)}" for k, v in kwargs.items())]
        function = _direct(function)
        return f"{self._named(function, function, hint)}({', '.join(words)})"

    def _named(self, key: Any, thing: Any, hint: str) -> str:
        """A name for it, near to `hint`, under which nothing else is known."""
        if key not in self._known:
            name = hint if hint.isidentifier() and not keyword.iskeyword(hint) else "call"
            while name in self.names or _LOCAL.fullmatch(name):
                name += "_"
            self.names[name], self._known[key] = thing, name
        return self._known[key]

    def _constant(self, thing: Any) -> str:
        if isinstance(thing, np.dtype):
            return self._named(thing, thing, thing.name)
        return self._named(id(thing), thing, f"c{len(self.names)}")

    def _word(self, tree: Any) -> str:
        if isinstance(tree, Value):
            return _name(tree)
        if type(tree) in (tuple, list):
            inside = "".join(f"{self._word(t)}, " for t in tree)
            return f"({inside})" if type(tree) is tuple else f"[{inside.removesuffix(', ')}]"
        if tree is None or type(tree) in (bool, int, str, _Text):
            return str(tree) if type(tree) is _Text else repr(tree)
        if type(tree) is float and np.isfinite(tree):
            return repr(tree)
        return self._constant(tree)

    def _operand(self, tree: Any) -> str:
        text = self._word(tree)
        return f"({text})" if text.startswith("-") else text

    def _index(self, index: Any) -> str:
        if type(index) is not tuple:
            return self._place(index)
        return ", ".join(map(self._place, index)) + "," * (len(index) == 1) or "()"

    def _place(self, part: Any) -> str:
        if part is Ellipsis:
            return "..."
        if not isinstance(part, slice):
            return self._word(part)
        ends = ["" if end is None else self._word(end) for end in (part.start, part.stop)]
        return ":".join(ends) + ("" if part.step is None else f":{self._word(part.step)}")


_LOCAL = re.compile(r"run|buffers|IndexError|locals|(v|b|body_)\d+")
_TAKEN = ["try:", "    buffers = pool.pop()", "except IndexError:", "    buffers = new()"]


class _Text(str):
    """Stands for itself in a text."""


def _function(title: str, program: Program, lines: list[str]) -> list[str]:
    head = f"def {title}({', '.join(map(_name, program.inputs))}):"
    return [head, *(f"    {line}" for line in lines)]


def _name(value: Value) -> str:
    return f"v{value.number}"


def _direct(function: Any) -> Any:
    """Without the way round for arrays that stand for others."""
    is_ours = isinstance(function, FunctionType) and function.__module__.startswith("autodiff.")
    return getattr(function, "__wrapped__", function) if is_ours else function


def _is_simple_reduction(i: Instruction) -> bool:
    x, settings = i.args[0], {"axis", "keepdims", "dtype", "initial"}
    is_array = isinstance(x, Value) and len(x.shape) > 0
    known = len(i.args) == 1 and i.kwargs.keys() <= settings
    return is_array and known and not any(v is np._NoValue for v in i.kwargs.values())
