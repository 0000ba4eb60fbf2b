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
_NUMBER = re.compile(r"−?\d+(\.\d+)?(e−?\d+)?")

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
    if _value(y.text) is not None:
        x, y = y, x
    if _value(x.text) is None:
        return _joined(sign, PRODUCT)(x, y)
    if x.text.startswith("−"):
        return WRITTEN["negative"](_times(atom(x.text[1:]), y))
    is_close = "e" not in x.text and (y.text[0].isalpha() or y.tightness == SUM)
    return _joined("" if is_close else "·", PRODUCT)(x, y)


def _value(text: str) -> float | None:
    """The number that a text is, if it is one."""
    return float(text.replace("−", "-")) if _NUMBER.fullmatch(text) else None


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
    "divide": ("1 / y", "-(x / y**2)"),
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
        Whether it adds all entries up.
    """

    scale: float
    text: str
    is_diagonal: bool = False
    is_row: bool = False


Shape = tuple[int, ...]


def derivative(op: Op, index: int, terms: list[Term], shapes: list[Shape]) -> Factor:
    """The local derivative of an op with respect to argument number `index`.

    Parameters
    ----------
    op : Op
    index : int
    terms, shapes : list
        Of the arguments, and last of the result.
    """
    if op.partials is None:
        return _of_other(op, index, [_brief(term) for term in terms], shapes)
    return _of_broadcast(_of_elementwise(op, index, terms, shapes), shapes[index], shapes[-1])


def _of_elementwise(op: Op, index: int, terms: list[Term], shapes: list[Shape]) -> Factor:
    partial = _SLOPES.get(op.name, op.partials or ())[index]
    if op.name == "power" and index == 0 and (y := _value(terms[1].text)) is not None:
        return _of_power(terms[0], y)
    if isinstance(partial, (int, float)):
        return Factor(float(partial), "", True)
    if isinstance(partial, str):
        known = zip(terms, shapes, strict=True)
        writer = _Writer(dict(zip((*op.args, "out"), known, strict=True)))
        factor = _of_text(ast.parse(partial, mode="eval").body, writer)
        if len(factor.text) <= 2 * BRIEF:
            return factor
    return Factor(1.0, _prime(op, index, terms), True)


def _of_broadcast(factor: Factor, shape: Shape, out: Shape) -> Factor:
    """What was repeated on the way forward is added up on the way back."""
    if math.prod(shape) == math.prod(out):
        return factor
    if not factor.text:
        return Factor(factor.scale, "Σ")
    is_column = math.prod(shape) == 1
    return Factor(factor.scale, factor.text if is_column else f"diag({factor.text}) Σ")


def _of_power(x: Term, y: float) -> Factor:
    """The derivative of ``x**y`` for a known y."""
    if y in (0, 1):
        return Factor(y, "", True)
    return Factor(y, x.text if y == 2 else _raised(x, atom(constant(y - 1))).text, True)


def _of_text(tree: ast.expr, writer: _Writer) -> Factor:
    scale = 1.0
    match tree:
        case ast.BinOp(ast.Constant(float() | int() as number), ast.Mult(), rest):
            scale, tree = float(number), rest
        case ast.UnaryOp(ast.USub(), rest):
            scale, tree = -1.0, rest
        case ast.BinOp(ast.Constant(1), ast.Div(), y) if divisor := _value(writer.term(y).text):
            return Factor(1 / divisor, "", True)
    text = writer.term(tree).text
    value = _value(text)
    if value is None:
        return Factor(scale, text, not writer.is_one_number(tree))
    return Factor(scale * value, "", True)


def _brief(term: Term) -> Term:
    """The term, or dots in the place of one that would hide what it is in."""
    return term if len(term.text) <= BRIEF else Term("(…)")


_OPERATORS = {
    ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide",
    ast.Pow: "power", ast.USub: "negative", ast.Gt: "greater",
}  # fmt: skip


class _Writer(NamedTuple):
    """A rule's text with terms in place of its names, of known shapes."""

    known: dict[str, tuple[Term, Shape]]

    def term(self, tree: ast.expr) -> Term:
        match tree:
            case ast.Name(name):
                return self.known[name][0]
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
        return call(name, [self.term(a) for a in args], self.known["out"][1] == ())

    def is_one_number(self, tree: ast.expr) -> bool:
        """Whether it is the same for all entries, since what it is made of is."""
        out = self.known["out"][1]
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} & {*self.known}
        sizes = [math.prod(self.known[name][1]) for name in used]
        return out == () or all(size == 1 < math.prod(out) for size in sizes)


def _of_other(op: Op, index: int, terms: list[Term], shapes: list[Shape]) -> Factor:
    if op.name in ("matmul", "linear"):
        return _of_product(op, index, terms, shapes)
    if op.name in _IN_PLACE:
        return _IDENTITY
    if op.name == "broadcast_to":
        return _of_broadcast(_IDENTITY, shapes[0], shapes[-1])
    if op.name in ("sum", "mean"):
        return _of_sum(op, *map(math.prod, shapes))
    if op.name == "softmax_cross_entropy":
        return Factor(1.0, "softmax − y")
    return Factor(1.0, "(·)ᵀ" if op.name == "transpose" else _prime(op, index, terms))


_IDENTITY = Factor(1.0, "", True)
_IN_PLACE = frozenset({"reshape", "expand_dims", "squeeze", "astype", "item"})
"""Ops after which every entry is where it was, up to shape."""


def _of_product(op: Op, index: int, terms: list[Term], shapes: list[Shape]) -> Factor:
    """The other matrix: as it is for what is multiplied by it, transposed for a weight."""
    if index == 2:  # the bias
        return _of_broadcast(_IDENTITY, shapes[2], shapes[-1])
    text = terms[1 - index].within(POWER)
    is_weight = index == (1 if op.name == "linear" else 0)
    if not is_weight:
        return Factor(1.0, text)
    return Factor(1.0, text[:-1] if text.endswith("ᵀ") else f"{text}ᵀ")


def _of_sum(op: Op, size: int, out: int) -> Factor:
    if size == out:
        return _IDENTITY
    return Factor(out / max(size, 1) if op.name == "mean" else 1.0, "Σ′", is_row=out == 1)


def _prime(op: Op, index: int, terms: list[Term]) -> str:
    arguments = [_brief(term).text for term in terms[:-1]]
    symbol = "σ" if op.name == "sigmoid" else op.name
    if len(list(filter(None, arguments))) > 1:
        is_told = arguments[index] != "(…)" and arguments.count(arguments[index]) == 1
        return f"∂{symbol}/∂{arguments[index]}" if is_told else subscript("∂", index + 1) + symbol
    is_constant = not {*op.args, "out"} & {*op.needs}
    return f"{symbol}′" if is_constant or arguments == ["(…)"] else f"{symbol}′({arguments[index]})"


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
    texts: list[str] = []
    is_row = False
    for factor in filter(lambda f: f.text, factors):
        if is_row and factor.is_diagonal:
            texts.pop()  # a row of ones times a diagonal matrix is its diagonal as a row
        is_bare = is_scalar or is_row or not factor.is_diagonal
        texts.append(factor.text if is_bare else f"diag({factor.text})")
        is_row = factor.is_row
    return texts


_LOOSE = re.compile(r"^−| [+−/>] | // | == ")
_BRACKETS = re.compile(r"\([^()]*\)")


def _is_loose(text: str) -> bool:
    """Whether it is a sum or a quotient outside of any brackets."""
    while text != (outside := _BRACKETS.sub("", text)):
        text = outside
    return bool(_LOOSE.search(text))
