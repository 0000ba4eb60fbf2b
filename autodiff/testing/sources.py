"""Where gradients come from: our tensors, code written by hand, or another library."""

from __future__ import annotations

import contextlib
import importlib
import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autodiff import tree
from autodiff.errors import AutodiffError, DomainError, ShapeError, describe
from autodiff.scalar import Scalar
from autodiff.settings import no_grad
from autodiff.sparse import RowGrad
from autodiff.tensor import Tensor
from autodiff.transforms import vjp as engine_vjp

__all__ = ["Source", "as_arrays", "make_source"]

Forward = Callable[[tuple[Any, ...]], Any]
Backward = Callable[[tuple[Any, ...], list[np.ndarray], tuple[int, ...]], Sequence[Any]]


@dataclass(frozen=True)
class Source:
    """Values and gradients of a function of plain arrays.

    Attributes
    ----------
    function : callable
        What is differentiated; it gives the names for messages.
    forward : callable
        ``forward(args)``, the results as they come.
    backward : callable
        ``backward(args, cotangents, slots)``: a gradient for each of these leaves of `args`;
        one cotangent for each floating result.
    kind : {"engine", "hand", "library"}
    tracked : callable, optional
        ``tracked(args)``: the results on what carries gradients, where that differs from
        `forward`.
    by : str
        How to ask for it again, for the line that reproduces a failure.
    """

    function: Callable[..., Any]
    forward: Forward
    backward: Backward
    kind: str
    tracked: Forward | None = None
    by: str = ""
    kwargs: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The function's name."""
        return _name(self.function)


def _name(f: Any) -> str:
    return getattr(f, "__name__", type(f).__name__)


def _code(f: Any, other: str) -> str:
    """How a function may be called in code: a lambda has no name."""
    name = _name(f)
    return name if name.isidentifier() else other


def make_source(f: Any, vjp: Any, grad: Any, kwargs: dict[str, Any]) -> Source:
    """The source that the arguments of `check_gradients` describe.

    Raises
    ------
    DomainError
        If they describe none, or two.
    """
    if _is_pair(f):
        if vjp is not None and vjp is not f:
            raise DomainError("a pair of forward and backward has its gradient: leave out vjp=")
        f, vjp = f[0], f
    if not callable(f):
        raise DomainError(f"the function to check is {describe(f)}, which cannot be called")
    if vjp is not None and grad is not None:
        raise DomainError("give vjp= or grad=, not both: each says where the gradient comes from")
    if grad is not None:
        return _from_gradient(f, grad, kwargs)
    if vjp is None:
        return _from_engine(f, kwargs)
    if _is_pair(vjp):
        return _from_pair(f, vjp[0], vjp[1], kwargs)
    if isinstance(vjp, str):
        return _from_library(f, vjp, kwargs)
    if not callable(vjp):
        raise DomainError(f"vjp= is a function, a pair of functions or a name, not {describe(vjp)}")
    return _by_hand(
        f, f, lambda args, v: vjp(v, *args, **kwargs), kwargs, f"vjp={_code(vjp, 'vjp')}"
    )


def _is_pair(x: Any) -> bool:
    return isinstance(x, (tuple, list)) and len(x) == 2 and all(map(callable, x))


def as_arrays(out: Any) -> list[np.ndarray]:
    """The floating (or complex) results, as plain arrays."""
    leaves = [out] if isinstance(out, (np.ndarray, float)) else tree.flatten(out)[0]
    arrays = [np.asarray(_plain(leaf)) for leaf in leaves]
    return [array for array in arrays if array.dtype.kind in "fc"]


def _plain(leaf: Any) -> Any:
    if isinstance(leaf, RowGrad):
        return leaf.dense()
    return leaf._value if isinstance(leaf, (Tensor, Scalar)) else leaf


# ---- our engine


def _from_engine(f: Callable[..., Any], kwargs: dict[str, Any]) -> Source:
    def plain(args: tuple[Any, ...]) -> Any:
        with no_grad():
            return f(*args, **kwargs)

    def tracked(args: tuple[Any, ...]) -> Any:
        with no_grad():
            return f(*tree.map(_tensor, args), **kwargs)

    def forward(args: tuple[Any, ...]) -> Any:
        try:
            return plain(args)
        except (AttributeError, TypeError, AutodiffError):  # it needs tensors
            return tracked(args)

    def backward(args: Any, cotangents: list[np.ndarray], slots: tuple[int, ...]) -> list[Any]:
        leaves, definition = tree.flatten(args)

        def call(*inputs: Any) -> tuple[Any, ...]:
            for slot, x in zip(slots, inputs, strict=True):
                leaves[slot] = x
            out = f(*tree.unflatten(definition, leaves), **kwargs)
            return tuple(r for r in tree.flatten(out)[0] if as_arrays(r))

        inputs = [_tensor(leaves[slot]) for slot in slots]
        _, pullback = engine_vjp(call, *inputs, allow_unused=True)
        return [_plain(g) for g in pullback(tuple(cotangents))]

    return Source(f, forward, backward, "engine", tracked, kwargs=kwargs)


def _tensor(leaf: Any) -> Any:
    is_value = isinstance(leaf, (float, np.ndarray, np.generic))
    return Tensor(leaf) if is_value and np.asarray(leaf).dtype.kind == "f" else leaf


# ---- written by hand


def _by_hand(
    function: Callable[..., Any],
    f: Callable[..., Any],
    pull: Callable[[tuple[Any, ...], Any], Any],
    kwargs: dict[str, Any],
    by: str,
    tracked: Forward | None = None,
) -> Source:
    def forward(args: tuple[Any, ...]) -> Any:
        return f(*args, **kwargs)

    def backward(args: Any, cotangents: list[np.ndarray], slots: tuple[int, ...]) -> Sequence[Any]:
        single = len(cotangents) == 1
        found = pull(args, cotangents[0] if single else tuple(cotangents))
        if isinstance(found, dict) and not (len(args) == 1 and isinstance(args[0], dict)):
            found = _in_order(found, function, len(args))
        return _chosen(found, args, slots)

    return Source(function, forward, backward, "hand", tracked, by, kwargs)


def _chosen(found: Any, args: tuple[Any, ...], slots: tuple[int, ...]) -> Sequence[Any]:
    """The gradients of the leaves in `slots`, of one for each of these, for each floating leaf, or
    for each leaf."""
    grads = tuple(found) if isinstance(found, (list, tuple, Iterator)) else (found,)
    if len(grads) == len(slots) and not any(isinstance(g, dict) for g in grads):
        return grads
    grads, leaves = tuple(_flattened(grads, args)), tree.flatten(args)[0]
    floating = [i for i, leaf in enumerate(leaves) if as_arrays(leaf)]
    for places in (slots, floating, range(len(leaves))):
        if len(grads) == len(places):
            return tuple(g for g, place in zip(grads, places, strict=True) if place in slots)
    return grads


def _flattened(grads: tuple[Any, ...], args: tuple[Any, ...]) -> list[Any]:
    """The leaves of gradients, those of a dict in the order of the argument's keys."""
    try:
        return tree.leaves_like(tree.flatten(args)[1], grads)
    except ShapeError:
        return tree.flatten(grads)[0]


def _in_order(found: dict[str, Any], f: Callable[..., Any], count: int) -> tuple[Any, ...]:
    """Gradients by the names of the inputs, in the order of these."""
    names = list(inspect.signature(f).parameters)[:count]
    if unknown := found.keys() - set(names):
        raise DomainError(
            f"the gradients are named {', '.join(map(str, found))}, and the inputs "
            f"{', '.join(names)}: {min(map(str, unknown))!r} is none of these"
        )
    return tuple(found.get(name) for name in names)


def _from_pair(
    f: Callable[..., Any],
    forward: Callable[..., Any],
    backward: Callable[..., Any],
    kwargs: dict[str, Any],
) -> Source:
    def value(*args: Any, **kwargs: Any) -> Any:
        return _out_and_cache(forward, args, kwargs)[0]

    def pull(args: tuple[Any, ...], v: Any) -> Any:
        return backward(v, _out_and_cache(forward, args, kwargs)[1])

    both = f is not forward
    by = f"vjp=({_code(forward, 'forward')}, {_code(backward, 'backward')})"
    tracked = (lambda args: value(*args, **kwargs)) if both else None
    return _by_hand(f, f if both else value, pull, kwargs, by, tracked)


def _out_and_cache(forward: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
    pair = forward(*args, **kwargs)
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise DomainError(
            f"{_name(forward)}() has to return (result, cache), and returned {describe(pair)}"
        )
    return pair


def _from_gradient(
    f: Callable[..., Any], grad: Callable[..., Any], kwargs: dict[str, Any]
) -> Source:
    def value(*args: Any, **kwargs: Any) -> Any:
        out = f(*args, **kwargs)
        if np.size(out) != 1:
            raise DomainError(f"grad= is for one number, and {_name(f)}() gave {describe(out)}")
        return np.reshape(out, ())

    def pull(args: tuple[Any, ...], v: Any) -> Any:
        found = grad(*args, **kwargs)
        if isinstance(found, (tuple, list)) and not isinstance(args[0], list):
            return tuple(v * np.asarray(g) for g in found)
        return v * np.asarray(found)

    return _by_hand(f, value, pull, kwargs, f"grad={_code(grad, 'grad')}")


# ---- other libraries


def _from_library(f: Callable[..., Any], library: str, kwargs: dict[str, Any]) -> Source:
    if library not in _LIBRARIES:
        raise DomainError(f"vjp={library!r}: known are {', '.join(map(repr, _LIBRARIES))}")
    try:
        forward, backward = _LIBRARIES[library](f, kwargs)
    except ImportError as error:
        raise DomainError(
            f"vjp={library!r} needs {library}, which is not installed: pip install {library}"
        ) from error
    return Source(f, forward, backward, "library", None, f"vjp={library!r}")


def _with_torch(f: Callable[..., Any], kwargs: dict[str, Any]) -> tuple[Forward, Backward]:
    torch = importlib.import_module("torch")

    def leaf(x: Any, wanted: bool) -> Any:
        is_array = isinstance(x, (np.ndarray, np.generic))
        return torch.tensor(x).requires_grad_(wanted) if is_array else x

    def forward(args: tuple[Any, ...]) -> Any:
        with torch.no_grad():
            return _numpy(f(*tree.map(lambda x: leaf(x, False), args), **kwargs))

    def backward(args: Any, cotangents: list[np.ndarray], slots: tuple[int, ...]) -> list[Any]:
        leaves, definition = tree.flatten(args)
        leaves = [leaf(np.asarray(x) if i in slots else x, i in slots)
                  for i, x in enumerate(leaves)]  # fmt: skip
        outs = [r for r in tree.flatten(f(*tree.unflatten(definition, leaves), **kwargs))[0]
                if r.is_floating_point()]  # fmt: skip
        pairs = [(r, torch.tensor(v)) for r, v in zip(outs, cotangents, strict=True)
                 if r.requires_grad]  # fmt: skip
        inputs = [leaves[slot] for slot in slots]
        if not pairs:
            return [np.zeros(x.shape) for x in inputs]
        results, given = zip(*pairs, strict=True)
        grads = torch.autograd.grad(results, inputs, given, allow_unused=True)
        filled = [
            torch.zeros_like(x) if g is None else g for g, x in zip(grads, inputs, strict=True)
        ]
        return [g.detach().numpy() for g in filled]

    def _numpy(out: Any) -> Any:
        return tree.map(lambda r: r.numpy() if isinstance(r, torch.Tensor) else r, out)

    return forward, backward


def _with_jax(f: Callable[..., Any], kwargs: dict[str, Any]) -> tuple[Forward, Backward]:
    jax = importlib.import_module("jax")

    @contextlib.contextmanager
    def double() -> Iterator[None]:
        before = jax.config.jax_enable_x64
        jax.config.update("jax_enable_x64", True)
        try:
            yield
        finally:
            jax.config.update("jax_enable_x64", before)

    def forward(args: tuple[Any, ...]) -> Any:
        with double():
            return tree.map(np.asarray, f(*args, **kwargs))

    def backward(args: Any, cotangents: list[np.ndarray], slots: tuple[int, ...]) -> list[Any]:
        leaves, definition = tree.flatten(args)

        def call(*inputs: Any) -> tuple[Any, ...]:
            for slot, x in zip(slots, inputs, strict=True):
                leaves[slot] = x
            out = f(*tree.unflatten(definition, leaves), **kwargs)
            return tuple(r for r in tree.flatten(out)[0] if r.dtype.kind == "f")

        with double():
            inputs = [jax.numpy.asarray(leaves[slot]) for slot in slots]
            _, pullback = jax.vjp(call, *inputs)
            grads = pullback(tuple(map(jax.numpy.asarray, cotangents)))
            return [np.asarray(g) for g in grads]

    return forward, backward


def _with_autograd(f: Callable[..., Any], kwargs: dict[str, Any]) -> tuple[Forward, Backward]:
    core = importlib.import_module("autograd.core")

    def forward(args: tuple[Any, ...]) -> Any:
        return f(*args, **kwargs)

    def backward(args: Any, cotangents: list[np.ndarray], slots: tuple[int, ...]) -> list[Any]:
        leaves, definition = tree.flatten(args)

        def pulled(slot: int, result: int, v: np.ndarray) -> Any:
            def call(x: Any) -> Any:
                filled = [*leaves[:slot], x, *leaves[slot + 1 :]]
                out = f(*tree.unflatten(definition, filled), **kwargs)
                return tree.flatten(out)[0][result]

            pull, _ = core.make_vjp(call, np.asarray(leaves[slot]))
            return pull(v)

        outs = tree.flatten(forward(args))[0]
        floating = [i for i, r in enumerate(outs) if np.asarray(r).dtype.kind == "f"]
        return [sum(pulled(slot, i, v) for i, v in zip(floating, cotangents, strict=True))
                for slot in slots]  # fmt: skip

    return forward, backward


_LIBRARIES = {"torch": _with_torch, "jax": _with_jax, "autograd": _with_autograd}
