"""Whether all examples of a test show anything."""

from __future__ import annotations

import pytest

from autodiff.testing import UndecidedError
from autodiff.testing.tally import Tally


@pytest.mark.parametrize(("examples", "undecided"), [(25, 12), (3, 13), (3, 23), (1, 0)])
def test_enough_is_decided(examples: int, undecided: int) -> None:
    Tally(examples, checked=24, undecided=undecided).require_judged("f")


@pytest.mark.parametrize(("examples", "undecided"), [(25, 13), (10, 24), (3, 24), (1, 24)])
def test_too_little_is_decided(examples: int, undecided: int) -> None:
    with pytest.raises(UndecidedError, match=f"{undecided} of 24 entries"):
        Tally(examples, checked=24, undecided=undecided).require_judged("f")
