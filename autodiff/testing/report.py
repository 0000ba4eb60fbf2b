"""What a check found, as data and as text."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from autodiff.testing.causes import Cause, diagnose
from autodiff.testing.failure import GradientError
from autodiff.testing.point import Point
from autodiff.testing.verdict import OK, UNDECIDED, WRONG, Verdict

__all__ = ["Entry", "GradientReport"]

SHOWN = 8
"""So many wrong entries are printed."""
PRINTABLE = 400
"""An input of more entries is not printed whole."""


@dataclass(frozen=True)
class Entry:
    """One entry of a gradient.

    Attributes
    ----------
    name : str
        Input and place: ``w[1, 0]``.
    analytic, numeric, error : float
        The gradient to check, the derivative by values, and how far that may be off.
    relative : float
        Their difference relative to the larger.
    ulp : float
        Their difference in units in the last place of the gradient's dtype.
    state : {"ok", "wrong", "undecided"}
    note : str
    """

    name: str
    analytic: float
    numeric: float
    error: float
    relative: float
    ulp: float
    state: str
    note: str = ""


class GradientReport:
    """What `check_gradients` found.

    Attributes
    ----------
    checks : dict
        For each check of the contract what is wrong, None where nothing is.
    second : GradientReport or None
        That of the second derivatives.
    """

    def __init__(self, point: Point, options: Any) -> None:
        self.point = point
        self.options = options
        self.checks: dict[str, str | None] = {}
        self.gradient: np.ndarray = np.zeros(0)
        self.verdict: Verdict | None = None
        self.second: GradientReport | None = None

    @cached_property
    def causes(self) -> list[Cause]:
        """What would explain the failure, the likeliest first; looked for when asked."""
        return [] if self.ok else diagnose(self)

    @property
    def name(self) -> str:
        """The function's."""
        return self.point.problem.name

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong, and at least half could be decided."""
        second = self.second
        return not (self.is_wrong or self.is_vacuous or (second is not None and not second.ok))

    @property
    def is_wrong(self) -> bool:
        """Whether something is wrong, in what could be decided."""
        below = self.second is not None and self.second.is_wrong
        return bool(self.broken or self.wrong.size or below)

    @property
    def broken(self) -> dict[str, str]:
        """The checks of the contract that failed."""
        return {name: text for name, text in self.checks.items() if text}

    @property
    def wrong(self) -> np.ndarray:
        """Numbers of the wrong entries in the verdict."""
        return self._where(WRONG)

    @property
    def undecided(self) -> int:
        """How many entries could not be decided."""
        return len(self._where(UNDECIDED))

    @property
    def checked(self) -> int:
        """How many entries (or directions, for large inputs) were looked at."""
        return 0 if self.verdict is None else len(self.verdict.state)

    @property
    def is_vacuous(self) -> bool:
        """Whether more than half could not be decided."""
        return 2 * self.undecided > self.checked

    def settle(self) -> None:
        """Take what is undecided for right."""
        if self.verdict is not None:
            self.verdict.state[self._where(UNDECIDED)] = OK

    def _where(self, state: int) -> np.ndarray:
        found = np.zeros(0, bool) if self.verdict is None else self.verdict.state == state
        return np.flatnonzero(found)

    @property
    def entries(self) -> list[Entry]:
        """The entries that were looked at, in the order of the inputs."""
        return [self._entry(k) for k in range(self.checked) if self.verdict.which[k] >= 0]  # type: ignore[union-attr]

    @property
    def max_rel(self) -> float:
        """The largest relative difference among entries that have a derivative."""
        v = self.verdict
        if v is None or not v.state.size:
            return 0.0
        with np.errstate(all="ignore"):
            relative = np.abs(v.analytic - v.numeric) / np.maximum(abs(v.analytic), abs(v.numeric))
        usable = np.isfinite(relative) & ~v.kink & (v.state != UNDECIDED)
        beyond = np.abs(v.analytic - v.numeric) > 10 * v.error
        return float(np.max(np.where(usable & beyond, relative, 0.0), initial=0.0))

    @property
    def digits(self) -> float:
        """To how many digits gradient and derivative agree, 16 at most."""
        return float(-np.log10(max(self.max_rel, 1e-16)))

    def require_right(self) -> None:
        """Raise what was found, if it is not right."""
        if not self.ok:
            raise GradientError("", self)

    def entries_at(self, places: np.ndarray) -> list[Entry]:
        """The entries of these numbers in the verdict."""
        return [self._entry(int(k)) for k in places]

    def _entry(self, k: int) -> Entry:
        v = self.verdict
        assert v is not None
        which, place = self.point.place(int(v.which[k]))
        a, n, x = float(v.analytic[k]), float(v.numeric[k]), self.point.inputs[which]
        name = self.point.problem.names[which] + (
            f"[{', '.join(map(str, place))}]" if place else ""
        )
        with np.errstate(all="ignore"):
            apart = abs(a - n)
            relative = apart / max(abs(a), abs(n)) if apart else 0.0
            ulp = apart / float(np.spacing(np.abs(np.asarray(n, x.dtype)))) if apart else 0.0
        states = {OK: "ok", WRONG: "wrong", UNDECIDED: "undecided"}
        note = v.note.get(int(v.which[k]), "")
        return Entry(name, a, n, float(v.error[k]), relative, ulp, states[int(v.state[k])], note)

    def __repr__(self) -> str:
        return f"<GradientReport of {self.name}: {self._verdict_line()}>"

    def __str__(self) -> str:
        if self.ok:
            return f"gradient of {self.name}(): {self._verdict_line()}"
        if self.second is not None and not self.second.ok:
            return str(self.second)
        return "\n".join([self._title(), *self._body()])

    def _verdict_line(self) -> str:
        what = "entries" if self.checked == 0 or self.verdict.which[0] >= 0 else "directions"  # type: ignore[union-attr]
        counted = f"{self.checked} {what}, {self.undecided} undecided"
        kinks = 0 if self.verdict is None else int(np.sum(self.verdict.kink))
        counted += f", {kinks} without a derivative" if kinks else ""
        return f"{'right' if self.ok else 'WRONG'} to {self.digits:.1f} digits in {counted}"

    def _title(self) -> str:
        problem = self.point.problem
        if self.wrong.size:
            owners = [self.point.place(int(self.verdict.which[k]))[0] for k in self.wrong]  # type: ignore[union-attr]
            first = owners[0]
            total = sum(self.point.place(int(i))[0] == first for i in self.verdict.which)  # type: ignore[union-attr]
            shape = self.point.inputs[first].shape
            return (
                f"gradient of {self.name}() with respect to input {first} "
                f"({problem.names[first]!r}, shape {shape}) is wrong in "
                f"{owners.count(first)} of {total} entries{self._sampled()}"
            )
        if self.broken:
            return f"gradient of {self.name}(): {next(iter(self.broken.values()))}"
        return (
            f"gradient of {self.name}() cannot be decided in {self.undecided} of {self.checked} "
            "entries: the values there are too rough, or not finite, for difference quotients"
        )

    def _sampled(self) -> str:
        size = sum(x.size for x in self.point.inputs)
        return f" looked at, of {size:,}" if self.checked < size else ""

    def _body(self) -> list[str]:
        lines = [f"  smallest failing example   {self._example()}"]
        if self.wrong.size:
            lines += self._table()
        lines.append(f"  also tried   {self._tried()}")
        if self.causes:
            named, *others = self.causes
            lines += [f"  likely cause ({named.evidence}):", f"    - {named.text}"]
            rest = [f"    - {cause.text}" for cause in others]
            lines += ["  not excluded:", *rest] if rest else ["  not excluded: none"]
        elif self.wrong.size:
            lines.append("  likely cause: none of those known explains every entry")
        return [*lines, f"  reproduce: {self.reproduce}"]

    def _example(self) -> str:
        pairs = list(zip(self.point.problem.names, self.point.inputs, strict=True))
        pairs += [("cotangent", v) for v in self.point.cotangents]
        return "   ".join(f"{name} = {_short(x)}" for name, x in pairs)

    def _table(self) -> list[str]:
        rows = [("entry", "analytic", "numeric (+- error)", "relative", "ULP", "")]
        for k in self.wrong[:SHOWN]:
            e = self._entry(int(k))
            numeric = f"{e.numeric:.10g} (+- {e.error:.1g})"
            rows.append((e.name, f"{e.analytic:.10g}", numeric, f"{e.relative:.2g}",
                         f"{e.ulp:.2g}", e.note))  # fmt: skip
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  " + "  ".join(f"{c:{w}}" for c, w in zip(row, widths, strict=True)).rstrip()
                 for row in rows]  # fmt: skip
        more = len(self.wrong) - SHOWN
        return [*lines, f"  and {more} more"] if more > 0 else lines

    def _tried(self) -> str:
        kinks = self.verdict is not None and bool(self.verdict.kink.any())
        words = [f"kink: {'yes' if kinks else 'no'}"]
        for name, label in (("determinism", "deterministic"), ("linearity", "linear in cotangent")):
            if name in self.checks:
                words.append(f"{label}: {'no' if self.checks[name] else 'yes'}")
        words += [text for text in self.broken.values() if self.wrong.size]
        if self.verdict is not None and len(self.point.inputs) > 1:
            wrong = {self.point.place(int(self.verdict.which[k]))[0] for k in self.wrong}
            words.append("other inputs: " + (", ".join(
                f"{n} ok" for i, n in enumerate(self.point.problem.names) if i not in wrong
            ) or "wrong too"))  # fmt: skip
        return "   ".join(words)

    @property
    def reproduce(self) -> str:
        """A line that checks the same again when pasted."""
        problem = self.point.problem
        inputs = [
            _pasted(x, name) for name, x in zip(problem.names, self.point.inputs, strict=True)
        ]
        source = problem.source
        given = [problem.code or problem.name, *problem.call_texts(inputs)]
        given += [source.by] if source.by else []
        given += [f"kwargs={source.kwargs!r}"] if source.kwargs else []
        if self.options.cotangent is not None:
            pasted = ", ".join(_pasted(v, "cotangent") for v in self.point.cotangents)
            single = len(self.point.cotangents) == 1
            given.append(f"cotangent={pasted}" if single else f"cotangent=({pasted})")
        if not isinstance(self.options.seed, np.random.Generator):
            given.append(f"seed={self.options.seed!r}")
        return f"check_gradients({', '.join(given)})"


def _short(x: np.ndarray) -> str:
    with np.printoptions(precision=6, threshold=30, edgeitems=2, suppress=False):
        text = np.array2string(x, separator=", ")
    return " ".join(text.split())


def _pasted(x: np.ndarray, name: str) -> str:
    if x.size > PRINTABLE:
        return f"{name}"
    with np.printoptions(threshold=PRINTABLE + 1, floatmode="unique", precision=None):
        text = " ".join(np.array2string(x, separator=", ", max_line_width=10**6).split())
    dtype = "" if x.dtype == np.float64 else f", np.{x.dtype}"
    if not x.size:
        return f"np.zeros({x.shape}{dtype})"
    return f"np.array({text}{dtype})"
