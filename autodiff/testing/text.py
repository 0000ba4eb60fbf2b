"""A report as text: what is wrong and where, the likely cause, and a line to see it again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

__all__ = ["call_of", "failure", "summary"]

SHOWN = 8
"""So many wrong entries are printed."""
PRINTABLE = 400
"""An input of more entries is not printed whole."""
WIDE = 100
"""Longer lines are broken."""


def summary(report: Any) -> str:
    """The verdict in a line."""
    what = "entries" if report.is_whole else "directions"
    counted = f"{report.checked} {what}, {report.undecided} undecided"
    counted += f", {report.kinks} without a derivative" if report.kinks else ""
    return f"{'right' if report.ok else 'WRONG'} to {report.digits:.1f} digits in {counted}"


def failure(report: Any) -> str:
    """All that is to be said about a gradient that is not right."""
    lines = [_title(report), *_example(report)]
    lines += _table(report) if report.wrong.size else []
    lines += [f"  also tried   {'   '.join(_tried(report))}"]
    if report.wrong.size:
        lines += [f"  also wrong   {text}" for text in report.broken.values()]
    lines += _causes(report)
    return "\n".join([*lines, f"  reproduce: {report.reproduce}"])


def _title(report: Any) -> str:
    title = report.point.problem.title
    if report.wrong.size:
        first, *others = (_counted(report, i) for i in report.wrong_inputs)
        also = f", and for {', '.join(others)}" if others else ""
        return f"{title} with respect to input {first}{also}"
    if report.broken:
        return f"{title}: {next(iter(report.broken.values()))}"
    why = (
        "max_evals= is used up"
        if report.point.is_spent
        else ("the values there are too rough, or not finite, for difference quotients")
    )
    what = "entries" if report.is_whole else "directions"
    count = f"{report.undecided} of {report.checked} {what}"
    return f"{title} cannot be decided in {count}: {why}"


def _counted(report: Any, i: int) -> str:
    """How many entries of an input are wrong; in full for the first such input."""
    owner = np.array([report.point.place(int(k))[0] for k in report.verdict.which])
    wrong, total = np.sum(owner[report.wrong] == i), np.sum(owner == i)
    x, name = report.point.inputs[i], report.point.problem.names[i]
    sampled = f" looked at, of {x.size:,}" if total < x.size else ""
    count = f"{wrong} of {total} entries{sampled}"
    if i != report.wrong_inputs[0]:
        return f"{name!r} in {count}"
    return f"{i} ({name!r}, shape {x.shape}) is wrong in {count}"


def _example(report: Any) -> list[str]:
    label = "smallest failing example" if report.options.drawn else "failing example"
    pairs = list(zip(report.point.problem.names, report.point.inputs, strict=True))
    pairs += [("cotangent", v) for v in report.point.cotangents]
    texts = [f"{name} = {_short(x)}" for name, x in pairs]
    line = f"  {label}   {'   '.join(texts)}"
    return [line] if len(line) <= WIDE else [f"  {label}", *(f"    {text}" for text in texts)]


def _table(report: Any) -> list[str]:
    rows = [("entry", "analytic", "numeric (+- error)", "relative", "ULP", "")]
    for e in report.entries_at(report.wrong[:SHOWN]):
        numeric = f"{e.numeric:.10g} (+- {e.error:.1g})"
        rows.append((e.name, f"{e.analytic:.10g}", numeric, f"{e.relative:.2g}", f"{e.ulp:.2g}",
                     e.note))  # fmt: skip
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  " + "  ".join(f"{c:{w}}" for c, w in zip(row, widths, strict=True)).rstrip()
             for row in rows]  # fmt: skip
    more = len(report.wrong) - SHOWN
    return [*lines, f"  and {more} more"] if more > 0 else lines


def _tried(report: Any) -> Iterator[str]:
    yield f"kink: {'yes' if report.kinks else 'no'}"
    for name, label in (("determinism", "deterministic"), ("linearity", "linear in cotangent")):
        if name in report.checks:
            yield f"{label}: {'no' if report.checks[name] else 'yes'}"
    names = report.point.problem.names
    right = [n for i, n in enumerate(names) if i not in report.wrong_inputs]
    if report.wrong.size and len(names) > 1:
        yield f"other inputs: {', '.join(f'{n} ok' for n in right) or 'wrong too'}"


def _causes(report: Any) -> list[str]:
    if not report.causes:
        unknown = "  likely cause: none of those known explains every entry"
        return [unknown] if report.wrong.size else []
    named, *others = report.causes
    lines = [f"  likely cause ({named.evidence}):", f"    - {named.text}"]
    # What was seen is no rival of a guess.
    rest = [f"    - {c.text}" for c in others if c.text not in report.broken.values()]
    return [*lines, "  not excluded:", *rest] if rest else [*lines, "  not excluded: none"]


def call_of(report: Any) -> str:
    """The call of `check_gradients` that gives the same report."""
    if report.first is not None:
        return call_of(report.first)
    problem, options, source = report.point.problem, report.options, report.point.problem.source
    inputs = map(_pasted, report.point.inputs, problem.names)
    names = (n for n in (problem.code, problem.name) if n[:1].isalpha() or n[:1] == "_")
    given = [next(names, "f"), *problem.call_texts(list(inputs), _pasted)]
    given += [source.by] if source.by else []
    if source.kwargs:
        pairs = (f"{name!r}: {_pasted(value, name)}" for name, value in source.kwargs.items())
        given.append(f"kwargs={{{', '.join(pairs)}}}")
    if options.cotangent is not None:
        pasted = ", ".join(_pasted(v, "cotangent") for v in report.point.cotangents)
        given.append(f"cotangent={pasted if len(report.point.cotangents) == 1 else f'({pasted})'}")
    return f"check_gradients({', '.join([*given, *_changed(options)])})"


def _changed(options: Any) -> Iterator[str]:
    """The options that are not as they are when left out."""
    for name in ("order", "method", "rtol", "atol", "kinks", "projections", "max_evals"):
        if (value := getattr(options, name)) != getattr(type(options)(), name):
            yield f"{name}={value!r}"
    if options.checks != type(options)().checks:
        yield f"checks={options.checks!r}"
    if not isinstance(options.seed, np.random.Generator):
        yield f"seed={options.seed!r}"


def _short(x: np.ndarray) -> str:
    with np.printoptions(precision=6, threshold=30, edgeitems=2, suppress=False):
        text = np.array2string(x, separator=", ")
    return " ".join(text.split())


def _pasted(x: Any, name: str = "x") -> str:
    """Code for a value; its name, where it is a large array."""
    if not isinstance(x, (np.ndarray, np.generic)):
        return repr(x)
    x = np.asarray(x)
    if x.size > PRINTABLE:
        return name
    with np.printoptions(threshold=PRINTABLE + 1, floatmode="unique", precision=None):
        text = " ".join(np.array2string(x, separator=", ", max_line_width=10**6).split())
    dtype = "" if x.dtype in (np.float64, np.int64, bool) else f", np.{x.dtype}"
    if not x.size:
        return f"np.zeros({x.shape}, np.{x.dtype})"
    return f"np.array({text}{dtype})"
