"""Why a gradient is wrong: guesses, each printed only if it explains every entry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from autodiff.testing.guesses import WHOLE, guesses
from autodiff.testing.point import Point, joined
from autodiff.testing.probes import Guess, Probe, is_near, make_probes
from autodiff.testing.steps import Mistake, mistakes
from autodiff.testing.verdict import OUTSIDE

__all__ = ["KINDS", "Cause", "diagnose"]

KINDS = (
    "no gradient", "dropped path", "sign", "constant factor", "wrong reduction",
    "missing transpose", "result transposed", "swapped inputs", "leak", "duplicate index",
    "permuted", "diagonal only", "cotangent ignored", "cotangent applied twice",
    "derivative at the result", "missing local factor", "epsilon", "few entries", "nan", "ties",
    "float32 inside", "cotangent mutated", "input mutated", "state", "nondeterministic",
    "aliasing", "wrong shape", "wrong dtype",
)  # fmt: skip
"""Of those that explain the same, the plainer comes first."""
LATE = ("missing local factor", "derivative at the result")
"""Where a path is forgotten, what is left may look like one of these."""
ROUGH = 1e-9
"""A gradient in float64 is as smooth as that, relative to its largest entry."""
SMALL = 1e-4
"""And one that is off by rounding is not further off."""
FEW = 0.05
"""So small a share of an input's entries is a few."""


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
        values_are_right = report.broken and not report.wrong.size and "shape" not in report.broken
        if values_are_right or any(c.kind not in _SAID.values() for c in broken):
            return broken
        if found := list(_at_the_point(report)):
            return found
        return [*_explained(report), *broken] or [*_few(report)] or [*_explained(report, True)]


def _broken(report: Any) -> Iterator[Cause]:
    """What a broken contract says by itself."""
    for name, text in report.broken.items():
        if kind := _kind(name, text, report.point):
            yield Cause(kind, text + _MORE.get(kind, ""), SEEN)


SEEN = "seen at the failing example"
_SAID = {"aliasing": "aliasing", "dtype": "wrong dtype", "shape": "wrong shape"}
_MORE = {
    "cotangent ignored": ": it is left out",
    "cotangent applied twice": ": it is applied twice",
    "float32 inside": ", by as much as float32 rounds: some of it is computed in float32",
}


def _kind(name: str, text: str, point: Point) -> str:
    if name == "mutation":
        return "cotangent mutated" if "the cotangent" in text else "input mutated"
    if name == "determinism":
        return "state" if _keeps_state(point) or "after a call" in text else "nondeterministic"
    return _linearity(point) if name == "linearity" else _SAID.get(name, "")


def _keeps_state(point: Point) -> bool:
    """Whether calls in a row differ in a regular way: each adds the same, or all but the first
    are equal."""
    steps = np.diff([_gradient(point) for _ in range(4)], axis=0)
    return all(is_near(s, steps[0]) for s in steps[1:]) or not np.any(steps[1:])


def _linearity(point: Point) -> str:
    one, two = _gradient(point), _gradient(point, scale=2.0)
    if np.any(one) and is_near(two, one):
        return "cotangent ignored"
    if is_near(two, 4 * one):
        return "cotangent applied twice"
    return "float32 inside" if _is_rough(point) else ""


def _gradient(point: Point, move: float = 0.0, scale: float = 1.0) -> np.ndarray:
    """The gradient for copies, moved a little all at once and with another cotangent."""
    inputs, cotangents = (
        [np.asarray(x * (1 + move * np.resize([1.0, -0.75, 0.5], x.shape)), x.dtype) for x in given]
        for given in (point.inputs, point.cotangents)
    )
    return joined(point.problem.gradients(inputs, [scale * v for v in cotangents]))


def _is_rough(point: Point) -> bool:
    """Whether the gradient for inputs in float64 moves by steps, as small as those of float32."""
    if any(x.dtype != np.float64 for x in point.inputs):
        return False
    below, here, above = (_gradient(point, move) for move in (-1e-6, 0.0, 1e-6))
    bend = np.max(np.abs(above - 2 * here + below), initial=0.0)
    largest = np.max(np.abs(here), initial=0.0)
    return bool(ROUGH * largest < bend < SMALL * largest)


def _at_the_point(report: Any) -> Iterator[Cause]:
    """What the failing example itself shows."""
    v, wrong = report.verdict, report.wrong
    if not wrong.size:
        return
    analytic, numeric = v.analytic[wrong], v.numeric[wrong]
    if np.all(~np.isfinite(analytic)):
        entry = report.entries_at(wrong[:1])[0]
        x = float(report.point.z[v.which[wrong[0]]])
        yield Cause("nan", f"{entry.analytic} where the derivative is finite: 0 * inf, 0 / 0 or "
                    f"inf - inf at {entry.name} = {x:g}", SEEN)  # fmt: skip
    elif len(wrong) > 1 and all(v.note.get(int(i)) == OUTSIDE for i in v.which[wrong]):
        yield Cause("ties", "each of several entries that share a kink gets the whole gradient: "
                    "tied entries have to share it", SEEN)  # fmt: skip
    elif _is_close(analytic, numeric) and _is_rough(report.point):
        yield Cause("float32 inside", "off by as much as float32 rounds: some of it is computed in "
                    "float32", SEEN)  # fmt: skip


def _is_close(a: np.ndarray, b: np.ndarray) -> bool:
    return bool(np.max(np.abs(a - b)) < SMALL * np.max(np.abs(b)))


def _few(report: Any) -> Iterator[Cause]:
    """Nearly all entries are right."""
    wrong, checked = report.wrong, report.checked
    if 0 < wrong.size <= FEW * checked and not np.any(report.verdict.kink):
        names = ", ".join(entry.name for entry in report.entries_at(wrong))
        text = f"only a few entries are wrong, {names}: those beside them are right"
        yield Cause("few entries", text, SEEN)


def _explained(report: Any, alone: bool = False) -> Iterator[Cause]:
    """Mistakes that explain the gradients for all inputs at fresh probes; or, of several mistakes,
    those that explain the gradient for one input `alone`."""
    probes = make_probes(report.point.problem, report.options.draw)
    names, on = report.point.problem.names, f"on {len(probes)} generic probes"
    wrong = [i for i in range(len(names)) if any(p.is_wrong(i) for p in probes)]
    whole = {i: _holding(probes, i) for i in wrong}
    kinds: dict[str, Cause] = {}
    for where, guess in _ranked(probes, whole) if probes else ():
        owners = ", ".join(names[i] for i in where)
        text = f"{owners}: {guess.text}" if where and len(names) > 1 else guess.text
        kinds.setdefault(guess.kind, Cause(guess.kind, text, f"holds for every entry {on}"))
    for i, found in whole.items() if alone else ():
        for guess in found[:1]:
            yield Cause(guess.kind, f"{names[i]}: {guess.text}", f"holds for {names[i]} alone {on}")
    yield from kinds.values()


def _ranked(
    probes: list[Probe], whole: dict[int, list[Guess]]
) -> Iterator[tuple[list[int], Guess | Mistake]]:
    """Mistakes and the inputs they are about, the likeliest first: those about the function as a
    whole, then those at a step."""
    common = list(_common(probes, whole))
    steps = sorted(mistakes(probes, bool(common)), key=lambda m: KINDS.index(m.kind))
    late = [(i, g) for i, g in common if g.kind in LATE]
    yield from ((i, g) for i, g in common if g.kind not in LATE)
    yield from (([], m) for m in steps if m.kind == "dropped path")
    yield from late
    yield from (([], m) for m in steps)


def _common(
    probes: list[Probe], whole: dict[int, list[Guess]]
) -> Iterator[tuple[list[int], Guess]]:
    """Guesses of which one kind explains every wrong input, by itself or as a consequence."""
    for i, found in whole.items():
        for guess in found:
            like = [j for j, other in whole.items() if guess.kind in {g.kind for g in other}]
            if all(j in like or _follows(probes, i, j) for j in whole):
                yield like, guess


def _follows(probes: list[Probe], i: int, j: int) -> bool:
    """Whether one wrong cotangent explains the gradients for both inputs."""
    for p in probes:
        a = p.analytic[i].ravel()
        if a.size != p.blocks[i].shape[1]:
            return False
        v, *_ = np.linalg.lstsq(p.blocks[i].T, a, rcond=None)
        if not is_near(p.analytic[j].ravel(), v @ p.blocks[j]) or not is_near(v @ p.blocks[i], a):
            return False
    return True


def _holding(probes: list[Probe], i: int) -> list[Guess]:
    """The guesses that are near the gradient for input `i` at every probe."""
    found: dict[tuple[str, str], Guess] = {}
    for number, p in enumerate(probes):
        held = {(g.kind, g.text): g for g in guesses(p, i, WHOLE)
                if is_near(p.analytic[i], g.value)}  # fmt: skip
        found = {key: g for key, g in held.items() if key in found or not number}
        if not found:
            break
    return list(found.values())
