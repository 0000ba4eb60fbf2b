"""What a check found, as data and as text."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from autodiff.testing.causes import Cause, diagnose
from autodiff.testing.failure import GradientError, UndecidedError
from autodiff.testing.point import Point
from autodiff.testing.text import call_of, failure, summary
from autodiff.testing.verdict import OK, UNDECIDED, WRONG, Verdict

__all__ = ["Entry", "GradientReport"]


ZERO = 1e-2
"""What is right and differs by more, relatively, is right for being as good as zero."""


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
    """What `check_gradients` found, which makes it; ``print`` shows it as text.

    Attributes
    ----------
    checks : dict
        For each check of the contract what is wrong, None where nothing is.
    second, first : GradientReport or None
        That of the second derivatives; and for these, that of the first.
    """

    def __init__(self, point: Point, options: Any) -> None:
        self.point = point
        self.options = options
        self.checks: dict[str, str | None] = {}
        self.gradient: np.ndarray = np.zeros(0)
        self.verdict: Verdict | None = None
        self.second: GradientReport | None = None
        self.first: GradientReport | None = None

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
        """Take what is undecided for right, by other evidence than numbers."""
        if self.verdict is not None:
            places = self._where(UNDECIDED)
            self.verdict.state[places], self.verdict.numeric[places] = OK, np.nan

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
        usable = (relative <= ZERO) | (v.state == WRONG)
        usable &= np.isfinite(relative) & ~v.kink & (v.state != UNDECIDED)
        beyond = np.abs(v.analytic - v.numeric) > 10 * v.error
        return float(np.max(np.where(usable & beyond, relative, 0.0), initial=0.0))

    @property
    def digits(self) -> float:
        """To how many digits gradient and derivative agree, 16 at most."""
        return float(-np.log10(max(self.max_rel, 1e-16)))

    def require_right(self) -> None:
        """Raise what was found, if it is not right.

        Raises
        ------
        GradientError
            If something is wrong.
        UndecidedError
            If more than half of the entries could not be decided.
        """
        if not self.ok:
            raise (GradientError if self.is_wrong else UndecidedError)("", self)

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
            relative = float(np.divide(apart, np.fmax(abs(a), abs(n)))) if apart else 0.0
            ulp = apart / float(np.spacing(np.abs(np.asarray(n, x.dtype)))) if apart else 0.0
        states = {OK: "ok", WRONG: "wrong", UNDECIDED: "undecided"}
        note = v.note.get(int(v.which[k]), "")
        return Entry(name, a, n, float(v.error[k]), relative, ulp, states[int(v.state[k])], note)

    @property
    def wrong_inputs(self) -> list[int]:
        """The numbers of the inputs of which an entry is wrong."""
        return sorted({self.point.place(int(self.verdict.which[k]))[0] for k in self.wrong})  # type: ignore[union-attr]

    @property
    def is_whole(self) -> bool:
        """Whether entries were looked at one by one, not along directions of many."""
        return self.verdict is None or not self.checked or bool(self.verdict.which[0] >= 0)

    @property
    def kinks(self) -> int:
        """How many entries have no derivative."""
        return 0 if self.verdict is None else int(np.sum(self.verdict.kink))

    @property
    def reproduce(self) -> str:
        """A line that checks the same again when pasted."""
        return call_of(self)

    def __repr__(self) -> str:
        return f"<GradientReport of {self.name}: {summary(self)}>"

    def __str__(self) -> str:
        if self.second is not None and not self.second.ok:
            return str(self.second)
        title = self.point.problem.title
        return f"{title}: {summary(self)}" if self.ok else failure(self)
