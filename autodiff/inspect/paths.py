"""Paths: the gradient as the sum over all ways from the result to a value, the largest first."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count, islice
from typing import Any

import numpy as np

from autodiff.errors import DomainError, ShapeError
from autodiff.inspect.expressions import fold
from autodiff.inspect.naming import variables
from autodiff.inspect.partials import partial
from autodiff.inspect.search import Search
from autodiff.inspect.signals import Signals, result, table, written
from autodiff.nodes import Node

__all__ = ["Path", "Paths", "found", "many", "paths"]

LONGEST = 12
"""Values of a printed path; of a longer one the middle is left out."""


@dataclass(frozen=True, eq=False)
class Path:
    """One way from the result to a value.

    Attributes
    ----------
    nodes : tuple of Node
        From the result to the value, both included.
    indices : tuple of int
        For each step, the argument of the op that it goes to: one fewer than `nodes`.
    contribution : array or float
        What the path adds to the gradient.
    named : callable
        Gives names for nodes.
    """

    nodes: tuple[Node, ...]
    indices: tuple[int, ...]
    contribution: Any
    named: Callable[[tuple[Node, ...]], tuple[str, ...]] = field(repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        """What the values on the way are called, without those that are steps of an expression."""
        return self.named(self.nodes)

    @property
    def partials(self) -> Partials:
        """The local derivative along each step, from the result on, worked out one by one.

        A number between numbers; of an elementwise op on arrays the derivative of each entry of
        the result; else the Jacobian, of shape ``(*result, *argument)``, where the results of an op
        that has several count as one vector. One of more than a million entries is a GraphError.
        """
        return Partials(list(zip(self.nodes, self.indices, strict=False)))

    def __str__(self) -> str:
        names, half = self.names, LONGEST // 2
        if len(names) > LONGEST:
            names = (*names[:half], f"⋯ {len(names) - 2 * half} more", *names[-half:])
        return " → ".join(names)


class Partials(Sequence[Any]):
    """Local derivatives, each worked out when it is asked for: a Jacobian may be large."""

    def __init__(self, steps: list[tuple[Node, int]]) -> None:
        self._steps = steps

    def __len__(self) -> int:
        return len(self._steps)

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, slice):
            return Partials(self._steps[key])
        return partial(*self._steps[key])

    def __repr__(self) -> str:
        return f"<{len(self)} local derivatives>"


class _Names:
    """Names for the values of paths; apart from `Paths`, which would be held by its own paths."""

    def __init__(self, signals: Signals, target: Node | None) -> None:
        self._signals = signals
        self._target = target

    def __call__(self, nodes: tuple[Node, ...]) -> tuple[str, ...]:
        return tuple(self._signals.label(n) for n in nodes if self._heads[n] is n)

    @cached_property
    def _heads(self) -> dict[Node, Node]:
        kept = {self._signals.root, self._target, *self._signals.names}
        return fold(self._signals.order, kept)


class Paths:
    """The paths from a result to a value; made by `paths`.

    A sequence of the first `top`, in falling order of the size of their contributions (the
    Euclidean norm). Contributions add up; their sizes do not. `all` gives every path, however
    many there are. Printed, it is a table of the first, and of the rest in one row.

    Attributes
    ----------
    count : int
        How many there are.
    total : array or float
        Their sum: the gradient.
    label : str
        What the value is called that they lead to.
    shown : list of Path
        The first `top`.
    rest : array or float
        The sum of those not shown, so that what is shown adds up to `total`.
    reason : str
        Where there are none, why.
    is_exact : bool
        Whether the order is certain. For large arrays it rests on estimates.
    """

    def __init__(self, signals: Signals, x: Any, top: int, element: Any) -> None:
        self.signals = signals
        self.target: Node | None = x._node
        self.label: str = signals.label(x._node) if x._node in signals.deltas else x.name or "x"
        self.element = element
        self.total: Any = _picked(_gradient(signals, x), element)
        self.count: int = _count(signals, self.target)
        self.reason: str = "" if self.count else _reason(signals, x)
        self._search = Search(signals.order, self.target, element)
        self._named = _Names(signals, self.target)
        self._met: list[Path] = []
        self._found = iter(self._search if self.count else ())
        self.shown: list[Path] = list(islice(self.all(), top))
        self.rest: Any = self._remaining()

    def _remaining(self) -> Any:
        if len(self.shown) == self.count:
            return np.zeros_like(self.total)[()]
        with np.errstate(all="ignore"):
            return self.total - sum(path.contribution for path in self.shown)

    @property
    def is_exact(self) -> bool:
        """Whether the order is certain."""
        return self._search.is_exact

    def all(self) -> Iterator[Path]:
        """Every path, in falling order, found as it is asked for."""
        for i in count():
            while len(self._met) <= i:
                found = next(self._found, None)
                if found is None:
                    return
                self._met.append(Path(*found, self._named))
            yield self._met[i]

    def __iter__(self) -> Iterator[Path]:
        return iter(self.shown)

    def __len__(self) -> int:
        return len(self.shown)

    def __getitem__(self, index: Any) -> Any:
        return self.shown[index]

    @property
    def title(self) -> str:
        """What the paths are of, as in ``∂J/∂x``."""
        place = "" if self.element is None else f"[{_index_text(self.element)}]"
        return f"∂{self.signals.label(self.signals.root)}/∂{self.label}{place}"

    def __str__(self) -> str:
        if not self.count:
            return f"{self.title} is zero: there is no path. {self.reason}"
        noun = "path" if self.count == 1 else "paths"
        order = "" if self.is_exact else "  (sizes estimated, the order may differ)"
        rows: list[tuple[str, ...]] = [
            (f"{i}", written(p.contribution), str(p)) for i, p in enumerate(self.shown, 1)
        ]
        hidden = self.count - len(self.shown)
        if hidden:
            rows.append(("⋯", written(self.rest), f"{many(hidden)} more, together"))
        rows.append(("Σ", written(self.total), self.title))
        title = f"{self.title} is the sum over {many(self.count)} {noun}{order}"
        return "\n".join([title, *table(rows)])

    __repr__ = __str__


def many(number: int) -> str:
    """A count that may have hundreds of digits."""
    return f"{number:,}" if number < 10**9 else f"about {_power(number)}"


def _power(number: int) -> str:
    digits = int(math.log10(number) + 1e-9)
    return f"{number // 10 ** (digits - 1) / 10:.1f}e{digits}"


def _index_text(element: Any) -> str:
    return ", ".join(map(str, element)) if isinstance(element, tuple) else str(element)


def _picked(g: Any, element: Any) -> Any:
    return g if element is None else np.asarray(g)[element]


def _gradient(signals: Signals, x: Any) -> Any:
    g = signals.deltas.get(x._node)
    if g is None:
        return np.zeros(x.shape)[()]
    return np.asarray(g)[()] if np.ndim(g) else g


def _count(signals: Signals, target: Node | None) -> int:
    """Numbers of paths flow as error signals do, each step with the factor one."""
    waiting = {signals.root: 1}
    for node in signals.order:
        paths_here = waiting.pop(node, 0)
        if node is target:
            return paths_here
        for parent in signals.reached(node) if paths_here else ():
            waiting[parent] = waiting.get(parent, 0) + paths_here
    return 0


def _reason(signals: Signals, x: Any) -> str:
    root = signals.label(signals.root)
    if not x.requires_grad:
        if getattr(x.dtype, "kind", "f") != "f":
            return f"It holds {x.dtype}, and no gradient leads through integers."
        return ("It is not tracked: made without requires_grad=True, by detach(), or inside "
                "no_grad().")  # fmt: skip
    if x._node in signals.deltas:
        return "Every way to it passes an op whose derivative is zero everywhere, such as round."
    return (f"{root} does not depend on it: it is unused, or only by way of detach(), no_grad(), "
            ".data or an integer.")  # fmt: skip


def paths(
    J: Any, x: Any, *, top: int = 8, element: Any = None, names: Mapping[str, Any] | None = None
) -> Paths:
    """Every path from `J` back to `x`, and what each adds to the gradient.

    The contribution of a path is the product of the local derivatives along it. Counted by
    dynamic programming, found best first, so that the largest of 1e60 paths come at once.

    Parameters
    ----------
    J : Tensor or Scalar
        One number.
    x : Tensor, Scalar or str
        What it was computed from, an input or any value between, or the name of it.
    top : int
        How many paths to show.
    element : int or tuple of int, optional
        An entry of `x`: paths are ranked by what they add to its derivative.
    names : mapping, optional
        Values by name. Left out, the variables of the caller.

    Returns
    -------
    Paths
        With a `count` of 0, and a `reason`, where `J` does not depend on `x`.

    Raises
    ------
    ShapeError
        If `J` has more than one entry, or `x` has no such element.
    DomainError
        If no value has the name.

    Examples
    --------
    >>> import autodiff as ad
    >>> x = ad.Tensor(2.0, requires_grad=True)
    >>> J = x * x + 3.0 * x
    >>> print(ad.paths(J, x))
    ∂J/∂x is the sum over 3 paths
    1  3.000  J → 3x → x
    2  2.000  J → x·x → x
    3  2.000  J → x·x → x
    Σ  7.000  ∂J/∂x
    """
    given = variables(2) if names is None else names
    return found(Signals(result(J, "paths"), given), x, top, element, "paths()")


def found(
    signals: Signals, x: Any, top: int, element: Any, what: str, most: float = math.inf
) -> Paths:
    """The paths to `x`, its place and the number of paths checked; at most so many of them."""
    x = signals.tensor(x, what)
    _check_top(top, what)
    if element is not None:
        _check_element(element, x.shape, what)
    return Paths(signals, x, int(min(top, most)), element)


def _check_top(top: Any, what: str) -> None:
    if not isinstance(top, (int, np.integer)) or top < 0:
        raise DomainError(f"{what}: top={top!r}; give the number of paths to show")


def _check_element(element: Any, shape: tuple[int, ...], what: str) -> None:
    try:
        is_number = np.ndim(np.empty(shape, bool)[element]) == 0
    except (IndexError, TypeError, ValueError):
        is_number = False
    if not is_number:
        raise ShapeError(f"{what}: element={element!r} is no entry of a value of shape {shape}")
