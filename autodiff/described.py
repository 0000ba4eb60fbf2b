"""A row of the op table in words: what `help` shows, and the tables of the documentation."""

from __future__ import annotations

import inspect
import re
from typing import Any

import numpy as np

from autodiff.op import Op

__all__ = ["documentation", "numpy_names", "summary"]


_EVERYWHERE = "It has a derivative wherever it is defined."
_EDGE = "It has a derivative where: {}. Elsewhere: docs/reference/nonsmooth.md."


def summary(op: Op) -> str:
    """What the row computes, in a line."""
    return " ".join(_said(op).partition("\n\n")[0].split())


def numpy_names(op: Op) -> list[str]:
    """The functions of numpy that the row answers for, as a user writes them."""
    named = dict.fromkeys((getattr(f, "__module__", "numpy"), f.__name__) for f in op.numpy)
    ours = [(module.removeprefix("numpy"), name) for module, name in named if "numpy" in module]
    return [f"np{module}.{name}" for module, name in ours]


def documentation(op: Op) -> str:
    """The docstring of a row's function, made of the row."""
    sections = {"Parameters": _parameters(op), "Returns": _returns(op), "Notes": _notes(op)}
    parts = [f"{title}\n{'-' * len(title)}\n{text}" for title, text in sections.items()]
    return "\n\n".join([_said(op), *parts])


def _said(op: Op) -> str:
    """The docstring of the forward; of numpy's functions the summary."""
    f = op.forward if op.forward.__doc__ or not op.numpy else op.numpy[0]
    module, text = getattr(f, "__module__", None) or "numpy", f.__doc__ or ""
    if module == "_operator":  # "Same as a + b."
        return re.sub(r"\b[ab]\b", lambda m: {"a": "x", "b": "y"}[m[0]], text)
    if module.startswith("numpy"):  # a ufunc's begins with its call
        text = text.strip().split("\n\n")[isinstance(f, np.ufunc)]
        return text.replace("x1", "x").replace("x2", "y").replace("`a`", "`x`")
    return inspect.cleandoc(text) if "\n" in text else text


def _parameters(op: Op) -> str:
    kind = "sequence of Tensors or arrays" if op.variadic else "Tensor, Scalar or array_like"
    args = [f"{n} : {kind}{_default(', ', op.optional.get(n, ...))}" for n in op.args]
    return "\n".join([*args, *(n + _default(" : ", d) for n, d in op.params.items())])


def _default(before: str, value: Any) -> str:
    is_missing = value in (..., inspect.Parameter.empty)
    return "" if is_missing else f"{before}default {value!r}"


def _returns(op: Op) -> str:
    if op.outputs > 1:
        return f"tuple of {op.outputs} Tensors"
    return "Tensor" if op.partials is None else "Tensor, or Scalar of Scalars"


def _notes(op: Op) -> str:
    names = " and ".join(numpy_names(op))
    notes = [
        _derivatives(op),
        _EVERYWHERE if op.domain == "real" else _EDGE.format(op.domain),
        f"{names} of a Tensor {'are' if ' ' in names else 'is'} the same." if names else "",
    ]
    return "\n\n".join(filter(None, notes))


def _derivatives(op: Op) -> str:
    """Those stated as text; the source of the others is looked up when it is asked for."""
    lines = [
        f"    d out / d {arg} = {d}"
        for arg, d in zip(op.args, op.partials or (), strict=False)
        if not callable(d)
    ]
    shown = f"``print(autodiff.op.OPS[{op.name!r}])`` shows the derivative."
    return "\n".join(lines) if lines and len(lines) == len(op.args) else shown
