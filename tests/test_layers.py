"""Affine maps, lookups, dropout and normalisation, and layers in sequence."""

from __future__ import annotations

import numpy as np
import pytest

import autodiff as ad
from autodiff.errors import DomainError, ShapeError

X = np.random.default_rng(5).normal(size=(4, 2))


@pytest.mark.parametrize("bias", [True, False])
def test_linear(bias):
    layer = ad.Linear(2, 3, bias, rng=0)
    x = np.ones((4, 5, 2))
    expected = x @ layer.W.numpy().T
    if bias:
        layer.b.data = np.array([1.0, 2.0, 3.0])
        expected += [1.0, 2.0, 3.0]
    np.testing.assert_allclose(layer(x).data, expected)
    assert list(layer.state_dict()) == (["W", "b"] if bias else ["W"])


def test_linear_names_what_does_not_fit():
    with pytest.raises(ShapeError, match=r"linear.*x has 3 inputs .*W \(3, 2\) takes 2"):
        ad.Linear(2, 3, rng=0)(np.ones((4, 3)))


def test_a_layer_starts_as_it_is_told():
    layer = ad.Linear(2, 3, rng=0, dtype="float32", start=ad.init.zeros)
    assert layer.W.dtype == layer.b.dtype == "float32" and not layer.W.data.any()
    np.testing.assert_array_equal(
        ad.Linear(2, 3, rng=4).W.data, ad.init.xavier_uniform((3, 2), rng=4)
    )


def test_a_generator_is_shared_by_layers():
    rng = np.random.default_rng(0)
    first, second = ad.Linear(2, 3, rng=rng), ad.Linear(2, 3, rng=rng)
    assert not np.array_equal(first.W.data, second.W.data)


def test_embedding():
    layer = ad.Embedding(5, 3, rng=0)
    ids = np.array([[1, 3], [3, 0]])
    out = layer(ids)
    np.testing.assert_array_equal(out.data, layer.table.data[ids])
    np.sum(out).backward()
    assert isinstance(layer.table.grad, ad.RowGrad)
    np.testing.assert_array_equal(layer.table.grad.dense()[:, 0], [1, 1, 0, 2, 0])


def test_an_embedding_is_trained_by_its_rows():
    layer = ad.Embedding(5, 3, rng=0)
    before = layer.table.numpy()
    np.sum(layer(np.array([1, 3, 3]))).backward()
    ad.optim.Adam(layer.parameters()).step()
    changed = (layer.table.data != before).any(axis=1)
    assert changed.tolist() == [False, True, False, True, False]


def test_dropout():
    layer = ad.Dropout(0.25, rng=0)
    x = ad.Tensor(np.ones(10_000, "float32"), requires_grad=True)
    out = layer(x)
    assert out.dtype == "float32" and set(np.unique(out.data)) == {0, np.float32(1 / 0.75)}
    assert np.mean(out.data == 0) == pytest.approx(0.25, abs=0.02)
    np.sum(out).backward()
    np.testing.assert_array_equal(x.grad, out.data)
    assert not np.array_equal(layer(x).data, out.data)
    np.testing.assert_array_equal(ad.Dropout(0.25, rng=0)(x).data, out.data)


def test_dropout_outside_training():
    x = ad.Tensor(np.ones(10))
    assert ad.Dropout(0.5, rng=0).eval()(x) is x
    assert ad.Dropout(0.0, rng=0)(x) is x


@pytest.mark.parametrize("rate", [-0.1, 1.0, float("nan")])
def test_a_rate_out_of_range(rate):
    with pytest.raises(DomainError, match=f"rate={rate} is outside"):
        ad.Dropout(rate)


def test_layer_norm():
    layer = ad.LayerNorm(6)
    x = np.random.default_rng(0).normal(3, 5, (4, 6))
    out = layer(x).data
    np.testing.assert_allclose(out.mean(axis=-1), 0, atol=1e-12)
    np.testing.assert_allclose(out.std(axis=-1), 1, rtol=1e-5)
    layer.scale.data, layer.shift.data = np.full(6, 2.0), np.full(6, 1.0)
    np.testing.assert_allclose(layer(x).data, 2 * out + 1)
    assert np.isfinite(layer(np.ones((2, 6))).data).all()


def test_sequential():
    layer = ad.Linear(2, 3, rng=0)
    model = ad.Sequential(layer, ad.tanh, lambda h: h * 2.0)
    np.testing.assert_allclose(model(X).data, 2 * np.tanh(layer(X).data))
    assert list(model.state_dict()) == ["layers.0.W", "layers.0.b"]
    assert ad.Sequential()(X) is X
