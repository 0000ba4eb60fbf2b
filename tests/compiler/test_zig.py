"""Programs built by the C compiler of the package ziglang, as where the system has none."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

PROGRAM = """
import numpy as np
import autodiff as ad

def network():
    model = ad.Sequential(ad.Linear(5, 40, rng=0), ad.tanh, ad.Linear(40, 3, rng=1))
    return model, ad.optim.Adam(model.parameters(), 0.1)

def step(model, optimizer, x, y):
    h, hs = ad.scan(lambda h, row: (ad.tanh(h + model(row)), h), np.zeros((4, 3)), x)
    loss = ad.cross_entropy(h, y) + ad.mean(hs**2)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss

rng = np.random.default_rng(0)
x, y = rng.normal(size=(6, 4, 5)), np.array([0, 2, 1, 1])
compiled, eager, native = ad.compile(step, backend="c"), network(), network()
for _ in range(3):
    a, b = step(*eager, x, y).item(), compiled(*native, x, y).item()
    assert abs(a - b) <= 1e-12 * abs(a), (a, b)
from autodiff.compiler.native import toolchain
print(toolchain.find().command[1:3])
"""


@pytest.mark.skipif(find_spec("ziglang") is None, reason="ziglang is not installed")
def test_a_training_step(tmp_path: Path) -> None:
    environment = {
        **os.environ, "CC": f"{sys.executable} -m ziglang cc", "AUTODIFF_CACHE": str(tmp_path),
    }  # fmt: skip
    command = [sys.executable, "-W", "error", "-c", PROGRAM]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "('-m', 'ziglang')"
