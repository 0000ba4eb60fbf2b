"""A chain of 1,000,000 scalar ops: forward, backward and freeing, in a process of its own."""

from __future__ import annotations

import time
from typing import Any

from benchmarks.harness import Row, Table, fresh, installed

__all__ = ["measure"]

SIZES = {"full": 1_000_000, "quick": 300_000, "tiny": 10_000}  # ops
STAGES = ("forward", "backward", "freeing")


def stages(kind: str, ops: int) -> dict[str, float]:
    """CPU seconds of each stage."""
    import autodiff as ad

    x: Any = getattr(ad, kind)(0.5, requires_grad=True)
    clock = [time.process_time()]
    y = x
    for _ in range(ops // 2):
        y = y * 0.999999
        y = y + 1e-6
    clock.append(time.process_time())
    y.backward()
    clock.append(time.process_time())
    del y
    clock.append(time.process_time())
    expected = 0.999999 ** (ops // 2)
    assert abs(x.grad - expected) < 1e-6, f"gradient {x.grad}, expected {expected}"
    return {name: end - start for name, start, end in zip(STAGES, clock, clock[1:])}


def measure(size: str, peers: list[str]) -> Table:
    """Time the three stages for Python floats and for 0-d tensors."""
    there, missing = installed(["autodiff"], peers)
    rows = []
    for kind in ("Scalar", "Tensor") if there else ():
        seconds = fresh(__name__, "stages", kind, SIZES[size])
        rows += [Row(f"{kind}: {name}", {"autodiff": seconds[name]}) for name in STAGES]
        total = sum(seconds.values())
        rows.append(Row(f"{kind}: all together", {"autodiff": total}, goal=15.0))
    return Table(f"chain of {SIZES[size]:,} scalar ops", "s", None, rows, missing)
