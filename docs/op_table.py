"""The table of ops as a page: ``python -m docs.op_table`` writes docs/reference/ops.md anew."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator
from inspect import Parameter
from pathlib import Path
from textwrap import fill, shorten
from types import ModuleType
from typing import Any

import autodiff as ad
from autodiff import composites, ops
from autodiff.described import numpy_names, summary
from autodiff.functions import DISPATCH
from autodiff.op import OPS, Op
from autodiff.rules import stated

__all__ = ["PAGE", "page"]

DOCS = Path(__file__).parent
PAGE = DOCS / "reference" / "ops.md"
NONSMOOTH = (DOCS / "reference" / "nonsmooth.md").read_text()
FILES = (
    ops.elementwise, ops.reduce, ops.shape, ops.index, ops.linalg, ops.inverse, ops.decompose,
    ops.einsum, ops.neural, ops.norm,
)  # fmt: skip
INTERNAL = OPS.keys() - {name.rpartition(".")[2] for name in ad.FUNCTIONS}

INTRO = f"""\
# The table of ops

Every derivative in this package comes from the rows of one table. This page is made from the code
by `python -m docs.op_table`, and a test says when it is out of date.

`x`, `y` and other names of arguments stand for their values, `x_shape` for the shape alone, `out`
for the result, and `g` for the error signal that arrives: the derivative of the loss with respect
to `out`. A function that works entry by entry has a derivative with respect to each argument, and
the signal for that argument is `g` times this derivative; for the other functions the tables say
what `g` becomes, the vector-Jacobian product, where `None` is a signal that does not go on.

The domain is where a function has a derivative; if none is given, it has one wherever it is
defined. Outside, [conventions](nonsmooth.md) hold. The column "numpy" has the functions of numpy
that do the same when they are given a `Tensor`. Rules of several steps stand under
[the code of the rules](#the-code-of-the-rules), and names that are not numpy's under
[names in the rules](#names-in-the-rules).

A row is looked up by its name:

```python
from autodiff.op import OPS

print(OPS["tanh"])
print(OPS["cross"])
```

```text
{OPS["tanh"]}
{OPS["cross"]}
```
"""


def page() -> str:
    """The whole page."""
    parts = [INTRO, *map(_file, FILES), _composites(), _other_names(), _plain(), _code(), _names()]
    return "\n".join(parts)


def _file(module: ModuleType) -> str:
    """The rows of one file of the table, under the headings that stand in its list."""
    title = module.__name__.rpartition(".")[2].capitalize()
    parts = [f"## {title}\n\n{str(module.__doc__).strip()}\n"]
    for heading, names in _sections(inspect.getsource(module)):
        parts += [f"### {heading}\n"] if heading else []
        parts += _tables([OPS[name] for name in names if name not in INTERNAL])
    return "\n".join(parts)


def _sections(source: str) -> Iterator[tuple[str, list[str]]]:
    """Names of rows under the comments above them; a comment with a full stop is no heading."""
    listed = source[source.index("\nregister([") :]
    for part in re.split(r"^    (?=# .*[^.]$)", listed, flags=re.MULTILINE):
        heading = re.match("# (.*)", part)
        yield heading[1] if heading else "", re.findall(r'^    \w+\("(\w+)"', part, re.MULTILINE)


def _tables(rows: list[Op]) -> Iterator[str]:
    for by_entry in (True, False):
        cells = [_row(row) for row in rows if (row.partials is not None) == by_entry]
        derivative = "derivative" if by_entry else "`g` becomes"
        heads = ["function", "computes", derivative, "remarks", "numpy"]
        if cells:
            yield _table(heads, cells)


def _table(heads: list[str], rows: Iterable[list[str]]) -> str:
    escaped = [[cell.replace("|", r"\|") for cell in row] for row in rows]
    lines = ["| " + " | ".join(row) + " |" for row in (heads, ["---"] * len(heads), *escaped)]
    return "\n".join(lines) + "\n"


def _row(op: Op) -> list[str]:
    rules = [_rule(rule) for rule in (op.partials or op.vjps)]
    names = [f"{name}: " for name in op.args] if len(rules) > 1 else [""]
    derivative = "<br>".join(name + rule for name, rule in zip(names, rules, strict=True))
    return [_called(op), summary(op), derivative, _remarks(op), _codes(numpy_names(op))]


def _called(op: Op) -> str:
    call = f"`ad.{_qualified(op)}({_signature(op)})`"
    is_method = op.partials is not None and len(op.args) == 1
    method = op.method or (op.name if is_method else "")
    return f"{call}, `x.{method}()`" if method else call


def _qualified(op: Op) -> str:
    return f"{op.namespace}.{op.name}" if op.namespace else op.name


def _signature(op: Op) -> str:
    defaults = dict.fromkeys(op.args, Parameter.empty) | op.optional | op.params
    return ", ".join(n if d is Parameter.empty else f"{n}={d!r}" for n, d in defaults.items())


def _rule(rule: Any) -> str:
    if _has_steps(rule) and rule.__doc__:
        return f"{_first(rule.__doc__)} (`{rule.__name__}`)"
    return f"`{stated(rule)}`"


def _has_steps(rule: Any) -> bool:
    return callable(rule) and stated(rule).startswith(f"{rule.__name__}(")


def _first(text: str | None) -> str:
    """The first paragraph as one line."""
    return " ".join((text or "").strip().partition("\n\n")[0].split())


def _codes(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _remarks(op: Op) -> str:
    text = f"`{op.domain}`" if re.search("[<>=]", op.domain) else op.domain
    domain = "" if op.domain == "real" else f"domain: {text}"
    linear = {"jointly": "linear", "each": "linear in each argument", None: ""}[op.linear]
    links = _conventions(f"ad.{_qualified(op)}", *numpy_names(op))
    return "; ".join(filter(None, [domain, linear, links]))


def _conventions(*names: str) -> str:
    """Links to the sections about points where these functions have no derivative."""
    links = []
    for section in NONSMOOTH.split("\n## ")[1:]:
        if any(f"\n| `{name}(" in section for name in names):
            title = section.partition("\n")[0]
            anchor = re.sub(r"[^\w ]", "", title.lower()).replace(" ", "-")
            links.append(f"[{title.lower()}](nonsmooth.md#{anchor})")
    return ", ".join(links)


def _composites() -> str:
    """Functions made of rows, by their files."""
    heads = ["function", "computes", "conventions", "numpy"]
    parts = [f"## Made of rows\n\n{composites.__doc__}\n"]
    for name in composites.__all__:
        module = getattr(composites, name)
        found = {n: f for n, f in ad.FUNCTIONS.items() if _origin(f) == module.__name__}
        rows = [
            [f"`ad.{n}{_plain_signature(f)}`", _first(f.__doc__), _conventions(f"ad.{n}"), _same(f)]
            for n, f in found.items()
        ]
        parts += [f"### {_first(module.__doc__).rstrip('.')}\n", _table(heads, rows)]
    return "\n".join(parts)


def _origin(f: Any) -> str:
    return getattr(getattr(f, "__wrapped__", None), "__module__", "")


def _plain_signature(f: Any) -> inspect.Signature:
    found = inspect.signature(f)
    bare = [p.replace(annotation=Parameter.empty) for p in found.parameters.values()]
    return found.replace(parameters=bare, return_annotation=found.empty)


def _same(f: Any) -> str:
    """The functions of numpy that come to `f`."""
    known = [g for g, ours in DISPATCH.items() if ours is f]
    return _codes(f"np{g.__module__.removeprefix('numpy')}.{g.__name__}" for g in known)


def _other_names() -> str:
    pairs = [(n, f.__wrapped__) for n, f in ad.FUNCTIONS.items() if _origin(f) == "autodiff"]
    table = _table(["name", "is"], ([f"`ad.{n}`", f"`ad.{f.__name__}`"] for n, f in pairs))
    return f"## Other names\n\n{table}"


def _plain() -> str:
    names = [*(f"ad.{name}" for name in sorted(ad.PLAIN)), "ad.linalg.matrix_rank"]
    return (
        "## Without a derivative\n\nComparisons, places, shapes. These work on the values of\n"
        "tensors as numpy's functions of these names do, and give plain results:\n"
        f"{fill(_codes(names), 100)}.\n"
    )


def _rules() -> list[Any]:
    rows = [row for row in OPS.values() if row.name not in INTERNAL]
    return [rule for row in rows for rule in (row.partials or row.vjps) if callable(rule)]


def _code() -> str:
    """The source of the rules that take several steps."""
    steps = dict.fromkeys(rule for rule in _rules() if _has_steps(rule))
    parts = ["## The code of the rules\n"]
    for module in FILES:
        sources = [inspect.getsource(f) for f in steps if f.__module__ == module.__name__]
        code = "\n\n".join(sources)
        parts += [f"```python no-run\n{code}```\n"] if sources else []
    return "\n".join(parts)


def _names() -> str:
    """What the rules call that is not numpy's."""
    found: dict[str, Any] = {}
    for rule in _rules():
        _collect(rule, found)
    rows = ([_spelt(name, value), _meaning(value)] for name, value in sorted(found.items()))
    return f"## Names in the rules\n\n{_table(['name', 'stands for'], rows)}"


def _collect(rule: Any, found: dict[str, Any]) -> None:
    f = inspect.unwrap(rule)
    for name in f.__code__.co_names:
        value = f.__globals__.get(name)
        if value is not None and not isinstance(value, ModuleType) and name not in found:
            found[name] = value
            if inspect.isfunction(value) and not value.__doc__:
                _collect(value, found)


def _spelt(name: str, value: Any) -> str:
    parameters = inspect.signature(value).parameters if inspect.isfunction(value) else ""
    return f"`{name}({', '.join(parameters)})`" if parameters else f"`{name}`"


def _meaning(value: Any) -> str:
    if callable(value) and value.__doc__:
        return _first(value.__doc__)
    if _has_steps(value):
        return f"a function in `{value.__module__.replace('.', '/')}.py`"
    return f"`{shorten(stated(value), 60, placeholder=' ...')}`"


if __name__ == "__main__":
    PAGE.write_text(page())
