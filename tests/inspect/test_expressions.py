"""Values written in terms of one another: what has a name, and what is read as one expression."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.inspect.expressions import Expressions, constant, fold
from autodiff.inspect.naming import names, values
from autodiff.inspect.notation import product
from autodiff.nodes import topological
from models.gru import GRU

X = np.array([0.5, -1.0, 2.0])


def leaf(value: Any, name: str) -> ad.Tensor:
    return ad.Tensor(value, requires_grad=True, name=name)


def written(J: Any, **given: Any) -> Expressions:
    order = topological(J._node)
    return Expressions(names(order, given), values(order, J), given)


def definition(J: Any, **given: Any) -> str:
    return written(J, **given).definition(J._node).text


x, y, W = leaf(X, "x"), leaf(X + 3.0, "y"), leaf(np.ones((2, 3)), "W")
z = leaf(np.float32([800.3, 1.5, -0.7]), "z")
s, t = ad.Scalar(2.0, name="s"), ad.Scalar(3.0, name="t")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (x * y + x, "x⊙y + x"),
        (x * (y + x), "x⊙(y + x)"),
        (-(x + y), "−(x + y)"),
        (x - (y - x), "x − (y − x)"),
        (np.tanh(W @ x), "tanh(W x)"),
        ((W @ x).T, "(W x)ᵀ"),
        (x**2, "x²"),
        (ad.sigmoid(x), "σ(x)"),
        (x[0], "x[0]"),
        (W[1, 2], "W[1, 2]"),
        (W[:, 0], "W[:, 0]"),
        (W[:, 0:1], "W[:, 0:1]"),
        (W[1:], "W[1:]"),
        (x[::-1], "x[::−1]"),
        (x[-2:], "x[−2:]"),
        (x[-1], "x[−1]"),
        (W[..., None, -1], "W[..., None, −1]"),
        (x[[0, 2]], "x[[…]]"),
        (W[np.array([True, False]), 1], "W[[…], 1]"),
        ((x + y)[0], "(x + y)[0]"),
        (s * t, "s·t"),
        (s * s * t, "s·s·t"),
        (ad.linear(x, W), "W x"),
    ],
)
def test_values_in_terms_of_their_names(value, text):
    assert definition(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.0 * x, "3x"),
        (x * 3.0, "3x"),
        (x + 2.0, "x + 2"),
        (2.0 + x, "2 + x"),
        (x - 2.0, "x − 2"),
        (2.0 - x, "2 − x"),
        (1 - x, "1 − x"),
        (x / 2.0, "x / 2"),
        (x**3, "x³"),
        (x**-1.0, "x⁻¹"),
        (s + 2.0, "s + 2"),
        (2.0 - s, "2 − s"),
        (s * 0.5, "0.5s"),
        (x * -2.0, "−2x"),
        (x * 1e-5, "1e−5·x"),
        (z + 0.1, "z + 0.1"),
        (0.1 - z, "0.1 − z"),
        (z - 0.1, "z − 0.1"),
        (z + np.float32([0.5, 0.2, 0.3]), "z + [0.5  0.2  0.3]"),
        (x + np.array([1.0, 1.0, 1.001]), "x + [1  1  1.001]"),
        (x * np.array([np.inf, 1.0, np.nan]), "x⊙[inf  1  nan]"),
        (x * np.full(3, np.inf), "x⊙inf"),
        (x * np.array([True, False, True]), "x⊙[1  0  1]"),
        (z * np.float32([1.0, 1.0, 1.01]), "z⊙[1  1  1.01]"),
    ],
)
def test_constants_are_written_as_their_values(value, text):
    assert definition(value) == text


def test_constants_of_watched_ops_are_known():
    big = leaf(np.ones(100), "big")
    with ad.watch():
        J = big + np.full(100, 2.0)
    assert definition(J) == "big + 2"


def test_arrays_are_called_as_the_caller_calls_them():
    mask, other = np.array([1.0, 0.0, 2.0]), np.array([1.0, 2.0, 3.0])
    assert definition(x * mask, other=other, mask=mask) == "x⊙mask"
    assert definition(x + mask, other=other, mask=mask) == "x + mask"
    assert "mask" not in definition(x * mask, mask=np.ones(4))


def test_arrays_are_known_again_but_for_rounding():
    tenths = np.float32([0.1, 0.2, 0.4])
    assert definition(z + tenths, tenths=tenths) == "z + tenths"
    assert definition(z - tenths, tenths=tenths, text=np.array(["a", "b", "c"])) == "z − tenths"
    assert "tenths" not in definition(z + tenths * 1.01, tenths=tenths)


def test_a_name_ends_the_expression():
    inner = x * y
    J = np.tanh(inner)
    assert definition(J) == "tanh(x⊙y)"
    assert definition(J, inner=inner) == "tanh(inner)"
    assert written(J, inner=inner).definition(inner._node).text == "x⊙y"
    assert written(J).term(x._node).text == "x"


def test_an_input_without_a_name():
    hidden = ad.Tensor(X, requires_grad=True)
    assert definition(np.tanh(hidden)) == "tanh(input)"


def test_what_lies_deep_is_left_out():
    deep = x
    for _ in range(50):
        deep = np.tanh(deep * y)
    text = definition(deep)
    assert "…" in text
    assert len(text) < 80
    assert len(written(deep).short(deep._node)) <= 16


def test_wide_nodes_are_written_in_time():
    parts = [x * float(k) for k in range(300)]
    stacked = ad.stack(parts)
    J = ad.sum(ad.stack([stacked[k] * y for k in range(300)]))
    labels = list(ad.signals(J))
    assert len(set(labels)) == len(labels)
    assert max(map(len, labels)) < 40


def test_local_derivatives_name_the_arguments():
    J = np.tanh(x * y)
    found = written(J, product=J)
    assert found.factor(J._node, 0).text == "1 − product²"
    inner = J._node.parents[0]
    assert [found.factor(inner, i).text for i in (0, 1)] == ["y", "x"]


X23, b3, c4 = leaf(np.ones((2, 3)), "X"), leaf(X, "b"), leaf(np.ones(4), "c")
M43, k, q = leaf(np.ones((4, 3)), "M"), leaf(np.ones((5, 3)), "k"), leaf(np.ones((2, 3)), "q")


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        (x[0], ["[0]′"]),
        (W[:, 1:], ["[:, 1:]′"]),
        (W.T, ["(·)ᵀ"]),
        (np.cumsum(x), ["cumsum′"]),
        (np.tile(x, 2), ["tile′"]),
        (np.sum(W, axis=1), ["Σ′"]),
        (np.mean(W), ["0.1667·Σ′"]),
        (np.stack([b3, x]), ["∂stack/∂b", "∂stack/∂x"]),
        (np.concatenate([b3, b3]), ["∂₁concatenate", "∂₂concatenate"]),
        (W.reshape(3, 2), ["I"]),
        (+x, ["I"]),
        (X23 + b3, ["I", "Σ"]),
        (X23 + np.ones((2, 3)), ["I"]),
        (b3 - np.ones((2, 3)), ["Σ"]),
        (X23 * b3, ["diag(b)", "diag(X) Σ"]),
        (b3 * np.array([2.0]), ["2"]),
        (s * x, ["x", "s"]),
        (x / s, ["1 / s", "−(x / s²)"]),
        (ad.linear(X23, M43, c4), ["M", "Xᵀ", "Σ"]),
        (ad.linear(b3, M43, c4), ["M", "bᵀ", "I"]),
        (q @ k.T, ["k", "q"]),
        (x / np.sqrt(8.0), ["0.3536"]),
        (x**-1, ["−diag(x⁻²)"]),
        (ad.einsum("ij,j->i", X23, b3), ["∂einsum/∂X", "∂einsum/∂b"]),
        (ad.log_softmax(x), ["log_softmax′(x)"]),
    ],
)
def test_local_derivatives_of_ops_that_know_their_shapes(value, texts):
    node, found = value._node, written(value)
    used = [i for i, parent in enumerate(node.parents) if parent is not None]
    assert [product([found.factor(node, i)], is_scalar=False) for i in used] == texts


def test_local_derivatives_within_a_mean_are_a_row():
    inner = X23**2
    J = np.mean(inner)
    found = written(J)
    steps = [found.factor(J._node, 0), found.factor(inner._node, 0)]
    assert product(steps, is_scalar=False) == "0.3333·X"


@pytest.mark.parametrize(
    ("value", "index", "expected"),
    [
        (x * 3.0, 1, 3.0),
        (x + 3.0, 1, 3.0),
        (3.0 + x, 0, 3.0),
        (3.0 - x, 0, 3.0),
        (x - 3.0, 1, 3.0),
        (s + 3.0, 1, 3.0),
        (3.0 - s, 0, 3.0),
        (s - 3.0, 1, 3.0),
        (s * 3.0, 1, 3.0),
        (x**3.0, 1, 3.0),
    ],
)
def test_what_a_constant_was(value, index, expected):
    node = value._node
    found = constant(node, index, values(topological(node), value))
    np.testing.assert_allclose(found, np.broadcast_to(expected, np.shape(found)))


def test_a_constant_that_nothing_tells():
    big = leaf(np.ones(100), "big")
    J = ad.sum(np.tanh(big + np.arange(100.0)))
    assert "c" in written(J).definition(J._node).text


# Folding


def assert_is_a_partition(order: list[Any], heads: dict[Any, Any]) -> None:
    assert set(heads) == set(order)
    for node in order:
        assert heads[heads[node]] is heads[node]


def test_every_node_is_read_in_one_expression():
    model = GRU(inputs=3, hidden=2)
    J = ad.sum(model(np.ones((3, 3)))[1])
    order = topological(J._node)
    heads = fold(order, {J._node})
    assert_is_a_partition(order, heads)
    assert len(set(heads.values())) < len(order)
    for node in order:  # nothing is folded out of its time step
        assert heads[node] is node or heads[node].scope is node.scope


def test_what_is_kept_stands_by_itself():
    inner = W @ x
    J = ad.sum(np.tanh(inner))
    order = topological(J._node)
    folded, kept = fold(order, {J._node}), fold(order, {J._node, inner._node})
    assert folded[inner._node] is not inner._node
    assert kept[inner._node] is inner._node
    assert_is_a_partition(order, kept)


def test_what_is_used_twice_and_inputs_stand_by_themselves():
    inner = x * y
    J = ad.sum(inner * 2.0 + np.tanh(inner))
    heads = fold(topological(J._node), {J._node})
    assert heads[inner._node] is inner._node
    assert heads[x._node] is x._node


def test_scopes_are_not_crossed():
    with ad.scope("inside"):
        inner = W @ x
    J = ad.sum(np.tanh(inner))
    assert fold(topological(J._node), set())[inner._node] is inner._node
