"""Functions traced once and run as one program: in C, or as a straight line of numpy calls."""

from autodiff.compile.call import Compiled, compile
from autodiff.compile.scan import scan
from autodiff.compile.traced import TraceError

__all__ = ["Compiled", "TraceError", "compile", "scan"]
