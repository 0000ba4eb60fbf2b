"""Objects by name, from modules and files of the user's own."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

import autodiff as ad
from models.options import nearest

__all__ = ["TargetError", "line_of", "module_at", "named"]


class TargetError(ad.errors.AutodiffError):
    """A name that stands for nothing."""


def named(names: str, module: ModuleType) -> Any:
    """What ``NAME``, or ``NAME.NAME`` within it, is in a module; for ``NAME,NAME`` a tuple.

    Raises
    ------
    TargetError
        If it is not there.
    """
    found = tuple(_attribute(module, name) for name in names.split(","))
    return found if len(found) > 1 else found[0]


def _attribute(owner: Any, dotted: str) -> Any:
    name, _, rest = dotted.partition(".")
    try:
        found = getattr(owner, name)
    except AttributeError as error:
        raise TargetError(f"{error}{nearest(name, dir(owner))}") from error
    except Exception as error:  # a property may raise anything
        raise TargetError(f"{name} cannot be had: {type(error).__name__}: {error}") from error
    return _attribute(found, rest) if rest else found


def module_at(place: str) -> ModuleType:
    """The module of a dotted name or of a file, imported as from the current folder.

    Raises
    ------
    TargetError
        If there is none, or its import fails.
    """
    sys.path.insert(0, "")
    path = Path(place)
    is_file = path.suffix == ".py"
    if is_file and not path.is_file():
        near = nearest(path.name, [other.name for other in path.parent.glob("*.py")])
        raise TargetError(f"there is no file {path}{near}")
    try:
        return _from_file(path.resolve()) if is_file else importlib.import_module(place)
    except (Exception, SystemExit) as error:
        raise TargetError(_import_failure(place, error)) from error


def _from_file(path: Path) -> ModuleType:
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(path.stem, module)  # but not in place of a library of this name
    spec.loader.exec_module(module)
    return module


def _import_failure(place: str, error: BaseException) -> str:
    missing = isinstance(error, ModuleNotFoundError) and error.name
    if missing and f"{place}.".startswith(f"{missing}."):
        hint = f"{_near_module(missing)}: write MODULE:NAME or FILE.py:NAME"
        return f"there is no module {missing!r}{hint}"
    return f"{place} cannot be imported: {type(error).__name__}: {error}{line_of(error, place)}"


def _near_module(missing: str) -> str:
    """A hint at a module of the same package, or else of the current folder, or else at any."""
    parent, _, last = missing.rpartition(".")
    paths = [getattr(sys.modules.get(parent), "__path__", [])] if parent else [[""], None]
    hints = (nearest(last, [found.name for found in pkgutil.iter_modules(p)]) for p in paths)
    return next(filter(None, hints), "")


def line_of(error: BaseException, place: str) -> str:
    """The last line of a module that its import came to."""
    steps = traceback.walk_tb(error.__traceback__)
    names = (place, Path(place).stem)
    own = [(f.f_code.co_filename, n) for f, n in steps if f.f_globals.get("__name__") in names]
    return f" ({Path(own[-1][0]).name}, line {own[-1][1]})" if own else ""
