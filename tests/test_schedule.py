"""Schedules of the learning rate."""

from __future__ import annotations

from math import cos, pi

import pytest

from autodiff import schedule
from autodiff.errors import DomainError


def first(plan, count):
    return [plan(number) for number in range(count)]


def test_constant():
    assert first(schedule.constant(), 3) == [1, 1, 1]


def test_step_falls_every_so_many_steps():
    assert first(schedule.step(2, 0.5), 6) == [1, 1, 0.5, 0.5, 0.25, 0.25]


def test_exponential():
    assert first(schedule.exponential(0.5), 4) == [1, 0.5, 0.25, 0.125]


def test_linear_stays_at_its_end():
    assert first(schedule.linear(4, 0.5), 7) == [1, 0.875, 0.75, 0.625, 0.5, 0.5, 0.5]


def test_cosine_stays_at_its_end():
    expected = [(1 + cos(pi * number / 4)) / 2 for number in range(5)] + [0.0]
    assert first(schedule.cosine(4), 6) == pytest.approx(expected)
    assert schedule.cosine(4, final=0.2)(2) == pytest.approx(0.6)
    assert schedule.cosine(4, final=0.2)(100) == pytest.approx(0.2)


def test_warmup_then_another_from_its_start():
    assert first(schedule.warmup(4), 6) == [0.25, 0.5, 0.75, 1, 1, 1]
    assert first(schedule.warmup(2, schedule.linear(2)), 5) == [0.5, 1, 1, 0.5, 0]
    assert schedule.warmup(0)(0) == 1


@pytest.mark.parametrize("make", [schedule.step, schedule.linear, schedule.cosine])
@pytest.mark.parametrize("steps", [0, -1, float("nan")])
def test_no_steps_is_no_schedule(make, steps):
    with pytest.raises(DomainError, match=f"={steps}: a schedule takes at least one step"):
        make(steps)


def test_a_warmup_takes_none_or_more():
    with pytest.raises(DomainError, match="steps=-3: a warm-up"):
        schedule.warmup(-3)
