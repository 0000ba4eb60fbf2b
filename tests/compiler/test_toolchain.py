"""Compilers are found in order and tried, and what they refuse is said."""

from __future__ import annotations

import ctypes
import errno
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import autodiff as ad
from autodiff import errors
from autodiff.compiler.environment import environment
from autodiff.compiler.native import toolchain
from autodiff.compiler.native.toolchain import CompilerError
from tests.compiler.standins import SOURCE, Standin, alone, kernels, needs_a_shell, works

pytestmark = [*needs_a_shell, pytest.mark.usefixtures("folder", "nothing_left")]


# Which compiler


@pytest.mark.parametrize("name", ["mine", "cc", "gcc", "clang"])
def test_order_of_the_search(tmp_path, monkeypatch, name):
    names = ["mine", "cc", "gcc", "clang"]
    made = {n: Standin(tmp_path / "bin" / n) for n in names[names.index(name) :]}
    if name == "mine":
        monkeypatch.setenv("CC", "mine")
    alone(monkeypatch, tmp_path / "bin")
    found = toolchain.find()
    assert found and found.command == (str(made[name].path),)
    assert all(other.builds == 0 for other in made.values() if other is not made[name])


def test_cc_may_hold_arguments_and_spaces(tmp_path, monkeypatch):
    made = Standin(tmp_path / "the compiler" / "größer")
    monkeypatch.setenv("CC", f"'{made.path}' -DFACTOR=2")
    library = toolchain.build("double twice(double x) { return FACTOR * x; }")
    assert works(library) and made.builds


def test_cc_may_be_relative(tmp_path, monkeypatch):
    made = Standin(tmp_path / "bin" / "mine")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CC", "bin/mine")
    assert works(toolchain.build(SOURCE)) and made.builds


@pytest.mark.parametrize(
    "first",
    [
        "echo no licence; exit 1",
        "exit 0",
        '[ "$1" = --version ] || exec touch kernel.so kernel.dylib',
        "kill -9 $$",
    ],
)
def test_a_compiler_that_does_not_work_is_passed_over(tmp_path, monkeypatch, first):
    Standin(tmp_path / "bin" / "cc", first)
    good = Standin(tmp_path / "bin" / "gcc")
    alone(monkeypatch, tmp_path / "bin")
    found = toolchain.find()
    assert found and found.command == (str(good.path),)


@pytest.mark.parametrize(
    ("cc", "why"),
    [
        ("", "none was found"),
        ("no-such-compiler -O2", "no-such-compiler -O2: .*No such file"),
        ("'gcc", ".*gcc.*No such file"),
        ("''", "''"),
        ("/", "/: "),
    ],
)
def test_no_compiler(tmp_path, monkeypatch, cc, why):
    alone(monkeypatch, tmp_path / "empty")
    monkeypatch.setenv("CC", cc)
    assert toolchain.find() is None
    with pytest.raises(CompilerError, match=rf"\({why}.*install gcc or clang.*\[native\]"):
        toolchain.build(SOURCE)


@pytest.mark.parametrize("first", [None, "echo no licence; exit 1"])
def test_who_names_a_compiler_that_does_not_work_is_told_once(tmp_path, monkeypatch, first):
    named, good = tmp_path / "bin" / "mine", Standin(tmp_path / "bin" / "cc")
    if first:
        Standin(named, first)
    alone(monkeypatch, tmp_path / "bin")
    monkeypatch.setenv("CC", str(named))
    with pytest.warns(RuntimeWarning, match=r"does not work \(.*bin/mine: .*bin/cc is used"):
        found = toolchain.find()
    assert found and found.command == (str(good.path),) and toolchain.find() == found
    assert str(named) in str(environment().compiler)


def test_a_compiler_that_hangs_is_passed_over(tmp_path, monkeypatch):
    Standin(tmp_path / "bin" / "cc", "exec sleep 1000")
    alone(monkeypatch, tmp_path / "bin")
    monkeypatch.setattr(toolchain, "_PATIENCE", 0.1)
    with pytest.raises(CompilerError, match=r"cc does not end within 0\.1 seconds"):
        toolchain.build(SOURCE)


def test_the_error_says_why_a_compiler_does_not_work(tmp_path, monkeypatch):
    Standin(tmp_path / "bin" / "cc", "echo the licence has ended; exit 7")
    alone(monkeypatch, tmp_path / "bin")
    with pytest.raises(CompilerError, match=r"bin/cc: .*status 7: the licence has ended\)"):
        toolchain.build(SOURCE)


def test_a_text_that_is_no_program_is_no_compiler(tmp_path, monkeypatch):
    made = Standin(tmp_path / "bin" / "cc")
    made.path.write_bytes(b"\x7fELF and nothing more")
    alone(monkeypatch, tmp_path / "bin")
    assert toolchain.find() is None


def test_flags_that_are_refused_are_left_out(standin):
    standin.write('case "$*" in *-march=native*|*-mprefer*|*=gnu11*|*-mcpu=*) exit 1;; esac')
    found = toolchain.find()
    gone = {"-march=native", "-mprefer-vector-width=512", "-std=gnu11"}
    assert found and found.flags == tuple(flag for flag in toolchain.FLAGS if flag not in gone)
    assert works(toolchain.build(SOURCE))


def test_another_flag_stands_in_for_a_refused_one(standin, monkeypatch):
    monkeypatch.setattr(toolchain, "FLAGS", ("-O1", "-frefused", "-lm"))
    monkeypatch.setattr(toolchain, "INSTEAD", {"-frefused": ("-frefused-too", "-O2")})
    standin.write('case "$*" in *-frefused*) exit 1;; esac')
    found = toolchain.find()
    assert found and found.flags == ("-O1", "-O2", "-lm")


@pytest.mark.skipif(find_spec("ziglang") is None, reason="the package ziglang is not installed")
def test_the_package_ziglang_is_the_last_resort(tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    found = toolchain.find()
    assert found and found.command == (sys.executable, "-m", "ziglang", "cc")
    assert found.flags and works(toolchain.build(SOURCE))


# What it is told


def test_results_are_numpys_to_the_last_bit():
    """Products are not fused into sums, and there is inf and nan."""
    library = toolchain.build(
        "void f(long n, const double *x, const double *y, double *out) {\n"
        "    for (long i = 0; i < n; i++) out[i] = x[i] * y[i] + x[i] / y[i];\n"
        "}\n"
    )
    x, y = np.random.default_rng(0).normal(size=(2, 1000))
    x[:4], y[:4] = [np.inf, np.nan, 1.0, -0.0], [1.0, 2.0, 0.0, 3.0]
    out = np.empty_like(x)
    pointers = [ctypes.c_void_p(a.ctypes.data) for a in (x, y, out)]
    library.f(ctypes.c_long(1000), *pointers)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(out, x * y + x / y)
    assert np.signbit(out[3])


def test_a_refused_source(folder, standin):
    toolchain.find()
    builds = standin.builds
    with pytest.raises(CompilerError, match=r"(?s)status 1.*kernel\.c:2.*nonsense"):
        toolchain.build("int f(void);\nnonsense here;\n")
    assert kernels(folder) == [] and standin.builds == builds + 1


def test_a_quick_build_where_the_first_flag_is_refused(standin):
    standin.write('case "$*" in *-O*|*-ftree*) exit 1;; esac')
    assert works(toolchain.build(SOURCE, quickly=True))


def full_disk(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """No file of some size can be written below `folder`."""
    write = Path.write_bytes

    def refuse(path: Path, content: bytes) -> int:
        if len(content) > 10_000 and path.is_relative_to(folder):
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", refuse)


def test_a_full_disk_that_the_compiler_complains_of(folder, standin, monkeypatch):
    toolchain.find()
    standin.write(f'case "$PWD $*" in {folder}*-shared*) echo No space left; exit 1;; esac')
    full_disk(monkeypatch, folder)
    with pytest.warns(RuntimeWarning, match="not kept: .*No space left"):
        assert works(toolchain.build(SOURCE))


# Where a program is refused


def refusing(standin: Standin) -> None:
    """Let it build probes only."""
    standin.write('grep -q run_0 kernel.c 2>/dev/null && { echo "internal error"; exit 4; }')


def test_a_program_that_is_refused_runs_on_numpy(standin, monkeypatch):
    refusing(standin)
    monkeypatch.delenv("AUTODIFF_COMPILE", raising=False)
    monkeypatch.setattr(errors, "_said", set())
    f = ad.compile(lambda x: x * 1.5 + 3)
    with pytest.warns(RuntimeWarning, match="not built.*internal error.*Set CC") as caught:
        results = [f(np.ones(2)), f(np.ones(2)), f(np.ones(3))]
    assert len(caught) == 1 and caught[0].filename == __file__
    assert [r.tolist() for r in map(np.asarray, results)] == [[4.5] * 2, [4.5] * 2, [4.5] * 3]
    assert f.source == "" and f.programs == 2


def test_who_asks_for_c_is_told_that_a_program_is_refused(standin):
    refusing(standin)
    with pytest.raises(CompilerError, match="internal error"):
        ad.compile(lambda x: x * 1.5 + 3, backend="c")(np.ones(2))


def test_only_the_first_lines_of_a_long_complaint_are_shown():
    with pytest.raises(CompilerError) as caught:
        toolchain.build("nonsense here;\n" * 100)
    assert len(str(caught.value).splitlines()) == 12
