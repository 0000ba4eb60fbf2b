"""Step rules against their published formulas, written down a second time in plain numpy."""

from __future__ import annotations

import copy
import math
import pickle

import numpy as np
import pytest

import autodiff as ad
from autodiff import optim
from autodiff.errors import DomainError, DTypeError, FormatError, GraphError, ShapeError
from tests.step_rules import (
    draw,
    each_case,
    each_rule,
    leaf,
    steps,
)

# The numbers


@each_case
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0, 2)])
def test_the_published_formula(rule, formula, settings, shape):
    x, gs = draw(*shape), draw(10, *shape, seed=1)
    parameter = leaf(x)
    steps(rule([parameter], **settings), gs)
    np.testing.assert_allclose(parameter.data, formula(x, gs, **settings), rtol=1e-12)


@each_case
def test_a_scalar(rule, formula, settings):
    x, gs = 0.5, draw(10).tolist()
    parameter = ad.Scalar(x)
    steps(rule([parameter], **settings), gs)
    assert isinstance(parameter.data, float)
    assert parameter.data == pytest.approx(float(formula(np.float64(x), gs, **settings)), rel=1e-12)


@each_case
@pytest.mark.parametrize(("dtype", "rtol"), [("float32", 1e-5), ("float16", 3e-2)])
@pytest.mark.parametrize("shape", [(), (5,)])
def test_the_dtype_stays(rule, formula, settings, dtype, rtol, shape):
    x, gs = draw(*shape).astype(dtype), draw(5, *shape, seed=1).astype(dtype)
    parameter = leaf(x)
    optimizer = rule([parameter], **settings)
    optimizer.lr = np.float64(optimizer.lr)  # as a schedule made with numpy gives it
    steps(optimizer, list(gs))
    expected = formula(x.astype(float), gs.astype(float), **settings)
    assert parameter.dtype == dtype
    np.testing.assert_allclose(parameter.data, expected, rtol=rtol, atol=rtol)


@each_rule
def test_float16_has_no_overflow_and_no_division_by_zero(rule, settings):
    large = 1.0 if rule is optim.SGD else 6e4  # whose square is beyond float16
    parameter = leaf([1.0, 1.0, 1.0], "float16")
    steps(rule([parameter], **settings), [np.array([0.0, 1e-6, large], "float16")] * 3)
    assert np.abs(parameter.data).max() < 2


TORCH = {
    optim.SGD: ("SGD", {}),
    optim.Adagrad: ("Adagrad", {}),
    optim.RMSProp: ("RMSprop", {"decay": "alpha"}),
    optim.Adam: ("Adam", {}),
    optim.AdamW: ("AdamW", {}),
}


@each_rule
def test_pytorch_agrees(rule, settings):
    torch = pytest.importorskip("torch")
    name, spelling = TORCH[rule]
    settings = {"decay": 0.9, **settings} if rule is optim.RMSProp else settings
    x, gs = draw(2, 3), draw(10, 2, 3, seed=1)
    ours, theirs = leaf(x), torch.tensor(x, requires_grad=True)
    other = getattr(torch.optim, name)(
        [theirs], **{spelling.get(k, k): v for k, v in settings.items()}
    )
    for g in gs:
        theirs.grad = torch.tensor(g)
        other.step()
    steps(rule([ours], **settings), gs)
    np.testing.assert_allclose(ours.data, theirs.detach().numpy(), rtol=1e-11)


def test_nesterov_takes_the_gradient_ahead():
    """Sutskever et al. 2013, eq. 3-4, state the step from the point that the velocity leaves."""
    lr, momentum, curvature = 0.1, 0.9, np.array([1.0, 3.0])
    point, v = np.array([1.0, -1.0]), np.zeros(2)
    x = leaf(point)
    optimizer = optim.SGD([x], lr, momentum, nesterov=True)
    for _ in range(20):
        x.grad = curvature * x.data
        optimizer.step()
        v = momentum * v - lr * curvature * (point + momentum * v)
        point = point + v
        np.testing.assert_allclose(x.data, point + momentum * v, rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize("rule", [optim.Adam, optim.AdamW])
def test_the_first_step_of_adam_is_as_long_as_the_rate(rule):
    parameter = leaf([0.0, 0.0, 0.0])
    steps(rule([parameter], lr=0.01), [np.array([1e-3, 5.0, -1e6])])
    np.testing.assert_allclose(parameter.data, [-0.01, -0.01, 0.01], rtol=1e-4)


@each_rule
def test_a_bowl_is_descended(rule, settings):
    parameter = leaf([1.0, -2.0])
    optimizer = rule([parameter], **settings)
    for number in range(400):
        optimizer.lr = 0.3 * 0.99**number
        optimizer.zero_grad()
        np.sum(parameter * parameter).backward()
        optimizer.step()
    assert np.abs(parameter.data).max() < 0.05


# What a step may not disturb


def test_a_recorded_graph_keeps_the_old_values():
    x = leaf([1.0, 2.0])
    y = np.sum(x * x * x)
    steps(optim.SGD([x], 0.5), [np.ones(2)])
    x.zero_grad()
    y.backward()
    np.testing.assert_array_equal(x.grad, [3.0, 12.0])
    np.testing.assert_array_equal(x.data, [0.5, 1.5])


def test_what_was_read_before_stays():
    x = leaf([1.0, 2.0])
    view, copied = x.data, x.detach()
    steps(optim.SGD([x], 0.5), [np.ones(2)] * 2)
    np.testing.assert_array_equal(view, [1.0, 2.0])
    np.testing.assert_array_equal(copied.data, [1.0, 2.0])


@each_rule
def test_the_gradient_stays_and_is_not_kept(rule, settings):
    x, gradient = leaf([1.0, 2.0]), np.array([3.0, 4.0])
    optimizer = rule([x], **settings)
    steps(optimizer, [gradient])
    np.testing.assert_array_equal(gradient, [3.0, 4.0])
    before = optimizer.state_dict()
    gradient[:] = 100
    for name, value in optimizer.state_dict().items():
        np.testing.assert_array_equal(value, before[name])


def test_a_step_writes_in_place():
    x = leaf(draw(100))
    place = x._writable().ctypes.data
    steps(optim.Adam([x]), [draw(100)] * 3)
    assert x._writable().ctypes.data == place


def test_parameters_of_different_shapes_and_dtypes_side_by_side():
    parameters = [leaf(draw(3)), leaf(draw(2, 2), "float32"), leaf(1.0), leaf(draw(5), "float16")]
    alone = copy.deepcopy(parameters)
    gs = [draw(*p.shape, seed=i).astype(p.dtype) for i, p in enumerate(parameters)]
    together = optim.Adam(parameters)
    for _ in range(3):
        for p, g in zip(parameters, gs):
            p.grad = g
        together.step()
    for p, g, other in zip(parameters, gs, alone):
        steps(optim.Adam([other]), [g] * 3)
        np.testing.assert_array_equal(p.data, other.data)


def test_a_parameter_without_a_gradient_rests():
    x, y = leaf([1.0]), leaf([1.0])
    x.grad = np.ones(1)
    optim.Adam([x, y]).step()
    assert y.data == 1 and x.data < 1


def test_no_gradient_at_all_is_an_error():
    optimizer = optim.SGD([leaf([1.0])], 0.1)
    with pytest.raises(GraphError, match=r"no parameter has a gradient; call backward\(\)"):
        optimizer.step()
    assert optimizer.steps == 0


def test_gradients_that_are_tensors():
    x = leaf([1.0, 2.0])
    np.sum(x * x).backward(create_graph=True)
    optim.SGD([x], 0.5).step()
    np.testing.assert_array_equal(x.data, [0.0, 0.0])


def test_zero_grad():
    x, y = leaf([1.0]), ad.Scalar(1.0)
    x.grad, y.grad = np.ones(1), 1.0
    optim.SGD([x, y], 0.1).zero_grad()
    assert x.grad is None and y.grad is None


# Going on


@each_rule
@pytest.mark.parametrize("ending", ["npz", "safetensors"])
def test_a_saved_state_goes_on_to_the_same_bits(rule, settings, ending, tmp_path):
    if ending == "safetensors":
        pytest.importorskip("safetensors")
    gs = draw(10, 2, 3, seed=1).astype("float32")
    whole, first = leaf(draw(2, 3), "float32"), leaf(draw(2, 3), "float32")
    steps(rule([whole], **settings), gs)

    half = rule([first], **settings)
    steps(half, gs[:5])
    ad.io.save(tmp_path / f"a.{ending}", half.state_dict())
    second = leaf(first.data)
    rest = rule([second], **{**settings, "lr": 7.0})
    rest.load_state_dict(ad.io.load(tmp_path / f"a.{ending}")[0])
    assert rest.lr == settings["lr"] and rest.steps == 5
    steps(rest, gs[5:])
    np.testing.assert_array_equal(second.data, whole.data)


@each_rule
@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))])
def test_a_copy_goes_on_by_itself(rule, settings, duplicate):
    gs = draw(4, 2, 3, seed=1)
    optimizer = rule([leaf(draw(2, 3))], **settings)
    steps(optimizer, gs[:2])
    other = duplicate(optimizer)
    steps(optimizer, gs[2:])
    steps(other, gs[2:])
    assert other.params[0] is not optimizer.params[0]
    np.testing.assert_array_equal(other.params[0].data, optimizer.params[0].data)


def test_the_state_is_a_copy():
    optimizer = optim.Adam([leaf([1.0])])
    state = optimizer.state_dict()
    steps(optimizer, [np.ones(1)])
    assert state["mean.0"] == 0 and state["steps"] == 0


BAD_STATES = {
    "of SGD": ({"mean.0": None, "square_mean.0": None}, {}, FormatError, "no 'mean.0' and 1 more"),
    "one too many": ({}, {"mean.1": np.zeros(2)}, FormatError, "'mean.1'"),
    "another shape": ({}, {"mean.0": np.zeros(3)}, ShapeError, r"'mean.0' .*\(2,\).*\(3,\)"),
    "integers": ({}, {"mean.0": np.zeros(2, int)}, FormatError, "'mean.0' .*float64.*int64"),
    "a negative rate": ({}, {"lr": np.array(-1.0)}, DomainError, "lr=-1"),
    "no rate": ({}, {"lr": np.array(np.nan)}, DomainError, "lr=nan"),
    "negative steps": ({}, {"steps": np.array(-1)}, DomainError, "steps=-1"),
    "steps in floats": ({}, {"steps": np.array(1.0)}, FormatError, "'steps'.*int64.*float64"),
}


@pytest.mark.parametrize(
    ("drop", "put", "error", "message"), BAD_STATES.values(), ids=BAD_STATES.keys()
)
def test_a_state_that_does_not_fit_changes_nothing(drop, put, error, message):
    optimizer = optim.Adam([leaf([1.0, 2.0])])
    steps(optimizer, [np.ones(2)])
    before = optimizer.state_dict()
    state = {name: value + 1 for name, value in before.items() if name not in drop}
    with pytest.raises(error, match=message):
        optimizer.load_state_dict({**state, **put})
    after = optimizer.state_dict()
    assert all(np.array_equal(after[name], value) for name, value in before.items())


# A rule of one's own


class SignDescent(optim.Optimizer):
    def _update(self, x, g, t, *state):
        x -= self.lr * np.sign(g, out=t)


def test_a_rule_is_one_method():
    parameters = [leaf([1.0, 1.0, 1.0]), leaf(1.0)]
    optimizer = SignDescent(parameters, lr=0.5)
    for p in parameters:
        p.grad = np.broadcast_to(-3.0, p.shape)
    optimizer.step()
    assert parameters[0].data.tolist() == [1.5, 1.5, 1.5] and parameters[1].item() == 1.5
    assert repr(optimizer) == "SignDescent(2 parameters, lr=0.5)"
    steps(SignDescent(parameters[:1], lr=0.5), [ad.RowGrad(np.array([2]), np.ones(1), (3,))])
    assert parameters[0].data.tolist() == [1.5, 1.5, 1.0]


def test_a_rule_has_to_be_stated():
    with pytest.raises(NotImplementedError, match=r"Optimizer states no _update\(\)"):
        steps(optim.Optimizer([leaf([1.0])], lr=0.5), [np.ones(1)])


# Settings


@pytest.mark.parametrize(
    ("rule", "settings", "message"),
    [
        (optim.SGD, {"lr": -0.1}, r"lr=-0.1 is outside \[0, inf\)"),
        (optim.SGD, {"lr": math.nan}, "lr=nan"),
        (optim.SGD, {"lr": math.inf}, "lr=inf"),
        (optim.SGD, {"lr": 1, "momentum": 1.0}, r"momentum=1.0 is outside \[0, 1\)"),
        (optim.SGD, {"lr": 1, "weight_decay": -1}, "weight_decay=-1"),
        (optim.SGD, {"lr": 1, "nesterov": True}, "nesterov=True .* momentum"),
        (optim.Adagrad, {"eps": 0}, "eps=0 is not above zero"),
        (optim.RMSProp, {"decay": 1.5}, "decay=1.5"),
        (optim.Adam, {"betas": (0.9, 1.0)}, r"betas\[1\]=1.0"),
        (optim.Adam, {"eps": -1}, "eps=-1"),
        (optim.AdamW, {"weight_decay": math.nan}, "weight_decay=nan"),
    ],
)
def test_settings_out_of_range(rule, settings, message):
    with pytest.raises(DomainError, match=message):
        rule([leaf([1.0])], **settings)


def test_a_rate_set_later_is_checked_too():
    optimizer = optim.SGD([leaf([1.0])], 0.1)
    with pytest.raises(DomainError, match="lr=-1"):
        optimizer.lr = -1
    optimizer.lr = 0
    steps(optimizer, [np.ones(1)])
    assert optimizer.params[0].data == 1


def test_parameters_are_tracked_leaves_each_once():
    x = leaf([1.0])
    for wrong in ([ad.Tensor([1.0])], [x, x * 2.0], [np.ones(2)], ["x"]):
        with pytest.raises(GraphError, match=r"params\[\d\] is .*leaf with requires_grad=True"):
            optim.SGD(wrong, 0.1)
    with pytest.raises(DomainError, match="twice"):
        optim.SGD([x, leaf([1.0]), x], 0.1)
    with pytest.raises(DomainError, match="no parameters"):
        optim.SGD([], 0.1)
    for wrong in (x, ad.Linear(1, 1, rng=0), 3.0):
        with pytest.raises(DTypeError, match=r"module.parameters\(\), not a (Tensor|Linear|float)"):
            optim.SGD(wrong, 0.1)


def test_any_iterable_of_parameters():
    assert len(optim.SGD((leaf([1.0]) for _ in range(3)), 0.1).params) == 3


def test_equal_parameters_are_different_ones():
    assert len(optim.SGD([leaf([1.0]), leaf([1.0])], 0.1).params) == 2


def test_it_says_what_it_is():
    text = repr(optim.SGD([leaf([1.0])], 0.1, 0.9))
    assert text.startswith("SGD(1 parameters, lr=0.1, momentum=0.9")
    assert "betas=(0.9, 0.999)" in repr(optim.AdamW([leaf([1.0])]))
