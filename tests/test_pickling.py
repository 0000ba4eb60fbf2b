"""Values deep in a graph can be copied and pickled."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import autodiff as ad
from autodiff.errors import GraphError


def again(value):
    return pickle.loads(pickle.dumps(value))


@pytest.mark.parametrize("duplicate", [again, copy.deepcopy])
def test_a_copy_has_a_graph_of_its_own(duplicate):
    x = ad.Tensor([1.0, 2.0], requires_grad=True, name="x")
    y = np.sum(np.tanh(x * x))
    y2, x2 = duplicate((y, x))
    y2.backward()
    assert x.grad is None and x2.name == "x"
    np.testing.assert_allclose(x2.grad, 2 * x.data / np.cosh(x.data**2) ** 2)
    y.backward()
    np.testing.assert_array_equal(x.grad, x2.grad)


@pytest.mark.parametrize("duplicate", [again, copy.deepcopy])
def test_scalars_too(duplicate):
    x = ad.Scalar(3.0)
    y2, x2 = duplicate((x * x + x * 2.0, x))
    y2.backward()
    assert x2.grad == 8.0 and x.grad is None


@pytest.mark.parametrize("make", [ad.Scalar, lambda v: ad.Tensor(v, requires_grad=True)])
def test_depth_is_no_limit(make):
    y = x = make(1.0)
    for _ in range(20_000):
        y = y * 1.0001
    y2, x2 = again((y, x))
    y2.backward()
    assert float(x2.grad) == pytest.approx(1.0001**20_000)


def test_several_arguments_and_results():
    x = ad.Tensor(np.eye(2), requires_grad=True)
    y = again(np.sum(np.concatenate([x, x * 2.0])))
    y.backward()
    assert y.item() == 6.0


def test_an_op_outside_the_table_is_refused():
    odd = ad.custom_op(lambda x: x * 2, lambda g: g * 2, name="odd")
    with pytest.raises(GraphError, match="odd"):
        pickle.dumps(odd(ad.Tensor(1.0, requires_grad=True)))


def test_a_copy_of_a_graph_of_ones_own_ops():
    cube = ad.custom_op(lambda x: x**3, lambda g, x: g * 3 * x**2)
    for f in (cube, ad.checkpoint(lambda x: x**3)):
        x = ad.Tensor([1.0, 2.0], requires_grad=True)
        y2, x2 = copy.deepcopy((np.sum(f(x)), x))
        y2.backward()
        np.testing.assert_array_equal(x2.grad, [3.0, 12.0])
        assert x.grad is None
