"""The gradient as the sum over paths: each one right, all of them there, the largest first."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.errors import DomainError, DTypeError, GraphError, ShapeError
from autodiff.inspect.paths import many
from models.gru import GRU

X = np.array([0.5, -1.0, 2.0])
MATRIX = np.array([[0.3, -0.8], [1.1, 0.6]])


def leaf(value: Any, name: str = "x") -> ad.Tensor:
    return ad.Tensor(value, requires_grad=True, name=name)


def assert_adds_up(found: Any, gradient: Any) -> None:
    """What is shown and the rest are the gradient, and so are all the paths."""
    shown = sum(np.asarray(path.contribution) for path in found.shown)
    np.testing.assert_allclose(shown + found.rest, gradient, rtol=1e-9, atol=1e-12)
    every = sum(np.asarray(path.contribution) for path in found.all())
    np.testing.assert_allclose(every, gradient, rtol=1e-9, atol=1e-12)


def sizes(found: Any, number: int) -> np.ndarray:
    return np.array([np.linalg.norm(p.contribution) for p, _ in zip(found.all(), range(number))])


# Counting and ranking


def test_a_square_has_two_paths():
    x = leaf(3.0)
    found = ad.paths(x * x, x)
    assert found.count == 2
    assert [path.contribution for path in found] == [3.0, 3.0]
    assert {path.indices for path in found} == {(0,), (1,)}


def test_one_step_of_a_gru_has_four_paths_to_its_input():
    model = GRU(inputs=3, hidden=2)
    x = leaf(X)
    h = model.cell(x, leaf([0.3, -0.6], "h"))
    found = ad.paths(ad.sum(h * 0.5), x)
    assert found.count == len(list(found.all())) == 4
    ad.sum(h * 0.5).backward()
    assert_adds_up(found, x.grad)


def diamonds(x: Any, factors: np.ndarray) -> Any:
    for a, b in factors:
        x = x * a + x * b
    return x


def largest_products(factors: np.ndarray, number: int) -> list[float]:
    """The largest products of one factor from each row, from row to row."""
    best = [1.0]
    for row in factors:
        best = sorted((p * f for p in best for f in row), key=abs, reverse=True)[:number]
    return best


@pytest.mark.parametrize("x", [ad.Scalar(0.1), leaf(0.1), leaf(X), leaf(np.ones((2, 1)))], ids=repr)
def test_the_largest_of_1e60_paths(x):
    factors = np.random.default_rng(0).uniform(-1.5, 1.5, (200, 2))
    J = diamonds(x, factors)
    found = ad.paths(J if J.shape == () else ad.sum(J), x, top=10)
    assert found.count == 2**200
    assert found.is_exact
    expected = largest_products(factors, 10)
    actual = [path.contribution for path in found.shown]
    np.testing.assert_allclose(actual, [np.full(x.shape, e) for e in expected], rtol=1e-9)
    assert "about 1.6e60 paths" in str(found)


def test_paths_of_arrays_are_ranked_by_their_norm():
    rng = np.random.default_rng(3)
    factors = rng.normal(size=(8, 2, 3))
    x = leaf(X)
    found = ad.paths(ad.sum(diamonds(x, factors)), x, top=5)
    products = [np.ones(3)]
    for row in factors:
        products = [p * f for p in products for f in row]
    expected = sorted((float(np.linalg.norm(p)) for p in products), reverse=True)
    assert found.count == len(expected)
    np.testing.assert_allclose(sizes(found, 256), expected, rtol=1e-9)


def test_an_element_has_its_own_ranking():
    x = leaf(X)
    large_in_all, large_in_one = np.array([5.0, 5.0, 1.0]), np.array([0.0, 0.0, 3.0])
    J = ad.sum(x * large_in_all + x * large_in_one)
    of_all, of_one = ad.paths(J, x), ad.paths(J, x, element=2)
    assert [np.sum(p.contribution) for p in of_all] == [11.0, 3.0]
    assert [p.contribution for p in of_one] == [3.0, 1.0]
    assert of_one.total == 4.0
    assert "∂J/∂x[2]" in str(of_one)


def test_an_element_of_a_matrix():
    x = leaf(MATRIX)
    J = ad.sum(x @ x)
    gradient = ad.paths(J, x).total
    for place in np.ndindex(2, 2):
        found = ad.paths(J, x, element=place)
        assert found.total == pytest.approx(gradient[place])
        assert_adds_up(found, gradient[place])


def test_paths_are_found_one_by_one_and_stay_the_same():
    x = leaf(0.1)
    found = ad.paths(diamonds(x, np.full((200, 2), 0.5)), x, top=2)
    forty = [path for path, _ in zip(found.all(), range(40))]
    assert len({path.indices for path in forty}) == 40
    assert forty[:2] == found.shown == [found[0], found[1]]
    assert len(found) == 2


def test_what_is_listed_and_the_rest_are_the_gradient():
    x = leaf(X)
    found = ad.paths(ad.sum(x * x + 3.0 * x), x, top=1)
    assert len(found) == len(list(found)) == 1
    np.testing.assert_allclose(sum(path.contribution for path in found) + found.rest, 2 * X + 3)
    assert len(list(found.all())) == found.count == 3
    assert list(found.all()) == list(found.all())


def test_local_derivatives_are_worked_out_only_where_asked_for():
    x = leaf(np.ones((300, 300)))
    path = ad.paths(ad.sum(x @ x * 2.0), x)[0]
    assert len(path.partials) == len(path.indices) == 3
    np.testing.assert_array_equal(path.partials[1], np.full((300, 300), 2.0))
    assert path.partials[0].shape == (300, 300)
    with pytest.raises(GraphError, match=r"matmul from \(300, 300\) to \(300, 300\) has 8,100"):
        path.partials[2]
    assert len(path.partials[:2]) == len(list(path.partials[:2])) == 2


def test_nothing_shown_leaves_everything_as_the_rest():
    x = leaf(X)
    found = ad.paths(ad.sum(x * x), x, top=0)
    assert found.shown == []
    np.testing.assert_array_equal(found.rest, 2 * X)


def test_all_shown_leaves_nothing():
    x = leaf(X)
    np.testing.assert_array_equal(ad.paths(ad.sum(x * x), x).rest, np.zeros(3))


def test_neither_grad_nor_hooks_take_part():
    x = leaf(X)
    x.register_hook(lambda g: pytest.fail("a hook was called"))
    assert ad.paths(ad.sum(x * x), x).count == 2
    assert x.grad is None


def test_a_zero_signal_adds_zero_where_the_slope_is_infinite():
    x = leaf(0.0)
    for found in (ad.paths(ad.sqrt(x) * 0.0, x), ad.paths(ad.sqrt(ad.Scalar(0.0)) * 0.0, x)):
        assert all(path.contribution == 0 for path in found)


def test_infinite_contributions_come_first_and_without_warnings():
    x = leaf([0.0, 1.0])
    found = ad.paths(ad.sum(x * 3.0 + ad.sqrt(x)), x)
    np.testing.assert_array_equal(found[0].contribution, [np.inf, 0.5])
    np.testing.assert_array_equal(found.total, [np.inf, 3.5])
    np.testing.assert_array_equal(found[0].partials[-1], [np.inf, 0.5])
    assert np.isnan(ad.paths(ad.sum(x * 3.0 + ad.sqrt(x)), x, top=1).rest[0])


def test_rows_of_a_table_also_of_a_computed_one():
    table = leaf(np.arange(12.0).reshape(4, 3))
    rows = ad.embedding(table * np.array([1.0, 2.0, 3.0]), np.array([1, 1, 3]))
    J = ad.sum(rows * rows)
    J.backward()
    found = ad.paths(J, table)
    assert found.count == 2
    assert_adds_up(found, table.grad)


# Where there is no path


def test_from_a_value_to_itself():
    x = leaf(3.0)
    found = ad.paths(x * x, x * x)
    assert found.count == 0
    J = x * x
    (path,) = ad.paths(J, J)
    assert (path.nodes, path.indices, path.contribution) == ((J._node,), (), 1.0)


def test_to_an_inner_value():
    x = leaf(X)
    y = x * 2.0
    found = ad.paths(ad.sum(y * y + y), y)
    assert found.count == 3
    np.testing.assert_allclose(found.total, 4 * X + 1)


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (lambda x: x.detach(), "not tracked"),
        (lambda x: ad.Tensor(X, name="c"), "not tracked"),
        (lambda x: ad.Tensor([1, 2]), "int64"),
        (lambda x: leaf(X, "w"), "does not depend on it"),
        (lambda x: ad.Scalar(1.0, requires_grad=False), "not tracked|does not depend"),
    ],
)
def test_why_there_is_no_path(other, why):
    x = leaf(X)
    other = other(x)
    found = ad.paths(ad.sum(x * x), other)
    assert found.count == 0
    assert list(found.all()) == list(found) == found.shown == []
    np.testing.assert_array_equal(found.total, np.zeros(other.shape))
    np.testing.assert_array_equal(found.rest, np.zeros(other.shape))
    assert found.reason
    assert any(part in found.reason for part in why.split("|"))
    assert found.reason in str(found)
    assert f"∂J/∂{other.name or 'x'} is zero" in str(found)


def test_only_through_round_is_no_path():
    x = leaf(X)
    found = ad.paths(ad.sum(ad.round(x)) + ad.sum(leaf(X)), x)
    assert found.count == 0
    assert "round" in found.reason
    np.testing.assert_array_equal(found.total, np.zeros(3))


def test_the_sign_of_a_determinant_leads_nowhere():
    x = leaf(MATRIX)
    sign, log = ad.linalg.slogdet(x)
    assert ad.paths(sign * 2.0 + log * 3.0, x).count == 1


# Wrong calls


def test_the_start_has_to_be_one_number():
    x = leaf(X)
    with pytest.raises(ShapeError, match=r"\(3,\).*J\[0\].*sum or mean"):
        ad.paths(x * x, x)
    assert ad.paths(x[:1], x).count == 1


@pytest.mark.parametrize("start", [X, 3.0, None])
def test_the_start_has_to_be_tracked(start):
    with pytest.raises(DTypeError, match=r"paths\(\) takes the Tensor or Scalar"):
        ad.paths(start, leaf(X))


def test_the_start_has_to_depend_on_something():
    with pytest.raises(GraphError, match="requires_grad=True"):
        ad.paths(ad.Tensor(1.0), leaf(X))


def test_values_may_be_told_by_name():
    h2 = ad.Tensor(X, requires_grad=True)
    J = ad.sum(np.tanh(h2) * h2)
    assert ad.paths(J, "h2").count == 2
    named = ad.Tensor(X, requires_grad=True, name="h₂")
    J = ad.sum(named * named)
    assert ad.paths(J, "h₂").count == ad.paths(J, "h2").count == 2
    assert ad.signals(J)["h2"].op == "input"
    assert ad.uses(J, "h₂").total.tolist() == (2 * X).tolist()
    assert ad.paths(ad.sum(h2 * 2.0), "y", names={"y": h2}).count == 1


def test_an_unknown_name_is_refused_with_the_nearest():
    weight = ad.Tensor(X, requires_grad=True)
    J = ad.sum(weight * 2.0)
    with pytest.raises(
        DomainError, match=r"'wieght' \(did you mean weight\?\); there is weight, J"
    ):
        ad.paths(J, "wieght")


@pytest.mark.parametrize("target", [X, 3.0, None])
def test_paths_lead_to_tensors(target):
    x = leaf(X)
    with pytest.raises(DTypeError, match="takes a Tensor, a Scalar or a name"):
        ad.paths(ad.sum(x), target)


@pytest.mark.parametrize("element", [3, -4, (0, 0), slice(0, 1), "a", True, 1.0])
def test_an_element_that_is_none(element):
    x = leaf(X)
    with pytest.raises(ShapeError, match="is no entry of a value of shape"):
        ad.paths(ad.sum(x), x, element=element)


@pytest.mark.parametrize("top", [-1, 2.0, None, "a"])
def test_how_many_to_show(top):
    x = leaf(X)
    with pytest.raises(DomainError, match="top="):
        ad.paths(ad.sum(x), x, top=top)


def test_counts_and_places_may_be_of_numpy():
    x = leaf(X)
    assert len(ad.paths(ad.sum(x * x), x, top=np.int64(1), element=np.int64(-1))) == 1


# What is printed


def test_the_printed_table():
    x = leaf(X)
    J = ad.sum(x * 3.0 + x * 0.5 + x * 0.25)
    assert str(ad.paths(J, x, top=1)).splitlines() == [
        "∂J/∂x is the sum over 3 paths",
        "1  [3.000  3.000  3.000]  J → 3x → x",
        "⋯  [0.750  0.750  0.750]  2 more, together",
        "Σ  [3.750  3.750  3.750]  ∂J/∂x",
    ]


def test_a_long_path_is_printed_short():
    x = leaf(0.1)
    found = ad.paths(diamonds(x, np.ones((200, 2))), x, top=2)
    assert "⋯ " in str(found[0])
    assert str(found[0]).endswith("→ x")
    assert max(map(len, str(found).splitlines())) < 400


@pytest.mark.parametrize(
    ("number", "text"),
    [(3, "3"), (12345, "12,345"), (10**9, "about 1.0e9"), (2**200, "about 1.6e60")],
)
def test_large_counts_are_rounded(number, text):
    assert many(number) == text
