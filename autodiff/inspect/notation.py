"""How values, ops and local derivatives are written: mathematics, as short as can be read."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from autodiff.op import Op

__all__ = [
    "Factor", "Term", "array", "atom", "call", "constant", "derivative", "number", "plain",
    "product", "space", "subscript",
]  # fmt: skip

SUM, PRODUCT, POWER, ATOM = range(4)
"""How tightly a text holds together; what is looser than its surroundings is put in brackets."""

_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_DIGITS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")


BRIEF = 14
"""Characters of an argument that is written out within a local derivative."""


class Term(NamedTuple):
    """A piece of mathematics, and how tightly it holds together."""

    text: str
    tightness: int = ATOM

    def within(self, tightness: int) -> str:
        """The text, in brackets if it is looser than that."""
        return self.text if self.tightness >= tightness else f"({self.text})"


def atom(text: str) -> Term:
    """A name or a number."""
    return Term(text, SUM if text.startswith("−") else ATOM)


def subscript(text: str, k: int) -> str:
    """``x₃``."""
    return text + str(k).translate(_SUBSCRIPTS)


def plain(text: str) -> str:
    """The text with subscripts as digits."""
    return text.translate(_DIGITS)


def number(value: float) -> str:
    """Three decimals where they say something, else three digits and a power of ten."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}".replace("-0", "0").replace("-", "−")
    text = f"{value:.3f}" if 1e-3 <= abs(value) < 1e5 else f"{value:.2e}"
    return text.replace("e-0", "e-").replace("e+0", "e").replace("e+", "e").replace("-", "−")


def constant(value: float) -> str:
    """A number of the user's own, as short as it is right to four digits."""
    text = f"{value:.4g}".replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")
    return text.replace("-", "−")


def array(value: Any, limit: int = 4) -> str:
    """All entries of a small array, and the norm of a larger one."""
    if isinstance(value, tuple):
        return "  ".join(array(part, limit) for part in value)
    if np.ndim(value) == 0:
        return number(float(value))
    value = np.asarray(value)
    if value.size > limit:
        return f"‖·‖ {number(float(np.linalg.norm(value.ravel())))}"
    rows = value.reshape(-1, value.shape[-1] or 1)
    return f"[{';  '.join('  '.join(map(number, map(float, row))) for row in rows)}]"


def space(shape: tuple[int, ...]) -> str:
    """The space that a value is in: ``ℝ``, ``ℝ³``, ``3×2``."""
    if len(shape) > 1:
        return "×".join(map(str, shape))
    return "ℝ" + str(shape[0]).translate(_SUPERSCRIPTS) if shape else "ℝ"


def _joined(sign: str, tightness: int, right: int | None = None) -> Callable[..., Term]:
    def write(x: Term, y: Term) -> Term:
        first, last = x.within(tightness), y.within(tightness if right is None else right)
        return Term(f"{first}{sign}{last}", tightness)

    return write


def _raised(x: Term, y: Term) -> Term:
    exponent = y.text.replace("−", "-")
    if exponent.lstrip("-").isdigit():
        return Term(x.within(ATOM) + exponent.translate(_SUPERSCRIPTS), POWER)
    return Term(f"{x.within(ATOM)}^{y.within(ATOM)}", POWER)


def _times(x: Term, y: Term, sign: str = "⊙") -> Term:
    """Numbers go before what they multiply: ``2x``."""
    if _is_number(y.text):
        x, y = y, x
    if _is_number(x.text):
        sign = "" if y.text[0].isalpha() or y.tightness == SUM else "·"
    return _joined(sign, PRODUCT)(x, y)


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdecimal()


def _affine(x: Term, W: Term, b: Term | None = None) -> Term:
    product = WRITTEN["matmul"](W, x)
    return WRITTEN["add"](product, b) if b else product


def _plus(x: Term, y: Term) -> Term:
    return x if x.text.endswith("…") and y.text == "…" else _joined(" + ", SUM)(x, y)


WRITTEN: dict[str, Callable[..., Term]] = {
    "add": _plus,
    "subtract": _joined(" − ", SUM, PRODUCT),
    "multiply": _times,
    "divide": _joined(" / ", PRODUCT, POWER),
    "power": _raised,
    "matmul": _joined(" ", PRODUCT),
    "linear": _affine,
    "negative": lambda x: Term(f"−{x.within(PRODUCT)}", SUM),
    "positive": lambda x: x,
    "square": lambda x: _raised(x, Term("2")),
    "reciprocal": lambda x: Term(f"1 / {x.within(POWER)}", PRODUCT),
    "absolute": lambda x: Term(f"|{x.text}|"),
    "norm": lambda x: Term(f"‖{x.text}‖"),
    "sqrt": lambda x: Term(f"√{x.within(ATOM)}"),
    "sum": lambda x: Term(f"Σ {x.within(PRODUCT)}", PRODUCT),
    "sigmoid": lambda x: Term(f"σ({x.text})"),
    "transpose": lambda x: Term(f"{x.within(ATOM)}ᵀ", POWER),
    "astype": lambda x: x,
    "greater": _joined(" > ", SUM),
    "softmax_cross_entropy": lambda x, *_: Term(f"cross_entropy({x.text})"),
}
"""Ops with a notation of their own; all others are written as calls."""

_SLOPES = {
    "tanh": ("1 - out**2",),
    "sigmoid": ("out * (1 - out)",),
    "power": ("y * x**(y - 1)", "out * np.log(x)"),
    "reciprocal": ("-out**2",),
    "sqrt": ("1 / (2 * out)",),
    "tan": ("1 + out**2",),
    "cbrt": ("1 / (3 * out**2)",),
    "divide": ("1 / y", "-(out / y)"),
    "erf": (f"{2 / math.sqrt(math.pi)} * np.exp(-x**2)",),
    "erfc": (f"{-2 / math.sqrt(math.pi)} * np.exp(-x**2)",),
    "arccos": ("-(1 / np.sqrt((1 - x) * (1 + x)))",),
    "hypot": ("x / out", "y / out"),
}
"""Local derivatives for reading, where the table has them in a form made for accuracy."""


def call(name: str, args: list[Term], is_scalar: bool = False) -> Term:
    """The result of an op in terms of its arguments, of numbers or else of arrays."""
    if name == "multiply" and is_scalar:
        x, y = args
        return _times(x, y, "·")
    if name in WRITTEN:
        return WRITTEN[name](*args)
    return Term(f"{name}({', '.join(a.text for a in args)})")


class Factor(NamedTuple):
    """A local derivative as a factor of a path.

    Attributes
    ----------
    scale : float
        The part of it that is a plain number.
    text : str
        The rest; empty if there is none.
    is_diagonal : bool
        Whether it acts on each entry by itself.
    is_row : bool
        Whether it makes one number of all entries.
    """

    scale: float
    text: str
    is_diagonal: bool = False
    is_row: bool = False


def derivative(op: Op, index: int, terms: dict[str, Term], is_scalar: bool = False) -> Factor:
    """The local derivative of an op with respect to argument number `index`.

    Parameters
    ----------
    terms : dict
        The arguments by their names in the table, and ``out``.
    is_scalar : bool
        Whether they are numbers.
    """
    if op.partials is None:
        return _of_other(op, index, {name: _brief(term) for name, term in terms.items()})
    partial = _SLOPES.get(op.name, op.partials)[index]
    if op.name == "power" and index == 0 and _is_number(terms["y"].text):
        partial = _of_power(float(terms["y"].text))
    if isinstance(partial, (int, float)):
        return Factor(float(partial), "", True)
    if isinstance(partial, str):
        factor = _of_text(ast.parse(partial, mode="eval").body, terms, is_scalar)
        if len(factor.text) <= 2 * BRIEF:
            return factor
    return Factor(1.0, _prime(op, index, terms), True)


def _of_power(y: float) -> str:
    """The derivative of ``x**y`` for a known y."""
    return f"{y:g} * x" if y == 2 else f"{y:g} * x**{y - 1:g}"


def _of_text(tree: ast.expr, terms: dict[str, Term], is_scalar: bool) -> Factor:
    scale = 1.0
    match tree:
        case ast.BinOp(ast.Constant(float() | int() as number), ast.Mult(), rest):
            scale, tree = float(number), rest
        case ast.UnaryOp(ast.USub(), rest):
            scale, tree = -1.0, rest
    text = _Writer(terms, is_scalar).term(tree).text
    return Factor(scale * float(text), "", True) if _is_number(text) else Factor(scale, text, True)


def _brief(term: Term) -> Term:
    """The term, or dots in the place of one that would hide what it is in."""
    return term if len(term.text) <= BRIEF else Term("(…)")


_OPERATORS = {
    ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide",
    ast.Pow: "power", ast.USub: "negative", ast.Gt: "greater",
}  # fmt: skip


class _Writer(NamedTuple):
    """A rule's text with terms in place of its names."""

    terms: dict[str, Term]
    is_scalar: bool

    def term(self, tree: ast.expr) -> Term:
        match tree:
            case ast.Name(name):
                return self.terms[name]
            case ast.Constant(float() | int() as value):
                return atom(constant(value))
            case ast.BinOp(x, ast.Mult(), y) if ast.dump(x) == ast.dump(y):
                return self._call("square", x)
            case ast.BinOp(x, operator, y) if type(operator) in _OPERATORS:
                return self._call(_OPERATORS[type(operator)], x, y)
            case ast.UnaryOp(ast.USub(), x):
                return self._call("negative", x)
            case ast.Compare(x, [ast.Gt()], [y]):
                return self._call("greater", x, y)
            case ast.Call(ast.Attribute(_, name), args):
                return self._call(name, *args)
        return Term(ast.unparse(tree))

    def _call(self, name: str, *args: ast.expr) -> Term:
        return call(name, [self.term(a) for a in args], self.is_scalar)


def _of_product(op: Op, index: int, terms: dict[str, Term]) -> Factor:
    """The other matrix: as it is for what is multiplied by it, transposed for a weight."""
    if index == 2:  # the bias
        return Factor(1.0, "", True)
    text = terms[op.args[1 - index]].within(POWER)
    is_weight = index == (1 if op.name == "linear" else 0)
    return Factor(1.0, f"{text}ᵀ" if is_weight else text)


_SUMS = {"sum": "", "mean": "1/n", "softmax_cross_entropy": "softmax − y"}
"""Derivatives of one number with respect to many entries, as rows."""


def _of_other(op: Op, index: int, terms: dict[str, Term]) -> Factor:
    if op.name in ("matmul", "linear"):
        return _of_product(op, index, terms)
    if op.name in _SUMS:
        return Factor(1.0, _SUMS[op.name], is_row=True)
    if op.linear == "jointly":  # it moves entries, and adds some up
        return Factor(1.0, "")
    return Factor(1.0, _prime(op, index, terms))


def _prime(op: Op, index: int, terms: dict[str, Term]) -> str:
    arguments = [_brief(terms[a]).text for a in op.args if a in terms]
    symbol = "σ" if op.name == "sigmoid" else op.name
    if len(arguments) == 1:
        return f"{symbol}′" if arguments == ["(…)"] else f"{symbol}′({arguments[0]})"
    return f"∂{symbol}/∂{arguments[index] if index < len(arguments) else index}"


def product(factors: list[Factor], is_scalar: bool) -> str:
    """Several local derivatives as one: what lies between two values along a path.

    They are given, and written, from the result to the argument; ``I`` where nothing is left.
    """
    scale = math.prod(f.scale for f in factors)
    texts = _texts(factors, is_scalar)
    sign, size = "−" if scale < 0 else "", abs(scale)
    if not texts:
        return constant(scale) if is_scalar or size != 1 else f"{sign}I"
    if len(texts) > 1 or scale != 1:
        texts = [f"({text})" if _is_loose(text) else text for text in texts]
    joined = ("·" if is_scalar else " ").join(texts)
    return f"{sign}{joined}" if size == 1 else f"{sign}{constant(size)}·{joined}"


def _texts(factors: list[Factor], is_scalar: bool) -> list[str]:
    texts, is_row = [], is_scalar
    for factor in factors:
        # What is summed up afterwards acts as a row, not as a diagonal matrix.
        is_row = is_row or factor.is_row
        if factor.text:
            is_bare = is_row or not factor.is_diagonal
            texts.append(factor.text if is_bare else f"diag({factor.text})")
            is_row = is_scalar
    return texts


_LOOSE = re.compile(r"^−| [+−/>] | // | == ")
_BRACKETS = re.compile(r"\([^()]*\)")


def _is_loose(text: str) -> bool:
    """Whether it is a sum or a quotient outside of any brackets."""
    while text != (outside := _BRACKETS.sub("", text)):
        text = outside
    return bool(_LOOSE.search(text))
