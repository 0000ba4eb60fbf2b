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

from autodiff.errors import DomainError, require_number

__all__ = ["constant", "cosine", "exponential", "linear", "step", "warmup"]

Schedule = Callable[[int], float]
"""A factor for each step number, counted from 0: ``optimizer.lr = rate * schedule(number)``."""


def constant() -> Schedule:
    """A schedule of 1 at all steps.

    Returns
    -------
    callable
        From the number of a step to a factor, as with the others.
    """
    return lambda number: 1.0


def step(every: int, factor: float = 0.1) -> Schedule:
    """A schedule that falls at once, every so many steps: ``factor ** (number // every)``.

    Parameters
    ----------
    every : int
        Steps from one fall to the next.
    factor : float

    Raises
    ------
    DomainError
        If `every` is less than 1.
    """
    _at_least_one(every, "every")
    return lambda number: factor ** (number // every)


def exponential(factor: float) -> Schedule:
    """A schedule that falls a little at each step: ``factor ** number``.

    Parameters
    ----------
    factor : float
    """
    return lambda number: factor**number


def linear(steps: int, final: float = 0.0) -> Schedule:
    """A schedule in a straight line from 1 to `final`, which it keeps from then on.

    Parameters
    ----------
    steps : int
        After how many steps it is `final`.
    final : float

    Raises
    ------
    DomainError
        If `steps` is less than 1.
    """
    _at_least_one(steps, "steps")
    return lambda number: 1 + (final - 1) * min(number / steps, 1.0)


def cosine(steps: int, final: float = 0.0) -> Schedule:
    """A schedule of half a cosine wave from 1 to `final`, which it keeps from then on.

    Parameters
    ----------
    steps : int
        After how many steps it is `final`.
    final : float

    Raises
    ------
    DomainError
        If `steps` is less than 1.

    References
    ----------
    Loshchilov and Hutter 2017, SGDR: Stochastic gradient descent with warm restarts, eq. 5; here
    without restarts.
    """
    _at_least_one(steps, "steps")
    return lambda number: final + (1 - final) * (1 + cos(pi * min(number / steps, 1.0))) / 2


def warmup(steps: int, then: Schedule | None = None) -> Schedule:
    """A schedule that rises in a straight line to 1, the first above 0, then follows another.

    Parameters
    ----------
    steps : int
        How many steps it rises.
    then : callable, optional
        The schedule after that, counted from the end of the warm-up. Left out, 1.

    Raises
    ------
    DomainError
        If `steps` is negative.
    """
    require_number(steps, "steps")
    if not steps >= 0:
        raise DomainError(f"steps={steps}: a warm-up takes none or more")
    after = then or constant()
    return lambda number: (number + 1) / steps if number < steps else after(number - steps)


def _at_least_one(count: int, name: str) -> None:
    require_number(count, name)
    if not count >= 1:  # a nan neither
        raise DomainError(f"{name}={count}: a schedule takes at least one step")
