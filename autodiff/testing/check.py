"""`check_gradients`: is this gradient right, by how many digits, and if not, why not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from autodiff.errors import DomainError, DTypeError, ShapeError
from autodiff.testing.contract import chosen, run_checks
from autodiff.testing.failure import GradientError
from autodiff.testing.higher import second_order, symmetry, taylor
from autodiff.testing.large import judge_projections
from autodiff.testing.point import Point
from autodiff.testing.problem import Problem, copies, make_problem
from autodiff.testing.report import GradientReport
from autodiff.testing.verdict import Rules, Verdict, judge

__all__ = ["Options", "check_gradients", "examine"]

SMALL = 200
"""Up to so many entries each is looked at by itself."""
ULPS = 64
"""How far a gradient in float32 or float16 may be off, in units in the last place."""


@dataclass(frozen=True)
class Options:
    """The settings of `check_gradients`, checked.

    Also whether Hypothesis has drawn the example, and a function that draws others like it.
    """

    order: int = 1
    method: str = "auto"
    rtol: float | None = None
    atol: float = 0.0
    kinks: str = "subgradient"
    projections: str | int = "auto"
    checks: tuple[str, ...] = field(default_factory=lambda: chosen("all"))
    cotangent: Any = None
    seed: Any = 0
    max_evals: int = 20_000
    drawn: bool = False
    draw: Callable[[np.random.Generator], Any] | None = None

    def __post_init__(self) -> None:
        _require("order", self.order, (1, 2))
        _require("method", self.method, ("auto", "complex", "differences"))
        _require("kinks", self.kinks, ("subgradient", "strict", "skip"))
        if self.projections != "auto":
            _require_number("projections", self.projections, 1)
        _require_number("max_evals", self.max_evals, 1)
        _require_number("atol", self.atol, 0)
        _require_number("rtol", 0 if self.rtol is None else self.rtol, 0)
        try:
            np.random.default_rng(self.seed)
        except (TypeError, ValueError) as error:
            raise DomainError(f"seed={self.seed!r} is no seed: {error}") from None


def _require(name: str, value: Any, known: tuple[Any, ...]) -> None:
    if value not in known:
        raise DomainError(f"{name}={value!r}: it is one of {', '.join(map(repr, known))}")


def _require_number(name: str, value: Any, least: int) -> None:
    if not isinstance(value, (int, float, np.number)) or not least <= value < np.inf:
        raise DomainError(f"{name}={value!r}: it is a number of at least {least}")


def check_gradients(
    f: Any,
    *inputs: Any,
    vjp: Any = None,
    grad: Callable[..., Any] | None = None,
    kwargs: Mapping[str, Any] | None = None,
    wrt: int | str | Iterable[int | str] | None = None,
    order: int = 1,
    method: str = "auto",
    rtol: float | None = None,
    atol: float = 0.0,
    kinks: str = "subgradient",
    projections: str | int = "auto",
    checks: str | Iterable[str] = "all",
    cotangent: Any = None,
    seed: Any = 0,
    max_evals: int = 20_000,
) -> GradientReport:
    """Compare the gradients of a function with derivatives that its values alone give.

    Parameters
    ----------
    f : callable or pair of callables
        Takes arrays and gives an array or a tuple of arrays. A pair is ``(forward, backward)``
        with ``out, cache = forward(*inputs)`` and ``grads = backward(dout, cache)``.
    *inputs
        Where to check: arrays, numbers, and nested lists, tuples and dicts of them. Integers and
        booleans are handed on.
    vjp : callable, pair of callables or str, optional
        Where the gradients come from. Left out: from our own engine, which runs `f` on tensors.
        A function ``vjp(cotangent, *inputs)``; a pair as above; or ``"torch"``, ``"jax"``,
        ``"autograd"``, whose arrays `f` then takes.
    grad : callable, optional
        In place of `vjp`, for an `f` that gives one number: ``grad(*inputs)``.
    kwargs : mapping, optional
        Settings for `f`, and for a `vjp` of your own.
    wrt : int, str, or iterable of them, optional
        The inputs to differentiate by, by number or name. Default: all that are floating.
    order : {1, 2}
        2: second derivatives too. For our engine, the derivatives of the gradient and the symmetry
        of the Hessian; for others, the rate at which Taylor's remainder falls.
    method : {"auto", "complex", "differences"}
        How derivatives are had from values. "auto": the complex step where `f` takes complex
        arrays and differences confirm it, else differences. "complex": an error where it cannot.
    rtol : float, optional
        Default: 1e-6 in float64. In float32 and float16, 64 units in the last place for the
        formula, which is evaluated in float64 to see; and half of the digits may be lost to
        cancellation.
    atol : float
        By default 0: derivatives of any size are judged by their error bars.
    kinks : {"subgradient", "strict", "skip"}
        Where there is no derivative: the gradient has to lie in the hull of those around it, and
        they have to be right; or such a point is an error; or it is left out.
    projections : "auto" or int
        Inputs of so many entries that each cannot be looked at are compared along so many random
        directions, 8 unless given.
    checks : "all", "none", str or iterable of str
        Of ``shape dtype mutation aliasing determinism linearity layouts forward``.
    cotangent : array or tuple of arrays, optional
        Default: irregular numbers of both signs, drawn by `seed`.
    seed : int or numpy.random.Generator
    max_evals : int
        At most so many calls of `f` for difference quotients.

    Returns
    -------
    GradientReport
        ``.ok``, ``.max_rel``, ``.digits``, ``.entries``, ``.undecided``, ``.causes``.

    Raises
    ------
    GradientError
        If a gradient is wrong or breaks its contract, or more than half of the entries cannot be
        decided. The text says where, by how much, and the likely cause.
    DTypeError, DomainError, ShapeError
        If there is nothing to check: no floating input, complex or object arrays, NaN.

    Examples
    --------
    >>> import numpy as np
    >>> from autodiff.testing import check_gradients
    >>> x = np.array([0.5, -1.0, 2.0])
    >>> check_gradients(np.tanh, x).ok
    True
    >>> check_gradients(np.tanh, x, vjp=lambda g, x: g * (1 - np.tanh(x) ** 2)).ok
    True
    """
    options = Options(
        order, method, rtol, atol, kinks, projections, chosen(checks), cotangent, seed, max_evals
    )
    problem = make_problem(f, inputs, vjp, grad, dict(kwargs or {}), wrt)
    report = examine(problem, options)
    report.require_right()
    return report


def examine(problem: Problem, options: Options) -> GradientReport:
    """All that is to be said about a problem; raises only where nothing can be compared."""
    with np.errstate(all="ignore"):  # inputs of any size are tried, so that functions may overflow
        return _examined(problem, options)


def _examined(problem: Problem, options: Options) -> GradientReport:
    rng = np.random.default_rng(options.seed)
    point = Point(problem, problem.inputs, _cotangents(problem, options, rng))
    point.allowed = options.max_evals
    found = [g.copy() for g in problem.gradients(copies(point.inputs), copies(point.cotangents))]
    report = GradientReport(point, options)
    report.checks = run_checks(options.checks, point, found, rng)
    gradient = point.fitted(found)
    if gradient is not None:
        report.gradient = gradient
        report.verdict = _judged(point, gradient, options, rng)
        _break_ties(report, options, rng)
    elif not report.checks.get("shape"):
        raise GradientError(f"gradients of shapes {[g.shape for g in found]} do not fit the inputs")
    if options.order == 2 and report.ok:
        _second(report, options, rng)
    return report


def _cotangents(problem: Problem, options: Options, rng: np.random.Generator) -> list[np.ndarray]:
    drawn = problem.cotangents(rng)
    if options.cotangent is None:
        return drawn
    given = (
        options.cotangent if isinstance(options.cotangent, (tuple, list)) else [options.cotangent]
    )
    if any(np.asarray(v).dtype.kind not in "biuf" for v in given):
        raise DTypeError(f"cotangent={options.cotangent!r}: real arrays, one for each result")
    arrays = [np.array(v, like.dtype) for v, like in zip(given, drawn, strict=False)]
    if not all(np.all(np.isfinite(v)) for v in arrays):
        raise DomainError("the cotangent holds NaN or an infinity: nothing can be checked")
    if len(given) != len(drawn) or [v.shape for v in arrays] != [v.shape for v in drawn]:
        raise ShapeError(
            f"cotangents of shapes {[np.shape(v) for v in given]} for results of shapes "
            f"{[v.shape for v in drawn]}"
        )
    return arrays


def _judged(point: Point, a: np.ndarray, options: Options, rng: np.random.Generator) -> Verdict:
    rules = _rules(point, a, options, rng)
    if a.size <= SMALL and options.projections == "auto":
        every = np.arange(a.size)
        return judge(point, a, every, rules, rng, options.method)
    count = 8 if options.projections == "auto" else int(options.projections)
    return judge_projections(point, a, rules, rng, count)


def _rules(point: Point, a: np.ndarray, options: Options, rng: np.random.Generator) -> Rules:
    if point.eps < 1e-12:
        rtol = 1e-6 if options.rtol is None else options.rtol
        return Rules(rtol, options.atol, options.kinks)
    rtol = ULPS * point.eps if options.rtol is None else options.rtol
    half = point.eps**0.5
    if not point.in_double:
        return Rules(max(rtol, 10 * half), options.atol, options.kinks)
    # The formula has to be right; to cancellation it may lose half of the digits.
    double = point.moved(point.z).gradient()
    lost = np.minimum(np.abs(a - double), half * np.abs(double))
    tiny = max(float(np.finfo(x.dtype).tiny) for x in point.inputs)
    slack = tiny + ULPS * point.rounding(rng) + np.where(np.isfinite(lost), lost, 0.0)
    return Rules(rtol, options.atol, options.kinks, slack)


def _break_ties(report: GradientReport, options: Options, rng: np.random.Generator) -> None:
    """Where most entries cannot be decided, let the rate of Taylor's remainder speak."""
    if report.is_vacuous and taylor(report.point, report.gradient, rng) is True:
        report.settle()


def _second(report: GradientReport, options: Options, rng: np.random.Generator) -> None:
    point = report.point
    if report.verdict is None or report.verdict.kink.any():
        return  # where there is no first derivative, there is no second
    if point.problem.source.kind != "engine":
        if taylor(point, report.gradient, rng) is False:
            report.checks["Taylor"] = (
                "the remainder of the first-order expansion does not fall as the square of the step"
            )
        return
    problem = second_order(point)
    report.checks["symmetry"] = symmetry(problem, point, rng)
    lost = max(float(np.max(point.cancelled(order), initial=0.0)) for order in (1, 2))
    lost = lost if np.isfinite(lost) else 0.0
    again = replace(
        options, order=1, method="auto", atol=options.atol + lost, checks=(), cotangent=None,
        seed=rng, draw=None,
    )  # fmt: skip
    below = examine(problem, again)
    report.second, below.first = below, report
