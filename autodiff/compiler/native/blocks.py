"""Blocks of C lines."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["block", "indented"]


def indented(lines: Iterable[str]) -> list[str]:
    """Two spaces further in."""
    return [f"  {line}" for line in lines]


def block(head: str, lines: Iterable[str]) -> list[str]:
    """Lines in braces after `head`, such as that of a loop."""
    return [f"{head} {{".lstrip(), *indented(lines), "}"]
