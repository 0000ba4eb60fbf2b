"""The gradient of a function of the user's own, tested from the command line."""

from __future__ import annotations

import inspect
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import ModuleType
from typing import Any

import autodiff as ad
from models.extras import need
from models.target import module_at, named

__all__ = ["UncheckedError", "check"]

LIBRARIES = ("torch", "jax", "autograd")
"""What --vjp takes for a library, not for a function."""
SETTINGS = "_hypothesis_internal_use_settings"
"""Where Hypothesis keeps the settings of a test."""


class UncheckedError(ad.errors.AutodiffError):
    """A gradient that cannot be tested."""


def check(target: str, examples: int, seed: int, **options: Any) -> tuple[bool, str]:
    """Test the gradient of a function.

    Parameters
    ----------
    target : str
        ``MODULE:NAME`` or ``FILE.py:NAME``: a function, a pair ``(forward, backward)``, or what
        `gradient_test` made. ``MODULE:FORWARD,BACKWARD`` is a pair, too.
    examples, seed : int
        How many examples Hypothesis draws, and the seed of its choices.
    **options
        As for `gradient_test`, but `vjp`, `grad` and `vs` by name: ``MODULE:NAME``, or ``NAME``
        in the target's module.

    Returns
    -------
    bool, str
        Whether the gradient is right, and what was found.

    Raises
    ------
    AutodiffError
        If it cannot be tested: there is no such target, the options do not go together,
        Hypothesis is not installed, or too few entries could be decided.
    """
    hypothesis = need("hypothesis", "testing a gradient", "test")
    name = target.rpartition(":")[2]
    with warnings.catch_warnings(), _without_files(hypothesis):
        warnings.simplefilter("ignore")  # tried at numbers of every size, a function overflows
        test = _test(target, options)
        _set_up(test, hypothesis, examples, seed)
        return _run(test, hypothesis, name, options)


# ---- the test


def _test(target: str, options: dict[str, Any]) -> Any:
    place, _, name = target.rpartition(":")
    if not place or not name:
        raise UncheckedError(f"{target!r} names no function: write MODULE:NAME or FILE.py:NAME")
    module = module_at(place)
    found = _function(name, module)
    if not hasattr(found, "tally"):
        found = _gradient_test(name, found, module, options)
    elif options:
        raise UncheckedError(f"{name} is a test with options of its own: give no others here")
    _require_complete(name, found)
    return found


def _gradient_test(name: str, f: Any, module: ModuleType, options: dict[str, Any]) -> Any:
    texts = {key: options[key] for key in ("vjp", "grad", "vs") if key in options}
    functions = {key: _option(text, module) for key, text in texts.items()}
    test = ad.testing.gradient_test(f, **options | functions)
    _require_taken(name, f, options)
    return test


def _option(text: str, module: ModuleType) -> Any:
    place, _, name = text.rpartition(":")
    return text if text in LIBRARIES else _function(name, module_at(place) if place else module)


def _function(name: str, module: ModuleType) -> Any:
    """A function, or a pair of functions."""
    found = named(name, module)
    if isinstance(found, type):
        raise UncheckedError(f"{name} is a class: name a function, or what was made of the class")
    parts = found if isinstance(found, (tuple, list)) and len(found) == 2 else [found]
    if not all(map(callable, parts)):
        kind = type(found).__name__
        raise UncheckedError(f"{name} is of type {kind}, and not a function or a pair of functions")
    return found


def _require_taken(name: str, f: Any, options: dict[str, Any]) -> None:
    """Raise if a function does not take so many inputs, or has no such setting."""
    count = options.get("arity") or options.get("shapes", "").partition("->")[0].count("(")
    with suppress(ValueError):  # what is written in C may not tell its arguments
        signature = inspect.signature(f[0] if isinstance(f, (tuple, list)) else f)
        try:
            signature.bind_partial(*range(count), **options.get("kwargs", {}))
        except TypeError as error:
            call = f"{name}({', '.join(signature.parameters)})"
            raise UncheckedError(f"--arity, --shapes, --set: {error} for {call}") from error


def _require_complete(name: str, test: Any) -> None:
    """Raise if a function has arguments that its test does not draw."""
    parameters = inspect.signature(test).parameters.values()
    missing = [p.name for p in parameters if p.kind is not p.VAR_KEYWORD]
    if missing:
        raise UncheckedError(
            f"{name}() also needs {', '.join(missing)}, which is not drawn: --arity draws more, "
            "--set gives a value, and only pytest gives fixtures"
        )


# ---- Hypothesis


@contextmanager
def _without_files(hypothesis: ModuleType) -> Iterator[None]:
    """Without what Hypothesis notes in the current folder, even if it has no database there."""
    with tempfile.TemporaryDirectory() as folder:
        hypothesis.configuration.set_hypothesis_home_dir(folder)
        try:
            yield
        finally:
            hypothesis.configuration.set_hypothesis_home_dir(None)


def _set_up(test: Any, hypothesis: ModuleType, examples: int, seed: int) -> None:
    settings = hypothesis.settings(
        max_examples=examples, database=None, deadline=None, report_multiple_bugs=False,
        suppress_health_check=list(hypothesis.HealthCheck), verbosity=hypothesis.Verbosity.quiet,
        phases=set(hypothesis.Phase) - {hypothesis.Phase.explain},  # the report explains better
    )  # fmt: skip
    setattr(test, SETTINGS, settings)  # as a decorator, it refuses a test that has some already
    hypothesis.seed(seed)(test)


def _hint(error: Exception, options: dict[str, Any]) -> str:
    """What helps where a function was given shapes that it does not take."""
    is_shape = isinstance(error.__cause__, (ValueError, IndexError)) and "shapes" not in options
    return "; --shapes states those it takes, as in '(n,d),(d,m)->(n,m)'" if is_shape else ""


def _run(test: Any, hypothesis: ModuleType, name: str, options: dict[str, Any]) -> tuple[bool, str]:
    undecided = (ad.errors.AutodiffError, ad.testing.UndecidedError,
                 hypothesis.errors.Unsatisfiable, hypothesis.errors.InvalidArgument)  # fmt: skip
    try:
        test()
    except undecided as error:
        raise UncheckedError(f"{name}: {error}") from error
    except ad.testing.GradientError as error:
        return False, f"{error}{_hint(error, options)}"
    except (Exception, SystemExit) as error:
        return False, f"{name} raised {type(error).__name__}: {error}"
    return True, f"{name}: {test.tally}"
