"""The largest paths first; where bounds are too loose to decide, still every path, once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.backward import contributions
from autodiff.inspect import search
from autodiff.inspect.partials import flat, shape_of, units
from autodiff.inspect.search import Search
from autodiff.nodes import topological
from autodiff.op import OPS


def mixed(steps: int) -> tuple[Any, Any]:
    """2**steps paths through matrices, whose bounds are loose."""
    rng = np.random.default_rng(0)
    x = h = ad.Tensor(rng.normal(size=3), requires_grad=True)
    for _ in range(steps):
        h = np.tanh(rng.normal(size=(3, 3)) @ h) + np.sin(rng.normal(size=(3, 3)) @ h)
    return ad.sum(h), x


def searched(J: Any, x: Any, element: Any = None) -> tuple[Search, list[Any]]:
    found = Search(topological(J._node), x._node, element)
    return found, list(found)


def norms(paths: list[Any]) -> list[float]:
    return [float(np.linalg.norm(flat(c))) for _, _, c in paths]


def assert_complete(J: Any, x: Any, paths: list[Any], number: int) -> None:
    assert len({(nodes, indices) for nodes, indices, _ in paths}) == len(paths) == number
    np.testing.assert_allclose(sum(c for *_, c in paths), ad.signals(J)[x].delta)


def test_a_path_is_a_way_from_the_result_to_the_target():
    J, x = mixed(3)
    for nodes, indices, _ in searched(J, x)[1]:
        assert nodes[0] is J._node and nodes[-1] is x._node
        steps = zip(nodes, indices, nodes[1:], strict=False)
        assert all(node.parents[i] is parent for node, i, parent in steps)
        assert len(indices) == len(nodes) - 1


def test_exact_where_bounds_decide_in_time():
    J, x = mixed(6)
    found, paths = searched(J, x)
    assert found.is_exact
    assert_complete(J, x, paths, 64)
    assert norms(paths) == pytest.approx(sorted(norms(paths), reverse=True))


@pytest.mark.parametrize("patience", [2, 10, 40])
def test_every_path_comes_once_also_from_the_beam(patience, monkeypatch):
    monkeypatch.setattr(search, "PATIENCE", patience)
    monkeypatch.setattr(search, "BEAM", 3)
    J, x = mixed(6)
    found, paths = searched(J, x)
    assert not found.is_exact
    assert_complete(J, x, paths, 64)


def test_each_path_that_is_found_renews_the_patience(monkeypatch):
    monkeypatch.setattr(search, "PATIENCE", 400)
    x = h = ad.Tensor(1.0, requires_grad=True)
    for a, b in np.random.default_rng(0).uniform(0.5, 1.5, (60, 2)):
        h = h * a + h * b
    found = Search(topological(h._node), x._node)
    assert len([path for path, _ in zip(found, range(100))]) == 100
    assert found.is_exact


def test_the_beam_keeps_the_largest_where_nothing_mixes(monkeypatch):
    factors = np.random.default_rng(0).uniform(0.5, 1.5, (10, 2))
    x = h = ad.Tensor(1.0, requires_grad=True)
    for a, b in factors:
        h = h * a + h * b
    monkeypatch.setattr(search, "PATIENCE", 1)
    found = Search(topological(h._node), x._node)
    first = [path for path, _ in zip(found, range(20))]
    products = [1.0]
    for row in factors:
        products = [p * f for p in products for f in row]
    assert norms(first) == pytest.approx(sorted(products, reverse=True)[:20])


def test_estimated_bounds_lose_no_path(monkeypatch):
    monkeypatch.setattr(search, "LARGEST", 1)
    J, x = mixed(4)
    found, paths = searched(J, x)
    assert not found.is_exact
    assert_complete(J, x, paths, 16)
    assert "estimated" in str(ad.paths(J, x))


def test_an_element_bounds_only_itself():
    J, x = mixed(4)
    for k in range(3):
        found, paths = searched(J, x, k)
        assert found.is_exact
        sizes = [abs(c) for *_, c in paths]
        assert sizes == pytest.approx(sorted(sizes, reverse=True))


def test_equal_paths_come_without_exploring_all_of_them():
    x = h = ad.Tensor(1.0, requires_grad=True)
    for _ in range(200):
        h = h + h
    paths = [path for path, _ in zip(Search(topological(h._node), x._node), range(10))]
    assert [c for *_, c in paths] == [1.0] * 10


@pytest.mark.parametrize("value", [0.5, np.ones(3)], ids=["number", "array"])
def test_a_path_longer_than_the_patience_is_found(value, monkeypatch):
    monkeypatch.setattr(search, "PATIENCE", 10)
    x = h = ad.Tensor(value, requires_grad=True)
    for _ in range(500):
        h = h * 0.1 + h * 0.2  # of which the product is zero in the end
    found = Search(topological(ad.sum(h)._node), x._node)
    first = [path for path, _ in zip(found, range(8))]
    assert len({indices for _, indices, _ in first}) == 8
    assert found.is_exact


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_sizes_whose_squares_are_no_numbers_are_ordered(size):
    x = ad.Tensor(np.ones(2), requires_grad=True)
    J = ad.sum(x * (2 * size) + x * (3 * size) + x * size)
    paths = searched(J, x)[1]
    assert [c[0] / size for *_, c in paths] == pytest.approx([3.0, 2.0, 1.0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kept", [0, 10**6])
def test_kept_jacobians_do_what_the_rules_do(kept, dtype, monkeypatch):
    monkeypatch.setattr(search, "KEPT", kept)
    rng = np.random.default_rng(0)
    x = ad.Tensor(rng.normal(size=(3, 3)).astype(dtype), requires_grad=True)
    J = ad.sum(np.stack([x @ x, x.T]) * ad.softmax(x)) + ad.sum(x[1:]) * np.sum(x @ x[0])
    for nodes, indices, c in searched(J, x)[1]:
        g = next(units(J._node))
        for node, index in zip(nodes, indices, strict=False):
            g = contributions(node, g)[index]
        assert c.dtype == dtype
        np.testing.assert_allclose(c, g, rtol=1e-5 if dtype == np.float32 else 1e-12)


# Error signals of one entry


def test_units_of_a_number_and_of_a_matrix():
    x = ad.Tensor(np.ones((2, 2)), requires_grad=True)
    assert list(units(ad.Scalar(3.0))) == [1.0]
    np.testing.assert_array_equal([flat(u) for u in units((x * 2)._node)], np.eye(4))
    assert [u.dtype for u in units(ad.Tensor(1.0, dtype=np.float32, requires_grad=True)._node)] == [
        np.float32
    ]


def test_units_of_several_results_count_them_as_one_vector():
    x = ad.Tensor(np.random.default_rng(0).normal(size=(3, 2)), requires_grad=True)
    q, _ = ad.linalg.qr(x)
    (node,) = q._node.parents
    assert node.op is OPS["qr"]
    assert shape_of(node) == (3 * 2 + 2 * 2,)
    np.testing.assert_array_equal([flat(u) for u in units(node)], np.eye(10))
    rows = [flat(contributions(node, unit)[0]) for unit in units(node)]
    assert np.shape(rows) == (10, 6)
