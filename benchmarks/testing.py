"""Gradient checkers: which wrong gradients they catch, which right ones they refuse, how fast.

The wrong gradients, and some right ones, are those of `benchmarks.mutants`. More right ones are
autodiff's own, of all ops, at what `gradient_test` draws: there is nothing else that draws for
every op. Its verdict on an example counts for autodiff; the peers' checkers are given the same
function and gradient at the same inputs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Any
from unittest.mock import patch

import numpy as np
from hypothesis import HealthCheck, Phase, seed, settings

import autodiff as ad
from autodiff.errors import DomainError
from autodiff.op import sum_to
from autodiff.testing import UndecidedError, gradient_test
from autodiff.testing.problem import make_problem
from benchmarks.checkers import CHECKERS, Verdict, survey
from benchmarks.harness import Row, Table, installed, row
from benchmarks.mutants import MUTANTS, Mutant
from benchmarks.mutants.mutant import Vjp
from tests.testing.table import NAMES, tested

__all__ = ["measure"]


@dataclass(frozen=True)
class Size:
    """How much is measured.

    Attributes
    ----------
    every : int
        Each so many-th mutant and op is taken.
    seeds : int
        Inputs of a mutant.
    examples, shared : int
        Drawn for an op; those of them that the peers are given too.
    raws : int
        Drawn for an op as raw floats.
    kinks, shared_kinks : int
        The same for functions that are not smooth.
    timed, repeats : int
        Examples that are timed, and how often.
    """

    every: int
    seeds: int
    examples: int
    shared: int
    raws: int
    kinks: int
    shared_kinks: int
    timed: int
    repeats: int


SIZES = {
    "full": Size(1, 3, 82, 4, 82, 200, 20, 200, 3),
    "quick": Size(4, 1, 16, 2, 16, 40, 4, 50, 1),
    "tiny": Size(20, 1, 3, 1, 3, 5, 1, 5, 1),
}
ROUGH = ("relu", "absolute", "max", "sort", "maximum", "clip")
"""Ops with kinks and ties at simple numbers."""
TIMED: dict[str, tuple[Callable[..., Any], Vjp]] = {
    "tanh": (np.tanh, lambda g, x: g * (1 - np.tanh(x) ** 2)),
    "relu": (lambda x: np.maximum(x, 0.0), lambda g, x: g * (x > 0)),
    "multiply": (np.multiply, lambda g, x, y: (sum_to(g * y, x.shape), sum_to(g * x, y.shape))),
}
"""Ops, and what they are in numpy: a peer is not to pay for a detour through autodiff."""
UNTIMED = {"jax"}
"""It compiles every function anew: one of these rows would take a minute."""


@dataclass(frozen=True)
class Example:
    """What a test drew for a function, and whether it refused the gradient.

    Attributes
    ----------
    f : callable
    values : dict
        By name: inputs, settings of `f`, and the cotangent.
    refusal : Exception or None
    """

    f: Callable[..., Any]
    values: dict[str, Any]
    refusal: Exception | None


# ---- what is drawn


def drawing(test: Any, count: int, number: int = 0) -> Any:
    """The test with so many examples, the same ones in each run; other ones by `number`."""
    given = settings(
        max_examples=count, phases=[Phase.generate], database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    return seed(number)(given(test))


def examples_of(test: Any) -> list[Example]:
    """All examples of a test. What it refuses neither stops it nor is made smaller."""
    inner, found = test.hypothesis.inner_test, []

    def judged(**values: Any) -> None:
        found.append(Example(test.function, values, refusal(inner, values)))

    with patch.object(test.hypothesis, "inner_test", judged), suppress(UndecidedError):
        test()
    return found


def refusal(judge: Callable[..., Any], values: dict[str, Any]) -> Exception | None:
    """What a test raises; an error that is no verdict is as bad for who runs the test."""
    try:
        judge(**values)
    except Exception as error:
        return error
    return None


def some(examples: Sequence[Example], count: int) -> Sequence[Example]:
    """So many of the examples, evenly: the first are the simplest."""
    return examples[:: max(1, len(examples) // count)][:count]


def raw(name: str) -> Any:
    """The test of an op with raw floats, where its domain has any."""
    try:
        return tested(name, raw=True)
    except DomainError:
        return tested(name)


# ---- what is judged


def as_mutant(example: Example) -> Mutant:
    """The function and autodiff's gradient of it as any checker takes them; nothing is wrong."""
    inputs, given = arguments(example.values)
    problem = make_problem(example.f, inputs, None, None, given, None)
    quiet = np.errstate(all="ignore")  # JAX calls from a thread that has settings of its own

    @quiet
    def forward(*arrays: Any) -> Any:
        return joined(problem.values(arrays))

    @quiet
    def vjp(cotangent: Any, *arrays: Any) -> tuple[Any, ...]:
        parts = split(cotangent, problem.values(arrays))
        return tuple(np.array(g) for g in problem.gradients(arrays, parts))

    return Mutant(problem.name, (), forward, vjp, vjp, lambda rng: problem.inputs)


def arguments(values: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """The arguments that a test calls its function with: inputs, which end with the last floating
    array, and settings."""
    names = [name for name in values if name != "cotangent"]
    floating = [getattr(values[name], "dtype", None) == np.float64 for name in names]
    count = len(names) - floating[::-1].index(True)
    return [values[name] for name in names[:count]], {name: values[name] for name in names[count:]}


def joined(results: Sequence[Any]) -> Any:
    """Several results as one, for checkers of functions with one."""
    return results[0] if len(results) == 1 else np.concatenate([r.ravel() for r in results])


def split(cotangent: Any, results: Sequence[Any]) -> list[Any]:
    """A cotangent of joined results as one for each."""
    parts = np.split(np.ravel(cotangent), np.cumsum([r.size for r in results])[:-1])
    return [part.reshape(r.shape) for part, r in zip(parts, results, strict=True)]


def accepts(checker: Verdict, mutant: Mutant) -> bool:
    """Whether the checker takes the right gradient for right."""
    return checker(mutant, mutant.inputs(np.random.default_rng(0)), mutant.right)


def percent(found: Iterable[bool]) -> float:
    """How many are true."""
    return 100 * float(np.mean(list(found)))


# ---- rows


def corpus(size: Size, checkers: Mapping[str, Verdict]) -> list[Row]:
    """Wrong and right gradients of the same functions."""
    mutants = MUTANTS[:: size.every]
    found = survey(mutants, checkers, range(size.seeds))

    def share(what: str) -> dict[str, float]:
        return {peer: 100 * of[what] for peer, of in found.items() if what in of}

    cases = f"of {len(mutants) * size.seeds}"
    return [
        Row(f"wrong gradients: caught {cases}", share("caught"), goal=95, least=True),
        Row("... true cause named first", share("named"), goal=75, least=True),
        Row("... causes named, none true", share("misleading"), goal=3),
        Row(f"their right gradients: refused {cases}", share("refused"), goal=0),
    ]


def all_ops(size: Size, checkers: Mapping[str, Verdict]) -> list[Row]:
    """Right gradients of the ops: as drawn by default, as raw floats, and for all checkers."""
    names = NAMES[:: size.every]
    tests = [drawing(tested(name), size.examples, i) for i, name in enumerate(names)]
    found = [examples_of(test) for test in tests]
    raws = [drawing(raw(name), size.raws, i) for i, name in enumerate(names)]
    shared = list(chain(*(some(examples, size.shared) for examples in found)))
    return [
        *own("all ops", tests, chain(*found), 0),
        *own("... at raw floats", raws, chain(*map(examples_of, raws)), 0.5),
        Row(f"all ops: refused of {len(shared)} for all", shares(shared, shared, checkers)),
    ]


def own(what: str, tests: Sequence[Any], examples: Iterable[Example], goal: float) -> list[Row]:
    """What our tests refused, and what they could not decide."""
    refused = [example.refusal is not None for example in examples]
    checked = sum(test.tally.checked for test in tests)
    undecided = 100 * sum(test.tally.undecided for test in tests) / checked
    return [
        Row(f"{what}: refused of {len(refused):,}", {"autodiff": percent(refused)}, goal=goal),
        Row(f"... undecided of {checked:,} entries", {"autodiff": undecided}),
    ]


def kinks(size: Size, checkers: Mapping[str, Verdict]) -> Row:
    """Right gradients of functions that are not smooth, at their kinks and ties too."""
    tests = [drawing(tested(name, domain="real"), size.kinks, i) for i, name in enumerate(ROUGH)]
    found = [examples_of(test) for test in tests]
    shared = list(chain(*(some(examples, size.shared_kinks) for examples in found)))
    every = list(chain(*found))
    setting = f"{', '.join(ROUGH)}: refused of {len(every):,} (peers: {len(shared)})"
    return Row(setting, shares(every, shared, checkers), goal=0)


def shares(
    examples: Sequence[Example], shared: Sequence[Example], checkers: Mapping[str, Verdict]
) -> dict[str, float]:
    """What is refused: by our tests of all examples, by the peers of the shared ones."""
    mutants = list(map(as_mutant, shared))
    refused = {"autodiff": percent(example.refusal is not None for example in examples)}
    for peer, checker in others(checkers).items():
        refused[peer] = percent(not accepts(checker, mutant) for mutant in mutants)
    return refused


def others(checkers: Mapping[str, Verdict]) -> dict[str, Verdict]:
    """The peers' checkers."""
    return {peer: checker for peer, checker in checkers.items() if peer != "autodiff"}


def timing(size: Size, checkers: Mapping[str, Verdict], name: str) -> Row:
    """CPU seconds of a whole test, drawing included, and of each peer's checks alone."""
    test, (forward, vjp) = drawing(gradient_test(getattr(ad, name)), size.timed), TIMED[name]
    drawn = map(as_mutant, examples_of(test))
    mutants = [replace(mutant, forward=forward, right=vjp) for mutant in drawn]
    steps: dict[str, Callable[[], Any]] = {"autodiff": test}
    for peer in others(checkers).keys() - UNTIMED:
        _each(checkers[peer], mutants[:1])  # the first call imports the package
        steps[peer] = partial(_each, checkers[peer], mutants)
    times = {peer: [seconds(step) for _ in range(size.repeats)] for peer, step in steps.items()}
    goal = 1.5 * size.timed / 200
    return replace(row(f"{size.timed} examples of {name}", times, goal=goal), unit="s")


def _each(checker: Verdict, mutants: Sequence[Mutant]) -> None:
    for mutant in mutants:
        accepts(checker, mutant)


def seconds(step: Callable[[], Any]) -> float:
    """CPU time of a call."""
    start = time.process_time()
    step()
    return time.process_time() - start


def measure(size: str, peers: list[str]) -> Table:
    """Let every checker judge what is wrong, what is right, and what is not smooth; time some."""
    there, missing = installed(CHECKERS, peers)
    checkers, wanted = {peer: CHECKERS[peer] for peer in there}, SIZES[size]
    rows = [*corpus(wanted, checkers), *all_ops(wanted, checkers), kinks(wanted, checkers)]
    rows += [timing(wanted, checkers, name) for name in TIMED]
    return Table("checkers of gradients", "%", None, rows, missing)
