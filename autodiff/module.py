"""`Module`: a model is an object whose attributes are its parameters and its parts.

What is reached through attributes, lists, tuples and dicts belongs to the module; a parameter is
named by the way to it, as in ``layers.0.W``. Nothing has to be declared or registered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from reprlib import recursive_repr
from typing import Any, ParamSpec, Protocol, TypeVar

import numpy as np

from autodiff import tree
from autodiff.errors import DomainError, DTypeError, describe
from autodiff.settings import inside
from autodiff.state import fitted
from autodiff.tensor import Tensor
from autodiff.tracked import Tracked

__all__ = ["Module", "Parameter"]


class Parameter(Tensor):
    """A tensor that training changes: a leaf that requires a gradient.

    Parameters
    ----------
    data : array_like
        Floating; copied.
    name : str, optional
        Left out, the name of the first attribute of a module that it is assigned to.
    dtype : dtype, optional

    Raises
    ------
    DTypeError
        If the entries are not floating.
    """

    __slots__ = ()

    def __init__(self, data: Any, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(data, requires_grad=True, name=name, dtype=dtype)
        self._node.info.is_parameter = True


P = ParamSpec("P")
R = TypeVar("R", covariant=True)
M = TypeVar("M", bound="Module")


class _Callable(Protocol[P, R]):
    """What a module is called with, and gives: as its `forward` says."""

    def forward(self, *args: P.args, **kwargs: P.kwargs) -> R: ...
    def _title(self) -> str: ...


class Module:
    """Base of models and their layers. A subclass makes parameters and states `forward`.

    Every leaf that requires a gradient counts as a parameter. One that is reached in two ways
    (tied weights) is one parameter, under its first name. As an argument of `autodiff.grad` a
    module is a tree whose leaves are its parameters; the gradient is a module of the same form,
    with arrays in their places.

    Lists, tuples and dicts are looked through at each call of `parameters`, so a large one that
    holds something else, such as a vocabulary, is better kept in an object of its own.

    Attributes
    ----------
    training : bool
        Whether layers such as dropout behave as in training. Set by `train` and `eval`.

    Examples
    --------
    >>> import numpy as np
    >>> import autodiff as ad
    >>> class Scale(ad.Module):
    ...     def __init__(self, size):
    ...         self.w = ad.Parameter(np.ones(size))
    ...
    ...     def forward(self, x):
    ...         return self.w * x
    >>> model = Scale(3)
    >>> model
    Scale(w=float64(3,))
    >>> model(2.0).sum().backward()
    >>> model.w.grad
    array([2., 2., 2.])
    """

    training: bool = True
    _paths: frozenset[str] = frozenset()  # of a rebuilt module: where its leaves are

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What calling the module does."""
        raise NotImplementedError(f"{type(self).__name__} states no forward()")

    def __call__(self: _Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        return inside(self._title(), self.forward, *args, **kwargs)  # type: ignore[no-any-return]

    def _title(self) -> str:
        """Its class, and its name in the module that it is part of."""
        name = vars(self).get("_name")
        return f"{type(self).__name__} {name}" if name else type(self).__name__

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(vars(self).get(name), Parameter) and _is_untrained(value):
            raise DTypeError(
                f"{type(self).__name__}.{name} is a parameter, and {describe(value)} would take "
                f"its place untrained: set {name}.data, or assign a Parameter"
            )
        if isinstance(value, Parameter) and value.name is None:
            value.name = name
        object.__setattr__(self, name, value)
        for path, part in _named_modules(name, value):
            vars(part).setdefault("_name", path)

    def named_parameters(self) -> dict[str, Any]:
        """The parameters by name, in the order in which they were assigned.

        Returns
        -------
        dict of str to Tensor or Scalar

        Raises
        ------
        DomainError
            If two have the same name.
        """
        found: dict[str, Any] = {}
        for name, value in _walk(self, self._paths):
            if name in self._paths or _is_parameter(value):
                if name in found:
                    raise DomainError(f"two parameters of {type(self).__name__} are called {name}")
                found[name] = value
        return found

    def parameters(self) -> list[Any]:
        """The parameters, each once."""
        return list(self.named_parameters().values())

    def modules(self) -> list[Module]:
        """This module and all modules in it, each once."""
        return [
            self,
            *(value for _, value in _walk(self, self._paths) if isinstance(value, Module)),
        ]

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for parameter in self.parameters():
            parameter.zero_grad()

    def train(self: M, training: bool = True) -> M:
        """Set `training` of this module and all in it.

        Parameters
        ----------
        training : bool

        Returns
        -------
        Module
            Itself.
        """
        for module in self.modules():
            module.training = training
        return self

    def eval(self: M) -> M:
        """The opposite of `train`."""
        return self.train(False)

    def state_dict(self) -> dict[str, np.ndarray]:
        """Copies of the parameters' values by name, ready for `autodiff.io.save`."""
        return {name: p.numpy() for name, p in self.named_parameters().items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Give each parameter the value of its name, in its own dtype.

        After an error no parameter has changed.

        Parameters
        ----------
        state : mapping of str to array_like
            As `state_dict` gives it.

        Raises
        ------
        FormatError
            If names are missing or too many, or a value is not floating.
        ShapeError
            If a value has another shape.
        """
        mine = self.named_parameters()
        for name, value in fitted(state, mine, type(self).__name__).items():
            mine[name].data = value

    @recursive_repr()
    def __repr__(self) -> str:
        parts = list(_shown(vars(self).items()))
        if len(self.modules()) == 1:
            return f"{type(self).__name__}({', '.join(parts)})"
        lines = "\n".join(parts).replace("\n", "\n  ")
        return f"{type(self).__name__}(\n  {lines}\n)"


_CONTAINERS = (list, tuple, dict)
_PARTS = (Module, Tracked, *_CONTAINERS)


def _named_modules(name: str, value: Any) -> Iterator[tuple[str, Module]]:
    """The modules in what is assigned to an attribute: itself, or the entries of a container."""
    is_container = isinstance(value, _CONTAINERS)
    for key, child in _children(value) if is_container else [("", value)]:
        if isinstance(child, Module):
            yield f"{name}.{key}" if is_container else name, child


def _is_untrained(value: Any) -> bool:
    kinds = (Tracked, np.ndarray, np.generic, int, float, list, tuple)
    return isinstance(value, kinds) and not _is_parameter(value)


def _is_parameter(value: Any) -> bool:
    return isinstance(value, Tracked) and value.requires_grad and value._node.op is None


def _children(value: Any) -> Iterable[tuple[Any, Any]]:
    if isinstance(value, Module):
        return vars(value).items()
    if isinstance(value, dict):
        return value.items()
    if hasattr(value, "_fields"):  # a namedtuple
        return zip(value._fields, value)
    return enumerate(value) if isinstance(value, (list, tuple)) else ()


def _walk(
    value: Any, leaves: frozenset[str], prefix: str = "", seen: set[int] | None = None
) -> Iterator[tuple[str, Any]]:
    """All parts below `value` with the way to each, and whatever is at the places of `leaves`.

    Each object comes once, so that a circle of references ends.
    """
    seen = {id(value)} if seen is None else seen
    for key, child in _children(value):
        is_part = isinstance(child, _PARTS)
        if not is_part and not leaves:
            continue
        path = f"{prefix}{key}"
        if path in leaves:
            seen.add(id(child))
            yield path, child
        elif is_part and id(child) not in seen:
            seen.add(id(child))
            yield path, child
            yield from _walk(child, leaves, f"{path}.", seen)


def _rebuild(module: Module, leaves: list[Any]) -> Any:
    """A module like this one with `leaves` in the places of its parameters."""
    old = module.named_parameters()
    # Parameters reached in a second way are known by their identity.
    memo = {id(p): leaf for p, leaf in zip(old.values(), leaves) if hasattr(p, "shape")}
    return _copy(module, "", dict(zip(old, leaves)), memo)


def _copy(value: Any, path: str, leaves: dict[str, Any], memo: dict[int, Any]) -> Any:
    """Modules and containers anew; what is no part of the module stays the same object."""
    if path in leaves:
        return leaves[path]
    if id(value) in memo:
        return memo[id(value)]
    if isinstance(value, Module):
        made = memo[id(value)] = object.__new__(type(value))
        vars(made).update(_copies(value, path, leaves, memo))
        vars(made)["_paths"] = frozenset(value.named_parameters())
        return made
    if not isinstance(value, _CONTAINERS):
        return value
    items = _copies(value, path, leaves, memo)
    if not isinstance(value, dict):
        return _sequence(value, list(items.values()))
    alike = copy(value)  # also an OrderedDict or a defaultdict
    dict.update(alike, items)
    return alike


def _copies(value: Any, path: str, leaves: dict[str, Any], memo: dict[int, Any]) -> dict[Any, Any]:
    prefix = f"{path}." if path else ""
    return {key: _copy(child, f"{prefix}{key}", leaves, memo) for key, child in _children(value)}


def _sequence(like: Any, items: list[Any]) -> Any:
    if isinstance(like, list):
        return items
    return type(like)(*items) if hasattr(like, "_fields") else tuple(items)


tree.register(Module, Module.parameters, _rebuild)


def _shown(items: Iterable[tuple[Any, Any]], prefix: str = "") -> Iterator[str]:
    for key, value in items:
        if str(key).startswith("_") or key == "training":
            continue
        if isinstance(value, _CONTAINERS) and _holds_parts(value):
            yield from _shown(_children(value), f"{prefix}{key}.")
        elif text := _brief(value):
            yield f"{prefix}{key}={text}"


def _holds_parts(value: Any) -> bool:
    return any(isinstance(child, _PARTS) for _, child in _children(value))


def _brief(value: Any) -> str:
    """What a reader wants to know of an attribute; nothing of generators and other machinery."""
    if isinstance(value, Module):
        return repr(value)
    if isinstance(value, (Tracked, np.ndarray, np.generic, int, float, str, *_CONTAINERS)):
        return describe(value)
    return getattr(value, "__name__", "None" if value is None else "")
