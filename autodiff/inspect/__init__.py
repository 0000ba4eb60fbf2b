"""Backprop looked at: names and notation of values, error signals, paths, the first nan."""

from __future__ import annotations

from autodiff.inspect.paths import Path, Paths, paths
from autodiff.inspect.signals import Signal, Signals, Uses, signals, uses
from autodiff.inspect.watch import detect_anomaly, watch

__all__ = [
    "Path", "Paths", "Signal", "Signals", "Uses", "detect_anomaly", "paths", "signals", "uses",
    "watch",
]  # fmt: skip
