"""numpy's linear algebra namespace: ``ad.linalg.inv`` and the like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autodiff import composites  # noqa: F401
from autodiff.functions import FUNCTIONS

_HERE = {
    name.removeprefix("linalg."): f for name, f in FUNCTIONS.items() if name.startswith("linalg.")
}
globals().update(_HERE)

__all__ = sorted(_HERE)

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
