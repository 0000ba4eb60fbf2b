"""The C text of sums, products, and largest or least entries within a loop nest.

A float sum of many numbers is made of sums of few: numpy adds up in pairs, and one after the other
the rounding errors would add up as well.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.compiler.native.elements import C_TYPES, SUFFIXES, literal
from autodiff.compiler.native.operations import Operation

__all__ = ["CHUNK", "Total", "first", "step"]

CHUNK = 256
_FEW = 16
_SIGNS = {"sum": "+", "prod": "*", "max": "max", "min": "min"}


class Total:
    """One reduction over rows, or over all entries.

    Parameters
    ----------
    member : Operation
    x : str
        What is reduced.
    space : tuple of int
        Lengths of the loops.

    Attributes
    ----------
    in_chunks : bool
        Whether it wants the loop along a row in pieces of `CHUNK` entries.
    over_rows : bool
        Whether it goes on from row to row.
    value : str
        The result.
    """

    def __init__(self, member: Operation, x: str, space: tuple[int, ...]) -> None:
        assert member.out is not None
        self.name, self.x, self.dtype = member.name, x, member.out.dtype
        self.kind, self.suffix = C_TYPES[self.dtype.name], SUFFIXES.get(self.dtype.name)
        number = member.out.number
        self.part, self.total, self.nan = f"s{number}", f"t{number}", f"nan{number}"
        rounds = self.name == "sum" and self.dtype.kind == "f"
        self.in_chunks = rounds and space[-1] > CHUNK
        self.over_rows = member.level == "all" and len(space) > 1
        rows = math.prod(space[:-1]) if self.over_rows else 1
        self.is_exact = rounds and rows * -(-space[-1] // CHUNK) > _FEW
        self.value = self.part
        if self.in_chunks or self.over_rows:
            self.value = f"total_{self.suffix}({self.total})" if self.is_exact else self.total

    @property
    def _has_nan(self) -> bool:
        return self.name in ("max", "min") and self.dtype.kind == "f"

    def declared(self) -> list[str]:
        """What all parts are added to."""
        zero = first(self.name, self.dtype)
        exact = f"{self.kind} {self.total}[2] = {{{zero}, {zero}}};"
        return [exact if self.is_exact else f"{self.kind} {self.total} = {zero};"]

    def before_pass(self) -> list[str]:
        """Lines before the loop along a row."""
        if self.in_chunks:
            return [] if self.over_rows else self.declared()
        return self.opened() + ([f"int {self.nan} = 0;"] if self._has_nan else [])

    def opened(self) -> list[str]:
        """Where one part begins."""
        return [f"{self.kind} {self.part} = {first(self.name, self.dtype)};"]

    def clauses(self) -> list[str]:
        """What the loop is told."""
        nan = [f"reduction(|:{self.nan})"] if self._has_nan else []
        return [f"reduction({_SIGNS[self.name]}:{self.part})", *nan]

    def taken(self) -> list[str]:
        """What is done with each entry."""
        nan = [f"{self.nan} |= {self.x} != {self.x};"] if self._has_nan else []
        return [f"{self.part} = {_quick_step(self.name, self.part, self.x)};", *nan]

    def closed(self) -> list[str]:
        """Where one part ends."""
        if self.is_exact:
            return [f"add_to_total_{self.suffix}({self.total}, {self.part});"]
        return [f"{self.total} = {step(self.name, self.total, self.part)};"]

    def after_pass(self) -> list[str]:
        """Lines after the loop along a row."""
        lines = []
        if self._has_nan:
            lines.append(f"if ({self.nan}) {self.part} = {literal(np.nan, self.dtype)};")
        if self.over_rows and not self.in_chunks:
            lines += self.closed()
        return lines


def first(name: str, dtype: Any) -> str:
    """What a reduction begins with."""
    if name in ("sum", "prod"):
        return literal(int(name == "prod"), dtype)
    if dtype.kind == "f":
        return literal(-np.inf if name == "max" else np.inf, dtype)
    limits = np.iinfo(np.uint8 if dtype.kind == "b" else dtype)
    return literal(limits.min if name == "max" else limits.max, dtype)


def step(name: str, total: str, x: str) -> str:
    """`total` with one more entry."""
    if name in ("sum", "prod"):
        return f"{total} {_SIGNS[name]} {x}"
    better = ">" if name == "max" else "<"
    return f"{x} {better} {total} || {x} != {x} ? {x} : {total}"


def _quick_step(name: str, total: str, x: str) -> str:
    """The same if somebody else looks for nan."""
    if name in ("sum", "prod"):
        return step(name, total, x)
    return f"{x} {'>' if name == 'max' else '<'} {total} ? {x} : {total}"
