"""The regressor against its equations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autodiff as ad
from models.regressor import Regressor
from models.stack import CELLS, Stack
from tests.models.networks import assert_close, assert_same, draw, with_biases

XS = draw(4, 3, 2)  # (time, batch, inputs)

each_cell = pytest.mark.parametrize("cell", CELLS)


def regressor(cell: str = "gru", **options: Any) -> Regressor:
    return with_biases(Regressor(2, 5, cell, **options))


@each_cell
def test_is_its_equations(cell: str) -> None:
    model, stack = regressor(cell), Stack(cell, 2, 5)
    p = model.state_dict()
    stack.load_state_dict({n[8:]: x for n, x in p.items() if n.startswith("network.")})
    for i, y in enumerate(model(XS).data):
        h, _ = stack(XS[:, i])
        np.testing.assert_allclose(y, p["output.W"][0] @ h.data[-1] + p["output.b"][0], rtol=1e-12)


@each_cell
def test_a_batch_is_its_sequences(cell: str) -> None:
    model = regressor(cell, layers=2)
    assert model(XS).shape == (3,)
    assert model(XS[:, 0]).shape == ()
    assert_close(model(XS), ad.stack([model(XS[:, i]) for i in range(3)]))


def test_the_batch_may_come_first() -> None:
    model, other = regressor(batch_first=True), regressor()
    assert_close([model(XS.swapaxes(0, 1)), model(XS[:, 0])], [other(XS), other(XS[:, 0])])


@each_cell
def test_gradients_are_slopes(cell: str) -> None:
    model = with_biases(Regressor(2, 1, cell))
    ad.testing.check_gradients(lambda model, xs: model(xs), model, XS[:2, :2])


def test_options_are_for_the_network() -> None:
    model = regressor("rnn", activation="relu", layers=2)
    assert [network.activation for network in model.network.forwards] == ["relu", "relu"]


def test_keeps_the_dtype() -> None:
    model = Regressor(2, 3, dtype="float32")
    y = model(XS.astype("float32"))
    ad.sum(y).backward()
    values = [y, *model.parameters(), *(p.grad for p in model.parameters())]
    assert {value.dtype for value in values} == {np.dtype("float32")}


def test_seeds_repeat() -> None:
    one, two, other = (Regressor(2, 3, rng=seed) for seed in (0, 0, 1))
    assert_same(one.state_dict(), two.state_dict())
    assert (one(XS).data != other(XS).data).all()


def test_refuses_cells_and_shapes() -> None:
    with pytest.raises(ad.errors.DomainError, match="unknown cell 'gur'"):
        Regressor(2, 3, cell="gur")
    with pytest.raises(ad.errors.ShapeError, match=r"x\(t\) is \(3, 4\)"):
        regressor()(np.ones((4, 3, 4)))
    with pytest.raises(ad.errors.ShapeError, match="takes 5"):
        regressor(bidirectional=True)(XS)
