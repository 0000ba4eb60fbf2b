"""Derivative rules as text: what they need, and how people read them."""

from __future__ import annotations

import ast
import inspect
import linecache
from collections.abc import Iterator
from functools import lru_cache
from types import CodeType
from typing import Any

__all__ = ["named", "stated"]

Function = ast.Lambda | ast.FunctionDef


def named(rule: Any) -> tuple[str, ...]:
    """What a rule needs, by name; ``g`` and a variadic op's ``i`` are given by the loop."""
    if isinstance(rule, str):
        found = [n.id for n in ast.walk(ast.parse(rule)) if isinstance(n, ast.Name)]
    else:
        found = [*inspect.signature(rule).parameters] if callable(rule) else []
    return tuple(name for name in found if name not in ("g", "i", "np"))


def stated(rule: Any) -> str:
    """A number or a text as it is; of a function the expression it returns.

    Where it takes several steps, its call.
    """
    if not callable(rule):
        return str(rule)
    rule = inspect.unwrap(rule)
    names = ", ".join(inspect.signature(rule).parameters)
    code = getattr(rule, "__code__", None)
    return _returned(code) or f"{getattr(rule, '__name__', 'rule')}({names})"


def _returned(code: CodeType | None) -> str | None:
    """The text of the expression that is all there is to a function."""
    source = "".join(linecache.getlines(code.co_filename)) if code else ""
    for function in _definitions(source, code) if code else ():
        match function:
            case (
                ast.Lambda(body=value)
                | ast.FunctionDef(body=[ast.Return(ast.expr() as value)])
                | ast.FunctionDef(body=[ast.Expr(ast.Constant()), ast.Return(ast.expr() as value)])
            ):
                return " ".join((ast.get_source_segment(source, value) or "").split())
    return None


def _definitions(source: str, code: CodeType) -> list[Function]:
    """The one definition that `code` was made of; none where it is not in this source."""
    kind = ast.Lambda if code.co_name == "<lambda>" else ast.FunctionDef
    found = [f for f in _functions(source) if isinstance(f, kind) and _head(f) == _key(code)]
    if len(found) < 2:
        return found
    # Lambdas of one line: the compiler meets them in the order of the text.
    made = _codes(compile(source, code.co_filename, "exec", dont_inherit=True))
    alike = [c for c in made if _key(c) == _key(code)]
    found.sort(key=lambda f: f.col_offset)
    return [f for f, c in zip(found, alike, strict=False) if c == code]


@lru_cache(maxsize=16)
def _functions(source: str) -> list[Function]:
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except SyntaxError:  # a file that is being written anew
        return []
    return [node for node in nodes if isinstance(node, (ast.Lambda, ast.FunctionDef))]


def _head(function: Function) -> tuple[Any, ...]:
    return function.lineno, *(a.arg for a in function.args.args)


def _key(code: CodeType) -> tuple[Any, ...]:
    return code.co_firstlineno, *code.co_varnames[: code.co_argcount]


def _codes(code: CodeType) -> Iterator[CodeType]:
    for part in code.co_consts:
        if isinstance(part, CodeType):
            yield part
            yield from _codes(part)
