"""Proof of gradients: our own, written by hand, or another library's.

What draws examples needs Hypothesis and is imported when it is asked for; `check_gradients` does
not.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from autodiff.testing.check import check_gradients
from autodiff.testing.failure import GradientError, UndecidedError
from autodiff.testing.report import GradientReport

if TYPE_CHECKING:
    from autodiff.testing.expressions import op_cases
    from autodiff.testing.profiles import register_profiles
    from autodiff.testing.property import gradient_test, register
    from autodiff.testing.strategies import (
        axes_of,
        broadcastable,
        cotangents_for,
        einsum_specs,
        grad_arrays,
        indices_of,
    )

__all__ = [
    "GradientError", "GradientReport", "UndecidedError", "axes_of", "broadcastable",
    "check_gradients", "cotangents_for", "einsum_specs", "grad_arrays", "gradient_test",
    "indices_of", "op_cases", "register", "register_profiles",
]  # fmt: skip

_MODULES = {
    "expressions": ("op_cases",),
    "profiles": ("register_profiles",),
    "property": ("gradient_test", "register"),
    "strategies": ("axes_of", "broadcastable", "cotangents_for", "einsum_specs", "grad_arrays",
                   "indices_of"),
}  # fmt: skip
_HOMES = {name: module for module, names in _MODULES.items() for name in names}


def _later(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    except ModuleNotFoundError as error:
        if error.name != "hypothesis":
            raise
        raise ImportError(
            f"{__name__}.{name} needs Hypothesis: pip install hypothesis (check_gradients does not)"
        ) from error


if not TYPE_CHECKING:  # which would let any name pass
    __getattr__ = _later
