"""The states of a page: the graph as drawn, and with one scope more of it opened or closed."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from autodiff.draw.data import around
from autodiff.draw.groups import Cluster
from autodiff.draw.layout import DrawingError
from autodiff.draw.view import View

__all__ = ["SECONDS", "STATES", "State", "explored", "turned"]

STATES = 24
"""Layouts in one page."""
SECONDS = 20.0
"""After which no further layout of a page is begun."""


@dataclass(frozen=True)
class State:
    """One layout of the graph."""

    label: str
    view: View
    svg: str

    @cached_property
    def opened(self) -> frozenset[str]:
        """The ids of the scopes whose parts are drawn."""
        return frozenset(c.id for c in self.view.grouping.clusters if c.closed() is None)

    @property
    def parts(self) -> list[Cluster]:
        """The scopes that are seen, open or closed, in the order of the forward."""
        seen = {card.group.cluster for card in self.view.cards} | set(self.view.clusters)
        return [c for c in self.view.grouping.clusters if c in seen]


def explored(
    first: State, look: Callable[[frozenset[str]], View], draw: Callable[[View], str]
) -> tuple[list[State], list[str]]:
    """The first state, and one for each scope, breadth first: those seen before what they hide.

    Parameters
    ----------
    first : View
    look : callable
        The view with these scopes open.
    draw : callable
        The picture of a view.

    Returns
    -------
    states : list of State
    notes : list of str
        Which scopes have none, and why.
    """
    states, problems = [first], list[DrawingError]()
    end = time.monotonic() + SECONDS
    waiting, met = deque(first.parts), {part.id for part in first.parts}
    while waiting and len(states) < STATES and time.monotonic() < end:
        part = waiting.popleft()
        try:
            view = look(_with_turned(first, part))
            states.append(State(_label(part, first), view, draw(view)))
        except DrawingError as problem:
            problems.append(problem)
            continue
        new = [each for each in states[-1].parts if each.id not in met]
        waiting += new
        met.update(each.id for each in new)
    return states, list(_notes(problems, len(waiting)))


def _with_turned(first: State, part: Cluster) -> frozenset[str]:
    """What is open where one scope is not as in the first state."""
    if part.id in first.opened:
        inner = {c.id for c in first.view.grouping.clusters if part.id in around(c)}
        return first.opened - inner
    return first.opened.union(around(part))


def _label(part: Cluster, first: State) -> str:
    """Like no other, though scopes may share their names."""
    alike = [c.id for c in first.view.grouping.clusters if c.name == part.name]
    number = f" ({alike.index(part.id) + 1})" if len(alike) > 1 else ""
    return f"{part.name}{number} {'closed' if part.id in first.opened else 'open'}"


def _notes(problems: list[DrawingError], left: int) -> Iterator[str]:
    if problems:
        yield f"{_scopes(len(problems))}: {problems[0]}"
    if left:
        yield f"{_scopes(left)}: one takes up to {STATES} layouts and {SECONDS:g} s"


def _scopes(count: int) -> str:
    return f"{count} scope{'s' * (count > 1)} cannot be opened or closed in the page"


def turned(states: list[State]) -> list[dict[str, int]]:
    """For each state, by the id of a scope, the nearest one in which that is turned.

    Open if it is closed here, and the other way round.
    """
    return [_turned(state, states) for state in states]


def _turned(state: State, states: list[State]) -> dict[str, int]:
    nearest = sorted(range(len(states)), key=lambda i: len(states[i].opened ^ state.opened))
    found = {}
    for part in state.parts:
        is_open = part.id in state.opened
        others = (i for i in nearest if (part.id in states[i].opened) != is_open)
        if (other := next(others, None)) is not None:
            found[part.id] = other
    return found
