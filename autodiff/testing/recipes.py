"""How each op of the table is written into a random expression: smooth, bounded, off its kinks.

A recipe is code with places for earlier values: ``{x}``, ``{y}`` are any that broadcast, ``{t}``
is one of x's shape; ``{axis}`` and the like are settings that fit x. What a domain asks for is
brought about by a smooth function of the value, which stands in the code like all else.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from autodiff.op import OPS, Op
from autodiff.testing.strategies import axes_of, indices_of

__all__ = ["RECIPES", "SETTINGS", "TAMED", "Recipe"]

Shape = tuple[int, ...]

TAMED = "ad.sin({})"
"""What keeps a large value bounded, where an op takes any."""


@dataclass(frozen=True)
class Recipe:
    """One way to use an op.

    Attributes
    ----------
    code : str
    wrapped : dict
        For a place in the code, the function into the op's domain: ``"1.5 + ad.sin({})"``.
    least : tuple of int
        The fewest axes that x may have, and the shortest that each may be.
    most : int
        The most axes.
    """

    code: str
    wrapped: dict[str, str]
    least: Shape = (0, 1)
    most: int = 3

    def fits(self, shape: Shape) -> bool:
        """Whether x may have this shape."""
        axes, side = self.least
        return axes <= len(shape) <= self.most and all(n >= side for n in shape)


APART = (  # 0, -3, 6, -9 and so on, which are in no order
    "ad.tanh({}) + (np.resize([3.0, -3.0], {size}) * np.arange({size}.0)).reshape({shape})"
)
INTO: dict[str, tuple[str, ...]] = {
    "x > 0": ("1.5 + ad.sin({})",),
    "y > 0": ("{}", "1.5 + ad.sin({})"),
    "x > 1": ("2.5 + ad.sin({})",),
    "x > -1": ("0.5 + ad.sin({})",),
    "|x| < 1": ("0.5 * ad.sin({})",),
    "0 < x < 1": ("0.5 + 0.25 * ad.sin({})",),
    "x != 0": ("1.5 + ad.sin({})",),
    "y != 0": ("{}", "1.5 + ad.sin({})"),
    "(x, y) != 0": ("{}", "1.5 + ad.sin({})"),
    "x != y": ("ad.tanh({})", "2.5 + ad.tanh({})"),
    "x not whole": ("0.5 + 0.25 * ad.sin({})",),
    "x not half": ("0.25 * ad.sin({})",),
    # Between 1/4 and 3/4 over what is between 5/4 and 7/4 stays below one.
    "x / y not whole": ("0.5 + 0.25 * ad.sin({})", "1.5 + 0.25 * ad.sin({})"),
    "no ties": (APART,),
    "not constant": (APART,),
}  # fmt: skip
"""Smooth functions into domains, for each argument; ``{}``: any value will do."""

NARROWER = {
    "tan": {"x": "0.5 * ad.sin({})"},  # not near its poles
    "copysign": {"x": "1.5 + ad.sin({})", "y": "1.5 + ad.sin({})"},  # it jumps with y's sign
    "vector_norm": {"x": "1.5 + ad.sin({})"},  # not the norm of zeros
}
"""Ops for which the domain alone is too wide."""

SETTINGS: dict[str, Callable[[Shape], Any]] = {
    "axis": lambda s: axes_of(s, none=False, several=False),
    "axes": lambda s: axes_of(s),
    "flag": lambda s: st.booleans(),
    "k": lambda s: st.integers(-1, 1),
    "order": lambda s: st.permutations(range(len(s))).map(tuple),
    "index": lambda s: indices_of(s),
    "size": lambda s: st.just(math.prod(s)),
    "shape": lambda s: st.just(s),
    "taller": lambda s: st.just((2, *s)),
    "turned": lambda s: st.sampled_from([(math.prod(s),), (1, *s), s[::-1]]),
    "pads": lambda s: st.just([(1, 0)] * len(s)),
}
"""Strategies of the settings, by x's shape."""


MATRIX = (  # its diagonal outweighs the rest, and no entry is zero
    "0.25 * ad.cos(0.25 * ad.sin(ad.mean({x})) * np.arange(1.0, 5.0)).reshape((2, 2)) "
    "+ np.diag([1.0, 2.0])"
)
SYMMETRIC = (
    "ad.outer(ad.sin(ad.mean({x}) * np.array([1.0, 2.0])), "
    "ad.sin(ad.mean({x}) * np.array([1.0, 2.0]))) + np.diag([1.0, 3.0])"
)
ANY_SHAPE = {
    "ldexp": "ad.ldexp({x}, -1)",
    "nan_to_num": "ad.nan_to_num({x})",
    "astype": "ad.astype({x}, float)",
    "copy": "ad.copy({x})",
    "round": "ad.round({x})",
    "leaky_relu": "ad.leaky_relu({x}, 0.25)",
    "elu": "ad.elu({x}, 0.5)",
    "where": "ad.where(np.arange({size}).reshape({shape}) % 2 == 0, {x}, {y})",
    "clip": "ad.clip(ad.sin({x}), -2.0, 2.0)",
    "reshape": "ad.reshape({x}, {turned})",
    "ravel": "ad.ravel({x})",
    "transpose": "ad.transpose({x}, {order})",
    "expand_dims": "ad.expand_dims({x}, 0)",
    "squeeze": "ad.squeeze(ad.expand_dims({x}, -1), -1)",
    "broadcast_to": "ad.broadcast_to({x}, {taller})",
    "tile": "ad.tile({x}, 2)",
    "flip": "ad.flip({x}, {axes})",
    "stack": "ad.stack([{x}, {t}, {x}])",
    "einsum": "ad.einsum('...,...->...', {x}, {t})",
    "cross": "ad.cross(ad.stack([ad.mean({x}), ad.sin(ad.mean({x})), 1.0]), np.arange(3.0))",
    "inv": f"ad.linalg.inv({MATRIX})",
    "solve": f"ad.linalg.solve({MATRIX}, ad.cos({MATRIX}))",
    "det": f"ad.linalg.det({MATRIX})",
    "slogdet": f"ad.linalg.slogdet({MATRIX})[1]",
    "pinv": f"ad.linalg.pinv({MATRIX})",
    "qr": f"ad.linalg.qr({MATRIX})[1]",
    "svd": f"ad.linalg.svd({MATRIX})[1]",
    "eigh": f"ad.linalg.eigh({SYMMETRIC})[0]",
    "cholesky": f"ad.linalg.cholesky({SYMMETRIC})",
}
AXES = {
    "getitem": "{x}[{index}]",
    "take": "ad.take({x}, [0, 0, -1], axis={axis})",
    "embedding": "ad.embedding({x}, [[0, 0], [0, 0]])",
    "scatter_add": "ad.scatter_add({x}, [0] * len({x}), {shape})",
    "concatenate": "ad.concatenate([{x}, {t}], axis={axis})",
    "repeat": "ad.repeat({x}, 2, axis={axis})",
    "roll": "ad.roll({x}, {k}, {axis})",
    "pad": "ad.pad({x}, {pads})",
    "swapaxes": "ad.swapaxes({x}, 0, {axis})",
    "moveaxis": "ad.moveaxis({x}, 0, {axis})",
    "sort": "ad.sort({x}, axis={axis})",
    "partition": "ad.partition({x}, 0)",
    "standardize": "ad.standardize({x}, axis={axis}, eps=0.5)[0]",
    "vector_norm": "ad.linalg.vector_norm({x}, axis={axis}, keepdims={flag})",
    "tensordot": "ad.tensordot({x}, {t}, axes=[[0], [0]])",
}
MATRICES = {
    "matmul": "{x} @ ad.swapaxes({t}, -1, -2)",
    "linear": "ad.linear({x}, {t}, ad.mean({x}) * np.ones(len({t})))",
    "softmax_cross_entropy": "ad.softmax_cross_entropy({x}, np.zeros({shape}[:-1], int))[0]",
    "tril": "ad.tril({x}, {k})",
    "triu": "ad.triu({x}, {k})",
    "rot90": "ad.rot90({x}, {k})",
    "diagonal": "ad.diagonal({x}, {k})",
}
"""By hand, for x of any shape, with an axis, with two."""


def _by_hand(name: str, code: str, least: int, most: int) -> Recipe:
    wrapped = _wrapped(OPS[name]) if name in OPS else {}
    return Recipe(code, wrapped, (least, 1), most)


def _wrapped(op: Op) -> dict[str, str]:
    texts = [*INTO.get(op.domain, ()), *["{}"] * len(op.args)]
    into = {arg: text for arg, text in zip(op.args, texts, strict=False) if text != "{}"}
    return NARROWER.get(op.name, into)


def _by_row(op: Op) -> Recipe | None:
    """By the row alone: elementwise ops, and those with no settings but axis and keepdims."""
    if op.partials is not None:
        return Recipe(f"ad.{op.name}({', '.join(f'{{{arg}}}' for arg in op.args)})", _wrapped(op))
    if "axis" not in op.params or not {*op.params} <= {"axis", "keepdims", "ddof"}:
        return None
    keepdims = ", keepdims={flag}" if "keepdims" in op.params else ""
    shortest = 2 if op.domain == "not constant" else 1
    return Recipe(f"ad.{op.name}({{x}}, axis={{axis}}{keepdims})", _wrapped(op), (1, shortest))


RECIPES: dict[str, Recipe] = {
    **{name: recipe for name, op in OPS.items() if (recipe := _by_row(op))},
    **{name: _by_hand(name, code, 0, 3) for name, code in ANY_SHAPE.items()},
    **{name: _by_hand(name, code, 1, 2) for name, code in AXES.items()},
    **{name: _by_hand(name, code, 2, 2) for name, code in MATRICES.items()},
}
"""A recipe for each op, by its name."""
