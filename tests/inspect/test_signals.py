"""Error signals: those of the backward sweep, told value by value and use by use."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.backward import flow, sweep
from autodiff.errors import DomainError, DTypeError, GraphError, ShapeError
from autodiff.nodes import topological
from tests.ops.case import CASES, Case, dense, each

X = np.array([0.5, -1.0, 2.0])


def leaf(value: Any, name: str | None = None) -> ad.Tensor:
    return ad.Tensor(value, requires_grad=True, name=name)


def inputs_and_result(case: Case) -> tuple[list[ad.Tensor], Any]:
    """Leaves, and a number that depends on all results of an op through values of theirs."""
    inputs = [leaf(a, f"x{i}") for i, a in enumerate(case.inputs)]
    results = [r for r in case.values(*(x * 1.0 for x in inputs)) if isinstance(r, ad.Tensor)]
    rng = np.random.default_rng(0)
    return inputs, sum(ad.sum(r * rng.normal(size=r.shape)) for r in results if r.requires_grad)


def assert_shares_sum_to_deltas(found: Any) -> None:
    for node in found.order[1:]:
        delta = found.deltas[node]
        shares = [edge.share for edge in found.uses[node] if edge.share is not None]
        if delta is None:
            assert not shares
        elif not isinstance(delta, tuple):
            np.testing.assert_allclose(sum(map(dense, shares)), dense(delta), rtol=1e-9, atol=1e-12)


# The same as the sweep


@each(CASES)
def test_the_flow_of_every_op_is_that_of_the_sweep(case):
    inputs, J = inputs_and_result(case)
    if not isinstance(J, ad.Tensor):
        return
    seeds = {J._node: np.float64(1.0)}
    deltas = {node: g for node, g, _ in flow(topological(J._node), seeds)}
    targets = [x._node for x in inputs]
    gradients = sweep(seeds, targets)
    for node in targets:
        g = deltas.get(node)
        expected = dense(gradients.get(node, np.zeros(node.spec[0])))
        actual = np.zeros(node.spec[0]) if g is None else dense(g)
        np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-12)


@each(CASES)
def test_signals_and_paths_of_every_op(case):
    inputs, J = inputs_and_result(case)
    if not isinstance(J, ad.Tensor):
        return
    found = ad.signals(J)
    assert_shares_sum_to_deltas(found)
    assert len(str(found).splitlines()) == min(len(found), 61) + 1
    assert len(found.rows) == len(found)
    for x in inputs:
        of_x = ad.paths(J, x, top=3)
        every = list(of_x.all())
        assert of_x.count == len(every)
        total = sum(dense(path.contribution) for path in every)
        np.testing.assert_allclose(total, dense(of_x.total), rtol=1e-8, atol=1e-10)
        assert all(len(path.partials) == len(path.indices) for path in every)
        assert str(of_x)


def test_scalars():
    x, y = ad.Scalar(3.0, name="x"), ad.Scalar(-2.0, name="y")
    J = x * y + ad.tanh(x)
    found = ad.signals(J)
    J.backward()
    assert found[x].delta == pytest.approx(x.grad)
    assert found[y].delta == y.grad
    assert_shares_sum_to_deltas(found)


def test_scalars_and_tensors_in_one_graph():
    a, x = ad.Scalar(2.0), leaf(X)
    J = ad.sum(x * a) * a
    found = ad.signals(J)
    J.backward()
    assert found[a].delta == pytest.approx(a.grad)
    np.testing.assert_allclose(found[x].delta, x.grad)
    assert_shares_sum_to_deltas(found)


def test_custom_ops_and_recomputed_functions():
    w = leaf(2.0)
    cube = ad.custom_op(lambda x: x**3, lambda g, x: g * 3 * x**2, name="cube")
    x = leaf(X)
    J = ad.sum(cube(x)) + ad.sum(ad.checkpoint(lambda a: np.tanh(a * w))(x))
    found = ad.signals(J)
    J.backward()
    np.testing.assert_allclose(found[x].delta, x.grad)
    assert_shares_sum_to_deltas(found)
    assert "cube" in str(found)


def make_lookup(table: Any) -> Any:
    return ad.embedding(table, np.array([1, 1, 3]))


@pytest.mark.parametrize(
    "make", [lambda t: t, lambda t: t * X, np.tanh, np.transpose, lambda t: t + 0.0]
)
def test_rows_of_a_table_that_is_itself_computed(make):
    table = leaf(np.arange(16.0).reshape(4, 4)[:, :3] / 10)
    J = ad.sum(make_lookup(make(table).reshape(4, 3)) ** 2) + ad.sum(table[0])
    J.backward()
    found = ad.signals(J)
    np.testing.assert_allclose(dense(found[table].delta), dense(table.grad))
    assert_shares_sum_to_deltas(found)


def test_a_table_that_is_only_looked_up():
    table = leaf(np.arange(12.0).reshape(4, 3), "table")
    J = ad.sum(make_lookup(table) ** 2)
    found = ad.signals(J)
    assert isinstance(found[table].delta, ad.RowGrad)
    assert "table" in str(found)
    J.backward()
    np.testing.assert_array_equal(dense(ad.uses(J, table).total), dense(table.grad))


def test_zero_signals_stay_zero_where_slopes_are_infinite():
    x = leaf([0.0, 4.0])
    found = ad.signals(ad.sum(ad.sqrt(x) * np.array([0.0, 1.0])))
    np.testing.assert_array_equal(found[x].delta, [0.0, 0.25])


def test_infinite_and_undefined_signals_without_warnings():
    x = leaf([0.0, 4.0])
    found = ad.signals(ad.sum(ad.sqrt(x) - ad.sqrt(x)))
    np.testing.assert_array_equal(found[x].delta, [np.nan, 0.0])
    assert "nan" in str(found)


# Nothing is stored


def test_grad_and_hooks_are_left_alone():
    x = leaf(X)
    y = (x * 2.0).retain_grad()
    for value in (x, y):
        value.register_hook(lambda g: pytest.fail("a hook was called"))
    J = ad.sum(y * y)
    ad.signals(J)
    ad.uses(J, x)
    assert x.grad is None and y.grad is None


# As a mapping, as rows, as a table


def small() -> tuple[Any, Any, Any]:
    x = leaf(X, "x")
    y = x * 2.0
    return x, y, ad.sum(y * y + y)


def test_a_mapping_by_tensor_and_by_name():
    x, y, J = small()
    found = ad.signals(J)
    assert found["x"].name == found[x].name == "x"
    np.testing.assert_allclose(found["y"].delta, 4 * X + 1)
    assert found[y].op == "multiply" and found[x].op == "input"
    assert found[J].delta == 1.0 and found[J].value == J.item()
    np.testing.assert_array_equal(found[x].value, X)
    assert found[y].shape == (3,)
    assert x in found and "y" in found


@pytest.mark.parametrize("key", ["nothing", leaf(X), ad.Tensor(X), 3, None, X])
def test_what_is_not_in_the_graph_is_a_key_error(key):
    found = ad.signals(small()[2])
    with pytest.raises(KeyError, match="is no value of this graph"):
        found[key]


def test_names_are_unique_and_lead_back():
    x = leaf(X)
    J = ad.sum(np.tanh(x) + np.tanh(x) * np.tanh(x))
    found = ad.signals(J)
    assert len(set(found)) == len(list(found)) == len(found) == len(found.order)
    assert [found[name].name for name in found] == list(found)
    assert next(iter(found.items()))[1].delta == 1.0


def test_another_value_may_be_called_j():
    x = leaf(X, "J")
    found = ad.signals(ad.sum(x * x) * 2.0)
    assert found["J₁"].op == "input" and found["J₂"].delta == 1.0


@pytest.mark.parametrize("same", [lambda x: x.astype(np.float32), np.positive])
def test_a_name_stays_that_of_its_value(same):
    x = leaf(X, "x")
    y = same(x)
    found = ad.signals(ad.sum(y * y), names={})
    assert found["x"].op == "input"
    assert found[y].name == "x₁"
    assert ad.paths(ad.sum(y * y), "x").target is x._node


def test_nodes_are_keys_as_well():
    x, y, J = small()
    found = ad.signals(J)
    assert found[y._node].name == found[y].name
    assert str(ad.paths(J, x._node)) == str(ad.paths(J, x))
    with pytest.raises(KeyError):
        found[leaf(X)._node]


def test_one_of_several_results_has_to_be_named():
    x = leaf(np.eye(2) + 1.0, "x")
    q, _ = ad.linalg.qr(x)
    with pytest.raises(DomainError, match="qr has several results"):
        ad.paths(ad.sum(q), q._node.parents[0])


def test_shares_name_the_consumers():
    _, y, J = small()
    found = ad.signals(J)
    signal = found[y]
    np.testing.assert_allclose(sum(share for _, share in signal.shares), signal.delta)
    assert len(signal.shares) == 3
    consumers = [name for name, _ in signal.shares]
    assert len(set(consumers)) == 2  # y⊙y takes it twice
    assert set(consumers) <= set(found)


def test_local_derivatives_are_written_and_worked_out():
    x = leaf(X, "x")
    found = ad.signals(ad.sum(np.tanh(x)))
    (tanh,) = (signal for _, signal in found.items() if signal.op == "tanh")
    ((name, text, value),) = tanh.local
    assert name == "x"
    assert "²" in text
    np.testing.assert_allclose(value, 1 - np.tanh(X) ** 2)


def test_each_use_of_one_value_has_its_local_derivative():
    x = ad.Scalar(4.0, name="x")
    J = x / x
    names, texts, values = zip(*ad.signals(J)[J].local, strict=True)
    assert names == ("x", "x")
    assert len(set(texts)) == 2
    assert values == (0.25, -0.25)


def test_constants_have_no_local_derivative():
    x = leaf(X, "x")
    y = 2.0 * x
    ((name, text, value),) = ad.signals(ad.sum(y))[y].local
    assert name == "x"
    assert text.startswith("2")
    np.testing.assert_array_equal(value, np.full(3, 2.0))
    assert ad.signals(ad.sum(y))[x].local == []


def test_a_large_local_derivative_is_written_only():
    x, W = leaf(X, "x"), leaf(np.ones((30, 3)), "W")
    y = W @ x
    assert [value is None for *_, value in ad.signals(ad.sum(y))[y].local] == [True, True]


def test_rows_hold_the_same_as_the_mapping():
    found = ad.signals(small()[2])
    assert [row["name"] for row in found.rows] == list(found)
    assert set(found.rows[0]) == {"name", "op", "shape", "value", "delta", "local", "shares"}
    for row in found.rows:
        np.testing.assert_array_equal(row["delta"], found[row["name"]].delta)


def test_the_printed_table():
    x = ad.Scalar(3.0, name="x")
    J = x * x
    assert str(ad.signals(J)).splitlines() == [
        "value of  made by   ▸ value  local derivatives  ◂ error signal  the sum of",
        "J         multiply  9.000    x: x  x: x         1.000",
        "x         input     3.000                       6.000           J: 3.000 + J: 3.000",
    ]
    assert repr(ad.signals(J)) == str(ad.signals(J))


def test_long_lists_within_a_row_are_printed_short():
    x = leaf(X, "x")
    ys = [x * float(k) for k in range(1, 2001)]
    lines = str(ad.signals(ad.sum(np.concatenate(ys)), names={})).splitlines()
    assert max(map(len, lines)) < 400
    assert lines[2].startswith("concatenate(…)") and "⋯ 1,996 more" in lines[2]
    assert lines[-1].startswith("x ") and lines[-1].endswith(" + ⋯ 1,996 more")


def test_deep_graphs_are_printed_short():
    J = ad.Scalar(1.0, name="x")
    for _ in range(20_000):
        J = J + 1.0
    lines = str(ad.signals(J)).splitlines()
    assert len(lines) == 62
    assert "⋯ 19,941 more" in lines[31]
    assert lines[-1].startswith("x ")


# Wrong calls


def test_the_start_has_to_be_one_number():
    x = leaf(X)
    for f in (lambda J: ad.signals(J), lambda J: ad.uses(J, x)):
        with pytest.raises(ShapeError, match=r"\(3,\).*J\[0\].*sum or mean"):
            f(x * 2)
        with pytest.raises(DTypeError, match="Tensor or Scalar"):
            f(X)
        with pytest.raises(GraphError, match="requires_grad=True"):
            f(ad.Tensor(1.0))
    assert ad.signals(x[:1])[x].delta.tolist() == [1.0, 0.0, 0.0]


def test_what_is_used_has_to_be_a_tensor():
    x = leaf(X)
    with pytest.raises(DTypeError, match="takes a Tensor, a Scalar or a name"):
        ad.uses(ad.sum(x), X)
