"""What a library weighs: what an installation takes, how long its code is, and its rules."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import venv
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.harness import ROOT

__all__ = ["FIGURES", "figures"]

FIGURES = "Size"
NOT_COUNTED = ("pip", "setuptools", "_distutils_hack", "pkg_resources", "distutils-precedence.pth")
PLAIN = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def figures(library: str) -> dict[str, str]:
    """All of them, as they stand in the table."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = str(Path(folder, "bin", "python"))
        quiet = [python, "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
        release = version(library).partition("+")[0]
        requirement = str(ROOT) if library == "autodiff" else f"{library}=={release}"
        subprocess.run([*quiet, requirement], check=True, cwd=folder, env=PLAIN)
        (site,) = Path(folder).glob("lib/*/site-packages")
        there = [path for path in site.iterdir() if not path.name.startswith(NOT_COUNTED)]
        return {
            "an installation": f"{rounded(sum(map(size, there)) / 1e6)} MB",
            "packages in it": str(sum(path.suffix == ".dist-info" for path in there)),
            "lines of Python": f"{lines(library):,}",
            "derivative rules": f"{rules(library):,}",
        }


def rounded(number: float) -> str:
    """Without decimals, where the number is not small."""
    return f"{number:,.0f}" if number >= 10 else f"{number:.1g}"


def size(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def lines(package: str) -> int:
    """Of all Python files of a package."""
    spec = find_spec(package)
    assert spec and spec.origin
    files = Path(spec.origin).parent.rglob("*.py")
    return sum(file.read_bytes().count(b"\n") for file in files)


def rules(library: str) -> int:
    """How many derivatives are stated; those of all other functions follow from them."""
    return int(getattr(sys.modules[__name__], f"_{library}")())


def _source(module: str) -> str:
    spec = find_spec(module)
    assert spec and spec.origin
    return Path(spec.origin).read_text()


def _autodiff() -> int:
    return len(import_module("autodiff.op").OPS)


def _torch() -> int:
    folder = Path(import_module("torchgen").__file__ or "").parent
    text = (folder / "packaged" / "autograd" / "derivatives.yaml").read_text()
    return len(re.findall(r"^- name:", text, re.MULTILINE))


def _jax() -> int:
    import_module("jax.scipy.special")
    return len(import_module("jax.interpreters.ad").primitive_jvps)


def _autograd() -> int:
    import_module("autograd.numpy")
    return len(import_module("autograd.core").primitive_vjps)


def _mygrad() -> int:
    import_module("mygrad.nnet")
    return len(_below(import_module("mygrad.operation_base").Operation))


def _below(base: Any) -> set[Any]:
    return {kind for below in base.__subclasses__() for kind in {below} | _below(below)}


def _micrograd() -> int:
    return len(re.findall(r"def _backward\(", _source("micrograd.engine")))


def _tinygrad() -> int:
    return len(import_module("tinygrad.mixin.gradient").pm_gradient.patterns)
