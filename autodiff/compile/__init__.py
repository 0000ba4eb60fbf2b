"""Functions traced once and run as one program: in C, or as a straight line of numpy calls."""

from autodiff.compile.call import Compiled, compile
from autodiff.compile.scan import scan
from autodiff.compile.traced import TraceError

__all__ = ["Compiled", "TraceError", "compile", "scan"]


import sys
import types


class _Callable(types.ModuleType):
    def __call__(self, *args, **kwargs):  # until the package has another name
        return compile(*args, **kwargs)


sys.modules[__name__].__class__ = _Callable
