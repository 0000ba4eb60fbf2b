"""Whole training steps, compiled and not: forward, backward and update, float32, one thread.

The GRU of PyTorch is its own layer, its Elman network a loop over cells. Losses and updates of
all libraries are compared before the timing.
"""

from __future__ import annotations

import gc
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from benchmarks.harness import Step, Table, in_turns, installed, row
from benchmarks.step_models import Problem, problems
from benchmarks.step_peers import PEERS

__all__ = ["agree", "built", "measure"]

REPEATS = {"full": 15, "quick": 3, "tiny": 1}
PATIENCE = 60
"""Seconds that PyTorch's compiler may take for a step."""


def measure(size: str, peers: list[str]) -> Table:
    """Time a step of each problem."""
    there, missing = installed(PEERS, peers)
    if size != "full" and "torch_compile" in there:
        there.remove("torch_compile")
        missing["torch_compile"] = "takes too long to compile for a quick run"
    rows, gaps = [], []
    for problem in problems(size):
        steps, reason = built(problem, there)
        gaps += [f"{problem.setting} ({reason})"] if reason else []
        gc.freeze()  # collecting between the blocks need not go through what is imported
        times = in_turns(steps, REPEATS[size])
        rows.append(row(problem.setting, times, "torch", problem.goal))
    if gaps:
        missing["torch_compile"] = f"in {', '.join(gaps)}"
    return Table("a training step: forward, backward, update", "s", "torch", rows, missing)


def built(problem: Problem, peers: list[str]) -> tuple[dict[str, Step], str | None]:
    """Each library's step, after a comparison; and why PyTorch's compiler gave none, if so."""
    steps = {peer: step for peer in peers if (step := PEERS[peer]().step(problem))}
    done, reason = {}, None
    if "torch_compile" in steps:
        done["torch_compile"], reason = tried(steps["torch_compile"])
        if reason:
            del steps["torch_compile"]
    agree(problem, {peer: step for peer, step in steps.items() if peer != "products"}, done)
    return steps, reason


def agree(problem: Problem, steps: dict[str, Step], done: dict[str, Any] | None = None) -> None:
    """Each step's loss and updates against autodiff's, relative to the largest in the array.

    The second step's loss is compared too: it depends on whether the update was done. `done` has
    the results of those that have made their first step.
    """
    first = {peer: (done or {}).get(peer) or copies(step) for peer, step in steps.items()}
    second = {peer: copies(step) for peer, step in steps.items()}
    start = [np.zeros(()), *problem.parameters]
    for peer in steps:
        if problem.rate is None:
            close(problem, peer, first[peer], first["autodiff"], [0.0] * len(start))
        else:
            changes = [
                [after - before for after, before in zip(found[name], start, strict=True)]
                for found, name in ((first, peer), (first, "autodiff"))
            ]
            close(problem, peer, *changes, [4e-7 * np.max(np.abs(p)) for p in start])
        close(problem, peer, second[peer][:1], second["autodiff"][:1], [0.0])


def copies(step: Step) -> list[Any]:
    """What a step gives, kept from the next one."""
    return [np.array(value) for value in step()]


def close(
    problem: Problem, peer: str, theirs: list[Any], ours: list[Any], rounding: list[Any]
) -> None:
    """Entry by entry; `rounding` is what a difference of numbers of that size cannot tell."""
    for a, b, unit in zip(theirs, ours, rounding, strict=True):
        scale = float(np.max(np.abs(b)))
        assert np.isfinite(scale) and scale > 0, f"{problem.setting}: nothing to compare"
        limit = problem.rtol * scale + unit
        np.testing.assert_allclose(a, b, 0, limit, err_msg=f"{problem.setting}: {peer} disagrees")


def tried(step: Step) -> tuple[list[Any] | None, str | None]:
    """The first step by PyTorch's compiler, or why there is none."""
    try:
        with at_most(PATIENCE) as late:
            return copies(step), None
    except Exception as error:  # its compiler wraps what it meets, a TimeoutError too
        return None, f"not compiled within {PATIENCE} s" if late else type(error).__name__


@contextmanager
def at_most(seconds: int) -> Iterator[list[bool]]:
    """TimeoutError after that time; the list has an entry then."""
    late: list[bool] = []

    def stop(*_: Any) -> None:
        late.append(True)
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield late
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
