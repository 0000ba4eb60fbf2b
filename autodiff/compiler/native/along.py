"""The C text of what goes along an axis entry by entry."""

from __future__ import annotations

from collections.abc import Callable

from autodiff.compiler.native.elements import C_TYPES
from autodiff.compiler.native.operations import Operation
from autodiff.compiler.native.storage import Place

__all__ = ["along_source"]


def along_source(operation: Operation, pointer: Callable[[Place], str]) -> list[str]:
    """Running sums and products, or the place of the largest or least entry, of each row.

    The places in the operation have the axis at the end.
    """
    source, target = operation.extra["places"]
    *outer, n = source.shape
    lines = [
        f"const {C_TYPES[source.array.dtype.name]} *from = {_at(pointer, source, len(outer))};",
        f"{C_TYPES[target.array.dtype.name]} *to = {_at(pointer, target, len(outer))};",
        *_row(operation.name, n, source, target),
    ]
    for axis in reversed(range(len(outer))):
        head = f"for (int64_t i{axis} = 0; i{axis} < {outer[axis]}; i{axis}++) {{"
        lines = [head, *(f"  {line}" for line in lines), "}"]
    return ["{", *(f"  {line}" for line in lines), "}"]


def _at(pointer: Callable[[Place], str], place: Place, axes: int) -> str:
    terms = [f" + i{axis} * {place.strides[axis]}" for axis in range(axes)]
    return pointer(place) + "".join(terms)


def _row(name: str, n: int, source: Place, target: Place) -> list[str]:
    kind, step, to = C_TYPES[source.array.dtype.name], source.strides[-1], target.strides[-1]
    head = f"for (int64_t j = 0; j < {n}; j++) {{"
    if name in ("cumsum", "cumprod"):
        sign = "+" if name == "cumsum" else "*"
        return [f"{kind} total = {int(name == 'cumprod')};", head,
                f"  total {sign}= from[j * {step}];", f"  to[j * {to}] = total;", "}"]  # fmt: skip
    better = ">" if name == "argmax" else "<"
    return [
        f"{kind} best = from[0];", "int64_t found = 0;", head,
        f"  const {kind} x = from[j * {step}];",
        f"  if (x {better} best || (x != x && best == best)) best = x, found = j;", "}",
        "to[0] = found;",
    ]  # fmt: skip
