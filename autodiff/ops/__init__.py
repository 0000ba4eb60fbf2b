"""The op table: importing this fills `autodiff.op.OPS`."""

from autodiff.ops import elementwise, index, linalg, neural, reduce, shape

__all__ = ["elementwise", "index", "linalg", "neural", "reduce", "shape"]
