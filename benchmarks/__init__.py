"""Time, memory and checks of autodiff beside its peers: ``python -m benchmarks [case ...]``."""

from __future__ import annotations

__all__ = ["CASES"]

CASES = (
    "ops", "scalar", "recurrent", "memory", "digits", "deep", "startup", "drawing", "testing",
    "steps", "step_scalar", "firstcall", "words",
)  # fmt: skip
"""One module each, with ``measure(size, peers) -> Table``."""
