"""Many cases of a check as one test: for most of them pytest's own work would take longer."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import Any

import pytest

__all__ = ["check_all", "in_turn", "named_like"]


def in_turn(*settings: Iterable[Any]) -> Callable[[Callable[..., None]], Callable[[], None]]:
    """A check made one test, of every combination of `settings`."""

    def one_test(check: Callable[..., None]) -> Callable[[], None]:
        return named_like(check, lambda: check_all(check, itertools.product(*settings)))

    return one_test


def check_all(check: Callable[..., None], cases: Iterable[tuple[Any, ...]]) -> None:
    """``check(*case)`` for each case; one failure names all that failed, and shows the first."""
    every = list(cases)
    failed = [(case, error) for case in every if (error := _error_of(check, case))]
    assert every, "there are no cases"
    if failed:
        told = [f"{_name(case)}: {type(error).__name__}: {error}" for case, error in failed]
        text = "\n\n".join([f"{len(failed)} of {len(every)} cases failed", *told])
        raise AssertionError(text) from failed[0][1]


def _error_of(check: Callable[..., None], case: tuple[Any, ...]) -> BaseException | None:
    try:
        check(*case)
    except (Exception, pytest.fail.Exception, pytest.skip.Exception) as error:
        return error
    return None


def _name(case: tuple[Any, ...]) -> str:
    return ", ".join(getattr(value, "__name__", None) or str(value) for value in case)


def named_like(check: Callable[..., Any], test: Callable[..., None]) -> Callable[..., None]:
    """`test` as pytest is to report it."""
    test.__name__, test.__doc__, test.__module__ = check.__name__, check.__doc__, check.__module__
    return test
