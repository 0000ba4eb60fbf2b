"""Proof of gradients: our own, written by hand, or another library's."""

from __future__ import annotations

from autodiff.testing.check import check_gradients
from autodiff.testing.failure import GradientError
from autodiff.testing.report import GradientReport

__all__ = ["GradientError", "GradientReport", "check_gradients"]
