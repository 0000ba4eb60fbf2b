"""Gradients of too many entries to look at each: random directions, then bisection."""

from __future__ import annotations

import numpy as np

from autodiff.testing.numeric import slopes
from autodiff.testing.point import Point
from autodiff.testing.verdict import OK, UNDECIDED, WRONG, Rules, Verdict, judge

__all__ = ["judge_projections"]

NEAR = 1e-8
"""How near a projection has to be, relative to the length of the vector of its parts: random
parts add up by their squares, and one wrong entry of a million has to show."""
NAMED, SAMPLE = 12, 24
"""So many wrong entries are looked for, and so many others are looked at besides."""


def judge_projections(
    point: Point, a: np.ndarray, rules: Rules, rng: np.random.Generator, count: int
) -> Verdict:
    """Compare along `count` directions for each input, and along the ends of each axis.

    Where a direction disagrees, halve it until single entries are left.
    """
    suspects: list[int] = []
    doubtful = 0
    rows = _directions(point, rng, count)
    for row in rows:
        row[suspects] = 0.0  # what is known shall not be found again
        state = _state(point, a, row, rules)
        doubtful += state == UNDECIDED
        if state == WRONG and len(suspects) < NAMED:
            suspects += _bisected(point, a, row, rules)
    if suspects or 2 * doubtful > len(rows):
        # What one of these looks like, the others may too: a sample says how common it is. And
        # where directions of many entries cross kinks, single ones may not.
        sample = rng.choice(a.size, min(SAMPLE, a.size), replace=False)
        which = np.array(list(dict.fromkeys([*suspects, *sample.tolist()])))
        return judge(point, a, which, rules, rng, "differences")
    state = np.repeat([OK, UNDECIDED], [len(rows) - doubtful, doubtful])
    places, numbers = np.full(len(rows), -1), np.zeros(len(rows))
    return Verdict(places, state, numbers, numbers, numbers, np.zeros(len(rows), bool), {})


def _directions(point: Point, rng: np.random.Generator, count: int) -> list[np.ndarray]:
    """Entries of very different size, so that errors of equal size cannot cancel."""
    rows = []
    for start, end, x in zip(point.edges, point.edges[1:], point.inputs, strict=False):
        for _ in range(count if x.size else 0):
            row = np.zeros(point.z.size)
            sizes = np.clip(rng.lognormal(sigma=1.0, size=x.size), 0.1, 4.0)
            row[start:end] = sizes * rng.choice([-1.0, 1.0], x.size)
            rows.append(row * point.scales[0])
        for axis in range(x.ndim if x.size else 0):
            for end_of_axis in (0, -1):
                row = np.zeros(point.z.size)
                block = np.zeros(x.shape)
                np.moveaxis(block, axis, 0)[end_of_axis] = 1.0
                row[start:end] = block.ravel() * rng.choice([-1.0, 1.0], x.size)
                rows.append(row * point.scales[0])
    return rows


def _state(point: Point, a: np.ndarray, row: np.ndarray, rules: Rules) -> int:
    found = slopes(point.line, row[None], [np.ones(1)])
    parts = a * row
    length = float(np.linalg.norm(parts))
    slack = rules.slack * np.abs(row) if isinstance(rules.slack, np.ndarray) else 0.0
    allowed = max(NEAR, 1e-2 * rules.rtol) * length + rules.atol + float(np.sum(slack))
    apart = abs(float(np.sum(parts)) - float(found.value[0]))
    if not np.isfinite(apart) or found.kink[0]:
        return WRONG if not np.all(np.isfinite(parts)) else UNDECIDED
    if apart > allowed + 10 * found.error[0]:
        return WRONG
    # Of a derivative that is zero, nothing is left to compare with but the whole gradient.
    enough = 1e-3 * length + allowed + NEAR * float(np.linalg.norm(a) * np.linalg.norm(row))
    return OK if 10 * found.error[0] <= enough else UNDECIDED


def _bisected(point: Point, a: np.ndarray, row: np.ndarray, rules: Rules) -> list[int]:
    """Entries of a direction that disagree: some of them, each found by halving."""
    found: list[int] = []
    open_ = [np.flatnonzero(row)]
    while open_ and len(found) < NAMED // 3:
        places = open_.pop()
        if len(places) == 1:
            found.append(int(places[0]))
            continue
        for half in (places[: len(places) // 2], places[len(places) // 2 :]):
            part = np.zeros_like(row)
            part[half] = row[half]
            if _state(point, a, part, rules) == WRONG:
                open_.append(half)
    return found
