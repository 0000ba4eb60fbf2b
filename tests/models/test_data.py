"""The digits and their split."""

import gzip
import hashlib
import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.data import DataError, Split, load_digits, shifted, stratified
from models.extras import MissingExtraError, need


@pytest.fixture(scope="module")
def digits() -> Split:
    return load_digits()


def test_digits_are_all_there(digits: Split) -> None:
    parts = (digits.train, digits.validation, digits.test)
    assert [len(part.y) for part in parts] == [1258, 180, 359]
    assert digits.classes == 10
    for x, y in parts:
        assert x.shape == (len(y), 64)
        assert (x.dtype, y.dtype) == (np.float32, np.int64)
        assert (x.min(), x.max()) == (0, 1)


def test_no_test_image_is_seen_before(digits: Split) -> None:
    seen = {row.tobytes() for row in np.concatenate([digits.train.x, digits.validation.x])}
    assert not [row for row in digits.test.x if row.tobytes() in seen]


def test_parts_have_the_same_mix(digits: Split) -> None:
    for part in (digits.train, digits.validation, digits.test):
        shares = np.bincount(part.y) / len(part.y)
        assert np.abs(shares - 0.1).max() < 0.011


def test_split_never_changes(digits: Split) -> None:
    pixels = (digits.test.x * 16).astype(np.uint8).tobytes()
    assert hashlib.sha256(pixels).hexdigest().startswith("a418f3a5c0a1b81c")


def test_loading_imports_no_part_of_scikit_learn() -> None:
    code = "import sys; from models.data import load_digits; load_digits(); print(*sys.modules)"
    command = [sys.executable, "-c", code]
    root = Path(__file__).parents[2]
    found = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root)
    modules = found.stdout.split()
    assert not [name for name in modules if name.split(".")[0] in ("sklearn", "scipy")]


def test_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"scikit-learn, .*'autodiff\[train\]'"):
        load_digits()
    with pytest.raises(MissingExtraError, match=r"progress bar needs tqdm, .*'autodiff\[train\]'"):
        need("tqdm", "the progress bar")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"not gzip", "not a gzipped table"),
        (gzip.compress(b"1,2\n" * 9, mtime=0)[:-12], "not a gzipped table"),
        (gzip.compress(b"a,b\n", mtime=0), "not a gzipped table"),
        (
            gzip.compress(b"1,2\n", mtime=0),
            r"expected rows of 64 pixels and a digit, found \(1, 2\)",
        ),
        (gzip.compress(b"17," + b"0," * 63 + b"1\n", mtime=0), "expected pixels from 0 to 16"),
        (gzip.compress(b"1," * 64 + b"12\n", mtime=0), "digits from 0 to 9"),
    ],
)
def test_damaged_file(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "digits.csv.gz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        load_digits(path)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_digits(tmp_path / "none.csv.gz")


@given(st.lists(st.integers(0, 3), min_size=1, max_size=60), st.integers(0, 5))
def test_each_example_is_in_one_part(labels: list[int], seed: int) -> None:
    parts = stratified(np.array(labels), [0.5, 0.2, 0.3], rng=seed)
    assert sorted(np.concatenate(parts)) == list(range(len(labels)))
    again = stratified(np.array(labels), [0.5, 0.2, 0.3], rng=seed)
    assert [p.tolist() for p in parts] == [p.tolist() for p in again]


@pytest.mark.parametrize("shares", [[0.5, 0.4], [1.2, -0.2]])
def test_shares_sum_to_one(shares: list[float]) -> None:
    with pytest.raises(DataError, match="sum to 1"):
        stratified(np.zeros(10), shares)


class Always:
    """A generator whose uniform numbers are all the same."""

    def __init__(self, value: float) -> None:
        self.value = value

    def uniform(self, low: float, high: float, shape: tuple[int, ...]) -> np.ndarray:
        return np.full(shape, self.value)


@pytest.mark.parametrize(("way", "weights"), [(0, {0: 1}), (1, {1: 1}), (0.25, {0: 0.75, 1: 0.25})])
def test_shift_moves_down_and_right(way: float, weights: dict[int, float]) -> None:
    image = np.zeros((1, 4, 4), np.float32)
    image[0, 1, 1] = 1
    expected = np.zeros((4, 4))
    for down, share in weights.items():
        for right, other in weights.items():
            expected[1 + down, 1 + right] = share * other
    moved = shifted(image.reshape(1, 16), 1, 4, Always(way))
    assert moved.dtype == np.float32
    np.testing.assert_array_equal(moved.reshape(4, 4), expected)


def test_shift_brings_in_zeros_and_varies() -> None:
    images = np.ones((50, 16))
    moved = shifted(images, 1.0, 4, np.random.default_rng(0))
    assert moved.max() <= 1 + 1e-12
    assert len(np.unique(moved.sum(1))) == 50
    np.testing.assert_array_equal(images, 1)
