"""What a compiled step costs at first: seconds of its first call, and memory.

Cold: with an empty cache of compiled code on the disk; warm: with what another process has left
there. JAX has such a cache too, which is used here. A time is the wall time of the one call, in
a new process, after imports. Memory is the peak within a few steps after the first, above that
before the first.
"""

from __future__ import annotations

import ctypes
import gc
import os
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.harness import Row, Table, fresh, installed
from benchmarks.memory import STATUS, held
from benchmarks.step_models import Problem, problems, scalars
from benchmarks.step_peers import PEERS

__all__ = ["measure"]

ROUNDS = {"full": 3, "quick": 1, "tiny": 1}
TIMED, WEIGHED = ("autodiff", "jax"), ("autodiff", "eager", "torch")
GOALS = {"cold": 1.5, "warm": 0.1}  # seconds
PEAK = Path("/proc/self/clear_refs")


def settings(size: str) -> list[Problem]:
    """All that is compiled; in the tiny size an MLP and a GRU."""
    if size == "tiny":
        found = problems(size)
        return [found[0], found[5]]
    return [*problems(size), scalars(100)]


def timed(problem: Problem, peers: list[str]) -> list[str]:
    """Without JAX where it takes a minute or more: numbers in float64."""
    return [p for p in peers if p != "jax" or problem.parameters[0].dtype == np.float32]


def first(peer: str, size: str, index: int, folder: str) -> float:
    """Wall time of the first call of a step, with the compiled code in this folder."""
    os.environ["AUTODIFF_CACHE"] = os.environ["JAX_COMPILATION_CACHE_DIR"] = folder
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    step = PEERS[peer]().step(settings(size)[index])
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def grown(peer: str, size: str, index: int) -> float:
    """Bytes at the peak of a few steps above those before the first."""
    PEERS[peer]().step(settings("tiny")[1])()  # loads what is loaded at the first use
    step = PEERS[peer]().step(settings(size)[index])
    give_back()
    base = held("VmRSS")
    step()
    give_back()
    PEAK.write_text("5")  # the peak is measured from now: building a step may take more
    for _ in range(3):
        step()
    return float(max(held("VmHWM") - base, 0))


def give_back() -> None:
    """Return freed memory to the system: what a step took from it would not be counted."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it
    if trim:
        trim(0)


def times(size: str, index: int, setting: str, peers: list[str]) -> list[Row]:
    """Medians of the first call, cold and warm."""
    found: dict[str, dict[str, list[float]]] = {kind: {p: [] for p in peers} for kind in GOALS}
    for _ in range(ROUNDS[size]):
        for peer in peers:
            with TemporaryDirectory() as folder:
                for kind in GOALS:
                    found[kind][peer].append(fresh(__name__, "first", peer, size, index, folder))
    return [
        Row(f"{setting}: {kind}", {p: median(s) for p, s in found[kind].items()}, goal=goal)
        for kind, goal in GOALS.items()
        if peers
    ]


def measure(size: str, peers: list[str]) -> Table:
    """First calls of all steps, and the memory of those with a GRU."""
    there, missing = installed(TIMED, peers)
    rows = []
    for index, problem in enumerate(settings(size)):
        rows += times(size, index, problem.setting, timed(problem, there))
    there, absent = installed(WEIGHED, peers)
    if not PEAK.exists() or not STATUS.exists():
        there, absent = [], dict.fromkeys(there, "memory needs Linux's /proc")
    for index, problem in enumerate(settings(size)):
        if problem.setting.startswith("GRU") and there:
            peaks = {peer: fresh(__name__, "grown", peer, size, index) for peer in there}
            rows.append(Row(f"{problem.setting}: memory", peaks, unit="B"))
    return Table("a compiled step's first call, and its memory", "s", None, rows, missing | absent)
