"""Schedules of the learning rate: functions from the number of a step, from 0, to a factor.

>>> import autodiff as ad
>>> schedule = ad.schedule.warmup(2, then=ad.schedule.linear(4))
>>> [schedule(number) for number in range(7)]
[0.5, 1.0, 1.0, 0.75, 0.5, 0.25, 0.0]

A loop sets ``optimizer.lr = rate * schedule(number)`` before each step.
"""

from __future__ import annotations

from collections.abc import Callable
from math import cos, pi

from autodiff.errors import DomainError

__all__ = ["constant", "cosine", "exponential", "linear", "step", "warmup"]

Schedule = Callable[[int], float]
"""A factor for each step number, counted from 0: ``optimizer.lr = rate * schedule(number)``."""


def constant() -> Schedule:
    """1 at all steps."""
    return lambda number: 1.0


def step(every: int, factor: float = 0.1) -> Schedule:
    """``factor ** (number // every)``: falls at once, every so many steps."""
    _at_least_one(every, "every")
    return lambda number: factor ** (number // every)


def exponential(factor: float) -> Schedule:
    """``factor ** number``."""
    return lambda number: factor**number


def linear(steps: int, final: float = 0.0) -> Schedule:
    """In a straight line from 1 to `final` over so many steps, and `final` from then on."""
    _at_least_one(steps, "steps")
    return lambda number: 1 + (final - 1) * min(number / steps, 1.0)


def cosine(steps: int, final: float = 0.0) -> Schedule:
    """Half a cosine wave from 1 to `final` over so many steps, and `final` from then on.

    Loshchilov and Hutter 2017, eq. 5, without restarts.
    """
    _at_least_one(steps, "steps")
    return lambda number: final + (1 - final) * (1 + cos(pi * min(number / steps, 1.0))) / 2


def warmup(steps: int, then: Schedule | None = None) -> Schedule:
    """In a straight line up to 1 over so many steps, the first above 0; `then` another one.

    The other schedule is counted from the end of the warm-up.
    """
    if not steps >= 0:
        raise DomainError(f"steps={steps}: a warm-up takes none or more")
    after = then or constant()
    return lambda number: (number + 1) / steps if number < steps else after(number - steps)


def _at_least_one(count: int, name: str) -> None:
    if not count >= 1:  # a nan neither
        raise DomainError(f"{name}={count}: a schedule takes at least one step")
