"""A function and its gradients as plain numpy, whatever library or style they come from."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import zip_longest
from typing import Any

import numpy as np

from autodiff import tree
from autodiff.errors import DomainError, DTypeError, describe
from autodiff.scalar import Scalar
from autodiff.tensor import Tensor
from autodiff.testing.failure import GradientError
from autodiff.testing.sources import Source, as_arrays, make_source

__all__ = ["Arrays", "Problem", "copies", "irregular", "make_problem"]

Arrays = Sequence[np.ndarray]


@dataclass(frozen=True)
class Problem:
    """What is checked: results and gradients as functions of the floating inputs alone.

    Attributes
    ----------
    name : str
        The function's, for messages.
    names : tuple of str
        Of the inputs.
    inputs : tuple of ndarray
        Where to check, each in its own dtype.
    source : Source
        Where values and gradients come from.
    args : tuple
        The call's arguments, constants included.
    slots : tuple of int
        Which leaves of the arguments the inputs are.
    code : str
        How the function is named in code, where that is not its name.
    what : str
        Which derivative is checked.
    """

    name: str
    names: tuple[str, ...]
    inputs: tuple[np.ndarray, ...]
    source: Source
    args: tuple[Any, ...]
    slots: tuple[int, ...]
    code: str = ""
    what: str = "gradient"

    @property
    def title(self) -> str:
        """What is checked, in words."""
        return f"{self.what} of {self.name}()"

    def at(self, *inputs: np.ndarray) -> Problem:
        """The same problem at other inputs."""
        return replace(self, inputs=inputs)

    def call_texts(self, texts: Sequence[str], shown_as: Callable[[Any], str]) -> list[str]:
        """The arguments of the call as code, with these texts for the inputs."""
        shown: list[Any] = [_Text(shown_as(leaf)) for leaf in self._flat[0]]
        for slot, text in zip(self.slots, texts, strict=True):
            shown[slot] = _Text(text)
        return [repr(a) for a in tree.unflatten(self._flat[1], shown)]

    def values(self, inputs: Arrays) -> list[np.ndarray]:
        """The floating results.

        Raises
        ------
        GradientError
            If the function raises, or gives no floating result.
        """
        return self._floating(self._call("", self.source.forward, self.filled(inputs)))

    def quiet_values(self, inputs: Arrays) -> list[np.ndarray] | None:
        """The floating results; None where the function raises."""
        try:
            return as_arrays(self.source.forward(self.filled(inputs)))
        except Exception:
            return None

    def gradients(self, inputs: Arrays, cotangents: Arrays) -> list[np.ndarray]:
        """The gradient for each input, as it is returned.

        Raises
        ------
        GradientError
            If the gradients cannot be had, or are not one array for each input.
        """
        found = self._call(
            "the gradient of ", self.source.backward, self.filled(inputs), list(cotangents),
            self.slots,
        )  # fmt: skip
        if len(found) != len(inputs):
            raise GradientError(
                f"the gradient of {self.name}() has {len(found)} parts, and there are "
                f"{len(inputs)} inputs to differentiate by: {', '.join(self.names)}"
            )
        return [self._real(g, name) for g, name in zip(found, self.names, strict=True)]

    def cotangents(self, rng: np.random.Generator) -> list[np.ndarray]:
        """An irregular array of both signs for each result, none near zero."""
        return [irregular(np.asarray(v), rng) for v in self.values(self.inputs)]

    def filled(self, inputs: Arrays) -> tuple[Any, ...]:
        """The arguments of the call, with these inputs."""
        flat, definition = self._flat
        leaves = list(flat)
        for slot, x in zip(self.slots, inputs, strict=True):
            leaves[slot] = _like(leaves[slot], x)
        return tuple(leaves) if self._is_flat else tree.unflatten(definition, leaves)

    @cached_property
    def _flat(self) -> tuple[list[Any], Any]:
        return tree.flatten(self.args)

    @cached_property
    def _is_flat(self) -> bool:
        return all(x is y for x, y in zip_longest(self._flat[0], self.args))

    def _call(self, what: str, f: Callable[..., Any], *args: Any) -> Any:
        try:
            return f(*args)
        except GradientError:
            raise
        except Exception as error:
            raise GradientError(
                f"{what}{self.name}() raised {type(error).__name__}: {error}; the inputs were "
                f"{', '.join(f'{n} {describe(x)}' for n, x in self._named())}"
            ) from error

    def _named(self) -> list[tuple[str, np.ndarray]]:
        return list(zip(self.names, self.inputs, strict=True))

    def _floating(self, out: Any) -> list[np.ndarray]:
        results = as_arrays(out)
        if not results:
            raise GradientError(f"{self.name}() gave no floating result: {describe(out)}")
        return results

    def _real(self, g: Any, name: str) -> np.ndarray:
        if g is None:
            raise GradientError(f"the gradient of {self.name}() for {name} is None, not an array")
        array = np.asarray(g)
        if array.dtype.kind != "f":
            raise GradientError(
                f"the gradient of {self.name}() for {name} is {describe(g)}, not a floating array"
            )
        return array


class _Text(str):
    """Code that stands for itself."""

    def __repr__(self) -> str:
        return str(self)


def copies(arrays: Arrays) -> list[np.ndarray]:
    """A copy of each, so that what is called cannot write into it."""
    return [x.copy() for x in arrays]


def irregular(like: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Entries between 1/2 and 3/2 in size and of random sign, so that nothing cancels by luck."""
    sizes = rng.uniform(0.5, 1.5, like.shape) * rng.choice([-1.0, 1.0], like.shape)
    return np.asarray(sizes, like.dtype)


def make_problem(
    f: Any, inputs: Sequence[Any], vjp: Any, grad: Any, kwargs: dict[str, Any], wrt: Any
) -> Problem:
    """Read the arguments of `check_gradients`.

    Raises
    ------
    DTypeError
        If an input has no gradient: complex, object, or nothing floating at all.
    DomainError
        If an input holds NaN or an infinity, or `wrt` names no input.
    """
    source = make_source(f, vjp, grad, kwargs)
    leaves, _ = tree.flatten(tuple(inputs))
    names = _names(source.function, inputs)
    for name, leaf in zip(names, leaves, strict=True):
        _require_real(name, leaf)
    if not leaves:
        raise DTypeError("no input to check at: give one, as in check_gradients(f, np.ones(3))")
    floating = [i for i, leaf in enumerate(leaves) if _array(leaf).dtype.kind == "f"]
    slots = tuple(i for i in _wanted(wrt, names, inputs) if i in floating)
    if not slots:
        raise DTypeError(
            "no floating input to differentiate by: "
            f"{', '.join(f'{n} {describe(x)}' for n, x in zip(names, leaves, strict=True))}; "
            "write 1.0 for 1, or convert with dtype=float"
        )
    arrays = tuple(np.array(_array(leaves[i])) for i in slots)
    for i, array in zip(slots, arrays, strict=True):
        if not np.all(np.isfinite(array)):
            raise DomainError(f"input {names[i]} holds NaN or an infinity: nothing can be checked")
    return Problem(
        source.name, tuple(names[i] for i in slots), arrays, source, tuple(inputs), slots
    )


def _require_real(name: str, leaf: Any) -> None:
    kind = _array(leaf).dtype.kind
    if kind == "c":
        raise DTypeError(f"input {name} is complex, {describe(leaf)}: pass real and imaginary part")
    if kind == "O" and leaf is not None and not callable(leaf):
        raise DTypeError(f"input {name} is {describe(leaf)} of dtype object: pass a real array")


def _array(leaf: Any) -> np.ndarray:
    return np.asarray(leaf._value if isinstance(leaf, (Tensor, Scalar)) else leaf)


def _like(leaf: Any, x: Any) -> Any:
    """`x` in the kind of container that the caller's leaf was."""
    if isinstance(x, Tensor):  # of a graph, on the way to second derivatives
        return x
    if isinstance(leaf, Tensor):
        return Tensor(x)
    return x.item() if isinstance(leaf, float) and x.dtype.kind == "f" else x


def _names(f: Callable[..., Any], inputs: Sequence[Any]) -> list[str]:
    """A name for each leaf: that of the parameter, and its number within a tree of several."""
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    names += [f"x{i}" for i in range(len(names), len(inputs))]
    found = []
    for name, given in zip(names, inputs, strict=False):
        count = len(tree.flatten(given)[0])
        found += [name] if count == 1 else [f"{name}[{i}]" for i in range(count)]
    return found


def _wanted(wrt: Any, names: list[str], inputs: Sequence[Any]) -> list[int]:
    """The leaves that `wrt` names, by the number or the name of an input."""
    if wrt is None:
        return list(range(len(names)))
    owners = [i for i, given in enumerate(inputs) for _ in tree.flatten(given)[0]]
    asked = [wrt] if isinstance(wrt, (int, str)) else wrt
    if not isinstance(asked, Iterable) or not (asked := list(asked)):
        raise DomainError(f"wrt={wrt!r} names no input; there are {', '.join(names)}")
    for one in asked:
        if one not in names and one not in owners:
            raise DomainError(f"wrt names {one!r}; there are {', '.join(names)}")
    return [i for i, (n, o) in enumerate(zip(names, owners, strict=True)) if {n, o} & set(asked)]
