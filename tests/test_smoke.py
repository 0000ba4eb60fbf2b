"""Quick proof that the main parts work together. All of it takes under ten seconds."""

from pathlib import Path

import numpy as np
import pytest

import autodiff as ad
from models import MLP

pytestmark = pytest.mark.smoke


def test_gradient_sums_over_all_paths() -> None:
    x = ad.Tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = np.exp(x) * x + x
    np.sum(y).backward()
    np.testing.assert_allclose(x.grad, np.exp(x.data) * (1 + x.data) + 1)


def test_scalars_and_tensors_share_a_graph() -> None:
    a, t = ad.Scalar(3.0), ad.Tensor([1.0, 2.0], requires_grad=True)
    ad.sum(a * t * t).backward()
    assert a.grad == 5.0
    np.testing.assert_array_equal(t.grad, [6.0, 12.0])


def test_derivatives_of_any_order() -> None:
    third = ad.grad(ad.grad(ad.grad(np.sin)))
    np.testing.assert_allclose(third(0.3), -np.cos(0.3))


def test_forward_and_reverse_mode_agree() -> None:
    rng = np.random.default_rng(0)
    x, t = rng.normal(size=(2, 4))
    y, tangent = ad.jvp(np.tanh, (x,), (t,))
    value, pull = ad.vjp(np.tanh, x)
    np.testing.assert_array_equal(y, value)
    (slope,) = pull(np.ones(4))
    np.testing.assert_allclose(slope * t, tangent)


def test_network_learns_and_survives_a_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, 2))
    labels = (x[:, 0] * x[:, 1] > 0).astype(int)
    model = MLP([2, 10, 10, 2], activation="tanh", rng=0)
    optimizer = ad.optim.Adam(model.parameters(), lr=0.02)
    losses = [step(model, optimizer, x, labels) for _ in range(60)]
    assert losses[-1] < losses[0] / 4

    ad.io.save(tmp_path / "model.npz", model.state_dict())
    other = MLP([2, 10, 10, 2], activation="tanh", rng=1)
    state, _ = ad.io.load(tmp_path / "model.npz")
    other.load_state_dict(state)
    np.testing.assert_array_equal(other(x).data, model(x).data)


def step(model: MLP, optimizer: ad.optim.Adam, x: np.ndarray, labels: np.ndarray) -> float:
    """One step of training; the loss before it."""
    loss = ad.cross_entropy(model(x), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()
