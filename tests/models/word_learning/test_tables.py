"""Tables for C, and the threads that learn in copies of them."""

from __future__ import annotations

import gc
import threading
from typing import Any

import numpy as np
import pytest

from models.word_learning.tables import Tables, aligned
from tests.compiler.near import needs_compiler


@pytest.mark.parametrize("size", [1, 7, 16, 17, 100])
def test_rows_begin_at_whole_lines_of_the_cache(size: int) -> None:
    array = np.random.default_rng(0).normal(size=(5, size)).astype(np.float32)
    found = aligned(array)
    assert found.ctypes.data % 64 == 0 and found.strides[0] % 64 == 0
    np.testing.assert_array_equal(found[:, :size], array)
    assert not found[:, size:].any() and not np.shares_memory(found, array)


def add(piece: tuple[int, float], tables: list[np.ndarray]) -> tuple[float, int]:
    row, value = piece
    for table in tables:
        table[row] += value
    return value, row


@needs_compiler
@pytest.mark.parametrize("often", [1, 3, 1000])
@pytest.mark.parametrize("threads", [1, 2, 3, 7])
def test_what_threads_add_is_added_up(
    threads: int, often: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.word_learning.tables.OFTEN", often)
    start = [np.ones((4, 3)), np.zeros((4, 20))]
    tables = Tables(start, threads)
    pieces = [(i % 4, 2.0**i) for i in range(5)]
    for rounds in (1, 2):
        assert tables.learn(pieces, add) == [(value, row) for row, value in pieces]
        added = rounds * np.array([17.0, 2, 4, 8])[:, None]
        for array, table in zip(start, tables.arrays, strict=True):
            np.testing.assert_array_equal(table[:, : array.shape[1]], array + added)


@needs_compiler
def test_of_common_rows_threads_are_told_after_each_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.word_learning.tables.OFTEN", 2)
    seen = []

    def look(row: int, tables: list[np.ndarray]) -> tuple[float, int]:
        seen.append(tables[0][:, 0].tolist())
        return add((row, 1.0), tables)

    tables = Tables([np.zeros((4, 3))], 2)
    tables.learn([0, 0, 3, 3], look)
    assert seen == [[0, 0, 0, 0], [0, 0, 0, 0], [2, 0, 0, 0], [2, 0, 0, 0]]
    assert tables.arrays[0][:, 0].tolist() == [2, 0, 0, 2]
    tables.learn([3, 3, 3, 3], look)  # of word 3 none is told before the end of a round
    assert [row[3] for row in seen[4:]] == [2, 2, 3, 3]
    assert tables.arrays[0][:, 0].tolist() == [2, 0, 0, 6]


@needs_compiler
def test_filled_anew_also_for_the_threads() -> None:
    tables = Tables([np.ones((3, 2))], 2)
    tables.learn([(0, 1.0), (1, 1.0)], add)
    tables.fill([np.zeros((3, 2))])
    tables.learn([(0, 1.0), (1, 1.0)], add)
    assert tables.arrays[0][:, 0].tolist() == [1, 1, 0]


@needs_compiler
def test_threads_end_with_the_tables() -> None:
    before = threading.active_count()
    tables: Any = Tables([np.ones((3, 2))], 3)
    tables.learn([(0, 1.0)], add)
    own = [thread for thread in threading.enumerate() if thread in tables._pool._threads]
    assert own
    del tables
    gc.collect()
    for thread in own:
        thread.join()
    assert threading.active_count() <= before
