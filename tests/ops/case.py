"""An op at a sample as a test case, and all cases there are."""

from __future__ import annotations

import copy
import importlib
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff import tree
from autodiff.op import OPS
from tests.cases import check_all, named_like
from tests.ops.sample import Sample

__all__ = []


@dataclass(frozen=True)
class Case:
    """An op at a sample, as a function of the sample's float arrays."""

    name: str
    number: int
    sample: Sample

    @cached_property
    def parts(self) -> tuple[list[Any], list[int], Any]:
        """The arguments, where among them the float arrays are, and how they belong together."""
        leaves, definition = tree.flatten(self.sample.args)
        return leaves, [i for i, leaf in enumerate(leaves) if is_input(leaf)], definition

    @cached_property
    def is_random(self) -> bool:
        """Whether a generator among the settings moves on with each call."""
        return any(isinstance(v, np.random.Generator) for v in self.sample.kwargs.values())

    @property
    def inputs(self) -> list[np.ndarray]:
        """The float arrays among the arguments; in each test they are its own."""
        leaves, places, _ = self.parts
        return [np.array(leaves[i]) for i in places]

    def values(self, *inputs: Any, of: Callable[..., Any] | None = None) -> tuple[Any, ...]:
        """All results of the op (or of another function) with `inputs` for its float arrays."""
        (*leaves,), places, definition = self.parts
        for i, x in zip(places, inputs, strict=True):
            leaves[i] = x
        f = of or ad.FUNCTIONS[self.name]
        kwargs = copy.deepcopy(self.sample.kwargs) if self.is_random else self.sample.kwargs
        return tuple(tree.flatten(f(*tree.unflatten(definition, leaves), **kwargs))[0])

    def plain(self, *inputs: np.ndarray) -> tuple[np.ndarray, ...]:
        """The results on plain arrays."""
        with ad.no_grad():
            return tuple(np.asarray(plain(v)) for v in self.values(*inputs))

    def reference(self, *inputs: np.ndarray) -> tuple[Any, ...]:
        """The results of numpy."""
        return self.values(*inputs, of=self.sample.numpy or numpy_function(self.name))

    @cached_property
    def results(self) -> tuple[np.ndarray, ...]:
        """The results at the sample."""
        return self.plain(*self.inputs)

    @cached_property
    def cotangent(self) -> list[np.ndarray]:
        """A random array like each result."""
        return like(self.results, seed=1)

    def cotangents(self) -> list[np.ndarray]:
        """The same; in each test they are its own."""
        return [v.copy() for v in self.cotangent]

    @cached_property
    def gradients(self) -> list[np.ndarray]:
        """The gradients at the sample for `cotangents`, not to be written into."""
        found = [g.copy() for g in gradients(self, self.inputs, self.cotangents())]
        for g in found:
            g.flags.writeable = False
        return found

    def __str__(self) -> str:
        return f"{self.name}-{self.number}"


def is_input(leaf: Any) -> bool:
    return isinstance(leaf, np.ndarray) and leaf.dtype.kind == "f"


def plain(value: Any) -> Any:
    return value.data if isinstance(value, ad.Tensor) else value


def dense(gradient: Any) -> np.ndarray:
    gradient = plain(gradient)
    return gradient.dense() if isinstance(gradient, ad.RowGrad) else np.asarray(gradient)


def like(arrays: Any, seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [np.asarray(rng.normal(size=np.shape(a))) for a in arrays]


def inner(xs: Any, ys: Any) -> Any:
    """Sum of the products of corresponding entries."""
    return sum(ad.sum(x * y) for x, y in zip(xs, ys, strict=True))


def inner_plain(xs: Any, ys: Any) -> Any:
    return sum(np.sum(x * y) for x, y in zip(xs, ys, strict=True))


def numpy_function(name: str) -> Callable[..., Any]:
    found: Any = np
    for part in name.split("."):
        found = getattr(found, part, None)
    assert callable(found), f"numpy has no {name}: its samples need a reference (numpy=...)"
    return found  # type: ignore[no-any-return]


def gradients(case: Case, inputs: list[Any], cotangents: list[np.ndarray]) -> list[np.ndarray]:
    _, pullback = ad.vjp(case.values, *inputs)
    return [dense(g) for g in pullback(tuple(cotangents))]


def load() -> dict[str, list[Sample]]:
    samples: dict[str, list[Sample]] = {}
    for path in sorted((Path(__file__).parent).glob("samples_*.py")):
        found = importlib.import_module(f"tests.ops.{path.stem}").SAMPLES
        assert not samples.keys() & found.keys(), "the samples of an op belong into one file"
        samples.update(found)
    return samples


SAMPLES = load()
CASES = [Case(name, i, s) for name, group in SAMPLES.items() for i, s in enumerate(group)]
SMOOTH = [case for case in CASES if case.sample.smooth]
CURVED = [case for case in SMOOTH if case.sample.order >= 2]
ELEMENTWISE = [c for c in CASES if c.name in OPS and OPS[c.name].partials is not None]
PAIRS = [case for case in ELEMENTWISE if len(case.inputs) == 2]
NUMBERS = [c for c in ELEMENTWISE if all(x.size for x in c.inputs)]


def each(cases: list[Case], **settings: list[Any]) -> Any:
    """A test of a case, made a test of an op: it goes through the cases, with all `settings`."""
    groups: dict[str, list[Case]] = {}
    for case in cases:
        groups.setdefault(case.name, []).append(case)

    def of_ops(check: Callable[..., None]) -> Callable[[str], None]:
        def test(op: str) -> None:
            check_all(check, itertools.product(groups[op], *settings.values()))

        return pytest.mark.parametrize("op", groups)(named_like(check, test))

    return of_ops
