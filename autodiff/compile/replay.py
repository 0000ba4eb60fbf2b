"""The program as a straight line of Python: the same numpy calls as in eager mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autodiff.compile.program import Program, Value, values_in
from autodiff.compile.simplify import is_guard

__all__ = ["Retry", "replayed"]


class Retry(Exception):  # noqa: N818 - no error: the caller goes on in eager mode
    """Before anything was written: a value for which the program is not made."""


def replayed(program: Program) -> Callable[..., list[Any]]:
    """The program as a function of its inputs."""
    names: dict[str, Any] = {"Retry": Retry}
    lines = [f"def run({', '.join(map(_name, program.inputs))}):"]
    last = {v: k for k, i in enumerate(program.instructions) for v in i.inputs()}
    kept = set(values_in(program.outputs))
    for k, i in enumerate(program.instructions):
        names[f"f{k}"] = i.function
        call = f"f{k}({', '.join([_text(a, names) for a in i.args] + [f'{n}={_text(v, names)}' for n, v in i.kwargs.items()])})"
        if i.name == "holds_nan":
            lines.append(f"    if {call}: raise Retry")
            continue
        target = ", ".join(map(_name, i.out)) + ("," if i.is_tuple else "")
        lines.append(f"    {target} = {call}")
        dead = [v for v in dict.fromkeys([*i.inputs(), *i.out]) if last.get(v, -1) <= k and v not in kept]
        if dead:
            lines.append(f"    del {', '.join(map(_name, dead))}")
    lines.append(f"    return [{', '.join(_text(v, names) for v in program.outputs)}]")
    exec("\n".join(lines), names)
    return names["run"]


def _name(value: Value) -> str:
    return f"v{value.number}"


def _text(tree: Any, names: dict[str, Any]) -> str:
    if isinstance(tree, Value):
        return _name(tree)
    if type(tree) is tuple:
        return f"({''.join(_text(t, names) + ', ' for t in tree)})"
    if type(tree) is list:
        return f"[{', '.join(_text(t, names) for t in tree)}]"
    if isinstance(tree, slice):
        return f"slice({_text(tree.start, names)}, {_text(tree.stop, names)}, {_text(tree.step, names)})"
    if tree is None or type(tree) in (bool, int, str):
        return repr(tree)
    names[f"c{len(names)}"] = tree
    return f"c{len(names) - 1}"
