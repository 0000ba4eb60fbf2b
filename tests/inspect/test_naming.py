"""What values are called, and that a value is shown as it was when the graph was recorded."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.inspect.naming import names, numbered, values, variables
from autodiff.nodes import SMALL, topological
from models.gru import GRU

X = np.array([0.5, -1.0, 2.0])


def leaf(value: Any, name: str | None = None) -> ad.Tensor:
    return ad.Tensor(value, requires_grad=True, name=name)


def named(J: Any, /, **given: Any) -> dict[str, Any]:
    """Nodes by name."""
    return {name: node for node, name in names(topological(J._node), given).items()}


def known(J: Any) -> dict[Any, Any]:
    return values(topological(J._node), J)


# Names


def test_the_own_name_comes_before_the_variable():
    x, y = leaf(X, "x"), leaf(X)
    J = ad.sum(x * y)
    assert named(J, a=x, b=y, J=J) == {"x": x._node, "b": y._node, "J": J._node}


def test_of_two_variables_the_first_counts():
    x = leaf(X)
    assert named(ad.sum(x), first=x, second=x) == {"first": x._node}


def test_values_in_lists_are_called_by_their_place():
    hs = [leaf(X)]
    hs.append(np.tanh(hs[0]))
    found = named(ad.sum(hs[1]), hs=hs, pair=(1.0, "text", hs[0]), other=3)
    assert found == {"hs₀": hs[0]._node, "hs₁": hs[1]._node}


def test_variables_are_those_of_the_caller():
    def caller() -> Any:
        inside, _hidden = 1, 2  # noqa: F841 - read from the frame
        return variables(1)

    def around() -> Any:
        outside = 3  # noqa: F841 - read from the frame
        return variables(1)

    assert caller() == {"inside": 1}
    assert around() == {"outside": 3}


def test_signals_and_paths_know_the_variables_of_their_caller():
    weight = leaf(X)
    squares = weight * weight
    J = ad.sum(squares)
    assert set(ad.signals(J)) == {"J", "squares", "weight"}
    assert str(ad.paths(J, weight)[0]) == "J → squares → weight"
    assert dict(ad.uses(J, weight)).keys() == {"squares"}


def test_names_that_occur_twice_get_numbers_in_order_of_creation():
    first, second = leaf(X, "h"), leaf(X, "h")
    assert named(ad.sum(second * first)) == {"h₁": first._node, "h₂": second._node}


def test_numbers_avoid_names_that_are_taken():
    nodes = [leaf(X)._node for _ in range(4)]
    found = numbered(dict(zip(nodes, ["x", "x", "x₁", "y"], strict=True)))
    assert list(found.values()) == ["x₂", "x₃", "x₁", "y"]


def test_texts_that_are_settled_already_get_a_number():
    nodes = [leaf(X)._node for _ in range(2)]
    found = numbered(dict(zip(nodes, ["x", "y"], strict=True)), ["x", "x₁"])
    assert list(found.values()) == ["x₂", "y"]


def test_numbers_of_different_names_do_not_meet():
    nodes = [leaf(X)._node for _ in range(13)]
    found = numbered(dict(zip(nodes, ["x"] * 11 + ["x₁"] * 2, strict=True)))
    assert len(set(found.values())) == 13


def test_watched_values_are_called_as_in_the_code_that_made_them():
    def loss(a):
        inner = np.tanh(a) * 2.0
        outer = ad.sum(inner * inner)
        return outer + 1.0

    x = leaf(X, "x")
    with ad.watch():
        J = loss(x)
    found = named(J)
    assert set(found) == {"x", "inner", "outer"}
    assert found["inner"].op.name == "multiply"
    assert set(named(loss(x))) == {"x"}  # not watched


def test_only_the_whole_right_side_has_the_name():
    x = leaf(X, "x")
    with ad.watch():
        y = np.tanh(x) + np.tanh(x) * 3.0
    assert set(named(y)) == {"y", "x"}
    assert named(y)["y"] is y._node


def test_a_value_assigned_again_and_again_gets_numbers():
    h = leaf(X, "x")
    with ad.watch():
        for _ in range(3):
            h = np.tanh(h)
    assert list(named(ad.sum(h))) == ["h₃", "h₂", "h₁", "x"]


def test_the_gates_of_a_gru_have_their_names():
    model = GRU(inputs=3, hidden=2)
    with ad.watch():
        J = ad.sum(model(np.ones((2, 3)), leaf([0.1, 0.2]))[1])
    found = set(named(J))
    assert {f"{n}{k}" for n in ("z", "r", "candidate", "h") for k in "₁₂"} <= found
    assert {"Wz", "Uz", "bz", "Wr", "Ur", "br", "W", "U", "b"} <= found
    with ad.watch():
        J = ad.sum(model.cell(leaf(X, "x(t)"), leaf([0.1, 0.2], "h(t-1)")))
    assert {"z", "r", "candidate", "h", "x(t)", "h(t-1)"} <= set(named(J))


def test_names_are_those_of_the_file_as_it_is_now(tmp_path):
    file, x = tmp_path / "edited.py", leaf(X, "x")
    for name in ("before", "later"):
        file.write_text(f"def f(x):\n    {name} = x * 2.0\n    return {name}\n")
        space: dict[str, Any] = {}
        exec(compile(file.read_text(), str(file), "exec"), space)
        with ad.watch():
            y = space["f"](x)
        assert set(named(y)) == {"x", name}


def test_code_without_a_file_has_no_names():
    space = {"ad": ad, "x": leaf(X, "x")}
    with ad.watch():
        exec(compile("def f(x):\n    y = x * 2.0\n    return y", "<nowhere>", "exec"), space)
        J = ad.sum(space["f"](space["x"]))
    assert set(named(J)) <= {"x", "J"}


# Values


def test_small_values_are_kept_and_large_ones_are_not():
    for size, is_kept in ((SMALL, True), (SMALL + 1, False)):
        y = leaf(np.ones(size)) + 1.0
        J = ad.sum(y)
        assert (y._node in known(J)) is is_kept


def test_watched_values_are_all_kept():
    x, table = leaf(np.ones(SMALL + 1)), leaf(np.ones((40, 3)))
    with ad.watch():
        J = ad.sum(np.tanh(x + 1.0)) + ad.sum(ad.embedding(table * 2.0, np.array([1, 2])))
    found = known(J)
    assert set(found) == set(topological(J._node))
    assert all(np.shape(found[node]) == node.spec[0] for node in found)


def test_values_that_a_rule_needs_are_known_without_watching():
    x = leaf(np.linspace(0, 1, SMALL + 1))
    y = x + 1.0
    found = known(ad.sum(y * 3.0) + ad.sum(np.sin(y)))
    np.testing.assert_array_equal(found[y._node], y.data)


def assert_not_new(J: Any, x: Any, new: Any) -> None:
    found = known(J).get(x._node)
    assert found is None or not np.array_equal(found, new)
    assert f"{np.ravel(new)[0]:.3f}" not in str(ad.signals(J))


@pytest.mark.parametrize("is_watched", [False, True])
@pytest.mark.parametrize("f", [np.tanh, lambda x: x + 1.0, lambda x: x * x, np.sin])
def test_a_leaf_given_a_new_value_is_not_shown_with_it(f, is_watched):
    x = leaf(X, "x")
    with ad.watch() if is_watched else ad.enable_grad():
        J = ad.sum(f(x))
    x.data = X + 77.123
    assert_not_new(J, x, x.data)
    if is_watched:
        np.testing.assert_array_equal(known(J)[x._node], X)
    K = ad.sum(f(x))
    np.testing.assert_array_equal(known(K)[x._node], x.data)


@pytest.mark.parametrize("f", [np.tanh, lambda x: x + 1.0, lambda x: x * x])
def test_a_step_of_an_optimiser_does_not_change_what_is_shown(f):
    x = leaf(X, "x")
    J = ad.sum(f(x))
    J.backward()
    ad.optim.SGD([x], lr=100.0).step()
    assert not np.allclose(x.data, X)
    assert_not_new(J, x, x.data)


@pytest.mark.parametrize("kind", [leaf, lambda value, name: ad.Scalar(2.0, name=name)])
def test_a_leaf_changed_before_its_first_use_is_shown_as_it_was_used(kind):
    with ad.watch():
        x = kind(X, "x")
    x.data = np.asarray(x.data) + 1.0 if x.shape else 3.0
    J = ad.sum(x + 1.0) if x.shape else x + 1.0
    np.testing.assert_array_equal(known(J)[x._node], x.data)
    used = x.data
    x.data = used * 2.0
    found = known(J).get(x._node)
    assert found is None or np.array_equal(found, used)


def test_a_scalar_given_a_new_value():
    x = ad.Scalar(2.0, name="x")
    J = x * x
    x.data = 77.123
    assert known(J).get(x) is None
    assert known(x * x)[x] == 77.123


def test_a_leaf_whose_tensor_is_gone_has_no_value():
    x = leaf(X, "x")
    J = ad.sum(x + 1.0)
    node = x._node
    del x
    assert node not in known(J)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
@pytest.mark.parametrize("kind", [leaf, ad.Scalar], ids=["Tensor", "Scalar"])
def test_copies_of_watched_graphs_work(copied, kind):
    x = kind(0.5)
    x.name = "x"
    with ad.watch(), ad.scope("part"):
        J = np.tanh(x) * x + ad.exp(x)
    again = copied(J)
    assert again.item() == J.item()
    found = ad.signals(again)
    assert found["x"].delta == pytest.approx(ad.signals(J)[x].delta)
    assert found["x"].value == 0.5
    assert ad.paths(again, again).count == 1
