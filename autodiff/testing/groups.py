"""Directions that can be moved along in one evaluation, since they move different results.

An elementwise function of a thousand entries has a thousand derivatives, and one evaluation with
all entries moved shows them all (Curtis, Powell and Reid, J. Inst. Maths Applics 13, 1974).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

__all__ = ["Groups"]

Values = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Groups:
    """Which results each direction moves, and which directions go together.

    Attributes
    ----------
    moved : ndarray of bool
        ``(directions, results)``. A direction that moves none in sight may move any.
    members : list of ndarray
        The numbers of the directions in each group; no two move the same result.
    """

    moved: np.ndarray
    members: list[np.ndarray]

    @classmethod
    def of(cls, values: Values, z: np.ndarray, base: np.ndarray, moves: np.ndarray) -> Groups:
        """Move along each direction by itself, and see what else can be moved with it."""
        found = np.array([values(z + move) for move in moves])
        moved = ~((found == base) | (np.isnan(found) & np.isnan(base)))
        moved[~moved.any(axis=1)] = True
        return cls(moved, _apart(moved))

    def evaluated(
        self, values: Values, z: np.ndarray, base: np.ndarray, moves: np.ndarray
    ) -> np.ndarray:
        """What `values` would give at ``z + move`` for each of the moves."""
        out = np.empty(self.moved.shape, base.dtype)
        for members in self.members:
            found = values(z + moves[members].sum(axis=0))
            out[members] = np.where(self.moved[members], found, base)
        return out


def _apart(moved: np.ndarray) -> list[np.ndarray]:
    """Put each direction into the first group that it shares no result with."""
    members: list[list[int]] = []
    taken: list[np.ndarray] = []
    for direction, results in enumerate(moved):
        free = (k for k, used in enumerate(taken) if not np.any(used & results))
        group = next(free, len(taken))
        if group == len(taken):
            members.append([])
            taken.append(np.zeros_like(results))
        members[group].append(direction)
        taken[group] |= results
    return [np.array(group) for group in members]
