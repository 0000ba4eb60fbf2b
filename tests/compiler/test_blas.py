"""The BLAS that numpy carries is found, and trusted only if it multiplies right."""

from __future__ import annotations

import ctypes
import sys

import numpy as np
import pytest

from autodiff.compiler.native import blas
from autodiff.compiler.native.blas import Blas

found = pytest.mark.skipif(blas.find() is None, reason="there is no CBLAS by name here")

GEMM = {
    bits: ctypes.CFUNCTYPE(
        None, *[ctypes.c_int] * 3, *[integer] * 3, ctypes.c_double, ctypes.c_void_p, integer,
        ctypes.c_void_p, integer, ctypes.c_double, ctypes.c_void_p, integer,
    )
    for bits, integer in ((32, ctypes.c_int32), (64, ctypes.c_int64))
}  # fmt: skip


@found
def test_its_products_are_numpys():
    library = blas.find()
    rng = np.random.default_rng(0)
    a, b, c = rng.normal(size=(5, 7)), rng.normal(size=(7, 6)), np.empty((5, 6))
    gemm = GEMM[library.int_bits](library.dgemm)
    gemm(101, 111, 111, 5, 6, 7, 1, a.ctypes.data, 7, b.ctypes.data, 6, 0, c.ctypes.data, 6)
    np.testing.assert_allclose(c, a @ b, rtol=1e-14, atol=1e-14)


@found
def test_it_is_looked_for_once():
    assert blas.find() is blas.find()


@pytest.mark.skipif(sys.platform != "linux", reason="numpy's wheels differ by system")
def test_a_wheel_of_numpy_carries_one():
    if not (bundled := list(blas._bundled("numpy"))):
        pytest.skip("this numpy is no wheel from PyPI")
    assert blas.find() in list(blas._offered(bundled[0]))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lists them as text")
def test_libraries_of_this_process_are_seen():
    assert any("numpy" in path for path in blas._loaded())


def test_a_file_that_is_no_library_offers_nothing(tmp_path):
    text = tmp_path / "libblas.so"
    text.write_text("no library")
    assert not list(blas._offered(str(text)))
    assert not list(blas._offered(str(tmp_path / "missing.so")))


def test_a_library_without_blas_offers_nothing():
    assert not list(blas._offered(ctypes.pythonapi._name))


def test_what_multiplies_wrong_is_not_trusted(monkeypatch):
    """A function that does nothing, in place of one of the two."""
    idle = GEMM[64](lambda *arguments: None)
    address = ctypes.cast(idle, ctypes.c_void_p).value
    assert not blas._multiplies(Blas(address, address, 64))
    monkeypatch.setattr(blas, "_paths", lambda: iter(["any"]))
    monkeypatch.setattr(blas, "_offered", lambda path: iter([Blas(address, address, 64)]))
    assert blas.find.__wrapped__() is None


@found
def test_both_must_be_right():
    right = blas.find()
    idle = GEMM[64](lambda *arguments: None)
    address = ctypes.cast(idle, ctypes.c_void_p).value
    assert blas._multiplies(right)
    assert not blas._multiplies(Blas(right.sgemm, address, right.int_bits))
    assert not blas._multiplies(Blas(address, right.dgemm, right.int_bits))


def test_the_first_that_is_right_is_taken(monkeypatch):
    wrong, right, later = (Blas(number, number, 64) for number in (1, 2, 3))
    offered = {"a": [wrong], "b": [right], "c": [later]}
    monkeypatch.setattr(blas, "_paths", lambda: iter(offered))
    monkeypatch.setattr(blas, "_offered", lambda path: iter(offered[path]))
    monkeypatch.setattr(blas, "_multiplies", lambda one: one != wrong)
    assert blas.find.__wrapped__() == right
