"""Why a gradient is wrong: guesses, each printed only if it explains every entry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from autodiff.op import sum_to
from autodiff.testing.guesses import Guess, guesses
from autodiff.testing.probes import Probe, is_near, make_probes
from autodiff.testing.steps import Mistake, mistakes

__all__ = ["KINDS", "Cause", "diagnose"]

KINDS = (
    "sign", "constant factor", "no gradient", "dropped path", "wrong reduction",
    "missing transpose", "result transposed", "permuted", "swapped inputs", "duplicate index",
    "diagonal only", "missing local factor", "derivative at the result", "leak",
    "cotangent ignored", "cotangent applied twice", "cotangent mutated", "input mutated", "state",
    "nondeterministic", "epsilon", "float32 inside", "nan", "ties", "few entries", "aliasing",
    "wrong shape", "wrong dtype",
)  # fmt: skip


@dataclass(frozen=True)
class Cause:
    """What would explain a wrong gradient.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    text : str
        The same in words, about this function.
    evidence : str
        What it was tested on.
    """

    kind: str
    text: str
    evidence: str


def diagnose(report: Any) -> list[Cause]:
    """All causes that explain what was found, the likeliest first."""
    with np.errstate(all="ignore"):
        broken = list(_broken(report))
        if broken and broken[0].kind not in ("wrong shape", "float32 inside"):
            return broken
        if report.broken and not report.wrong.size and "shape" not in report.broken:
            return broken  # the values are right: nothing there to explain
        probes = make_probes(report.point.problem, report.options.draw)
        found = [
            *_at_the_point(report),
            *(_explained(report, probes) if probes else []),
        ]
        return list(dict.fromkeys([*found, *broken]))


def _broken(report: Any) -> Iterator[Cause]:
    """What a broken contract says by itself."""
    point = report.point
    evidence = "seen at the failing example"
    for name, text in report.broken.items():
        if name == "mutation":
            kind = "cotangent mutated" if "the cotangent" in text else "input mutated"
        elif name == "determinism":
            kind = "state" if _keeps_state(point) or "after a call" in text else "nondeterministic"
        elif name == "linearity":
            kind = _linearity(point)
            text += {"cotangent ignored": ": it is left out",
                     "cotangent applied twice": ": it is applied twice"}.get(kind, "")  # fmt: skip
            if kind == "":
                continue
        else:
            kind = {"aliasing": "aliasing", "dtype": "wrong dtype", "shape": "wrong shape",
                    "precision": "float32 inside"}.get(name, "")  # fmt: skip
        if kind:
            yield Cause(kind, text, evidence)


def _keeps_state(point: Any) -> bool:
    """Whether calls in a row differ in a regular way: each adds the same, or all but the first
    are equal."""
    calls = []
    for _ in range(4):
        given = [x.copy() for x in point.inputs], [v.copy() for v in point.cotangents]
        calls.append(np.concatenate([np.ravel(g) for g in point.problem.gradients(*given)]))
    steps = np.diff(calls, axis=0)
    return all(is_near(s, steps[0]) for s in steps[1:]) or not np.any(steps[1:])


def _linearity(point: Any) -> str:
    def at(scale: float) -> np.ndarray:
        given = [x.copy() for x in point.inputs], [scale * v for v in point.cotangents]
        return np.concatenate([np.ravel(g) for g in point.problem.gradients(*given)])

    one, two = at(1.0), at(2.0)
    if is_near(two, one):
        return "cotangent ignored"
    return "cotangent applied twice" if is_near(two, 4 * one) else ""


def _at_the_point(report: Any) -> Iterator[Cause]:
    """What the failing example itself shows."""
    v = report.verdict
    if v is None:
        return
    wrong = report.wrong
    evidence = "seen at the failing example"
    if wrong.size and np.all(~np.isfinite(v.analytic[wrong])):
        entry = report.entries_at(wrong[:1])[0]
        yield Cause(
            "nan", f"{entry.analytic} where the derivative is finite: 0 * inf, 0 / 0 or inf - inf "
            f"at {entry.name} = {float(report.point.z[v.which[wrong[0]]]):g}", evidence,
        )  # fmt: skip
    elif wrong.size and np.all(v.kink[wrong]) and not any("beside" in t for t in v.note.values()):
        yield Cause(
            "ties", "each of several entries that share a kink gets the whole gradient: tied "
            "entries have to share it", evidence,
        )  # fmt: skip


def _explained(report: Any, probes: list[Probe]) -> Iterator[Cause]:
    """Guesses that hold at all probes: about the function as a whole for each wrong input, then
    about single steps of it, where one mistake explains all inputs."""
    problem = report.point.problem
    wrong = [i for i in range(len(problem.names)) if any(p.is_wrong(i) for p in probes)]
    evidence = f"holds for every entry on {len(probes)} generic probes"
    whole = [_holding(probes, i) for i in wrong]
    # Where one guess explains each wrong input, it comes first; else a single step that does.
    common = [g for g in whole[0] if all(g.kind in {o.kind for o in other} for other in whole)]
    local = list(_local(problem, probes))
    rest = [] if local or common else [g for found in whole for g in found]
    kinds: dict[str, Cause] = {}
    ranked: list[Guess | Mistake] = [*common, *local, *rest]
    for g in ranked:
        prefix = (
            "" if g in local or len(problem.names) == 1 else f"{_owner(problem, whole, wrong, g)}: "
        )
        kinds.setdefault(g.kind, Cause(g.kind, prefix + g.text, evidence))
    yield from kinds.values()


def _owner(problem: Any, whole: list[list[Guess]], wrong: list[int], guess: Any) -> str:
    return ", ".join(
        problem.names[i] for i, found in zip(wrong, whole, strict=True)
        if guess.kind in {g.kind for g in found}
    )  # fmt: skip


def _holding(probes: list[Probe], i: int) -> list[Guess]:
    """The guesses that are near the gradient for input `i` at every probe."""
    drawn = [
        {(g.kind, g.text): g for g in guesses(p, i) if is_near(p.analytic[i], g.value)}
        for p in probes
    ]
    return [g for key, g in drawn[0].items() if all(key in found for found in drawn)]


def _local(problem: Any, probes: list[Probe]) -> Iterator[Mistake]:
    """Mistakes at one step of the computation that explain all inputs at all probes."""
    first, *others = probes
    found = {(m.kind, m.text): m for m in mistakes(problem, first) if _explains(m.values, first)}
    for p in others:
        if found:
            held = {(m.kind, m.text) for m in mistakes(problem, p, set(found))
                    if _explains(m.values, p)}  # fmt: skip
            found = {key: m for key, m in found.items() if key in held}
    yield from found.values()


def _explains(values: list[np.ndarray], probe: Probe) -> bool:
    return all(is_near(_summed(a, e.shape), e) for a, e in zip(probe.analytic, values, strict=True))


def _summed(a: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    try:
        return a if a.shape == shape else np.asarray(sum_to(a, shape))
    except ValueError:
        return a
