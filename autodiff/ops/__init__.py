"""The op table: importing this fills `autodiff.op.OPS`."""

from autodiff.ops import einsum, elementwise, index, linalg, neural, reduce, shape

__all__ = ["einsum", "elementwise", "index", "linalg", "neural", "reduce", "shape"]
