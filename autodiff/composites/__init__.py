"""Functions made of rows of the op table: they need no rules of their own."""

from autodiff.composites import linalg, neural, products, rearrange, selection, statistics

__all__ = ["linalg", "neural", "products", "rearrange", "selection", "statistics"]
