"""What tensors and scalars share: their name, their gradient and their hooks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from autodiff.errors import (
    DTypeError,
    GraphError,
    ShapeError,
    describe,
    require_function,
    shown,
)
from autodiff.nodes import Info, TensorNode

if TYPE_CHECKING:  # operators and methods are bound from the op table
    from autodiff.op_methods import ScalarMethods, TensorMethods
else:
    ScalarMethods = TensorMethods = object

__all__ = ["ScalarMethods", "TensorMethods", "Tracked"]


T = TypeVar("T", bound="Tracked")


class Tracked:
    """A handle on a node. Subclasses give `_node` (None while untracked) and `shape`."""

    __slots__ = ()
    _node: Any
    shape: Any
    dtype: Any
    data: Any
    _value: Any

    if TYPE_CHECKING:

        def item(self) -> float: ...

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow through it."""
        node = self._node
        return node is not None and (
            node.op is not None or (node.info is not None and node.info.keeps_grad)
        )

    @property
    def name(self) -> str | None:
        """Name for printing and drawing."""
        info = self._node.info if self._node is not None else None
        return info.name if info else None

    @name.setter
    def name(self, value: str | None) -> None:
        if self._node is None:
            self._node = TensorNode(None, (), (), (self.shape, self.dtype))
        if self._node.info is None:
            self._node.info = Info()
        self._node.info.name = value

    @property
    def grad(self) -> Any:
        """The gradient, added up over all calls of `backward`; None before the first.

        Leaves have it, and inner values after `retain_grad`.
        """
        info = self._node.info if self._node is not None else None
        return info.grad if info else None

    @grad.setter
    def grad(self, value: Any) -> None:
        if value is not None:
            _check_gradient(value, self.shape)
        self._info().grad = value

    def __float__(self) -> float:
        self._require_constant("float()")
        return float(self.item())

    def __int__(self) -> int:
        self._require_constant("int()")
        return int(self.item())

    # Said to be void, so that to type checkers numpy's operators leave tensors to those of ours.
    def __array__(
        self, dtype: Any = None, copy: bool | None = None
    ) -> np.ndarray[Any, np.dtype[np.void]]:
        self._require_constant("a plain array")
        return np.array(self.data, dtype) if copy else np.asarray(self.data, dtype)

    def _require_constant(self, what: str) -> None:
        if self.requires_grad:
            raise GraphError(
                f"{shown(self)} is tracked, and {what} would lose its gradient: use the functions "
                "of numpy or ad on the value itself, ad.stack for a list of values, or take "
                ".item(), .data or .detach() on purpose"
            )

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else str(self)

    def zero_grad(self) -> None:
        """Forget the gradient."""
        if self._node is not None and self._node.info is not None:
            self._node.info.grad = None

    def retain_grad(self: T) -> T:
        """Keep `.grad` of this inner value at the next `backward`; returns itself.

        Raises
        ------
        GraphError
            If the value is not tracked.
        """
        self._info().keeps_grad = True
        return self

    def register_hook(self, hook: Callable[[Any], Any]) -> Callable[[], None]:
        """Call ``hook(gradient)`` in each sweep; what it returns (if not None) takes its place.

        Parameters
        ----------
        hook : callable

        Returns
        -------
        callable
            Call it to remove the hook.

        Raises
        ------
        GraphError
            If the value is not tracked.
        """
        require_function(hook, "register_hook")
        info = self._info()
        info.hooks = (*info.hooks, hook)

        def remove() -> None:
            hooks = list(info.hooks)
            if hook in hooks:
                hooks.remove(hook)
            info.hooks = tuple(hooks)

        return remove

    def _info(self) -> Info:
        if not self.requires_grad:
            raise GraphError(f"{shown(self)} is not tracked: make it with requires_grad=True")
        if self._node.info is None:
            self._node.info = Info()
        return self._node.info  # type: ignore[no-any-return]


def _check_gradient(value: Any, shape: Any) -> None:
    if np.dtype(getattr(value, "dtype", type(value))).kind not in "fiu":
        raise DTypeError(f"a gradient is an array of real numbers, not {describe(value)}")
    if getattr(value, "shape", ()) != shape:
        raise ShapeError(f"gradient {describe(value)} given to a value of shape {shape}")
