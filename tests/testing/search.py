"""Fixed searches for what a strategy draws."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, TypeAlias

from hypothesis import Phase, find, settings
from hypothesis import strategies as st

Condition: TypeAlias = Callable[[Any], Any]

FIRST = settings(database=None, max_examples=2000, deadline=None, phases=[Phase.generate])
SIMPLEST = settings(FIRST, phases=[Phase.generate, Phase.shrink])


def minimal(strategy: st.SearchStrategy[Any], condition: Condition = lambda _: True) -> Any:
    """The simplest value that the search comes to; an error if there is none."""
    return find(strategy, condition, settings=SIMPLEST, random=Random(0))


def occurs(strategy: st.SearchStrategy[Any], condition: Condition) -> Any:
    """The first value that the search comes to; an error if there is none."""
    return find(strategy, condition, settings=FIRST, random=Random(0))
