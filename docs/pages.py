"""The pages of this folder, and README.md: what they show is what happens.

A page runs from top to bottom, in a folder of its own. A ``python`` block shares its names with
those before it; one that begins with ``# net.py`` is saved under that name instead. The lines of
an ``sh`` block are run by bash. A ``text`` block behind either is what it prints, and the error
that it ends with; ``...`` in it stands for anything. What is marked ``no-run`` is not run. Pictures
that the page shows from its own folder are made by its code.

``python -m docs.pages [PAGE ...]`` says what is out of date, and with ``--write`` mends it.
"""

from __future__ import annotations

import difflib
import io
import linecache
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import chdir, contextmanager, redirect_stdout
from pathlib import Path
from typing import Any
from unittest.mock import patch

__all__ = ["BLOCK", "PAGES", "ROOT", "differences", "rounded", "run", "saved_as"]

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]
BLOCK = re.compile(
    r"^```(python|sh)( no-run)?\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL
)
PICTURE = re.compile(r"!\[[^\]]*\]\(([^)/]+)\)")


def run(path: Path, backend: str = "numpy") -> tuple[str, dict[str, Any], dict[str, bytes]]:
    """The page as it should be, the names that its Python has defined, and its pictures."""
    page, names = path.read_text(), {"__name__": "page"}

    def renewed(block: re.Match[str]) -> str:
        line = page.count("\n", 0, block.start(3)) + 1
        said = "" if block[2] else _said(block, f"{path.name}, line {line}", names)
        shown = block[4] if block[2] or _matches(block[4] or "", said) else said
        code = f"```{block[1]}{block[2] or ''}\n{block[3]}```\n"
        return code + (f"\n```text\n{shown}```\n" if shown else "")

    with _repeatable(backend), tempfile.TemporaryDirectory() as folder, chdir(folder):
        renewed_page = BLOCK.sub(renewed, page)
        pictures = {name: Path(name).read_bytes() for name in PICTURE.findall(page)}
    return renewed_page, names, pictures


def _said(block: re.Match[str], filename: str, names: dict[str, Any]) -> str:
    if name := saved_as(block[3]):
        Path(name).write_text(block[3])
        return ""
    return (
        _shell(block[3], bool(block[4])) if block[1] == "sh" else _python(block[3], filename, names)
    )


def saved_as(code: str) -> str | None:
    """The name of the file that a block is, if it is one."""
    first = re.match(r"# ([\w.-]+\.\w+)\n", code)
    return first[1] if first else None


def _python(code: str, filename: str, names: dict[str, Any]) -> str:
    """What a block prints, and the error it ends with."""
    # A report shows lines of the code, which it looks up here.
    linecache.cache[filename] = len(code), None, code.splitlines(keepends=True), filename
    with redirect_stdout(io.StringIO()) as printed:
        try:
            exec(compile(code, filename, "exec", dont_inherit=True), names)
        except Exception as error:
            print(f"{type(error).__name__}: {error}")
    return _numbered(printed.getvalue())


def _shell(code: str, shown: bool) -> str:
    """What commands print, if the page shows that; else each has to succeed."""
    done = subprocess.run(
        ["bash", "-ec", code], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    if shown or not done.returncode:
        return done.stdout if shown else ""
    return f"{done.stdout}exit status {done.returncode}\n"


def _numbered(text: str) -> str:
    """The values of a program counted from 0: in truth each program goes on from the last one."""
    numbers: dict[str, str] = {}
    return re.sub(r"\bv\d+\b", lambda v: numbers.setdefault(v[0], f"v{len(numbers)}"), text)


def _matches(shown: str, said: str) -> bool:
    parts = map(re.escape, rounded(shown).split("..."))
    return re.fullmatch(".*".join(parts), rounded(said), re.DOTALL) is not None


def rounded(text: str) -> str:
    """Without error bars and the later digits, which differ from one libm to the next."""
    text = re.sub(r"\+- [^)\n]*", "+-", text)
    text = re.sub(r"\d+\.\d+(e[+-]\d+)?", lambda number: f"{float(number[0]):.5g}", text)
    return re.sub(" +", " ", text)


@contextmanager
def _repeatable(backend: str) -> Iterator[None]:
    """The last bits of C differ from one machine to the next, and there may be no compiler; and
    Hypothesis, if it is there, draws the same examples each time."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    with patch.dict(os.environ, {"AUTODIFF_COMPILE": backend, "PATH": path}), _derandomized():
        yield


@contextmanager
def _derandomized() -> Iterator[None]:
    try:
        from hypothesis import Phase, settings
    except ImportError:
        yield
        return
    from autodiff.testing import register_profiles

    register_profiles()
    settings.register_profile(
        "docs", settings.get_profile("ci"), derandomize=True, database=None,
        # To explain a failure takes it minutes, and the page does not show it.
        report_multiple_bugs=False, phases=set(Phase) - {Phase.explain},
    )  # fmt: skip
    settings.load_profile("docs")
    try:
        yield
    finally:
        register_profiles()


def differences(path: Path, write: bool = False) -> list[str]:
    """What a page shows and what happens, where they differ; `write` brings the page up to date."""
    page = path.read_text()
    now, _, pictures = run(path)
    found = [] if rounded(now) == rounded(page) else [_changed(page, now)]
    for name, picture in pictures.items():
        file = path.parent / name
        if not file.exists() or _labels(file.read_bytes()) != _labels(picture):
            found.append(f"the picture {name} is another one")
            if write:
                file.write_bytes(picture)
    if write and found:
        path.write_text(now)
    return found


def _changed(page: str, now: str) -> str:
    lines = difflib.unified_diff(page.splitlines(), now.splitlines(), "page", "now", "", "", 1, "")
    return "\n".join(lines)


def _labels(picture: bytes) -> Any:
    """The texts of an SVG: where they stand depends on the engine and its version."""
    if picture.startswith(b"\x89PNG"):
        return "PNG"
    return sorted(re.findall(r">([^<>\s][^<>]*)<", picture.decode()))


def main(arguments: list[str]) -> int:
    """Bring pages up to date, or say which are not."""
    write = "--write" in arguments
    paths = [Path(a).resolve() for a in arguments if a != "--write"] or PAGES
    found = {path: differences(path, write) for path in paths}
    for path, texts in found.items():
        for text in texts:
            print(f"{path}: {text}")
    return int(any(found.values()) and not write)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
