"""Functions made of rows of the op table: they need no rules of their own."""

from autodiff.composites import neural, products, rearrange, selection, statistics

__all__ = ["neural", "products", "rearrange", "selection", "statistics"]
