"""`t.at[index]`: values, and gradients by both arguments, against numpy and differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autodiff as ad
from tests import differences
from tests.differences import assert_close

INDICES: list[Any] = [
    1, -1, slice(None, None, -2), ..., (slice(None), 2), np.array([2, 0]), [[0], [2]],
    (np.array([0, 2]), np.array([1, 1])), np.arange(12).reshape(3, 4) % 3 == 0,
    (slice(1), None, 1), slice(5, 9),
]  # fmt: skip
REPEATED: list[Any] = [np.array([1, 1, 0, 1]), (np.array([[0, 2], [2, 2]]), 1)]


def draw(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def expected(how: str, x: np.ndarray, index: Any, v: Any) -> np.ndarray:
    out = x.copy()
    if how == "set":
        out[index] = v
    else:
        {"add": np.add, "multiply": np.multiply}[how].at(out, index, v)
    return out


@pytest.mark.parametrize("how", ["set", "add", "multiply"])
@pytest.mark.parametrize("index", INDICES + REPEATED, ids=repr)
@pytest.mark.parametrize("spread", [False, True])
def test_at(how: str, index: Any, spread: bool) -> None:
    x, shape = draw(3, 4), np.empty((3, 4))[index].shape
    v = draw(*(shape[-1:] if spread else shape), seed=1)
    weights = draw(3, 4, seed=2)

    def changed(x: Any, v: Any) -> Any:
        return ad.sum(getattr(x.at[index], how)(v) * weights)

    value, found = ad.value_and_grad(changed, (0, 1))(ad.Tensor(x), v)
    reference = lambda x, v: np.sum(expected(how, x, index, v) * weights)  # noqa: E731
    assert_close(value, reference(x, v), 1e-12)
    for actual, e in zip(found, differences.gradient(reference, [x, v]), strict=True):
        assert_close(actual, e, 2e-6)


def test_the_tensor_itself_is_not_changed() -> None:
    x = ad.Tensor([1.0, 2.0, 3.0], requires_grad=True)
    x.at[1].set(5.0)
    np.testing.assert_array_equal(x.data, [1.0, 2.0, 3.0])


def test_dtype_is_that_of_the_tensor() -> None:
    x = ad.Tensor([1.0, 2.0], dtype=np.float32)
    for how in ("set", "add", "multiply"):
        assert getattr(x.at[0], how)(np.float64(2.0)).dtype == np.float32


def test_writing_into_a_slice_says_what_to_write_instead() -> None:
    with pytest.raises(TypeError, match=r"at\["):
        ad.Tensor([1.0, 2.0])[0] = 3.0  # type: ignore[index]


def test_values_that_do_not_fit_are_named() -> None:
    with pytest.raises(ad.errors.ShapeError, match=r"\(2,\).*\(3,\)"):
        ad.Tensor([1.0, 2.0, 3.0]).at[:2].add(np.ones(3))


def test_functions_name_themselves_in_errors() -> None:
    with pytest.raises(ad.errors.ShapeError, match=r"^repeat\(float64\(3,\), int64\(2,\)"):
        ad.repeat(np.ones(3), np.array([1, 2]))
    with pytest.raises(ad.errors.ShapeError, match="pad"):
        ad.pad(np.ones((2, 2)), ((1, 1), (1, 1), (1, 1)))
    with pytest.raises(ad.errors.DTypeError, match="empty"):
        ad.pad(np.ones(2), 1, "empty")
