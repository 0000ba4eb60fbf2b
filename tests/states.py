"""States of models, compared to the bit, and the formats that hold them."""

from __future__ import annotations

import numpy as np

__all__ = ["FORMATS", "assert_same"]

FORMATS = ["npz", "safetensors"]


def assert_same(state, expected):
    assert state.keys() == expected.keys()
    for name, value in expected.items():
        value = np.asarray(value)
        assert state[name].dtype == value.dtype.newbyteorder("=")
        np.testing.assert_array_equal(state[name], value)
