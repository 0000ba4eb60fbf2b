"""What is to be said of each entry of a gradient, and nothing beyond the error bars."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from autodiff.testing.line import Slopes
from autodiff.testing.numeric import slopes
from autodiff.testing.point import CANCELLED, Point

__all__ = ["OK", "OUTSIDE", "UNDECIDED", "WRONG", "Rules", "Verdict", "compare", "judge"]

OK, WRONG, UNDECIDED = 0, 1, 2
KIND = (OK, UNDECIDED, WRONG)
BARS = 10.0
"""A difference counts from so many error bars on."""
FLAT = 1e-10
"""A derivative so much smaller than the largest secant slope is as good as zero."""
OUTSIDE = "outside the gradients around the kink"
NEAR = 2.0**-14
"""How far beside a point without a derivative gradients are taken, relative to each entry."""


@dataclass
class Verdict:
    """The entries of a gradient, judged.

    Attributes
    ----------
    which : ndarray
        The entries of the point's vector that were looked at.
    state : ndarray
        `OK`, `WRONG` or `UNDECIDED` for each.
    analytic, numeric, error : ndarray
        What was compared.
    kink : ndarray of bool
        Whether the entry has no derivative there.
    note : dict
        For some entries, more than the numbers say.
    """

    which: np.ndarray
    state: np.ndarray
    analytic: np.ndarray
    numeric: np.ndarray
    error: np.ndarray
    kink: np.ndarray
    note: dict[int, str]


@dataclass(frozen=True)
class Rules:
    """How to judge.

    Attributes
    ----------
    rtol : float
    atol : float
    kinks : {"subgradient", "strict", "skip"}
    slack : ndarray or float
        What rounding in the gradient's own dtype may add to each entry.
    """

    rtol: float
    atol: float
    kinks: str
    slack: np.ndarray | float = 0.0

    def of(self, which: np.ndarray) -> Rules:
        """The rules for some of the entries."""
        slack = self.slack[which] if isinstance(self.slack, np.ndarray) else self.slack
        return replace(self, slack=slack)


def compare(a: np.ndarray, found: Slopes, rules: Rules) -> np.ndarray:
    """The state of each entry whose derivative exists."""
    n, bar = found.value, BARS * found.error
    size = np.maximum(np.abs(a), np.abs(n))
    apart = np.abs(a - n)
    limit = rules.rtol * size + rules.atol + bar + FLAT * found.size + rules.slack
    sure = bar <= np.maximum(1e-3 * size + rules.slack, 1e-6 * found.size)
    state = np.where(apart > limit, WRONG, np.where(sure | (a == n), OK, UNDECIDED))
    # Where slopes grow at every smaller step, the derivative may be larger than any of them.
    larger = (found.infinite != 0) & (a * found.infinite >= 0.5 * found.size)
    state = np.where(larger & (state == WRONG), UNDECIDED, state)
    return np.where(np.isfinite(n) & np.isfinite(a), state, _without_number(a, found))


def _without_number(a: np.ndarray, found: Slopes) -> np.ndarray:
    """States where one side has no finite number."""
    sure = BARS * found.error <= np.maximum(1e-3 * np.abs(found.value), 1e-6 * found.size)
    known = np.isfinite(found.error) & (found.infinite == 0) & (sure | (found.size == 0))
    right = np.isinf(a) & (np.sign(a) == found.infinite)
    other = known | (found.kink & (found.infinite == 0)) | ((found.infinite != 0) & ~right)
    wrong = ~np.isfinite(a) & found.whole & other
    return np.where(right, OK, np.where(wrong, WRONG, UNDECIDED))


def judge(
    point: Point, a: np.ndarray, which: np.ndarray, rules: Rules, rng: np.random.Generator,
    method: str = "auto",
) -> Verdict:  # fmt: skip
    """Compare entries of the gradient `a` with derivatives from values alone.

    What a fast way does not find right is looked at again, each entry alone. Before anything is
    called wrong, it is asked how well rounding lets the gradient be known, and one entry is looked
    at by steps of every size.
    """
    if not which.size:
        none = np.zeros(0)
        return Verdict(which, np.zeros(0, int), none, none, none, np.zeros(0, bool), {})
    case = _Judge(point, a, which, rules, rng, point.entries(which, rng, method))
    return case.verdict() if method == "complex" else case.sure_verdict()


@dataclass
class _Judge:
    """What is compared, and the derivatives that are known so far."""

    point: Point
    a: np.ndarray
    which: np.ndarray
    rules: Rules
    rng: np.random.Generator
    found: Slopes

    def sure_verdict(self) -> Verdict:
        """The verdict, after another look at all that is not found right."""
        doubtful = ~self.found.alone & ((self._states() != OK) | self.found.kink)
        if again := np.flatnonzero(doubtful).tolist():
            self.found.put(np.array(again), self.point.entries_alone(self.which[again]))
        verdict = self.verdict()
        if np.any(verdict.state == WRONG):
            lost = CANCELLED * self.point.rounding(self.rng) + self.point.cancelled(1)
            self.rules = replace(self.rules, slack=np.maximum(self.rules.slack, lost))
            verdict = self.verdict()
        confirmed = False  # one will do
        while not confirmed and np.any(wrong := verdict.state == WRONG) and not self.point.is_spent:
            k = int(np.argmax(wrong))
            verdict = self._closer(k)
            confirmed = bool(verdict.state[k] == WRONG)
        return verdict

    def _closer(self, k: int) -> Verdict:
        """The verdict after a closer look at one entry, of two ways to read it the kinder one."""
        readings = self.point.entry_closely(int(self.which[k]))
        verdicts = [self._read(k, closer) for closer in readings]
        best = min(range(len(readings)), key=lambda i: KIND.index(verdicts[i].state[k]))
        return self._read(k, readings[best])

    def _read(self, k: int, closer: Slopes) -> Verdict:
        self.found.put(np.array([k]), closer)
        return self.verdict()

    def _states(self) -> np.ndarray:
        return compare(self.a[self.which], self.found, self.rules.of(self.which))

    def verdict(self) -> Verdict:
        """The verdict by the derivatives that are known, also where there is none."""
        state, kink = self._states(), self.found.kink.copy()
        if np.any((state == WRONG) & ~kink) and not kink.all() and self._is_on_a_kink():
            kink |= state == WRONG
        state[kink] = UNDECIDED
        value, error = self.found.value.copy(), self.found.error.copy()
        verdict = Verdict(self.which, state, self.a[self.which], value, error, kink, {})
        if kink.any() and self.rules.kinks != "skip":
            _judge_kinks(self.point, self.a, verdict, self.rules, self.rng)
        return verdict

    def _is_on_a_kink(self) -> bool:
        """Whether the function has a kink along a direction that is no axis."""
        point = self.point
        if point.z.size < 2:
            return False
        rows = point.scales[0] * self.rng.normal(size=(4, point.z.size))
        return bool(np.any(slopes(point.line, rows, [np.ones(4)]).kink))


def _judge_kinks(
    point: Point, a: np.ndarray, verdict: Verdict, rules: Rules, rng: np.random.Generator
) -> None:
    """The gradient beside the kink has to be right, and the one at it between those around."""
    places = verdict.which[verdict.kink]
    if rules.kinks == "strict":
        verdict.state[verdict.kink] = WRONG
        verdict.note.update({int(i): "no derivative there" for i in places})
        return
    hull = _Hull(point, places, rng)
    beside = hull.wrong_beside(rules, rng)
    if beside:
        verdict.state[verdict.kink] = [WRONG if i in beside else OK for i in places]
        verdict.note.update(beside)
        for i in beside:
            verdict.analytic[verdict.which == i], verdict.numeric[verdict.which == i] = (
                hull.beside_numbers[i]
            )
    elif not hull.known:
        return
    elif hull.holds(a[places], rng):
        verdict.state[verdict.kink] = OK
    else:
        outside = hull.outside(a[places])
        wrong = outside if outside.any() else np.ones(len(places), bool)
        verdict.state[verdict.kink] = np.where(wrong, WRONG, OK)
        verdict.note.update({int(i): OUTSIDE for i in places[wrong]})


class _Hull:
    """The gradients around a point without a derivative, by the entries in `places`.

    Where a function has no gradient, any mixture of those around is a subgradient (Clarke,
    Optimization and Nonsmooth Analysis, 1983). A set and its hull have the same support
    function, so a point outside shows along some direction.
    """

    def __init__(self, point: Point, places: np.ndarray, rng: np.random.Generator) -> None:
        self.point, self.places = point, places
        own, _, unit = point.scales
        self.reach = NEAR * np.where(point.z == 0, np.minimum(own, unit), own)
        self.patterns: list[np.ndarray] = []
        self.gradients: list[np.ndarray] = []
        self.beside_numbers: dict[int, tuple[float, float]] = {}
        for _ in range(8 + 6 * min(len(places), 12)):
            self._look(rng.uniform(0.5, 1.5, point.z.size) * rng.choice([-1, 1], point.z.size))

    @property
    def known(self) -> bool:
        """Whether there is any gradient around."""
        return bool(self.gradients)

    def _look(self, pattern: np.ndarray) -> np.ndarray | None:
        moved = self.point.moved(self.point.z + self.reach * pattern)
        gradient = moved.gradient()[self.places]
        if not np.all(np.isfinite(gradient)):
            return None
        self.patterns.append(pattern)
        self.gradients.append(gradient)
        return gradient

    def wrong_beside(self, rules: Rules, rng: np.random.Generator) -> dict[int, str]:
        """Entries of which the gradient is wrong at two points beside the kink."""
        wrong: dict[int, str] = {}
        pattern = rng.uniform(0.5, 1.0, self.reach.size) * rng.choice([-1, 1], self.reach.size)
        for signs in (pattern, -pattern):  # so that each entry is seen on both sides
            moved = self.point.moved(self.point.z + self.reach * signs)
            rows = np.eye(self.point.z.size)[self.places]
            found = slopes(moved.line, rows, [self.reach[self.places] / 4])
            a = moved.gradient()[self.places]
            state = compare(a, found, Rules(max(rules.rtol, 1e-5), rules.atol, "skip"))
            for k in np.flatnonzero((state == WRONG) & ~found.kink):
                place = int(self.places[k])
                wrong[place] = f"beside the kink, {self.reach[place] * signs[place]:+.1e} off"
                self.beside_numbers[place] = (float(a[k]), float(found.value[k]))
        return wrong

    def outside(self, a: np.ndarray) -> np.ndarray:
        """Which entries lie outside the range that they have around."""
        around, slack = np.array(self.gradients), self._slack()
        return (a > around.max(axis=0) + slack) | (a < around.min(axis=0) - slack)

    def _slack(self) -> float:
        around = np.abs(self.gradients)
        return 1e-2 * float(around.max())

    def holds(self, a: np.ndarray, rng: np.random.Generator) -> bool:
        """Whether `a` is within the hull, by its support along directions."""
        if not np.all(np.isfinite(a)):
            return False
        random = rng.normal(size=(2 * len(a) + 4, len(a)))
        random /= np.linalg.norm(random, axis=1, keepdims=True)
        whole = np.ones((1, len(a))) / np.sqrt(len(a))
        for d in np.vstack([np.eye(len(a)), -np.eye(len(a)), whole, -whole, random]):
            support = max(g @ d for g in self.gradients)
            if a @ d > support + self._slack() and a @ d > self._climb(d) + self._slack():
                return False
        return True

    def _climb(self, d: np.ndarray) -> float:
        """A better support along `d`: from the best gradient known, turn one entry at a time."""
        best = max(range(len(self.gradients)), key=lambda k: self.gradients[k] @ d)
        support, pattern = float(self.gradients[best] @ d), self.patterns[best]
        for place in (*self.places, *self.places):
            turned = pattern.copy()
            turned[place] *= -1
            gradient = self._look(turned)
            if gradient is not None and gradient @ d > support:
                support, pattern = float(gradient @ d), turned
        return support
