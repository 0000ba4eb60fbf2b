"""The C compiler of the system, or of the package ziglang: found, tried, and used."""

from __future__ import annotations

import ctypes
import functools
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

from autodiff.compiler.native import build_cache
from autodiff.errors import AutodiffError, warn

__all__ = ["Compiler", "CompilerError", "build", "find", "passed_over", "working"]

T = TypeVar("T")

FLAGS = (
    "-O3",
    "-march=native",
    "-std=gnu11",
    "-fPIC",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fopenmp-simd",
    "-mprefer-vector-width=512",
    # GNU C fuses a*b + c by itself, which rounds once where numpy rounds twice. With this flag
    # elementwise results are numpy's own; where fusing is wanted, the text says __builtin_fma.
    "-ffp-contract=off",
    "-lm",
)
"""Flags a compiler may refuse one by one. There is no -ffast-math: it breaks inf and nan."""

_QUICK = ("-O1", "-ftree-loop-vectorize")
"""In place of the first flag: all that loops of a thousand lines need."""

INSTEAD = {"-march=native": ("-mcpu=native",)}
"""What to try in place of a refused flag: some compilers for ARM and POWER know this one only."""

PROBE = """\
#include <math.h>
#include <stdint.h>
#include <string.h>

int32_t probe(double x) { return (int32_t)lround(exp(x)); }
"""

_SOURCE = "kernel.c"
_BINARY = {"win32": "kernel.dll", "darwin": "kernel.dylib"}.get(sys.platform, "kernel.so")
_RECORD = "compiler.json"
_LINES = 12
_ROOM = 1 << 20
_PATIENCE = 120.0  # seconds, in which ziglang builds a C library when it is first used

_probing = threading.Lock()
_building: dict[str, threading.Lock] = {}
_unkept: dict[str, ctypes.CDLL] = {}  # what the cache did not take; only this process has it


class CompilerError(AutodiffError, RuntimeError):
    """There is no C compiler that works, or it refuses a source."""


@dataclass(frozen=True)
class Compiler:
    """A compiler that was tried.

    Attributes
    ----------
    command : tuple of str
        The program, and arguments that belong to it.
    version : str
        All it says of itself.
    flags : tuple of str
        Those of `FLAGS` that it takes.
    """

    command: tuple[str, ...]
    version: str
    flags: tuple[str, ...]

    @property
    def name(self) -> str:
        """The first line of its version."""
        return self.version.partition("\n")[0]

    def compile(self, source: str, folder: str, limit: float | None = None) -> Path:
        """Write C text into a folder and make a shared library of it there, in `limit` seconds."""
        Path(folder, _SOURCE).write_text(source, "utf-8")
        # Bare names, in the folder: no path can come out wrong, and the library is the same
        # wherever it was built. -lm has to follow the source.
        command = [*self.command, "-shared", "-o", _BINARY, _SOURCE, *self.flags]
        try:
            _run(command, folder, limit)
        except CompilerError:
            Path(folder, _BINARY).write_bytes(bytes(_ROOM))  # on a full disk another error
            raise
        return Path(folder, _BINARY)


def build(source: str, *, cache: bool = True, quickly: bool = False) -> ctypes.CDLL:
    """Compile C text and load it.

    Parameters
    ----------
    source : str
        All of it: of other files it may include the system's headers only.
    cache : bool
        Whether to take the library from the folder `build_cache.cache_folder` names, and to keep
        it there. What cannot be kept is built for this process alone, with a warning.
    quickly : bool
        Whether to build in half of the time what then may run somewhat slower.

    Raises
    ------
    CompilerError
        If there is no compiler, or it refuses the source.
    """
    compiler = _found()
    if quickly and compiler.flags[:1] == FLAGS[:1]:
        compiler = replace(compiler, flags=(*_QUICK, *compiler.flags[1:]))
    if not cache:
        return _fresh(compiler, source)
    # Comments name lines of the user's, which move without a change of the work.
    key = build_cache.key(re.sub(r"^\s*//.*$", "", source, flags=re.MULTILINE), compiler)
    with _building.setdefault(key, threading.Lock()):
        return _known(key) or _kept(compiler, source, key)


def _known(key: str) -> ctypes.CDLL | None:
    if key in _unkept:
        return _unkept[key]
    path = build_cache.fetch(key, _BINARY)
    try:
        return ctypes.CDLL(str(path)) if path else None
    except OSError:  # built beside another C library, in a home that machines share
        build_cache.discard(key)
        return None


def _kept(compiler: Compiler, source: str, key: str) -> ctypes.CDLL:
    def keep() -> ctypes.CDLL:
        with build_cache.workplace() as folder:
            binary = compiler.compile(source, folder).read_bytes()
        files = {_SOURCE: source.encode(), _BINARY: binary}
        return ctypes.CDLL(str(build_cache.keep(key, _BINARY, files)))

    def hold() -> ctypes.CDLL:
        return _unkept.setdefault(key, _fresh(compiler, source))

    return _either(keep, hold)


def _fresh(compiler: Compiler, source: str) -> ctypes.CDLL:
    try:
        with _temporary() as folder:
            return ctypes.CDLL(str(compiler.compile(source, folder)))
    except OSError as error:
        raise CompilerError(f"a compiled kernel cannot be written or loaded: {error}") from error


def _temporary() -> tempfile.TemporaryDirectory[str]:
    # Windows does not let go of a library that is in use.
    return tempfile.TemporaryDirectory(prefix="autodiff-", ignore_cleanup_errors=True)


def _either(kept: Callable[[], T], fresh: Callable[[], T]) -> T:
    """The first; where the cache or its disk does not let it be, the second, with a warning."""
    try:
        return kept()
    except OSError as error:
        reason = error
    result = fresh()
    warn(f"compiled kernels are not kept: {reason}. Set AUTODIFF_CACHE to a folder of your own")
    return result


def find() -> Compiler | None:
    """The first compiler that works.

    Tried are ``$CC`` (which may hold arguments), then cc, gcc and clang on the path, then the
    package ziglang (extra ``native``). What came out is remembered as long as the program is the
    same: its path, size and time of change.
    """
    compiler = working()
    if compiler and (reason := passed_over()):
        warn(
            f"the C compiler that CC names does not work ({reason}), so {compiler.command[0]} is "
            "used: set CC to one that works, or to nothing",
            once=("CC", os.environ["CC"]),
        )
    return compiler


def working() -> Compiler | None:
    """The same, without a warning where that is not the one that CC names."""
    found = (_tried(*candidate) for candidate in _candidates())
    return next((compiler for compiler in found if isinstance(compiler, Compiler)), None)


def passed_over() -> str | None:
    """Why the compiler that ``$CC`` names is not used."""
    if not _words(os.environ.get("CC", "")):
        return None
    tried = _tried(*next(_candidates()))
    return None if isinstance(tried, Compiler) else tried


def _found() -> Compiler:
    compiler = find()
    if compiler is None:
        tried = "; ".join(str(_tried(*candidate)) for candidate in _candidates())
        raise CompilerError(
            f"no C compiler works here ({tried or 'none was found'}): install gcc or clang, or "
            "pip install 'autodiff[native]'"
        )
    return compiler


def _candidates() -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Commands, each with the files that make it what it is."""
    named = _words(os.environ.get("CC", ""))
    for words in (named, ["cc"], ["gcc"], ["clang"]):
        programs = [os.path.realpath(path) for word in words if (path := shutil.which(word))]
        if words and (first := shutil.which(words[0])):
            # Absolute, since it will run in another folder; links stay, as a name may matter.
            yield (os.path.abspath(first), *words[1:]), tuple(programs)
        elif words and words is named:
            yield tuple(words), ()  # to be told that there is none
    zig = find_spec("ziglang")
    if zig is not None and zig.origin and sys.executable:
        programs = [str(path) for path in sorted(Path(zig.origin).parent.glob("zig*"))]
        yield (sys.executable, "-m", "ziglang", "cc"), tuple(programs)


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command, posix=os.name != "nt")
    except ValueError:  # a quotation without an end
        return [command]


def _tried(command: tuple[str, ...], programs: tuple[str, ...]) -> Compiler | str:
    """The compiler, or why it does not work."""
    stamps = [(path, (about := os.stat(path)).st_mtime_ns, about.st_size) for path in programs]
    with _probing:
        return _remembered(command, tuple(stamps))


@functools.cache
def _remembered(command: tuple[str, ...], stamps: tuple[object, ...]) -> Compiler | str:
    key = build_cache.key(command, stamps, FLAGS, PROBE)
    try:
        return _recalled(key) or _either(lambda: _recorded(command, key), lambda: _probed(command))
    except (CompilerError, OSError) as error:
        return f"{shlex.join(command)}: {' '.join(str(error).split())[:200]}"


def _recalled(key: str) -> Compiler | None:
    path = build_cache.fetch(key, _RECORD)
    if path is None:
        return None
    known = json.loads(path.read_bytes())
    return Compiler(tuple(known["command"]), known["version"], tuple(known["flags"]))


def _recorded(command: tuple[str, ...], key: str) -> Compiler:
    with build_cache.workplace() as folder:
        compiler = _examined(command, folder)
    build_cache.keep(key, _RECORD, {_RECORD: json.dumps(asdict(compiler)).encode()})
    return compiler


def _probed(command: tuple[str, ...]) -> Compiler:
    with _temporary() as folder:
        return _examined(command, folder)


def _examined(command: tuple[str, ...], folder: str) -> Compiler:
    """The compiler with the flags it takes, after a library that it built gave a right result."""
    compiler = Compiler(command, _run([*command, "--version"], folder, _PATIENCE), FLAGS)
    if not _takes(compiler, folder):
        compiler = _reduced(compiler, folder)
        compiler.compile(PROBE, folder, _PATIENCE)
    probe = ctypes.CDLL(str(Path(folder, _BINARY))).probe
    if probe(ctypes.c_double(1.0)) != 3:
        raise CompilerError("the library it built gives a wrong result")
    return compiler


def _takes(compiler: Compiler, folder: str) -> bool:
    try:
        return bool(compiler.compile(PROBE, folder, _PATIENCE))
    except CompilerError:
        return False


def _reduced(compiler: Compiler, folder: str) -> Compiler:
    taken = replace(compiler, flags=())
    for flag in FLAGS:
        for one in (flag, *INSTEAD.get(flag, ())):
            more = replace(taken, flags=(*taken.flags, one))
            if _takes(more, folder):
                taken = more
                break
    return taken


def _run(command: list[str], folder: str, limit: float | None) -> str:
    """What a command says.

    Raises
    ------
    CompilerError
        With the first lines of that, if the command fails, or takes longer than `limit` seconds.
    """
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            timeout=limit,
        )
    except subprocess.TimeoutExpired as error:
        raise CompilerError(f"{command[0]} does not end within {limit} seconds") from error
    if done.returncode:
        lines = done.stdout.strip().splitlines()[:_LINES]
        said = "\n".join(lines) or "it says nothing"
        raise CompilerError(f"{command[0]} fails with status {done.returncode}: {said}")
    return done.stdout.strip()
