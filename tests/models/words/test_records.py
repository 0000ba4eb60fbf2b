"""Arrays that grow, in memory and in a file."""

from __future__ import annotations

import gc

import numpy as np
import pytest

from models.words.records import Records


@pytest.mark.parametrize("in_memory", [1 << 20, 8])
def test_any_stretch_can_be_read_while_more_is_appended(in_memory: int) -> None:
    records = Records(np.int16, in_memory)
    for n in range(5):
        records.append(np.arange(10 * n, 10 * n + 10))
        np.testing.assert_array_equal(records.read(3, 8), np.arange(3, 8))
    np.testing.assert_array_equal(records.read(0, len(records)), np.arange(50))
    assert records.read(7, 7).dtype == np.int16


def test_the_file_ends_with_the_object() -> None:
    records = Records(np.int16, 1)
    records.append(np.arange(5))
    file = records._file
    del records
    gc.collect()
    assert file.closed
