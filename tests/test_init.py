"""Starting values: their distributions, dtypes and seeds."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from autodiff import init
from autodiff.errors import ShapeError

ALL = [getattr(init, name) for name in init.__all__]
RANDOM = [f for f in ALL if f is not init.zeros]
OF_WEIGHTS = [f for f in RANDOM if f not in (init.normal, init.uniform)]

each = pytest.mark.parametrize("start", ALL, ids=lambda f: f.__name__)
each_random = pytest.mark.parametrize("start", RANDOM, ids=lambda f: f.__name__)
each_of_weights = pytest.mark.parametrize("start", OF_WEIGHTS, ids=lambda f: f.__name__)


@each
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("shape", [(4, 3), (3, 4), (1, 1), (4, 3, 2), (0, 3), (3, 0)])
def test_shape_and_dtype(start, dtype, shape):
    made = start(shape, rng=0, dtype=dtype)
    assert made.shape == shape and made.dtype == dtype
    assert made.flags.writeable and np.isfinite(made).all()


@each_random
def test_the_seed_decides(start):
    a, b, other = (start((5, 4), rng=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, other)


@each_random
def test_a_generator_goes_on(start):
    rng = np.random.default_rng(0)
    assert not np.array_equal(start((5, 4), rng=rng), start((5, 4), rng=rng))


@each_random
def test_the_same_numbers_in_any_dtype(start):
    wide = start((5, 4), rng=0)
    np.testing.assert_array_equal(start((5, 4), rng=0, dtype="float32"), wide.astype("float32"))


@pytest.mark.parametrize(
    ("start", "std"),
    [
        (init.normal, 1.0),
        (init.uniform, sqrt(1 / 3)),
        (init.xavier_normal, sqrt(2 / 700)),
        (init.xavier_uniform, sqrt(2 / 700)),
        (init.he_normal, sqrt(2 / 400)),
        (init.he_uniform, sqrt(2 / 400)),
        (init.orthogonal, sqrt(1 / 400)),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_mean_and_standard_deviation(start, std):
    made = start((300, 400), rng=0)  # 400 inputs, 300 outputs
    assert made.std() == pytest.approx(std, rel=0.01)
    assert made.mean() == pytest.approx(0, abs=4 * std / sqrt(made.size))


def test_uniform_ones_keep_their_bound():
    assert 0.99 < np.abs(init.xavier_uniform((300, 400), rng=0)).max() / sqrt(6 / 700) <= 1
    assert 0.99 < np.abs(init.he_uniform((300, 400), rng=0)).max() / sqrt(6 / 400) <= 1
    made = init.uniform((1000,), 2.0, 3.0, rng=0)
    assert 2 <= made.min() < 2.01 and 2.99 < made.max() < 3


def test_gain_slope_mean_and_std_scale():
    xavier, he = (f((5, 4), rng=0) for f in (init.xavier_normal, init.he_normal))
    np.testing.assert_allclose(init.xavier_normal((5, 4), 3.0, rng=0), 3 * xavier)
    np.testing.assert_allclose(init.he_normal((5, 4), slope=1.0, rng=0), he / sqrt(2))
    np.testing.assert_allclose(
        init.normal((5, 4), 1.0, 2.0, rng=0), 1 + 2 * init.normal((5, 4), rng=0)
    )


def test_a_window_counts_for_inputs_and_outputs():
    made = init.he_normal((30, 40, 5, 5), rng=0)
    assert made.std() == pytest.approx(sqrt(2 / (40 * 25)), rel=0.02)


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (5, 5), (3, 2, 2)])
def test_orthogonal(shape):
    flat = init.orthogonal(shape, gain=2.0, rng=0).reshape(shape[0], -1)
    gram = flat @ flat.T if flat.shape[0] < flat.shape[1] else flat.T @ flat
    np.testing.assert_allclose(gram, 4 * np.eye(len(gram)), atol=1e-14)


def test_orthogonal_is_uniform_over_the_circle():
    # Without the signs settled, the first entry of a QR factor is never positive.
    first = [init.orthogonal((2, 2), rng=seed)[0, 0] for seed in range(400)]
    assert np.mean(first) == pytest.approx(0, abs=0.15)
    assert np.std(first) == pytest.approx(sqrt(1 / 2), rel=0.1)


@each_of_weights
def test_a_bias_has_no_inputs(start):
    with pytest.raises(ShapeError, match=r"\(3,\).*\(outputs, inputs\).*zeros"):
        start((3,), rng=0)
