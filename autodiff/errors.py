"""Every error a user can meet: what happened, where, with which shapes, and what to do."""

from __future__ import annotations

import os
import sys
import warnings
from numbers import Real
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
    "explained",
    "require_function",
    "require_number",
    "shown",
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


def shown(value: Any) -> str:
    """A tensor or scalar in one line: its values where they are few, or else its shape.

    Parameters
    ----------
    value : Tensor or Scalar

    Returns
    -------
    str
    """
    text = " ".join(repr(value).split())
    if len(text) <= 60:
        return text
    name = f", name={value.name!r}" if getattr(value, "name", None) else ""
    return f"{type(value).__name__}({describe(value)}{name})"


def require_function(f: Any, taker: str) -> None:
    """Refuse, in the name of `taker`, what cannot be called.

    Parameters
    ----------
    f : object
    taker : str
        The name of the function that was given it.
    """
    if not callable(f):
        raise DTypeError(f"{taker}() takes a function, not {describe(f)}")


def require_number(value: Any, name: str) -> None:
    """Refuse a setting that is no real number.

    Parameters
    ----------
    value : object
    name : str
        What the setting is called.
    """
    if not isinstance(value, Real) and not hasattr(value, "dtype"):
        raise DTypeError(f"{name}={describe(value)} is no number")


# numpy looks for methods on what is no array, and says so by an AttributeError.
_KIND_OF = {AttributeError: DTypeError, ValueError: ShapeError}
_NO_NUMBER = ("could not convert", "invalid literal")
_PLAINER = {
    "does not have enough dimensions": "a number has no axis to sum over; multiply by it with *",
    "inhomogeneous": "the rows have different lengths",
    "tuple index out of range": "it has fewer axes than that",
}
"""What some texts of numpy's say."""


def explained(error: Exception, name: str, values: Any, params: dict[str, Any]) -> Exception:
    """The same error as one of ours, naming the op and what it was given.

    Parameters
    ----------
    error : Exception
        What numpy has raised.
    name : str
        Of the op.
    values : sequence
        What it was given.
    params : dict
        Its settings.

    Returns
    -------
    Exception
    """
    if isinstance(error, AutodiffError):
        return error
    given = [describe(v) for v in values] + [f"{k}={describe(v)}" for k, v in params.items()]
    said = str(error)
    is_type = isinstance(error, TypeError) or said.startswith(_NO_NUMBER)
    kind = DTypeError if is_type else _KIND_OF.get(type(error))
    said = next((plain for known, plain in _PLAINER.items() if known in said), said)
    text = f"{name}({', '.join(given)}): {said}"
    return kind(text) if kind else type(error)(text)


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
