"""GloVe: its loss against the formula, gradients against differences."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autodiff as ad
import models
from models import GloVe

WORDS, COUNTS = list("abcde"), [9, 5, 4, 2, 1]
ROWS, COLUMNS = np.array([0, 1, 4, 1, 0]), np.array([1, 2, 4, 0, 1])  # a pair may occur twice
X = np.array([0.5, 10.0, 3.25, 40.0, 1.0])


def made() -> Any:
    model = GloVe(WORDS, COUNTS, size=3, dtype=float)
    rng = np.random.default_rng(5)
    for parameter in model.parameters():
        parameter.data = rng.normal(size=parameter.shape)
    return model


def test_loss_is_the_formula() -> None:
    model, total = made(), 0.0
    W, C, b, d = (model.state_dict()[name] for name in "WCbd")
    for i, j, x in zip(ROWS, COLUMNS, X, strict=True):
        f = (x / 10) ** 0.75 if x < 10 else 1.0
        total += 0.5 * f * (W[i] @ C[j] + b[i] + d[j] - np.log(x)) ** 2
    np.testing.assert_allclose(model.loss(ROWS, COLUMNS, X).item(), total, rtol=1e-13)


def test_gradients() -> None:
    ad.testing.check_gradients(lambda model: model.loss(ROWS, COLUMNS, X), made())


def test_gradients_in_closed_form() -> None:
    model = made()
    W, C, b, d = (model.state_dict()[name] for name in "WCbd")
    errors = (W[ROWS] * C[COLUMNS]).sum(1) + b[ROWS] + d[COLUMNS] - np.log(X)
    errors *= np.minimum(X / 10, 1) ** 0.75
    expected = {"W": np.zeros_like(W), "C": np.zeros_like(C), "b": 0 * b, "d": 0 * d}
    np.add.at(expected["W"], ROWS, errors[:, None] * C[COLUMNS])
    np.add.at(expected["C"], COLUMNS, errors[:, None] * W[ROWS])
    np.add.at(expected["b"], ROWS, errors)
    np.add.at(expected["d"], COLUMNS, errors)
    model.loss(ROWS, COLUMNS, X).backward()
    for name, wanted in expected.items():
        grad = getattr(model, name).grad
        found = grad.dense() if isinstance(grad, ad.RowGrad) else grad
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-14, err_msg=name)


def test_vectors_are_the_sums() -> None:
    model = made()
    expected = (model.W.numpy() + model.C.numpy()).astype(np.float32)
    np.testing.assert_array_equal(model.vectors.vectors, expected)
    assert model.vectors.words == tuple(WORDS)


def test_starts_small_and_from_a_seed() -> None:
    one, same, other = (GloVe(WORDS, np.array(COUNTS), size=8, rng=rng) for rng in (1, 1, 2))
    for name, value in one.state_dict().items():
        np.testing.assert_array_equal(value, same.state_dict()[name])
        assert not np.array_equal(value, other.state_dict()[name])
        assert abs(value).max() <= 1 / 16 and value.dtype == np.float32


@pytest.mark.parametrize(
    ("options", "why"),
    [({"x_max": 0}, "positive, not 0"), ({"x_max": np.nan}, "not nan"), ({"size": 0}, "least 1")],
)
def test_what_makes_no_model(options: dict[str, Any], why: str) -> None:
    with pytest.raises(ad.errors.DomainError, match=why):
        GloVe(WORDS, COUNTS, **options)


def test_saved_and_loaded(path: Path) -> None:
    model = made()
    models.save(path, model, model.arguments)
    loaded: Any = models.load(path)
    assert loaded.arguments == model.arguments
    assert loaded.loss(ROWS, COLUMNS, X).item() == model.loss(ROWS, COLUMNS, X).item()
