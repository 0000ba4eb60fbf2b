"""Ops that remember where they were written and all their values, and the first nan they made."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, NamedTuple

import numpy as np

from autodiff.backward import flow, sweep
from autodiff.errors import AnomalyError, describe
from autodiff.nodes import Info, Node, TensorNode
from autodiff.scalar import Scalar
from autodiff.settings import Context, Scope, current, entered
from autodiff.sparse import RowGrad
from autodiff.tensor import items, wrap

__all__ = ["Place", "detect_anomaly", "not_finite", "watch"]

_OWN = f"{Path(__file__).parents[1]}{os.sep}"


class Place(NamedTuple):
    """Where an op was called: a line of the user's code, and the instruction in it."""

    code: CodeType
    line: int
    instruction: int

    def __str__(self) -> str:
        return f"{Path(self.code.co_filename).name}:{self.line}"


class _Watcher:
    """Called for each new node, and after each sweep."""

    def __call__(self, node: Node, out: Any, args: tuple[Any, ...]) -> None:
        info = node.info = Info()
        info.source, info.constants = _place(), args
        if isinstance(node, TensorNode) and node.op.outputs == 1:
            node.value = out

    def leaf(self, node: Node, value: Any) -> None:
        """Called for each new leaf."""
        node.info.source = _place()
        if isinstance(node, TensorNode):
            node.value = value

    def backward(self, order: list[Node], seeds: dict[Node, Any]) -> None:
        """Nothing to do."""


def _place() -> Place | None:
    """The innermost line that is not of this library, nor of the methods made from the table."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        code = frame.f_code
        if not code.co_filename.startswith(_OWN) and code.co_filename != "<autodiff>":
            return Place(code, frame.f_lineno, frame.f_lasti)
        frame = frame.f_back
    return None


class watch(Context):  # noqa: N801 - used like no_grad and scope
    """Context manager and decorator: ops inside remember their values and the user's line.

    Pictures, paths and error signals then show every value, however large, name a value by the
    variable that it was assigned to (on Python 3.11 or newer), and compare a gradient with
    differences. It costs memory for the values and some microseconds an op.

    Examples
    --------
    >>> import autodiff as ad
    >>> x = ad.Tensor(2.0, requires_grad=True, name="x")
    >>> def loss(x):
    ...     z = x * x
    ...     return ad.tanh(z)
    >>> with ad.watch():
    ...     J = loss(x)
    >>> print(ad.paths(J, x))
    ∂J/∂x is the sum over 2 paths
    1  0.003  J → z → x
    2  0.003  J → z → x
    Σ  0.005  ∂J/∂x
    """

    watcher: type[_Watcher] = _Watcher

    def settings(self) -> tuple[Scope | None, Scope]:
        """The scope stays as it is called, and is watched."""
        return entered(Scope(None, current.get(), self.watcher()))


class _Detector(_Watcher):
    """One for each block, since an errstate can be entered only once."""

    def __init__(self) -> None:
        self.silence = np.errstate(all="ignore")

    def __call__(self, node: Node, out: Any, args: tuple[Any, ...]) -> None:
        super().__call__(node, out, args)
        if (kind := not_finite(out)) and not _in_sweep():
            raise _anomaly(f"{_call(node, args)} gave {kind}", node, out, args)

    def backward(self, order: list[Node], seeds: dict[Node, Any]) -> None:
        """Raise for the first error signal that is not finite."""
        plain = {node: getattr(g, "_value", g) for node, g in seeds.items()}
        for node, g, parts in flow(order, plain):
            kind = next(filter(None, map(not_finite, parts)), "")
            if g is not None and kind:
                args = node.info.constants if node.info and node.info.constants else ()
                what = f"the gradient of {_call(node, args)} gave {kind}"
                raise _anomaly(what, node, _value(node), args)


class detect_anomaly(watch):  # noqa: N801 - the field's name
    """Context manager and decorator: the first nan or infinity, forward or backward, is an error.

    Put the forward and the call of `backward` inside. Slower, since every value is looked at.
    numpy's own warnings and errors about floating-point numbers are off meanwhile, since this one
    says more.

    Not seen are values that need no gradient, and the tangents that `jvp` carries forward.

    Raises
    ------
    AnomalyError
        Names the op, what it was given, and the line of your code. Its `value` can be drawn.

    Examples
    --------
    >>> import autodiff as ad
    >>> x = ad.Tensor([1.0, 0.0], requires_grad=True)
    >>> with ad.detect_anomaly():
    ...     ad.sum(ad.sqrt(x)).backward()
    Traceback (most recent call last):
    autodiff.errors.AnomalyError: the gradient of sqrt(float64(2,)) gave inf ...
    """

    watcher: type[_Watcher] = _Detector

    def __enter__(self) -> Context:
        super().__enter__()
        current.get().watch.silence.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        current.get().watch.silence.__exit__(*error)
        super().__exit__(*error)


def _in_sweep() -> bool:
    """Whether a rule is at work: what it goes through on its way is not yet a gradient.

    Looked up only for what is not finite, so that no sweep has to announce itself.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code is not sweep.__code__:
        frame = frame.f_back
    return frame is not None


def _call(node: Node, args: tuple[Any, ...]) -> str:
    given = args or tuple(_spec_text(p) for p in node.parents)
    return f"{node.op.name}({', '.join(a if isinstance(a, str) else describe(a) for a in given)})"


def _spec_text(node: Node | None) -> str:
    """The dtype and shape of a node's value."""
    if node is None:
        return "constant"
    shape, dtype = node.spec
    return f"{getattr(dtype, 'name', 'float')}{shape}"


def _anomaly(what: str, node: Node, out: Any, args: tuple[Any, ...]) -> AnomalyError:
    place = node.info.source if node.info else None
    where = f" at {place.code.co_filename}, line {place.line}" if place else ""
    cause = " (so was what it was given)" if any(map(not_finite, args)) else ""
    error = AnomalyError(f"{what}{cause}{where}")
    error.value = _handle(node, out)
    return error


def _handle(node: Node, out: Any) -> Any:
    if isinstance(node, Scalar):
        return node
    if node.op.outputs == 1:
        return wrap(out, node)
    return next((r for r in items(out, node) if not_finite(r._value)), None)


def _value(node: Node) -> Any:
    """The value of a node; nan where it was recorded before anybody watched."""
    value = getattr(node, "value", None)
    return np.full(node.spec[0], np.nan) if value is None else value


def not_finite(value: Any) -> str:
    """``"nan"`` or ``"inf"`` if there is one in a value or error signal; else nothing."""
    if isinstance(value, tuple):
        return next(filter(None, map(not_finite, value)), "")
    value = value.values if isinstance(value, RowGrad) else value
    is_floating = isinstance(value, float) or getattr(value, "dtype", np.dtype(int)).kind == "f"
    if not is_floating or np.isfinite(value).all():
        return ""
    return "nan" if np.isnan(value).any() else "inf"
