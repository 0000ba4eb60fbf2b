"""`compile`: a function that is traced once for each kind of arguments, and then runs natively."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import update_wrapper
from types import MethodType
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, overload

import numpy as np

from autodiff import tree
from autodiff.compiler.native import toolchain
from autodiff.compiler.replay import Retry
from autodiff.compiler.specialized import Again, Specialized
from autodiff.compiler.tracing.capture import Captured, Wrapper
from autodiff.compiler.tracing.held import arrays_held
from autodiff.compiler.tracing.kinds import differences, kind_of
from autodiff.compiler.tracing.program import Program
from autodiff.compiler.tracing.trace import trace
from autodiff.errors import DomainError, require_function, warn
from autodiff.scalar import Scalar
from autodiff.settings import is_recording, recorder
from autodiff.sparse import RowGrad
from autodiff.tensor import Tensor

__all__ = ["BACKENDS", "Compiled", "compile"]

P = ParamSpec("P")
Q = ParamSpec("Q")
R = TypeVar("R")

BACKENDS = ("auto", "c", "numpy", "off")


def compile(
    f: Callable[P, R], *, backend: str = "auto", cache: bool = True, limit: int = 64
) -> Compiled[P, R]:
    """Make `f` run as one program: forward, backward and update without Python in between.

    At the first call for each kind of arguments `f` runs once on arrays that write down what is
    done with them. What it does besides, printing for instance, it does at that call only. Later
    calls run the program, with the results of eager mode: the same bits with the backend
    ``"numpy"``, to a few units in the last place with ``"c"``.

    Parameters
    ----------
    f : callable
        Of arrays, numbers, tensors, modules and optimisers, and nested lists, tuples and dicts of
        them; may call `grad`, `value_and_grad`, `hvp`, ``loss.backward()`` and the step of an
        optimiser. Tensors, modules and optimisers that it reaches by itself, as a function within
        a function does, count as arguments.
    backend : {"auto", "c", "numpy", "off"}
        ``"c"``: machine code, made by a C compiler. ``"numpy"``: a straight line of numpy calls.
        ``"auto"``: C where there is a compiler, else numpy; the environment variable
        AUTODIFF_COMPILE, if set, decides instead. ``"off"``: `f` as it is.
    cache : bool
        Whether machine code is kept on disk for the next process.
    limit : int
        For so many kinds of arguments there are programs; further ones run in eager mode.

    Returns
    -------
    Compiled
        To be called as `f`. Its `program` and `source` show what runs.

    Raises
    ------
    TraceError
        At a call, if `f` depends on a value (a branch, ``.item()``), or has effects but on its
        arguments. The message names the line.
    CompilerError
        With the backend ``"c"``, if there is no compiler, or it refuses.

    Notes
    -----
    Arrays, tensors and Python floats may have other values at each call; their shapes and dtypes,
    and all other arguments, such as integers and strings, are part of the kind. Parameters and the
    state of an optimiser are written in place. A gradient that a step of an optimiser has used is
    gone afterwards if the function calls ``zero_grad``; other gradients of ``backward`` are
    delivered as in eager mode. Arrays of numpy that `f` reaches by itself are constants.

    Examples
    --------
    >>> import numpy as np
    >>> import autodiff as ad
    >>> f = ad.compile(ad.value_and_grad(lambda x: ad.sum(x * x)), backend="numpy")
    >>> value, gradient = f(np.array([1.0, 2.0]))
    >>> float(value), gradient
    (5.0, array([2., 4.]))
    >>> print(f.program)
    inputs ...
    """
    return Compiled(f, backend, cache, limit)


class Compiled(Wrapper, Generic[P, R]):
    """A function with a program for each kind of arguments that it was called with.

    Parameters
    ----------
    f, backend, cache, limit
        As for `compile`.

    Attributes
    ----------
    program : Program or None
        That of the last call; print it.
    source : str
        The C text of the last call's program.
    programs : int
        How many there are.

    Raises
    ------
    DomainError
        For an unknown backend, or a limit that is no number.
    DTypeError
        If `f` cannot be called.
    """

    f: Callable[..., Any]
    cache: bool
    limit: int

    def __init__(self, f: Callable[P, R], backend: str, cache: bool, limit: int) -> None:
        if backend not in BACKENDS:
            raise DomainError(f"compile: backend={backend!r} is none of {', '.join(BACKENDS)}")
        require_function(f, "compile")
        if type(limit) is not int or limit < 0:
            raise DomainError(f"compile: limit={limit!r} is no number of programs: pass an int")
        self.f, self.backend, self.cache, self.limit = f, backend, cache, limit
        self._programs: dict[Any, Specialized] = {}
        self._warned = False
        self._last: Specialized | None = None
        self._captured: Captured | None = None
        self._again: Again | None = None
        update_wrapper(self, f, updated=())

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        again = self._again
        if again is not None and recorder.get() is None:
            assert self._captured is not None
            if self._captured.keywords:
                kwargs = {**self._captured.keywords, **kwargs}  # type: ignore[assignment]
            new = again.match(self._captured.given(args), kwargs)
            if new is not None:
                try:
                    return again(new)  # type: ignore[no-any-return]
                except Retry:
                    return self.f(*args, **kwargs)  # type: ignore[no-any-return]
        return self._by_the_long_way(args, kwargs)  # type: ignore[no-any-return]

    def _by_the_long_way(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        backend = _chosen(self.backend)
        if backend == "off" or recorder.get() is not None:
            return self.f(*args, **kwargs)
        captured = self._captured = Captured(self.f)
        given, kwargs = captured.given(args), {**captured.keywords, **kwargs}
        leaves, definition = tree.flatten((list(given), kwargs, arrays_held((given, kwargs))))
        if any(map(_stays_in_python, leaves)):
            return self.f(*args, **kwargs)  # for the sake of its derivative
        found = self._found(backend, captured, leaves, definition)
        if found is None:
            return self.f(*args, **kwargs)
        self._last, self._again = found, None
        try:
            result, self._again = found(leaves, given, kwargs)
        except Retry:
            return self.f(*args, **kwargs)
        return result

    @overload
    def __get__(self, instance: None, owner: type | None = None) -> Compiled[P, R]: ...
    @overload
    def __get__(
        self: Compiled[Concatenate[Any, Q], R], instance: Any, owner: type | None = None
    ) -> Callable[Q, R]: ...
    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """As a function in the body of a class is: a method."""
        return self if instance is None else MethodType(self, instance)

    def __reduce__(self) -> Any:
        return Compiled, (self.f, self.backend, self.cache, self.limit)

    def __repr__(self) -> str:
        name = getattr(self.f, "__qualname__", repr(self.f))
        return f"compile({name}, backend={self.backend!r}), {self.programs} programs"

    def _found(
        self, backend: str, captured: Captured, leaves: list[Any], definition: Any
    ) -> Specialized | None:
        key = (backend, kind_of(leaves, definition))
        found = self._programs.get(key)
        if found is None and len(self._programs) < self.limit:
            traced = trace(captured, leaves, definition)
            found = self._programs[key] = Specialized(traced, backend, self.cache, leaves)
        elif found is None and not self._warned:
            self._warned = True
            self._warn(leaves, definition, len(captured.getters))
        return found

    def _warn(self, leaves: list[Any], definition: Any, reached: int) -> None:
        last = next(reversed(self._programs.values()), None)
        changed = differences(leaves, definition, last.leaves, reached) if last else "everything"
        name = getattr(self.f, "__name__", "the function")
        warn(
            f"compile: {name} has programs for {self.limit} kinds of arguments; this and further "
            f"ones run in eager mode. What changed last: {changed}. Pad arrays to few shapes, pass "
            "numbers that change as floats or arrays, or raise limit=",
            UserWarning,
        )

    @property
    def program(self) -> Program | None:
        """The program of the last call."""
        return self._last.trace.program if self._last else None

    @property
    def source(self) -> str:
        """The C of the last call; empty where none was made."""
        return self._last.source if self._last else ""

    @property
    def programs(self) -> int:
        """For how many kinds of arguments there is a program."""
        return len(self._programs)


def _chosen(backend: str) -> str:
    """What to use; without a compiler "auto" means numpy, which is said once."""
    if backend == "auto":
        backend = os.environ.get("AUTODIFF_COMPILE") or "auto"
    if backend not in BACKENDS:
        raise DomainError(f"AUTODIFF_COMPILE={backend} is none of {', '.join(BACKENDS)}")
    if backend == "auto":
        backend = "auto" if toolchain.find() is not None else "numpy"
        if backend == "numpy":
            warn(
                "compile: no C compiler is there, so programs run as numpy calls: install gcc or "
                'clang, or pip install "autodiff[native]"',
                UserWarning,
                once="no compiler",
            )
    return backend


def _stays_in_python(leaf: Any) -> bool:
    """Whether a gradient outside of the function goes through this value, or rows of one come;
    or whether it is an array of a kind that programs do not know."""
    if isinstance(leaf, (np.ndarray, np.generic)):
        known = isinstance(leaf, np.generic) or type(leaf) in (np.ndarray, np.memmap)
        return not (known and leaf.dtype.isnative and leaf.dtype.kind in "biuf")
    if not isinstance(leaf, (Tensor, Scalar)) or not leaf.requires_grad:
        return False
    node = leaf._node
    if isinstance(leaf.grad, RowGrad):
        return True
    return is_recording() and (node.op is not None or node.info.traced)
