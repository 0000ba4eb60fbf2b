"""Peak memory of a chain of 100,000 ops on (1000,) float64, forward and backward.

`x * a` and `+ b` in turns; `a` requires a gradient, so each of the 50,000 products has to keep
its other factor: 400 MB. Each peer runs in a process of its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import Row, Table, fresh, installed
from benchmarks.peers import PEERS

__all__ = ["measure"]

SIZES = {"full": 100_000, "quick": 10_000, "tiny": 100}  # ops
STATUS = Path("/proc/self/status")


def chain(steps: int, x: Any, b: Any, a: Any) -> Any:
    """Two ops a step."""
    for _ in range(steps):
        x = x * a
        x = x + b
    return x


def held(key: str) -> int:
    """Bytes resident now (VmRSS), or at the peak (VmHWM).

    `getrusage` would say more than is true: a new process starts with its parent's peak.
    """
    lines = dict(line.split(":", 1) for line in STATUS.read_text().splitlines())
    return int(lines[key].split()[0]) * 1024


def grown(peer: str, ops: int) -> dict[str, Any]:
    """Bytes at the peak above those before, and the gradient."""
    lib, ones = PEERS[peer](), np.ones(1000)
    x, b, a = lib.constant(0.5 * ones), lib.constant(1e-6 * ones), lib.parameter(0.99999 * ones)
    lib.vjp(lambda a: chain(5, x, b, a), [a], lib.cotangent(ones))
    base = held("VmRSS")
    gradient = lib.vjp(lambda a: chain(ops // 2, x, b, a), [a], lib.cotangent(ones))[1]
    return {"bytes": held("VmHWM") - base, "gradient": float(gradient[0])}


def measure(size: str, peers: list[str]) -> Table:
    """Peak memory of each peer, in the end above the start."""
    ops = SIZES[size]
    there, missing = installed(PEERS, peers)
    if not STATUS.exists():
        there, missing = [], dict.fromkeys(there, "needs Linux's /proc")
    found = {peer: fresh(__name__, "grown", peer, ops) for peer in there}
    for result in found.values():
        np.testing.assert_allclose(result["gradient"], found["autodiff"]["gradient"], rtol=1e-9)
    values = {peer: float(result["bytes"]) for peer, result in found.items()}
    setting = "a * x + b, (1000,) float64"
    rows = [Row(setting, values, goal=500e6 * ops / 100_000)] if found else []
    return Table(f"peak memory of a chain of {ops:,} ops, above base", "B", None, rows, missing)
