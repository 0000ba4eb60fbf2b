"""Derivatives from values alone, each with an error bar.

Central differences along many directions at once, extrapolated to a step of zero (Ridders,
Advances in Engineering Software 4, 1982), from several starting steps; a number counts only
where two starts agree.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from autodiff.testing.groups import Groups
from autodiff.testing.line import Line, Slopes
from autodiff.testing.tableau import Tableau

__all__ = ["slopes", "slopes_closely"]

STARTS = (-3, -7)
"""The first starting steps, as powers of two of the scale of the direction."""
LATER = (-11, -15, -1)
LEVELS = 6
SETTLED = 1e-8
"""Two starts have to agree so far, relative to the derivative."""
UNSEEN = 1e-9
"""So much of a derivative may have been lost in rounding before it is looked for."""
WITHIN = 1e-9
"""Rounding within a function is easily so much of its results."""
ROUGHEST = 1e-2
"""It may be so much of them, and no more."""
TINY = 2.0**-1070
"""Results are rounded off by so much at least: products of small numbers vanish."""


@dataclass
class _Seen:
    """What the evaluations of one start have shown; one entry of the lists for each step."""

    changed: np.ndarray
    inside: np.ndarray
    groups: Groups | None = None
    lengths: list[np.ndarray] = field(default_factory=list)
    central: list[np.ndarray] = field(default_factory=list)
    ahead: list[np.ndarray] = field(default_factory=list)
    behind: list[np.ndarray] = field(default_factory=list)
    noise: list[np.ndarray] = field(default_factory=list)


def slopes(
    line: Line, rows: np.ndarray, scales: Sequence[np.ndarray], together: bool = False
) -> Slopes:
    """Derivatives along the rows of a matrix.

    Parameters
    ----------
    line : Line
    rows : ndarray
        ``(directions, entries of z)``
    scales : sequence of ndarray
        For each direction the size of a step; more than one, in the order in which they are
        tried where nothing certain has come of those before.
    together : bool
        Whether directions which move different results, as far as can be seen, are moved along
        at once. It is faster; what is not as expected should be looked at again alone.
    """
    with _quietly():
        found = _Search(line, rows)
        if together and len(rows) > 1:
            found.group(scales[0] * 2.0 ** STARTS[0])
        for steps, is_own in _starts(scales):
            places = found.everywhere if is_own else found.unsettled()
            if not places.size:
                break
            found.start(steps, places, is_own)
            if len(found.own) == len(STARTS) and is_own:
                found.look_further(np.max(scales, axis=0))
        return found.result()


def slopes_closely(line: Line, row: np.ndarray, scales: Sequence[np.ndarray]) -> list[Slopes]:
    """The derivative along one row of a matrix by steps of every size, read in two ways.

    Jumps or waves that are finer than most steps look like a slope, or like a kink. If only fine
    steps show them, they may also be rounding within the function, unless they are too large for
    that. First comes what the larger steps say, with error bars by the smaller ones; last, what
    the smaller steps say.
    """
    with _quietly():
        found = _Search(line, row)
        for steps, _ in _starts(scales):
            found.start(steps, found.everywhere, own=True)
        return [*found.rough(), found.smooth()]


def _starts(scales: Sequence[np.ndarray]) -> Iterator[tuple[np.ndarray, bool]]:
    """The largest steps of each start, and whether they are those that all directions take."""
    yield from ((scales[0] * 2.0**start, True) for start in STARTS)
    yield from ((scale * 2.0**start, False) for scale in scales[1:] for start in STARTS)
    yield from ((scale * 2.0**start, False) for scale in scales for start in LATER)


@contextmanager
def _quietly() -> Iterator[None]:
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


class _Search:
    """Candidates for each derivative from one start after the other."""

    def __init__(self, line: Line, rows: np.ndarray) -> None:
        self.line = line
        self.rows = rows
        count = len(rows)
        self.everywhere = np.arange(count)
        self.values: list[np.ndarray] = []
        self.errors: list[np.ndarray] = []
        self.size = np.zeros(count)
        self.changed = np.zeros((count, line.base.size), bool)
        self.finest = np.zeros((0, count))  # the last step of each start
        # How far a function may move along each direction by rounding its input.
        self.inside = line.eps * np.max(
            np.abs(np.divide(line.z, rows, out=np.zeros_like(rows), where=rows != 0)), axis=1
        )
        finite = np.where(np.isfinite(line.base), line.base, 0.0)
        self.weights = np.abs(finite * line.v)  # of each result in what is differentiated
        self.own: list[_Seen] = []  # the starts of all directions that show both sides of each
        self.groups: Groups | None = None

    def group(self, steps: np.ndarray) -> None:
        """Find which directions can be moved along at once in the first starts."""
        line = self.line
        groups = Groups.of(line.values, line.z, line.base, steps[:, None] * self.rows)
        self.groups = groups if len(groups.members) < len(self.rows) else None

    def start(self, steps: np.ndarray, places: np.ndarray, own: bool) -> None:
        """Another candidate for the directions in `places`."""
        groups = self.groups if own else None
        seen = _Seen(self.changed[places], self.inside[places], groups)
        value, error = self._extrapolated(self.rows[places], steps[places], seen)
        self.changed[places] = seen.changed
        self.values.append(np.full(len(self.rows), np.nan))
        self.errors.append(np.full(len(self.rows), np.inf))
        self.values[-1][places], self.errors[-1][places] = value, error
        self.finest = np.vstack([self.finest, np.ones(len(self.rows))])
        self.finest[-1][places] = seen.lengths[-1]
        slopes = np.abs([*seen.central, self.size[places]])
        self.size[places] = np.max(np.where(np.isfinite(slopes), slopes, 0.0), axis=0)
        if own:
            self.own.append(seen)

    def look_further(self, steps: np.ndarray) -> None:
        """Find the results that steps so far were too small to move: they are rounded off too."""
        hidden = self._rounding_of(~self.changed) / np.min(self.finest, axis=0)
        small = hidden <= UNSEEN * np.abs(self.best()[0])
        for i in np.flatnonzero(~small):
            for step in (steps[i], -steps[i]):
                found = self.line.values(self.line.z + step * self.rows[i])
                self.changed[i] |= np.isfinite(found) & (found != self.line.base)
                slope = abs(self.line.difference(found, self.line.base) / step)
                self.size[i] = np.fmax(self.size[i], slope if np.isfinite(slope) else 0.0)

    def unsettled(self) -> np.ndarray:
        """The directions where something moves, and no two starts agree yet."""
        value, error, _ = self.best()
        moved = self.changed[:, np.isfinite(self.line.base)].any(axis=1)
        return np.flatnonzero(moved & ~(self._sure(value, error) | self._kinks(4.0)[0]))

    def _sure(self, value: np.ndarray, error: np.ndarray) -> np.ndarray:
        near = error <= SETTLED * np.maximum(np.abs(value), 1e-3 * self.size)
        return near | (self.size == 0)  # nothing that counts has moved

    def best(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The candidate with the least error of its own; its bar reaches the nearest other; and
        its finest step."""
        values = np.array(self.values)
        errors = np.maximum(self.errors, self._rounding() / self.finest)
        errors[np.isnan(values) | self._contradicted(values, errors)] = np.inf
        which = np.argmin(errors, axis=0), self.everywhere
        value = values[which]
        apart = np.abs(values - value)
        apart[np.isnan(apart) | ~np.isfinite(errors)] = np.inf
        apart[which] = np.inf
        # The nearest other candidate confirms no better than it is sure of itself.
        bars = np.maximum(apart, errors)
        return value, np.maximum(errors[which], np.min(bars, axis=0)), self.finest[which]

    def _contradicted(self, values: np.ndarray, errors: np.ndarray) -> np.ndarray:
        """Candidates that a finer one disagrees with: a derivative is what small steps say.

        Not where it may be deaf: what differs over its step could be rounding within the function,
        of numbers that are larger than the results.
        """
        apart = np.abs(values[:, None] - values)
        sure = apart > 10 * (errors[:, None] + errors)
        finer = self.finest < 0.25 * self.finest[:, None]
        heard = apart * self.finest > WITHIN * np.sum(self.weights)
        return np.any(sure & finer & heard, axis=1)

    def _rounding(self) -> np.ndarray:
        """How far the results may be rounded off along each direction: those that move along it,
        and all where none does, since a step may have been too small to move any."""
        return self._rounding_of(np.where(self.changed.any(axis=1)[:, None], self.changed, True))

    def _rounding_of(self, results: np.ndarray) -> np.ndarray:
        return self.line.eps * (results @ self.weights) + TINY * np.sum(np.abs(self.line.v))

    def result(self) -> Slopes:
        """All that is known in the end."""
        value, error, _ = self.best()
        return self._slopes(value, error)

    def rough(self) -> Iterator[Slopes]:
        """The same, if what finer steps add to the best can be rounding within the function."""
        values, finest = np.array(self.values), self.finest
        errors = np.maximum(self.errors, self._rounding() / finest)
        beyond = np.abs(values - values[:, None]) - 10 * errors[:, None]
        added = np.where(finest < finest[:, None], np.fmax(beyond, 0.0) * finest, 0.0)
        noise = np.max(added, axis=(0, 1), initial=0.0, where=np.isfinite(added))
        errors = np.where(np.isnan(values), np.inf, errors + noise / finest)
        which = np.argmin(errors, axis=0), self.everywhere
        if np.all(noise <= ROUGHEST * np.sum(self.weights)):
            yield self._slopes(values[which], errors[which])

    def smooth(self) -> Slopes:
        """The same, if there is no rounding within the function; nothing is known where it
        jumps."""
        value, error, finest = self.best()
        added = np.abs(np.array(self.values) - value) * self.finest
        seen = (self.finest < finest) & ~np.isnan(added)
        jump = np.max(added, axis=0, initial=0.0, where=seen)
        is_jump = jump > ROUGHEST * np.sum(self.weights) + TINY
        return self._slopes(value, np.where(is_jump, np.inf, error))

    def _slopes(self, value: np.ndarray, error: np.ndarray) -> Slopes:
        kink, ahead, behind = self._kinks(4.0)
        # A gap that grows may be a jump, or an oscillation that later starts have resolved.
        kink |= self._kinks()[0] & ~self._sure(value, error)
        edge = np.isnan(ahead) ^ np.isnan(behind)
        side, side_error = self._one_sided(edge)
        value, error = np.where(edge, side, value), np.where(edge, side_error, error)
        error = np.where(self._in_the_dark(), np.inf, error)
        alone = np.full(len(self.rows), self.groups is None)
        whole = np.full(len(self.rows), np.all(np.isfinite(self.line.base)))
        return Slopes(value, error, self.size, kink & ~edge, edge, self._infinite(), alone, whole)

    def _in_the_dark(self) -> np.ndarray:
        """Where no finite result moves, while others are not finite: those may be what moves."""
        finite = np.isfinite(self.line.base)
        return ~self.changed[:, finite].any(axis=1) & (not finite.all())

    def _extrapolated(
        self, rows: np.ndarray, steps: np.ndarray, seen: _Seen
    ) -> tuple[np.ndarray, np.ndarray]:
        tableau = Tableau(4)
        for level in range(LEVELS):
            noise = self._step(rows, steps * 2.0**-level, seen)
            tableau.add(seen.central[-1], noise)
            enough = np.maximum(1e-12 * np.abs(tableau.value), 2 * noise)
            if level >= 2 and np.all(tableau.error <= enough):
                break
        return tableau.value, tableau.error

    def _step(self, rows: np.ndarray, steps: np.ndarray, seen: _Seen) -> np.ndarray:
        """Evaluate at a step to both sides along each row; gives the rounding of the slope."""
        line, moves = self.line, steps[:, None] * rows
        above, below = line.z + moves, line.z - moves
        # What was really added, since the sums are rounded.
        length = np.sum((above - below) * rows, axis=1) / np.sum(rows * rows, axis=1)
        up, down = (self._values(m, seen.groups) for m in (above - line.z, below - line.z))
        base = line.base
        seen.changed = seen.changed | (up != base) | (down != base)
        seen.lengths.append(length)
        seen.central.append(line.difference(up, down) / length)
        seen.ahead.append(line.difference(up, base) / (length / 2))
        seen.behind.append(line.difference(base, down) / (length / 2))
        sizes = np.where(seen.changed, np.abs(base) + np.abs(up - base), 0.0)
        sizes[~np.isfinite(sizes)] = 0.0
        outside = (line.eps * sizes + TINY) @ np.abs(line.v)
        seen.noise.append((outside + seen.inside * np.abs(seen.central[-1])) / length)
        return np.asarray(seen.noise[-1])

    def _values(self, moves: np.ndarray, groups: Groups | None) -> np.ndarray:
        line = self.line
        if groups is None:
            return np.array([line.values(line.z + move) for move in moves])
        return groups.evaluated(line.values, line.z, line.base, moves)

    def _sides(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """One-sided slopes and noise of the first starts, the largest step first."""
        lengths = [-length[0] for seen in self.own for length in seen.lengths]
        order = np.unique(lengths, return_index=True)[1]
        ahead, behind, noise = (
            np.array([x for seen in self.own for x in getattr(seen, name)])[order]
            for name in ("ahead", "behind", "noise")
        )
        return ahead, behind, noise

    def _kinks(self, growth: float = np.inf) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Whether the gap between the slopes to both sides stays as the step shrinks, and does
        not grow by more than a factor; and the slopes to both sides.

        Where a function is smooth, the gap is proportional to the step.
        """
        ahead, behind, noise = self._sides()
        gap = np.abs(ahead - behind)
        size = np.maximum(np.abs(ahead[-1]), np.abs(behind[-1]))
        stays = (gap[-1] >= 0.25 * np.max(gap, axis=0)) & (gap[-1] <= growth * gap[0])
        return stays & (gap[-1] > 20 * noise[-1] + 1e-7 * size), ahead[-1], behind[-1]

    def _one_sided(self, edge: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Derivatives to the one side that lies in the domain."""
        value, error = np.full(len(edge), np.nan), np.full(len(edge), np.inf)
        if not edge.any():
            return value, error
        ahead, behind, noise = self._sides()
        side = np.where(np.isnan(ahead), behind, ahead)
        tableau = Tableau(2)
        for slope, rounding in list(zip(side, noise, strict=True))[-len(self.own[-1].noise) :]:
            tableau.add(slope, 4 * rounding)
        return tableau.value, tableau.error

    def _infinite(self) -> np.ndarray:
        """The sign of a slope that grows at every smaller step; 0 where none does."""
        ahead, behind, _ = self._sides()
        grows = [self._grows(side) for side in (ahead, behind)]
        return np.where(grows[0] != 0, grows[0], grows[1])

    def _grows(self, side: np.ndarray) -> np.ndarray:
        sizes = np.abs(side)
        rising = np.all(sizes[1:] > 1.05 * sizes[:-1], axis=0) & (sizes[-1] > 1.5 * sizes[0])
        return np.where(rising, np.sign(side[-1]), 0.0)
