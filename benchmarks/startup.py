"""How much longer ``import autodiff`` takes than ``import numpy``, in fresh processes."""

from __future__ import annotations

import random
import subprocess
import sys

from benchmarks.harness import ROOT, Table, installed, row

__all__ = ["measure"]

SIZES = {"full": 15, "quick": 3, "tiny": 1}  # repeats
PEERS = ("autodiff", "torch", "autograd", "mygrad")
CODE = """
import time, numpy
start = time.perf_counter()
import {}
print(time.perf_counter() - start)
"""


def seconds(peer: str) -> float:
    """Wall time of the import in a new process that has imported numpy."""
    command = [sys.executable, "-c", CODE.format(peer)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout)


def measure(size: str, peers: list[str]) -> Table:
    """Time the imports in shuffled order in each repeat."""
    there, missing = installed(PEERS, peers)
    order = random.Random(0)
    found: dict[str, list[float]] = {peer: [] for peer in there}
    for _ in range(SIZES[size]):
        for peer in order.sample(there, len(there)):
            found[peer].append(seconds(peer))
    rows = [row("import after numpy", found, goal=0.15)]
    return Table("import, beyond importing numpy", "s", None, rows, missing)
