"""The program as a straight line of Python: the same numpy calls as in eager mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autodiff.compile.program import Instruction, Program, Value, values_in

__all__ = ["Retry", "replayed"]


class Retry(Exception):  # noqa: N818 - no error: the caller goes on in eager mode
    """Before anything was written: a value for which the program is not made."""


def replayed(program: Program) -> Callable[..., list[Any]]:
    """The program as a function of its inputs."""
    names: dict[str, Any] = {"Retry": Retry}
    exec("\n".join(_function("run", program, names)), names)
    return names["run"]  # type: ignore[no-any-return]


def _function(title: str, program: Program, names: dict[str, Any]) -> list[str]:
    """The lines of a function; that of a loop's body stands within it, and sees its values."""
    lines = []
    last = {v: k for k, i in enumerate(program.instructions) for v in i.inputs()}
    kept = set(values_in(program.outputs))
    own = {*program.inputs, *(v for i in program.instructions for v in i.out)}
    for k, i in enumerate(program.instructions):
        lines += _call(i, names)
        dead = [
            v for v in dict.fromkeys([*i.inputs(), *i.out])
            if last.get(v, -1) <= k and v not in kept and v in own and i.name not in ("holds_nan", "rare")
        ]  # fmt: skip
        if dead and title == "run":
            lines.append(f"del {', '.join(map(_name, dead))}")
    lines.append(f"return [{', '.join(_text(v, names) for v in program.outputs)}]")
    return [f"def {title}({', '.join(map(_name, program.inputs))}):", *(f"    {t}" for t in lines)]


def _call(i: Instruction, names: dict[str, Any]) -> list[str]:
    lines, function = [], f"f{len(names)}"
    names[function] = i.function
    args = [_text(a, names) for a in i.args]
    args += [f"{n}={_text(v, names)}" for n, v in i.kwargs.items()]
    if i.body is not None:
        body = f"body_{len(names)}"
        lines += _function(body, i.body, names)
        args.append(f"run={body}")
    call = f"{function}({', '.join(args)})"
    if i.name in ("holds_nan", "rare"):
        return [f"if {call}: raise Retry"]
    target = ", ".join(map(_name, i.out)) + ("," if i.is_tuple else "")
    return [*lines, f"{target} = {call}" if target else call]


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
