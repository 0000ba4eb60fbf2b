"""`gradient_test`: a whole Hypothesis test of a gradient, from the function alone."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from operator import itemgetter
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from autodiff.errors import DomainError
from autodiff.testing.arguments import (
    ARRAYS,
    Inputs,
    drawn,
    inputs_for,
    is_signature,
    require_known,
    required,
)
from autodiff.testing.check import Options, examine
from autodiff.testing.contract import chosen
from autodiff.testing.failure import GradientError
from autodiff.testing.problem import Problem, make_problem
from autodiff.testing.sources import as_arrays, make_source
from autodiff.testing.strategies import cotangents_for
from autodiff.testing.tally import Tally
from autodiff.testing.twins import require_same, require_shapes

__all__ = ["gradient_test", "register"]

COTANGENT = "cotangent"
SETTINGS = "_hypothesis_internal_use_settings"
EXAMPLES = "hypothesis_explicit_examples"
MARKS = re.compile("^pytestmark$|hypothesis")
"""Where Hypothesis and pytest keep what `@settings`, `@example` and marks say about a test."""


def gradient_test(
    f: Any = None,
    *,
    forward: Callable[..., Any] | None = None,
    backward: Callable[..., Any] | None = None,
    vjp: Any = None,
    grad: Callable[..., Any] | None = None,
    vs: Callable[..., Any] | None = None,
    shapes: Any = "broadcast",
    arity: int | None = None,
    inputs: Any = None,
    kwargs: Mapping[str, Any] | None = None,
    wrt: int | str | Iterable[int | str] | None = None,
    order: int = 1,
    method: str = "auto",
    rtol: float | None = None,
    atol: float = 0.0,
    kinks: str = "subgradient",
    projections: str | int = "auto",
    checks: str | Iterable[str] = "all",
    max_evals: int = 20_000,
    **more: Any,
) -> Any:
    """A Hypothesis test that a function's gradients are right.

    It draws inputs, settings and a cotangent, calls `check_gradients`, and makes a failing example
    as small as it can. The result is what ``@given`` makes, so that Hypothesis's profiles and
    ``@settings``, ``@example``, ``@seed``, and pytest's fixtures and parametrized arguments go
    with it. Hypothesis's deadline does not, for a slow first call is no wrong gradient, nor its
    phase that explains, for the report does.

    Parameters
    ----------
    f : callable or pair of callables, optional
        As in `check_gradients`; left out, a decorator is returned.
    forward, backward : callable, optional
        A pair in place of `f`.
    vjp, grad
        As in `check_gradients`.
    vs : callable, optional
        A twin, such as numpy's function: results must agree with it in value, shape and dtype.
    shapes : "broadcast", "same", str or strategy
        Of the inputs: that broadcast against each other; all the same; by a signature in
        numpy's notation, ``"(n,d),(d,m),(m)->(n,m)"``, which also holds the result to its shape;
        or a strategy of tuples of shapes, in which what is no shape is handed on as it is.
    arity : int, optional
        How many inputs are drawn. Default: by the signature of `f`, all that have to be given.
        What the function takes beyond these is left to pytest.
    inputs : strategy, or tuple of strategies, optional
        In place of `shapes`: a strategy of one input or of a tuple of all, or a strategy for each,
        or a function of those drawn before which gives one.
    kwargs : mapping, optional
        Settings of `f` whose names are taken here: ``kwargs={"order": ...}``.
    wrt, order, method, rtol, atol, kinks, projections, checks, max_evals
        As in `check_gradients`.
    **more
        ``domain avoid distinct dtype layouts raw min_dims max_dims min_side max_side`` are about
        the arrays, as in `grad_arrays`; a `domain` in words about two arguments holds for each
        its own, and a list of domains is one for each input. All others are settings of `f`:
        strategies, plain values, or functions of the inputs that give either.

    Returns
    -------
    callable
        The test; its ``.function`` is `f`, its ``.tally`` what the last run came to.

    Raises
    ------
    DomainError, ShapeError
        At once, if the arguments do not go together.
    GradientError
        From the test: a gradient is wrong; an `UndecidedError` if more than half of the entries
        drawn could not be decided, or there were none.

    Examples
    --------
    >>> import numpy as np
    >>> import autodiff as ad
    >>> from autodiff.testing import gradient_test
    >>> @gradient_test(shapes="same")
    ... def test_product(a, b):
    ...     return a * np.tanh(b)
    >>> test_product()
    >>> test_logaddexp = gradient_test(ad.logaddexp, vs=np.logaddexp, arity=2)
    >>> test_logaddexp()
    """
    if f is None and forward is None and backward is None:
        given_here = {k: v for k, v in locals().items() if k not in ("f", "more")}
        return partial(gradient_test, **given_here, **more)
    if forward is not None or backward is not None:
        if f is not None or forward is None or backward is None:
            raise DomainError("forward= and backward= go together, in place of a function")
        f = (forward, backward)
    make_source(f, vjp, grad, {})
    options = Options(
        order, method, rtol, atol, kinks, projections, chosen(checks), max_evals=max_evals
    )
    arrays = {name: more.pop(name) for name in ARRAYS if name in more}
    own = {**(kwargs or {}), **more}
    require_known(_function(f), own)
    names, others = _parameters(_function(f), own, shapes, arity, inputs)
    drawing = inputs_for(inputs, shapes, len(names), arrays)
    return _finished(_Test(f, vjp, grad, vs, wrt, options, own, drawing, names, others))


def _parameters(
    f: Callable[..., Any], settings: Mapping[str, Any], shapes: Any, arity: int | None, inputs: Any
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of what is drawn for a function, and of what else it needs."""
    needed = [name for name in required(f) if name not in settings]
    method, needed = (needed[:1], needed[1:]) if needed[:1] == ["self"] else ([], needed)
    if arity is None and isinstance(inputs, (tuple, list)):
        arity = len(inputs)
    if arity is None and is_signature(shapes):
        arity = shapes.partition("->")[0].count("(")
    count = len(needed) if arity is None else arity
    names = needed[:count] + [f"x{i}" for i in range(len(needed), count)]
    if not names:
        raise DomainError(f"how many inputs {_name(f)}() takes cannot be seen: state arity=")
    every = [*names, *needed[count:], *settings, COTANGENT]
    if twice := {name for name in every if every.count(name) > 1}:
        raise DomainError(
            f"{_name(f)}() has an argument named {min(twice)!r}, which is the test's own: rename it"
        )
    return tuple(names), (*method, *needed[count:])


def register(
    f: Callable[..., Any], numpy: Callable[..., Any] | None = None, **settings: Any
) -> type:
    """All tests of one function as a class that pytest collects.

    Written ``TestLog = register(ad.log, np.log, domain="positive")``.

    Parameters
    ----------
    f : callable
    numpy : callable, optional
        Its twin in numpy.
    **settings
        As for `gradient_test`.

    Returns
    -------
    type
        With a test of values and gradients on shapes that broadcast, one of second derivatives,
        one in float32, and one of other memory layouts; the first two only, where `inputs` says
        what arrays are drawn.
    """
    few = settings.get("max_dims", max(2, settings.get("min_dims", 0)))
    variants: dict[str, dict[str, Any]] = {
        "test_gradient": {},
        "test_second_order": {"order": 2, "max_dims": few},
        "test_float32": {"dtype": np.float32},
        "test_layouts": {"layouts": True},
    }
    if "inputs" in settings:
        variants = {"test_gradient": {}, "test_second_order": {"order": 2}}
    tests = {
        name: staticmethod(gradient_test(f, vs=numpy, **{**settings, **variant}))
        for name, variant in variants.items()
    }
    return type(f"Test_{_name(f)}", (), tests)


@dataclass(frozen=True, eq=False, repr=False)
class _Test:
    """A function and all that its test draws and checks.

    Attributes
    ----------
    names, others : tuple of str
        What the test draws for the function; what pytest, or a class, gives it.
    """

    f: Any
    vjp: Any
    grad: Any
    vs: Callable[..., Any] | None
    wrt: Any
    options: Options
    settings: dict[str, Any]
    inputs: Inputs
    names: tuple[str, ...]
    others: tuple[str, ...]
    tally: Tally = field(default_factory=Tally)

    @property
    def drawn_names(self) -> tuple[str, ...]:
        return (*self.names, *self.settings, COTANGENT)

    def check(self, values: dict[str, Any]) -> None:
        """Judge one example."""
        with np.errstate(all="ignore"):  # as in `examine`
            self._judge(values)

    def _judge(self, values: dict[str, Any]) -> None:
        given = {n: values[n] for n in (*self.others, *self.settings) if n != "self"}
        inputs = [values[name] for name in self.names]
        f = partial(self.f, values["self"]) if "self" in self.others else self.f
        problem = make_problem(f, inputs, self.vjp, self.grad, given, self.wrt)
        problem = replace(problem, name=_name(_function(self.f)), code=self.code)
        if self.inputs.results:
            require_shapes(problem, self.inputs.results([np.shape(x) for x in inputs]))
        if self.vs:
            require_same(problem, problem.source.forward(problem.args), self.vs(*inputs, **given))
        report = examine(problem, self._options(problem, values.get(COTANGENT)))
        self.tally.add(report)
        if report.is_wrong:
            raise GradientError("", report)

    @property
    def code(self) -> str:
        """The function in code. A body that was decorated is hidden behind its test."""
        name = _name(_function(self.f))
        if not name.startswith("test"):
            return name
        if "self" not in self.others:
            return f"{name}.function"
        owner = self.f.__qualname__.rpartition("<locals>.")[2].removesuffix(f".{name}")
        return f"{owner}.{name}.function.__get__({owner}())"

    def _options(self, problem: Problem, cotangent: Any) -> Options:
        draw = None
        if self.inputs.generic and self.wrt is None:
            draw = self.inputs.generic([x.shape for x in problem.inputs])
        return replace(self.options, cotangent=cotangent, drawn=True, draw=draw)

    def as_given(self) -> Callable[..., None]:
        """The test that ``@given`` makes, with an argument for each thing that is drawn."""
        # One draw for all, of which each argument shows its part: so Hypothesis prints them by
        # name, and `@example` can give them.
        whole = st.shared(_examples(self))
        strategies = {name: whole.map(itemgetter(name)) for name in self.drawn_names}
        return given(**strategies)(self._check_of_named())

    def _check_of_named(self) -> Callable[..., None]:
        """The check of one example as a function that looks as the test should."""
        order = (*self.others, *self.drawn_names)

        def check(*args: Any, **values: Any) -> None:
            self.check(dict(zip(order, args, strict=False)) | values)

        function = _function(self.f)
        check.__name__ = check.__qualname__ = _name(function)
        check.__module__, check.__doc__ = function.__module__ or "", function.__doc__
        # What `@settings`, `@example` and pytest's marks below this decorator wrote.
        marks = {n: v for n, v in getattr(function, "__dict__", {}).items() if MARKS.search(n)}
        check.__dict__.update(marks)
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        check.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [inspect.Parameter(name, kind) for name in order]
        )
        return check


@st.composite
def _examples(draw: st.DrawFn, test: _Test) -> dict[str, Any]:
    args = draw(test.inputs.strategy)
    settings = {name: drawn(draw, given, *args) for name, given in test.settings.items()}
    found = dict(zip(test.names, args, strict=True)) | settings
    return found | {COTANGENT: None if test.others else _cotangent(draw, test, args, settings)}


def _cotangent(draw: st.DrawFn, test: _Test, args: Any, settings: dict[str, Any]) -> Any:
    """One for each result; None where there is none: the check will tell why."""
    try:
        with np.errstate(all="ignore"):
            results = as_arrays(make_source(test.f, test.vjp, test.grad, settings).forward(args))
    except Exception:
        return None
    given = draw(cotangents_for(results))
    return given[0] if len(given) == 1 else tuple(given) or None


def _finished(test: _Test) -> Callable[..., None]:
    """The test of all examples together, without a deadline."""
    inner = test.as_given()

    def run(*args: Any, **kwargs: Any) -> None:
        test.tally.clear()
        setattr(inner, SETTINGS, _adapted(getattr(inner, SETTINGS)))
        for example in getattr(inner, EXAMPLES, ()):
            _complete(example, (*test.names, *test.settings))
        inner(*args, **kwargs)
        test.tally.require_judged(_name(_function(test.f)))

    # What `@settings`, `@example`, `@seed` and pytest's plugin write on this function is meant for
    # the one within, so that the two share it.
    run.__signature__ = inspect.signature(inner)  # type: ignore[attr-defined]
    inner.__dict__.update(run.__dict__)
    run.__dict__ = inner.__dict__
    run.__name__, run.__qualname__ = inner.__name__, inner.__qualname__
    run.__module__, run.__doc__ = inner.__module__, inner.__doc__
    run.function, run.tally = test.f, test.tally  # type: ignore[attr-defined]
    return run


def _adapted(used: settings) -> settings:
    """Settings without a deadline, and for one report, of the smallest example.

    The phase that goes on from there to other examples, to say which argument matters, says less
    than the report and takes longer than all else.
    """
    phases = [phase for phase in used.phases if phase is not Phase.explain]
    # A fixture of pytest's is the same for all examples, which is what its user expects here.
    quiet = {*used.suppress_health_check, HealthCheck.function_scoped_fixture}
    return settings(
        used, deadline=None, phases=phases, report_multiple_bugs=False, suppress_health_check=quiet
    )


def _complete(example: Any, names: tuple[str, ...]) -> None:
    """Let an `@example` do without names, and without a cotangent."""
    if example.args:
        example.kwargs.update(zip(names[-len(example.args) :], example.args, strict=True))
        example.args = ()
    example.kwargs.setdefault(COTANGENT, None)


def _function(f: Any) -> Callable[..., Any]:
    return f[0] if isinstance(f, (tuple, list)) else f  # type: ignore[no-any-return]


def _name(f: Any) -> str:
    return getattr(f, "__name__", type(f).__name__)
