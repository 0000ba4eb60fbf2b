"""The multilayer perceptron against its equations, and models as files."""

import json
from pathlib import Path

import numpy as np
import pytest

import autodiff as ad
import models
from models.mlp import ACTIVATIONS, MLP

SIZES = [2, 10, 10, 3]


def by_hand(model: MLP, x: np.ndarray) -> np.ndarray:
    """The equations of the docstring, for vectors, in plain numpy."""
    W = [layer.W.data for layer in model.layers]
    b = [layer.b.data for layer in model.layers]
    h = x
    for i in range(len(W) - 1):
        h = np.tanh(W[i] @ h + b[i])
    return W[-1] @ h + b[-1]


def test_is_its_equations() -> None:
    model = MLP(SIZES, rng=0)
    rng = np.random.default_rng(1)
    for layer in model.layers:
        layer.b.data = rng.normal(size=layer.b.shape)
    x = rng.normal(size=(5, 2))
    expected = np.stack([by_hand(model, row) for row in x])
    np.testing.assert_allclose(model(x).data, expected, rtol=1e-12)
    np.testing.assert_allclose(model(x[0]).data, expected[0], rtol=1e-12)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradients_are_slopes(activation: str) -> None:
    model = MLP(SIZES, activation, rng=0)
    x = np.random.default_rng(1).normal(size=(4, 2))
    ad.sum(np.sin(model(x))).backward()
    for parameter in model.parameters():
        index = (0,) * parameter.ndim
        slope = difference(model, x, parameter, index)
        np.testing.assert_allclose(parameter.grad[index], slope, rtol=1e-6, atol=1e-9)


def difference(model: MLP, x: np.ndarray, parameter: ad.Parameter, index: tuple[int, ...]) -> float:
    """Central difference of the loss above by one entry of a parameter."""
    values, start = [], parameter.numpy()
    for step in (1e-6, -1e-6):
        moved = start.copy()
        moved[index] += step
        parameter.data = moved
        values.append(np.sin(model(x).data).sum())
    parameter.data = start
    return (values[0] - values[1]) / 2e-6


def test_same_seed_same_weights() -> None:
    one, two, other = (MLP(SIZES, rng=seed).state_dict() for seed in (0, 0, 1))
    assert list(one) == [f"layers.{i}.{name}" for i in range(3) for name in "Wb"]
    for name, value in one.items():
        np.testing.assert_array_equal(value, two[name])
    assert (one["layers.0.W"] != other["layers.0.W"]).all()


def test_signals_keep_their_size_through_many_layers() -> None:
    x = np.random.default_rng(0).normal(size=(200, 100))
    for activation in ("relu", "elu", "silu", "gelu", "tanh"):
        size = MLP([100] * 6, activation)(x).data.std()
        assert 0.1 < size < 3, activation


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_keeps_the_dtype(dtype: str) -> None:
    model = MLP(SIZES, "relu", dropout=0.2, dtype=dtype)
    y = model(np.ones((4, 2), dtype))
    ad.sum(y).backward()
    assert y.dtype == dtype
    assert {p.grad.dtype for p in model.parameters()} == {np.dtype(dtype)}


def test_dropout_only_in_training() -> None:
    model = MLP([2, 50, 3], dropout=0.5, rng=0)
    x = np.ones((1, 2))
    assert (model(x).data != model(x).data).any()
    model.eval()
    np.testing.assert_array_equal(model(x).data, model(x).data)


def test_without_hidden_layers_it_is_linear() -> None:
    model = MLP([2, 3])
    np.testing.assert_allclose(model(np.eye(2)).data, model.layers[0].W.data.T)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sizes": [3]}, "sizes=.3.; give the units"),
        ({"sizes": [3, 0, 2]}, "each at least 1"),
        ({"sizes": SIZES, "activation": "tahn"}, "unknown activation 'tahn'; did you mean 'tanh'"),
        ({"sizes": SIZES, "activation": "?"}, "'.'; there are tanh, sigmoid"),
        ({"sizes": SIZES, "activation": np.tanh}, "tanh.*; there are tanh, sigmoid"),
        ({"sizes": SIZES, "activation": ["relu"]}, "did you mean 'relu'"),
        ({"sizes": SIZES, "dropout": 1.0}, "outside"),
    ],
)
def test_refuses(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ad.errors.DomainError, match=message):
        MLP(**arguments)


@pytest.mark.parametrize("ending", ["npz", "safetensors"])
def test_file_says_what_it_holds(tmp_path: Path, ending: str) -> None:
    arguments = {"sizes": SIZES, "activation": "relu", "dropout": 0.3, "dtype": "float32"}
    model = MLP(**arguments, rng=5).eval()
    models.save(tmp_path / f"model.{ending}", model, arguments)
    loaded = models.load(tmp_path / f"model.{ending}")
    x = np.ones((3, 2), "float32")
    assert loaded(x).dtype == np.float32
    np.testing.assert_array_equal(loaded(x).data, model(x).data)


def test_foreign_file_is_no_model(tmp_path: Path) -> None:
    ad.io.save(tmp_path / "x.npz", {"W": np.eye(2)})
    with pytest.raises(ad.errors.FormatError, match=r"x.npz holds no model of MLP"):
        models.load(tmp_path / "x.npz")


@pytest.mark.parametrize("text", ["nonsense", "[]", '{"size": 3}', '{"sizes": 3}', "null"])
def test_file_that_does_not_say_how_it_was_made(tmp_path: Path, text: str) -> None:
    ad.io.save(tmp_path / "x.npz", {}, {"model": "MLP", "arguments": text})
    with pytest.raises(ad.errors.FormatError, match=r"x.npz does not say how its MLP was made"):
        models.load(tmp_path / "x.npz")


def test_file_with_other_shapes_than_it_says(tmp_path: Path) -> None:
    metadata = {"model": "MLP", "arguments": json.dumps({"sizes": [2, 3]})}
    ad.io.save(tmp_path / "x.npz", MLP([3, 3]).state_dict(), metadata)
    with pytest.raises(ad.errors.ShapeError, match=r"layers.0.W"):
        models.load(tmp_path / "x.npz")
