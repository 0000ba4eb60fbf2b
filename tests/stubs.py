"""The type hints of what the op table makes: ``python -m tests.stubs`` writes them anew.

Functions, operators and methods are bound at import, where a type checker does not see them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from inspect import Parameter, Signature
from pathlib import Path
from typing import Any

import autodiff as ad
from autodiff import linalg
from autodiff.functions import BINARY, FUNCTIONS, PLAIN, UNARY
from autodiff.op import OPS, Op

__all__ = ["FOLDER", "stubs"]

FOLDER = Path(ad.__file__).parent

HEAD = '''\
"""{what}: written by ``python -m tests.stubs``."""

# ruff: noqa
# fmt: off
# mypy: disable-error-code="overload-overlap, override"

from collections.abc import Sequence
from typing import Any, SupportsIndex, TypeAlias, overload

import numpy as np
import numpy.typing as npt

{imports}
'''

IMPORTS = """\
from autodiff.composites.linalg import EighResult, QRResult, SlogdetResult, SVDResult
from autodiff.op_methods import ArrayLike, Axis, Number, Shape
from autodiff.scalar import Scalar
from autodiff.tensor import Tensor
"""

METHOD_IMPORTS = """\
from autodiff.composites.selection import At
from autodiff.scalar import Scalar
from autodiff.tensor import Tensor as Tensor

Number: TypeAlias = float | np.floating[Any] | np.integer[Any]
ArrayLike: TypeAlias = Tensor | Scalar | npt.ArrayLike
Axis: TypeAlias = SupportsIndex | Sequence[SupportsIndex] | None
Shape: TypeAlias = SupportsIndex | Sequence[SupportsIndex]
Truth: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]
"""

# A room above may not import it, and a type checker has to know of it.
LAST = "from autodiff import testing as testing\n"

SETTINGS = {"axis": "Axis", "shape": "Shape", "dtype": "npt.DTypeLike"}
"""What settings take by name, where a forward says no more than Any."""

COMPARISONS = ("lt", "le", "gt", "ge")
SELF = Parameter("self", Parameter.POSITIONAL_OR_KEYWORD)


class Hint(str):
    """An annotation that a signature shows as it is, without quotes."""

    __slots__ = ()
    __repr__ = str.__str__


def row_of(f: Callable[..., Any]) -> Op | None:
    """The row that a public function is, also under another name; None for a composite."""
    raw: Any = inspect.unwrap(f)
    is_composite = raw.__module__ not in ("autodiff", "autodiff.linalg")
    return None if is_composite else OPS[raw.__name__]


def is_elementwise(f: Callable[..., Any]) -> bool:
    """Whether a public function is an elementwise row: of Scalars it makes a Scalar."""
    row = row_of(f)
    return row is not None and row.partials is not None


def parameters(f: Callable[..., Any]) -> list[Parameter]:
    """The parameters of a public function, with hints."""
    row = row_of(f)
    given = inspect.signature(f).parameters.values()
    return [p.replace(annotation=Hint(_hint(row, p))) for p in given]


def _hint(row: Op | None, p: Parameter) -> str:
    if row is None:
        return _setting(p)
    if p.name not in row.args:
        return _setting(inspect.signature(row.forward).parameters[p.name])
    if row.variadic:
        return "Sequence[ArrayLike]"
    return "ArrayLike | None" if p.default is None else "ArrayLike"


def _setting(p: Parameter) -> str:
    if p.annotation not in (Parameter.empty, "Any"):
        return str(p.annotation)
    plain = type(p.default) in (bool, int, float, str)
    return SETTINGS.get(p.name) or (type(p.default).__name__ if plain else "Any")


def result(f: Callable[..., Any]) -> str:
    """The hint of what a public function gives: a tensor, where it does not say otherwise."""
    row = row_of(f)
    if row is not None:
        return f"tuple[{', '.join(['Tensor'] * row.outputs)}]" if row.outputs > 1 else "Tensor"
    stated = inspect.signature(f).return_annotation
    return "Tensor" if stated == "Any" else str(stated)


def definition(name: str, given: Iterable[Parameter], returns: str) -> str:
    """The line of a function."""
    return f"def {name}{Signature([*given], return_annotation=Hint(returns))}: ..."


def function(name: str, f: Callable[..., Any]) -> list[str]:
    """The lines of a public function."""
    if not is_elementwise(f):
        return [definition(name, parameters(f), result(f))]
    if len(inspect.signature(f).parameters) == 1:
        return overloads(name, [("x: Scalar", "Scalar"), ("x: ArrayLike", "Tensor")])
    variants = (
        "x: Scalar, y: Scalar | Number",
        "x: Number, y: Scalar",
        "x: ArrayLike, y: ArrayLike",
    )
    return overloads(name, [*zip(variants, ("Scalar", "Scalar", "Tensor"))])


def overloads(name: str, variants: Iterable[tuple[str, str]]) -> list[str]:
    """The lines of a function whose result depends on what it is given."""
    lines = [f"def {name}({given}) -> {returns}: ..." for given, returns in variants]
    return [text for line in lines for text in ("@overload", line)]


def method(kind: type, name: str, value: Any) -> list[str]:
    """The lines of what was bound to a class under a name."""
    if isinstance(value, property):
        returns = value.fget.__name__ if isinstance(value.fget, type) else "Tensor"
        return ["@property", f"def {name}(self) -> {returns}: ..."]
    if name in PLAIN:
        return [f"def {name}(self, *args: Any, **kwargs: Any) -> Any: ..."]
    if name in OPS and OPS[name].partials is not None:
        return [f"def {name}(self) -> {kind.__name__}: ..."]
    return [definition(name, [SELF, *parameters(value)[1:]], result(value))]


def methods(kind: type) -> list[str]:
    """The lines of all that was bound to a class, operators last."""
    named = [m for name in sorted(vars(kind)) if _is_bound(kind, name)
             for m in method(kind, name, vars(kind)[name])]  # fmt: skip
    return [*named, *(OF_TENSOR if kind is ad.Tensor else OF_SCALAR)]


def _is_bound(kind: type, name: str) -> bool:
    f: Any = getattr(vars(kind)[name], "fget", vars(kind)[name])
    is_ours = callable(f) and f.__qualname__.startswith(f"{kind.__name__}.")
    return callable(f) and not is_ours and not name.startswith("_") and name != "dtype"


def operators(names: Iterable[str], variants: list[tuple[str, str]]) -> list[str]:
    """The lines of operators that take and give the same."""
    if len(variants) > 1:
        return [line for name in names for line in overloads(f"__{name}__", variants)]
    return [f"def __{name}__({given}) -> {returns}: ..." for name in names
            for given, returns in variants]  # fmt: skip


BOTH = [name for symbol in BINARY.values() for name in (symbol, f"r{symbol}")]
OF_TENSOR = [
    *operators(UNARY.values(), [("self", "Tensor")]),
    *operators([*BOTH, "matmul", "rmatmul"], [("self, other: ArrayLike", "Tensor")]),
    *operators(COMPARISONS, [("self, other: ArrayLike", "Truth")]),
    *operators(("eq", "ne"), [("self, other: object", "Truth")]),
    *operators(["getitem"], [("self, index: Any", "Tensor")]),
]
NUMBER, REST = "self, other: Scalar | Number", "self, other: ArrayLike"
OF_SCALAR = [
    *operators(UNARY.values(), [("self", "Scalar")]),
    *operators(BOTH, [(NUMBER, "Scalar"), (REST, "Tensor")]),
    *operators(COMPARISONS, [(NUMBER, "bool"), (REST, "Truth")]),
]


def of_linalg(name: str) -> list[str]:
    """The lines of a name of `autodiff.linalg`."""
    if f"linalg.{name}" in FUNCTIONS:
        return function(name, FUNCTIONS[f"linalg.{name}"])
    home = "autodiff.op_functions" if name in FUNCTIONS else "numpy.linalg"
    return [f"from {home} import {name} as {name}"]


def of_autodiff(name: str) -> list[str]:
    """The lines of a function of `autodiff`; numpy knows those without derivative."""
    if name in PLAIN:
        return [f"from numpy import {name} as {name}"]
    return function(name, FUNCTIONS[name])


def lines_of(make: Callable[[str], list[str]], names: Iterable[str]) -> list[str]:
    """The lines of all names, in alphabetical order."""
    return [line for name in sorted(names) for line in make(name)]


def body(kind: type) -> list[str]:
    """The class of what was bound to another."""
    return [f"\nclass {kind.__name__}Methods:", *(f"    {line}" for line in methods(kind))]


def stubs() -> dict[str, str]:
    """The text of each file."""
    names = [name for name in (*FUNCTIONS, *PLAIN) if "." not in name]
    elementwise = [n for n in names if n in FUNCTIONS and is_elementwise(FUNCTIONS[n])]
    others = [n for n in names if n not in elementwise]
    found = {
        "op_elementwise": ("Elementwise functions of the op table", IMPORTS,
                           lines_of(of_autodiff, elementwise)),
        "op_functions": ("Other functions of the op table", IMPORTS + LAST,
                         lines_of(of_autodiff, others)),
        "op_linalg": ("Those of linear algebra", IMPORTS, lines_of(of_linalg, linalg.__all__)),
        "op_methods": ("What the op table binds to tensors and scalars", METHOD_IMPORTS,
                       [*body(ad.Tensor), *body(ad.Scalar)]),
    }  # fmt: skip
    return {
        f"{name}.pyi": "\n".join([HEAD.format(what=what, imports=imports), *lines, ""])
        for name, (what, imports, lines) in found.items()
    }


if __name__ == "__main__":
    for name, text in stubs().items():
        (FOLDER / name).write_text(text)
