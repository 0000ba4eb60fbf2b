"""What the cases share: fresh processes, timing in turns, comparison before timing, tables."""

from __future__ import annotations

import gc
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

__all__ = ["NAMES", "Row", "Table", "fresh", "in_turns", "installed", "race", "row", "table"]

Step = Callable[[], Sequence[Any]]
"""One forward and backward: the result, then the gradients."""

NAMES = {
    "autodiff": "autodiff",
    "torch": "PyTorch",
    "torch_fast": "PyTorch fast mode",
    "torch_compile": "torch.compile",
    "eager": "autodiff eager",
    "products": "products alone",
    "jax": "JAX",
    "autograd": "autograd",
    "mygrad": "MyGrad",
    "micrograd": "micrograd",
    "gensim": "gensim",
    "numpy": "numpy by hand",
}
"""Peers by the name of their package."""
PACKAGES = {
    "torch_fast": "torch", "torch_compile": "torch", "eager": "autodiff", "products": "numpy",
}  # fmt: skip
"""Where the two names differ."""

ROOT = Path(__file__).parents[1]
ONE_THREAD = {
    f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "VECLIB")
}
CALL = """
import dataclasses, importlib, json, sys
module, name, arguments = json.loads(sys.argv[1])
result = getattr(importlib.import_module(module), name)(*arguments)
print(json.dumps(result, default=dataclasses.asdict))
"""


@dataclass
class Row:
    """What was measured in one setting.

    Attributes
    ----------
    setting : str
    values : dict
        Median for each peer, in seconds, bytes or percent.
    ratios : dict
        Median of the ratios to the reference within a repeat; empty without a reference.
    goal : float or None
        The most that autodiff's ratio (without a reference: its value) may be.
    unit : str or None
        That of the values, where it is not the table's.
    least : bool
        Whether the goal is the least instead.
    """

    setting: str
    values: dict[str, float]
    ratios: dict[str, float] = field(default_factory=dict)
    goal: float | None = None
    unit: str | None = None
    least: bool = False


@dataclass
class Table:
    """A case's rows, what they show (`title`, `unit`: "s", "B", "%"), who is missing and why."""

    title: str
    unit: str
    reference: str | None
    rows: list[Row]
    missing: dict[str, str] = field(default_factory=dict)


def fresh(module: str, function: str, *arguments: Any) -> Any:
    """Result of a function called in a new process, with one thread; all of it as JSON."""
    command = [sys.executable, "-c", CALL, json.dumps([module, function, arguments])]
    environment = {**os.environ, **ONE_THREAD}
    done = subprocess.run(
        command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def table(module: str, size: str, peers: Iterable[str]) -> Table:
    """The table of a case, measured in a process of its own."""
    found = fresh(module, "measure", size, list(peers))
    return Table(**{**found, "rows": [Row(**entry) for entry in found["rows"]]})


def installed(peers: Iterable[str], wanted: Iterable[str]) -> tuple[list[str], dict[str, str]]:
    """Those of `peers` that are wanted and there; and why each other wanted one is not."""
    asked = [peer for peer in peers if peer in set(wanted)]
    there = [peer for peer in asked if find_spec(PACKAGES.get(peer, peer))]
    reason = 'not installed: pip install "autodiff[bench]"'
    return there, {peer: reason for peer in asked if peer not in there}


def race(
    setting: str, steps: dict[str, Step], repeats: int, reference: str, goal: float | None = None,
    per: int = 1, rtol: float = 1e-6,
) -> Row:  # fmt: skip
    """CPU seconds of each step (divided by `per`), after a check that all give the same."""
    _agree(setting, steps, rtol)
    times = in_turns(steps, repeats)
    values = {peer: [seconds / per for seconds in times[peer]] for peer in times}
    return row(setting, values, reference, goal)


def row(
    setting: str, values: dict[str, list[float]], reference: str | None = None,
    goal: float | None = None,
) -> Row:  # fmt: skip
    """Medians, and medians of the ratios to `reference` in the same repeat, if it took part."""
    base = values.get(reference or "", [])
    return Row(
        setting,
        {peer: median(found) for peer, found in values.items()},
        {peer: median(map(_ratio, found, base)) for peer, found in values.items() if base},
        goal,
    )


def _ratio(value: float, base: float) -> float:
    return value / base


def _agree(setting: str, steps: dict[str, Step], rtol: float) -> None:
    """Each step's numbers against autodiff's, relative to the largest in the array."""
    results = {peer: [np.array(value) for value in step()] for peer, step in steps.items()}
    for peer, result in results.items():
        for ours, theirs in zip(results["autodiff"], result, strict=True):
            scale = float(np.max(np.abs(ours)))
            assert np.isfinite(scale) and scale > 0, f"{setting}: nothing to compare"
            np.testing.assert_allclose(
                theirs, ours, rtol, rtol * scale, err_msg=f"{setting}: {peer} disagrees"
            )


def in_turns(steps: dict[str, Step], repeats: int) -> dict[str, list[float]]:
    """CPU seconds a call: in each repeat a block of calls for each peer, in shuffled order."""
    counts = {peer: _calls(step, seconds=0.03) for peer, step in steps.items()}
    times: dict[str, list[float]] = {peer: [] for peer in steps}
    order = random.Random(0)
    for _ in range(repeats):
        for peer in order.sample(list(steps), len(steps)):
            times[peer].append(_block(steps[peer], counts[peer]))
    return times


def _calls(step: Step, seconds: float) -> int:
    """How many calls fill about that much time; it also warms up."""
    return max(1, round(seconds / min(_block(step, 1) for _ in range(3))))


def _block(step: Step, calls: int) -> float:
    gc.collect()  # so that nobody pays for the garbage of the one before
    start = time.process_time()
    for _ in range(calls):
        step()
    return (time.process_time() - start) / calls
