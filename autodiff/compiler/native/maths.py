"""What C programs call: elementary functions and a few helpers, those that a text uses."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["MATHS", "maths_for"]

_FOLDER = Path(__file__).parent / "c"
MATHS = "\n".join(
    (_FOLDER / f"{name}.h").read_text("utf-8")
    for name in ("maths", "logarithms", "error_function", "exact", "helpers")
)
"""All of them."""

_DEFINED = re.compile(
    r"^(?:INLINE|static) [\w ]+?(\w+)\(|^#define (\w+)|^typedef .* (\w+);"
    r"|INLINE (?:T|void) (\w+_)##SUFFIX|^LIBRARY2?\((\w+),",
    re.MULTILINE,
)


def _defined(part: str) -> set[str]:
    found = set()
    for *plain, stem, library in _DEFINED.findall(part):
        found |= {*plain, *_of_each_kind(stem or f"{library}_")}
    return found - {""}


def _words(text: str) -> set[str]:
    words = re.findall(r"\w+", text)
    return {*words, *(name for word in words if word[-1] == "_" for name in _of_each_kind(word))}


def _of_each_kind(stem: str) -> set[str]:
    return {f"{stem}f32", f"{stem}f64"}


_PARTS = [(part, _defined(part), _words(part)) for part in re.split(r"\n\n+", MATHS.strip())]


def maths_for(text: str) -> str:
    """The parts of `MATHS` that a text, or one of these parts, uses."""
    kept: list[str] = []
    wanted = _words(text)
    for part, defined, words in reversed(_PARTS):
        is_title = part.startswith("/* ----")
        if is_title:
            is_needed = bool(kept) and not kept[-1].startswith("/* ----")
        else:
            is_needed = not defined or bool(defined & wanted)
        if is_needed:
            kept.append(part)
            wanted |= words
    return "\n\n".join([*reversed(kept), ""])
