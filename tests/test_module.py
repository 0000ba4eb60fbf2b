"""Modules as plain trees: names, states, gradients of whole models."""

from __future__ import annotations

import copy
import pickle
from typing import NamedTuple

import numpy as np
import pytest

import autodiff as ad
from autodiff.errors import DomainError, DTypeError, FormatError, ShapeError
from autodiff.inspect.signals import step
from tests.states import assert_same


class Pair(NamedTuple):
    left: object
    right: object


class Net(ad.Module):
    """Parameters in every kind of place, and much that is none."""

    def __init__(self, dtype=float):
        self.layers = [ad.Linear(2, 3, rng=0, dtype=dtype), np.tanh]
        self.heads = {"a": ad.Linear(3, 1, rng=1, dtype=dtype)}
        self.pair = Pair(ad.Parameter(2.0, dtype=dtype), (3.0, "text"))
        self.tied = self.layers[0].W
        self.parent = self
        self.sizes, self.rate, self.mode, self.nothing = [2, 3, 1], 0.5, "fast", None
        self.rng, self.mask = np.random.default_rng(0), np.ones(3)
        self.seen = ad.Tensor([1.0])

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return self.heads["a"](x * self.mask) * self.pair.left


NAMES = ["layers.0.W", "layers.0.b", "heads.a.W", "heads.a.b", "pair.left"]
X = np.random.default_rng(5).normal(size=(4, 2))


def loss(model, x=X):
    return np.sum(model(x) ** 2)


# Names and parts


def test_parameters_are_named_by_the_way_to_them():
    model = Net()
    named = model.named_parameters()
    assert list(named) == NAMES
    assert named["pair.left"] is model.pair.left
    assert all(a is b for a, b in zip(model.parameters(), named.values(), strict=True))


def test_modules():
    model = Net()
    assert model.modules() == [model, model.layers[0], model.heads["a"]]


def test_any_leaf_that_requires_a_gradient_is_a_parameter():
    model = ad.Module()
    model.x = ad.Tensor([1.0], requires_grad=True)
    model.y = ad.Scalar(2.0)
    model.constant, model.inner = ad.Tensor([1.0]), model.x * 2.0
    assert list(model.named_parameters()) == ["x", "y"]


def test_a_parameter_put_in_later_counts():
    model = Net()
    model.layers.append(ad.Linear(1, 1, rng=0))
    assert "layers.2.W" in model.named_parameters()
    del model.heads, model.tied
    assert "heads.a.W" not in model.named_parameters()


def test_names_that_meet():
    model = ad.Module()
    model.parts = {"a.b": ad.Parameter(1.0), "a": {"b": ad.Parameter(2.0)}}
    with pytest.raises(DomainError, match=r"two parameters of Module are called parts\.a\.b"):
        model.parameters()


def test_a_parameter_is_called_by_its_first_attribute():
    model = ad.Linear(2, 1, rng=0)
    other = ad.Module()
    other.weight = model.W
    assert (model.W.name, model.b.name) == ("W", "b")
    named = ad.Module()
    named.p = ad.Parameter(1.0, name="q")
    assert named.p.name == "q"


def test_a_parameter_is_a_tensor_that_requires_a_gradient():
    p = ad.Parameter([1, 2], dtype="float32")
    assert isinstance(p, ad.Tensor) and p.requires_grad and p.dtype == "float32"
    assert type(p * 2.0) is ad.Tensor
    with pytest.raises(DTypeError, match="floating"):
        ad.Parameter([1, 2])


def test_forward_has_to_be_stated():
    with pytest.raises(NotImplementedError, match=r"Module states no forward\(\)"):
        ad.Module()(1.0)


def test_the_names_in_print():
    assert repr(Net()) == (
        "Net(\n"
        "  layers.0=Linear(W=float64(3, 2), b=float64(3,))\n"
        "  layers.1=tanh\n"
        "  heads.a=Linear(W=float64(1, 3), b=float64(1,))\n"
        "  pair.left=float64()\n"
        "  pair.right=(3.0, 'text')\n"
        "  tied=float64(3, 2)\n"
        "  parent=...\n"
        "  sizes=[2, 3, 1]\n"
        "  rate=0.5\n"
        "  mode='fast'\n"
        "  nothing=None\n"
        "  mask=float64(3,)\n"
        "  seen=float64(1,)\n"
        ")"
    )
    nested = ad.Sequential(ad.Sequential(ad.Linear(1, 1, bias=False, rng=0)))
    assert repr(nested) == (
        "Sequential(\n  layers.0=Sequential(\n    layers.0=Linear(W=float64(1, 1), b=None)\n  )\n)"
    )
    assert repr(ad.Dropout(0.5, rng=0).eval()) == "Dropout(rate=0.5)"


# Training


def test_train_and_eval_reach_all_parts():
    model = Net()
    assert model.training
    assert model.eval() is model
    assert not any(module.training for module in model.modules())
    assert model.train() is model
    assert all(module.training for module in model.modules())


def test_zero_grad():
    model = Net()
    loss(model).backward()
    assert all(p.grad is not None for p in model.parameters())
    model.zero_grad()
    assert all(p.grad is None for p in model.parameters())


def test_a_model_learns():
    model = ad.Sequential(ad.Linear(2, 8, rng=0), ad.tanh, ad.Linear(8, 1, rng=1))
    optimizer = ad.optim.Adam(model.parameters(), lr=0.05)
    target = X[:, :1] * X[:, 1:]
    for _ in range(200):
        error = np.mean((model(X) - target) ** 2)
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
    assert error.item() < 1e-3


# States


def test_the_state_is_a_copy():
    model = Net()
    state = model.state_dict()
    assert list(state) == NAMES
    before = model.heads["a"].W.numpy()
    state["heads.a.W"][...] = 9
    np.testing.assert_array_equal(model.heads["a"].W.data, before)


def test_a_state_goes_into_another_model():
    model, other = Net(), Net()
    for p in model.parameters():
        p.data = p.data + 1
    state = model.state_dict()
    other.load_state_dict(state)
    assert other(X).data.tolist() == model(X).data.tolist()
    assert other.tied is other.layers[0].W
    state["pair.left"][...] = 9
    assert other.pair.left.item() == 3


def test_a_state_takes_the_dtype_of_the_model():
    model = Net("float32")
    model.load_state_dict(Net().state_dict())
    assert {p.dtype.name for p in model.parameters()} == {"float32"}


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"pair.left": None}, FormatError, "Net: it has no 'pair.left'"),
        ({"more": np.ones(1)}, FormatError, "Net: not wanted is 'more'"),
        ({"pair.left": np.ones(1)}, ShapeError, r"'pair.left' of Net has shape \(\), .* \(1,\)"),
        ({"pair.left": np.array(1)}, FormatError, r"'pair.left' of Net is float64, .* int64\(\)"),
        ({"pair.left": np.array("x")}, FormatError, "'pair.left' of Net is float64"),
        ({"pair.left": np.array(None)}, FormatError, "'pair.left' of Net is float64"),
    ],
    ids=["missing", "too many", "shape", "integer", "text", "object"],
)
def test_after_an_error_nothing_has_changed(change, error, message):
    model = Net()
    before = model.state_dict()
    state = {name: value + 1 for name, value in before.items()} | change
    state = {name: value for name, value in state.items() if value is not None}
    with pytest.raises(error, match=message):
        model.load_state_dict(state)
    assert all(np.array_equal(value, before[name]) for name, value in model.state_dict().items())


def test_scalars_have_a_state_too():
    model, other = ad.Module(), ad.Module()
    model.x, other.x = ad.Scalar(2.0), ad.Scalar(0.0)
    other.load_state_dict(model.state_dict())
    assert other.x.data == 2.0 and isinstance(other.x.data, float)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_copy_is_another_model(duplicate):
    model = Net()
    other = duplicate(model)
    assert other.tied is other.layers[0].W and other.parent is other
    assert isinstance(other.pair.left, ad.Parameter)
    assert not {id(p) for p in model.parameters()} & {id(p) for p in other.parameters()}
    np.testing.assert_array_equal(other(X).data, model(X).data)


# A module as an argument


def test_the_gradient_of_a_model_is_a_model_of_gradients():
    model = Net()
    gradient = ad.grad(loss)(model)
    loss(model).backward()
    assert type(gradient) is Net and gradient.tied is gradient.layers[0].W
    for name, g in gradient.named_parameters().items():
        assert isinstance(g, (np.ndarray, float))
        np.testing.assert_allclose(g, model.named_parameters()[name].grad)


def test_transforms_leave_the_model_as_it_was():
    model = Net()
    before = dict(vars(model))
    ad.grad(loss)(model)
    assert all(p.grad is None for p in model.parameters())
    assert all(vars(model)[name] is value for name, value in before.items())


def test_inside_a_transform_the_parameters_are_those_of_the_trace():
    model = Net()

    def squares(m):
        return sum(np.sum(p * p) for p in m.parameters()) + np.sum(m.heads["a"].parameters()[0])

    gradient = ad.grad(squares)(model)
    named, found = model.named_parameters(), gradient.named_parameters()
    for name in NAMES:
        expected = 2 * named[name].data + (name == "heads.a.W")
        np.testing.assert_allclose(found[name], expected)


def test_a_trained_model_by_tree_map():
    model = Net()
    gradient = ad.grad(loss)(model)
    stepped = ad.tree.map(lambda p, g: ad.Parameter(p.data - 0.01 * g), model, gradient)
    assert stepped.tied is stepped.layers[0].W
    assert list(stepped.named_parameters()) == NAMES
    assert loss(stepped).item() < loss(model).item()


def test_leaves_that_look_alike_stay_apart():
    model = Net()
    flags = ad.tree.map(lambda p: True, model)
    assert flags.named_parameters() == dict.fromkeys(NAMES, True)
    assert flags.nothing is None and flags.sizes == [2, 3, 1]
    numbers = ad.tree.map(lambda flag: 1.0 if flag else 0.0, flags)
    assert numbers.parameters() == [1.0] * 5


def test_what_is_no_parameter_is_shared():
    model = Net()
    leaves, definition = ad.tree.flatten(model)
    other = ad.tree.unflatten(definition, leaves)
    assert other is not model and other.rng is model.rng and other.mask is model.mask
    assert other.parent is other and isinstance(other.pair, Pair)
    assert leaves == model.parameters()


def test_second_derivatives_over_a_model():
    model = Net()
    direction = ad.tree.map(lambda p: np.ones(p.shape), model)
    (product,) = ad.hvp(loss, (model,), (direction,))
    size = 1e-6

    def moved(sign):
        return ad.grad(loss)(ad.tree.map(lambda p: p.data + sign * size, model))

    ahead, behind = moved(1).parameters(), moved(-1).parameters()
    for found, a, b in zip(product.parameters(), ahead, behind, strict=True):
        np.testing.assert_allclose(found, (a - b) / (2 * size), rtol=1e-5, atol=1e-7)


# Scopes


class Seen(ad.Module):
    """A part that says in which scopes it was called."""

    def forward(self, x):
        return step((x * 2)._node)


class Whole(ad.Module):
    def __init__(self):
        self.first = Seen()
        self.parts = [Seen(), Seen()]
        self.named = {"left": Seen()}
        self.again = self.first

    def forward(self, x):
        return [part(x) for part in (self.first, *self.parts, self.named["left"], self.again)]


SCOPES = ["Seen first", "Seen parts.0", "Seen parts.1", "Seen named.left", "Seen first"]
TRACKED = ad.Tensor(X, requires_grad=True)


def test_a_call_is_a_scope_of_the_class_and_the_name():
    assert Seen()(TRACKED) == "Seen"
    assert Whole()(TRACKED) == [f"Whole / {name}" for name in SCOPES]


@pytest.mark.parametrize(
    "copied",
    [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m)), lambda m: ad.tree.map(np.copy, m)],
)
def test_copies_have_the_same_scopes(copied):
    assert copied(Whole())(TRACKED) == Whole()(TRACKED)


def test_scopes_change_neither_parameters_nor_printing():
    model = Whole()
    assert model.named_parameters() == {} and "_name" not in repr(model)


def test_forward_without_recording_or_with_an_error_leaves_no_scope():
    class Failing(ad.Module):
        def forward(self, x):
            raise ValueError("on purpose")

    with pytest.raises(ValueError, match="on purpose"):
        Failing()(TRACKED)
    with ad.no_grad():
        assert not Net()(X).requires_grad
    assert step((TRACKED * 2)._node) == ""


# From file to model


@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        ({"W": np.ones((3, 2))}, FormatError, "no 'b'"),
        ({}, FormatError, "no 'W' and 1 more"),
        ({"W": np.ones((3, 2)), "b": np.ones(3), "c": 1.0}, FormatError, "'c'"),
        ({"W": np.ones((2, 3)), "b": np.ones(3)}, ShapeError, r"'W' .*\(3, 2\).*\(2, 3\)"),
        ({"W": np.ones((3, 2)), "b": np.ones((3, 1))}, ShapeError, r"'b' .*\(3,\).*\(3, 1\)"),
        ({"W": np.ones((3, 2)), "b": np.ones(3, int)}, FormatError, "'b' .*float64.*int64"),
        ({"W": np.ones((3, 2), bool), "b": np.ones(3)}, FormatError, "'W' .*float64.*bool"),
    ],
    ids=["a missing one", "none", "one too many", "transposed", "axes", "integers", "booleans"],
)
def test_a_file_that_does_not_fit_leaves_the_model(path, state, error, message):
    ad.io.save(path, state)
    model = ad.Linear(2, 3, rng=0)
    before = model.state_dict()
    with pytest.raises(error, match=message) as caught:
        model.load_state_dict(ad.io.load(path)[0])
    assert "Linear" in str(caught.value)
    assert_same(model.state_dict(), before)


def test_a_model_comes_back(path):
    model, other = ad.Linear(2, 3, rng=0), ad.Linear(2, 3, rng=1)
    ad.io.save(path, model.state_dict())
    other.load_state_dict(ad.io.load(path)[0])
    assert_same(other.state_dict(), model.state_dict())
