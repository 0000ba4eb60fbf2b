"""Where arrays lie: no two that are needed at the same time overlap."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from autodiff.compiler.native.memory import laid_out
from autodiff.compiler.native.storage import Storage

Life = tuple[int, int, int]


def storages(lives: list[Life]) -> dict[Storage, tuple[int, int]]:
    return {
        Storage("arena", size, np.float64): (first, first + more) for size, first, more in lives
    }


def end(storage: Storage) -> int:
    return storage.offset + max(storage.size * storage.dtype.itemsize, 1)


life = st.tuples(st.integers(0, 100), st.integers(0, 10), st.integers(0, 10))


@given(st.lists(life, max_size=20))
def test_what_lives_together_lies_apart(lives: list[Life]) -> None:
    made = storages(lives)
    total = laid_out(made)
    for a, (first, last) in made.items():
        assert 0 <= a.offset <= end(a) <= total
        assert a.offset % 64 == 0
        for b, (begins, ends) in made.items():
            if a is not b and begins <= last and first <= ends:
                assert end(a) <= b.offset or end(b) <= a.offset


def test_memory_is_used_again() -> None:
    made = storages([(8, 0, 1), (8, 2, 1), (8, 4, 1)])
    assert laid_out(made) == 64


def test_a_gap_is_filled() -> None:
    made = storages([(16, 0, 5), (8, 0, 1), (8, 2, 1)])
    assert laid_out(made) == 192


def test_no_storage_needs_no_memory() -> None:
    assert laid_out({}) == 0
