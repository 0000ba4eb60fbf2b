"""What an op is: one record with a forward and one derivative rule for each argument.

A rule names what it needs by its parameter names, and nothing else is kept for backward:

=============  ===============================================================
``out``        the result
``x``, ``y``   an argument, by its name in `Op.args`
``x_shape``    only the shape of that argument
``axis`` ...   a setting of the call, by its name in `Op.params`
``g``          the cotangent (always first; only in a `vjp`)
=============  ===============================================================

Rules use operators and ``np.`` functions only, so that the same text runs on arrays (first
order) and on tensors (higher orders). A rule never writes into what it is given.
"""

from __future__ import annotations

import ast
import inspect
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial, wraps
from itertools import accumulate, count
from typing import Any

import numpy as np

from autodiff.rules import named, stated

__all__ = [
    "NUMBERS", "OPS", "Op", "array", "asarray", "binary", "evaluate", "is_array", "op",
    "overridable", "rare", "register", "sum_to", "unary",
]  # fmt: skip

Rule = Callable[..., Any]

OPS: dict[str, Op] = {}


class _Numbers:
    """`np` for the texts of partials on Python floats: of math where it can, in a fifth of the
    time. Where math raises instead of giving inf or nan, numpy is asked in its place."""

    cos, cosh, exp, hypot = map(staticmethod, (math.cos, math.cosh, math.exp, math.hypot))
    log, sin, sinh, sqrt = map(staticmethod, (math.log, math.sin, math.sinh, math.sqrt))

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)


NUMBERS = _Numbers()


@dataclass(frozen=True, eq=False)
class Op:
    """One row of the op table.

    Attributes
    ----------
    name : str
        numpy's name where numpy has the function.
    forward : callable
        ``forward(*arrays, **params)`` on plain arrays, numbers or numpy scalars.
    args : tuple of str
        Names of the differentiable arguments; for a variadic op the name of the sequence.
    params : dict
        Names and defaults of the settings.
    partials : tuple or None
        Elementwise ops: the local derivative with respect to each argument: a number, a text
        such as ``"1 - out * out"`` in the names above, or a function of what it needs.
    vjps : tuple of callable
        Other ops: ``rule(g, ...)``, the vector-Jacobian product for each argument. A variadic
        op has a single ``rule(g, i, ...)`` for argument number ``i``.
    jvp : callable, optional
        ``rule(tangents, ...)``. Left out, it is derived: from the partials, from linearity, or
        as the VJP of the VJP.
    linear : {None, "jointly", "each"}
        ``"jointly"``: the op is linear in all arguments together (sum, concatenate).
        ``"each"``: linear in each argument while the others are held (matmul); a row that states
        its `jvp` may add constants (linear).
    numpy : tuple
        numpy functions and ufuncs that this row answers for.
    method : str or None
        Name as a method of `Tensor`.
    scalar : callable or None
        Forward on Python floats where ``forward`` is slow there.
    optional : dict
        Defaults of differentiable arguments that may be left out.
    aliases : dict
        Other spellings of argument names that numpy accepts.
    lazy : type or None
        The kind of unevaluated gradient (of `autodiff.sparse`) that its rules accept.
    outputs : int
        Number of results; more than one makes ``out`` and ``g`` tuples.
    domain : str
        Where the op is differentiable, for the docs and for drawing test inputs.
    """

    name: str
    forward: Rule
    args: tuple[str, ...]
    params: dict[str, Any] = field(default_factory=dict)
    partials: tuple[Any, ...] | None = None
    vjps: tuple[Rule, ...] = ()
    jvp: Rule | None = None
    linear: str | None = None
    variadic: bool = False
    numpy: tuple[Any, ...] = ()
    method: str | None = None
    scalar: Rule | None = None
    optional: dict[str, Any] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    lazy: type | None = None
    outputs: int = 1
    domain: str = "real"
    namespace: str | None = None

    def __repr__(self) -> str:
        slopes = zip(self.args, self.partials or (), strict=False)
        vjps = zip(self.args, self.vjps, strict=False)
        told = [f"d/d{name} = {stated(d)}" for name, d in slopes]
        told += [f"vjp for {name} = {stated(rule)}" for name, rule in vjps]
        return f"Op {self.name}({', '.join(self.args)}): {', '.join(told)}"

    def __deepcopy__(self, memo: Any) -> Op:
        return self  # it never changes

    @cached_property
    def needs(self) -> tuple[str, ...]:
        """What a node of this op saves, in order: all settings, then what its rules name."""
        return _union(self.params, *map(named, self._rules()))

    @cached_property
    def rules(self) -> Iterable[Rule]:
        """``rule(g, saved)`` for each argument; returns None where the derivative is zero."""
        if self.variadic:
            return _Numbered(self.vjps[0], self.needs)
        if self.partials is not None:
            return tuple(_elementwise(d, self.needs) for d in self.partials)
        return tuple(_bind(rule, self.needs, "g") for rule in self.vjps)

    @cached_property
    def slopes(self) -> tuple[Rule, ...]:
        """Elementwise ops: ``slope(saved)``, the local derivative for each argument."""
        texts = [_slope(d, self.needs) for d in self.partials or ()]
        return tuple(
            evaluate(f"lambda s: {text}", rule=d)
            for text, d in zip(texts, self.partials or (), strict=True)
        )

    @cached_property
    def _locals(self) -> dict[tuple[int, bool], Rule]:
        return {}

    def local(self, tracked: int, functions: Any = NUMBERS) -> Rule:
        """The function ``local(out, *args)`` of scalar graphs.

        It gives the local derivative for each tracked argument and the value of each constant one;
        `functions` are `NUMBERS` or numpy.
        """
        key = tracked, functions is np
        if key not in self._locals:
            text, names = self.local_text(tracked)
            source = f"lambda out, {', '.join(self.args)}: {text}"
            self._locals[key] = evaluate(source, np=functions, **names)
        return self._locals[key]

    def local_text(self, tracked: int) -> tuple[str, dict[str, Any]]:
        """The text of `local`'s result, and the functions it calls by name."""
        texts, names = [], {}
        for i, d in enumerate(self.partials or ()):
            names[f"d{i}"] = d
            called = f"d{i}({', '.join(named(d))})" if callable(d) else _text(d)
            texts.append(called if tracked >> i & 1 else self.args[i])
        return f"({', '.join(texts)},)", names

    @cached_property
    def tangent_rule(self) -> Rule | None:
        """``rule(tangents, saved)`` where the row states a `jvp`."""
        return _bind(self.jvp, self.needs, "g") if self.jvp else None

    @cached_property
    def _keepers(self) -> dict[int, Rule | None]:
        return {}

    def keeper(self, tracked: int) -> Rule | None:
        """``keep(out, *args, *params) -> saved``; bit i of `tracked`: argument i is tracked.

        Returns None where nothing has to be saved.
        """
        if tracked not in self._keepers:
            self._keepers[tracked] = self._make_keeper(tracked)
        return self._keepers[tracked]

    def _rules(self) -> list[Rule]:
        return [*(self.partials or ()), *self.vjps, *([self.jvp] if self.jvp else [])]

    def _make_keeper(self, tracked: int) -> Rule | None:
        text = self.saved_text(tracked)
        parameters = ", ".join(("out", *self.args, *self.params))
        return evaluate(f"lambda {parameters}: {text}") if self.needs else None

    def saved_text(self, tracked: int) -> str:
        """The text of the tuple that a node saves."""
        stated = self.partials if self.partials is not None else self.vjps
        used = [d for i, d in enumerate(stated) if self.variadic or tracked >> i & 1]
        kept = _union(self.params, *map(named, used), named(self.jvp))
        if self.linear == "each":
            kept = _union(kept, (n for n in self.needs if n in self.args))
        fields = [_expression(name, self.args) if name in kept else "None" for name in self.needs]
        return f"({''.join(f'{text}, ' for text in fields)})"


def register(rows: Sequence[Op]) -> None:
    """Add rows to the table; a name may be given once."""
    for row in rows:
        if row.name in OPS:
            raise ValueError(f"op {row.name!r} is registered already")
        OPS[row.name] = row


def unary(name: str, forward: Rule, partial: Any, **settings: Any) -> Op:
    """Row of an elementwise op of one argument, by its local derivative."""
    return _row(name, forward, ("x",), partials=(partial,), **settings)


def binary(name: str, forward: Rule, partial_x: Any, partial_y: Any, **settings: Any) -> Op:
    """Row of an elementwise op of two arguments, by its local derivatives."""
    return _row(name, forward, ("x", "y"), partials=(partial_x, partial_y), **settings)


def op(name: str, forward: Rule, *vjps: Rule, **settings: Any) -> Op:
    """Row of any other op, by one `vjp` for each leading argument of `forward`."""
    parameters = list(inspect.signature(forward).parameters.values())
    args = tuple(p.name for p in parameters[: max(len(vjps), 1)])
    params = {p.name: p.default for p in parameters[len(args) :]}
    optional = {p.name: p.default for p in parameters[: len(args)] if p.default is not p.empty}
    return _row(name, forward, args, params=params, optional=optional, vjps=vjps, **settings)


def sum_to(x: Any, shape: tuple[int, ...]) -> Any:
    """Sum `x` over the axes along which an array of `shape` was broadcast to ``x.shape``."""
    extra = x.ndim - len(shape)
    axes = tuple(range(extra)) + tuple(
        i + extra for i, n in enumerate(shape) if n == 1 and x.shape[i + extra] != 1
    )
    return np.reshape(np.sum(x, axis=axes) if axes else x, shape)


def is_array(x: Any) -> bool:
    """Whether `x` is an array, or stands for one while a function is being compiled."""
    return isinstance(x, np.ndarray) or hasattr(x, "is_traced")


def asarray(x: Any, dtype: Any = None) -> Any:
    """numpy's `asarray`; what stands for an array stays."""
    if hasattr(x, "is_traced"):
        return x if dtype is None or x.dtype == dtype else x.astype(dtype)
    return np.asarray(x, dtype)


def array(x: Any, dtype: Any = None) -> Any:
    """numpy's `array`, a copy; what stands for an array stays so."""
    return x.as_array(dtype or x.dtype) if hasattr(x, "is_traced") else np.array(x, dtype)


def overridable(f: Rule) -> Rule:
    """Let `f` be called in rules as numpy's functions are.

    A first argument with numpy's function protocol takes the call over, and so does any that stands
    for an array while a function is being compiled. A row claims `f` by ``numpy=f``.
    """

    @wraps(f)
    def call(x: Any, *args: Any, **kwargs: Any) -> Any:
        asked = x
        if isinstance(x, (np.ndarray, np.generic, float, int)):
            asked = _stand_in(args)
            if asked is None:
                return f(x, *args, **kwargs)
        return asked.__array_function__(call, (type(asked),), (x, *args), kwargs)

    return call


def _stand_in(args: tuple[Any, ...]) -> Any:
    """The first that stands for an array, also within an index."""
    for arg in args:
        found = _stand_in(arg) if arg.__class__ is tuple else arg
        if hasattr(found, "is_traced"):
            return found
    return None


@overridable
def rare(condition: Any) -> bool:
    """Whether a condition holds that is as good as never met.

    A function that is being compiled goes on as if it were not; where it is when the program runs,
    eager mode takes over.
    """
    return bool(condition)


def _row(name: str, forward: Rule, args: tuple[str, ...], **settings: Any) -> Op:
    handles = settings.pop("numpy", forward)
    handles = handles if isinstance(handles, tuple) else (handles,)
    return Op(name, forward, args, numpy=handles, **settings)


def _union(*groups: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for group in groups for name in group))


class Shapes(tuple[tuple[int, ...], ...]):
    """Shapes of the arrays that a variadic op was given."""

    def __init__(self, shapes: Iterable[Any]) -> None:
        self._edges: dict[int | None, list[int]] = {}

    def edges(self, axis: int | None) -> list[int]:
        """Where each array begins, and the last one ends, when they are joined along `axis`
        (None: flattened). Kept, since the rule of each array asks for its own."""
        if axis not in self._edges:
            lengths = (math.prod(shape) if axis is None else shape[axis] for shape in self)
            self._edges[axis] = [0, *accumulate(lengths)]
        return self._edges[axis]


def _shape(x: Any) -> Any:
    return Shapes(map(_shape, x)) if isinstance(x, (list, tuple)) else getattr(x, "shape", ())


def _expression(name: str, args: tuple[str, ...]) -> str:
    owner = name.removesuffix("_shape")
    return f"shape_of({owner})" if owner in args and owner != name else name


def evaluate(source: str, **names: Any) -> Rule:
    """The function that a text of the table states.

    The texts are made of the table's own rules, never of user data. A rule bound this way costs
    one call, where looking names up as it runs would cost several.
    """
    code = compile(source, "<autodiff>", "eval")  # whose lines are not the user's
    return eval(code, {"np": np, "shape_of": _shape, **names})  # type: ignore[no-any-return]


def _call(rule: Rule, needs: tuple[str, ...], *first: str) -> str:
    return f"rule({', '.join([*first, *(f's[{needs.index(n)}]' for n in named(rule))])})"


def _bind(rule: Rule, needs: tuple[str, ...], *first: str) -> Rule:
    return evaluate(f"lambda g, s: {_call(rule, needs, *first)}", rule=rule)


class _Numbered:
    """The one rule of a variadic op for argument 0, 1, 2 and so on, without end."""

    def __init__(self, rule: Rule, needs: tuple[str, ...]) -> None:
        self._rule = evaluate(f"lambda i, g, s: {_call(rule, needs, 'g', 'i')}", rule=rule)

    def __iter__(self) -> Iterator[Rule]:
        return (partial(self._rule, i) for i in count())


def _text(partial: Any) -> str:
    return f"({partial})" if isinstance(partial, str) else repr(float(partial))


def _slope(partial: Any, needs: tuple[str, ...]) -> str:
    """The text of a local derivative in terms of what was saved, ``s``."""
    if callable(partial):
        return _call(partial, needs)
    return re.sub(
        r"(?<![.\w])[A-Za-z_]\w*",
        lambda m: f"s[{needs.index(m[0])}]" if m[0] in needs else m[0],
        _text(partial),
    )


def _elementwise(partial: Any, needs: tuple[str, ...]) -> Rule:
    fixed = {0: "None", 1: "g", -1: "-g"}.get(partial) if not callable(partial) else None
    return evaluate(f"lambda g, s: {fixed or _times_g(partial, needs)}", rule=partial)


def _times_g(partial: Any, needs: tuple[str, ...]) -> str:
    """The text of ``g`` times a local derivative. To divide by ``b`` where that is ``1 / b``
    saves an op and a rounding."""
    if isinstance(partial, str):
        match ast.parse(partial, mode="eval").body:
            case ast.BinOp(ast.Constant(1), ast.Div(), b):
                return f"g / {_slope(ast.unparse(b), needs)}"
    return f"g * {_slope(partial, needs)}"
