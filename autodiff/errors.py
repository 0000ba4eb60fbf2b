"""Every error a user can meet: what happened, where, with which shapes, and what to do."""

from __future__ import annotations

import os
import sys
import warnings
from typing import Any

__all__ = [
    "AnomalyError",
    "AutodiffError",
    "DTypeError",
    "DomainError",
    "FormatError",
    "GraphError",
    "ShapeError",
    "describe",
    "warn",
]

_PACKAGE = os.path.dirname(__file__) + os.sep


class AutodiffError(Exception):
    """Base of all errors raised by this library."""


class ShapeError(AutodiffError, ValueError):
    """Shapes that do not fit together."""


class DTypeError(AutodiffError, TypeError):
    """A dtype or type that has no derivative here, or that does not fit."""


class GraphError(AutodiffError, RuntimeError):
    """A graph that cannot give the gradient asked for."""


class DomainError(AutodiffError, ValueError):
    """A value outside the domain of an op or a setting."""


class AnomalyError(AutodiffError, ArithmeticError):
    """The first nan or infinity of a computation, found by `autodiff.detect_anomaly`.

    Attributes
    ----------
    value : Tensor or Scalar
        The result of the op that made it, or that it went into backwards. To see where it stands
        draw ``ad.graph(ad.sum(error.value))``.
    """

    value: Any = None


class FormatError(AutodiffError, ValueError):
    """A file that is truncated, foreign, or does not fit the model."""


def describe(value: Any) -> str:
    """Say what `value` is in a few characters: ``float64(3, 4)``, ``2.0``, ``'row'``.

    Parameters
    ----------
    value : object

    Returns
    -------
    str
    """
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    if shape is not None and dtype is not None:
        name = getattr(dtype, "name", None) or getattr(dtype, "__name__", dtype)
        return f"{name}{tuple(shape)}"
    if isinstance(value, (list, tuple)) and any(hasattr(v, "shape") for v in value):
        return "[" + ", ".join(map(describe, value)) + "]"
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


_said: set[Any] = set()


def warn(message: str, category: type[Warning] = RuntimeWarning, *, once: Any = None) -> None:
    """Warn at the innermost line that is not of this package.

    Parameters
    ----------
    message : str
    category : type
    once : hashable, optional
        Of what is equal to this there is a single warning.
    """
    if once is not None:
        if once in _said:
            return
        _said.add(once)
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
