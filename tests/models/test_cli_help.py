"""What the command says of itself: its help, what is installed; and any terminal will do."""

import importlib.metadata
import os
import re
import shlex
import subprocess
from argparse import PARSER
from pathlib import Path
from subprocess import PIPE
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.compiler.native import toolchain
from models.cli import main
from models.cli import parser as command_line
from models.experiments.digits import DigitsSettings
from models.options import Parser
from tests.models.test_cli import COMMAND, ROOT, status_of

PROGRAM: dict[str, Any] = {
    "stdout": PIPE, "stderr": PIPE, "text": True, "cwd": ROOT,
    "env": {
        "PATH": os.defpath, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
    },
}  # fmt: skip
"""Of a program that is started with buffered output, in ASCII."""


@pytest.mark.parametrize("line", ["info", "--help"])
def test_a_full_disk_behind_the_output(line: str) -> None:
    """Buffered output goes out at the end, where Python would show a traceback."""
    full = f"{shlex.join(COMMAND)} {line} > /dev/full"
    ended = subprocess.run(["bash", "-c", full], **PROGRAM)
    assert ended.stderr == "autodiff: standard output: No space left on device\n"
    assert ended.returncode == 1


def test_whoever_reads_the_help_may_stop() -> None:
    piped = f"set -o pipefail; {shlex.join(COMMAND)} --help | true"
    ended = subprocess.run(["bash", "-c", piped], **PROGRAM)
    assert (ended.returncode in (0, 1), ended.stderr) == (True, "")


def test_help_in_a_terminal_that_knows_ascii_only() -> None:
    ended = subprocess.run([*COMMAND, "paths", "--help"], **PROGRAM)
    assert r"h2 for h\u2082" in ended.stdout


def test_version_and_info(capsys: Any) -> None:
    assert status_of(["--version"]) == 0
    assert capsys.readouterr().out == f"autodiff {ad.__version__}\n"
    assert main(["info"]) == 0
    said = capsys.readouterr().out
    assert f"numpy         {np.__version__}\n" in said
    assert re.search(r"^\[io\]          safetensors \d", said, re.MULTILINE)
    assert re.search(r"^data sets     \d+\.\d MB in /", said, re.MULTILINE)


def test_info_says_what_is_not_installed(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    def absent(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", absent)
    monkeypatch.setattr("shutil.which", lambda *arguments, **options: None)
    assert main(["info"]) == 0
    said = capsys.readouterr().out
    assert "[io]          missing safetensors: pip install 'autodiff[io]'\n" in said
    assert "layout        none: pip install 'autodiff[draw]'\n" in said


@pytest.mark.parametrize("place", ["/dev/null", "/proc/nowhere"])
def test_info_where_nothing_can_be_kept(
    place: str, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    for name in ("AUTODIFF_CACHE", "AUTODIFF_DATA"):
        monkeypatch.setenv(name, place)
    assert main(["info"]) == 0
    captured = capsys.readouterr()
    assert f"data sets     0.0 MB in {place}\n" in captured.out
    assert all(line.startswith("autodiff: ") for line in captured.err.splitlines())


def test_nobody_without_a_home_loses_the_line(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    for name in ("AUTODIFF_DATA", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    assert main(["data", "list"]) == 1
    assert re.fullmatch("autodiff: .* AUTODIFF_DATA .*\n", capsys.readouterr().err)
    assert main(["info"]) == 0
    assert "data sets     there is no home folder" in capsys.readouterr().out


def test_info_says_what_compiles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    found = toolchain.Compiler(("/usr/bin/cc",), "cc 12.2\nfree software", ())
    monkeypatch.setattr(toolchain, "working", lambda: found)
    monkeypatch.setenv("AUTODIFF_CACHE", str(tmp_path / "cache"))
    (tmp_path / "cache" / "entry").mkdir(parents=True)
    (tmp_path / "cache" / "entry" / "kernel.so").write_bytes(bytes(2_300_000))
    assert main(["info"]) == 0
    said = capsys.readouterr().out
    assert "C compiler    /usr/bin/cc: cc 12.2\n" in said
    assert re.search(r"^BLAS          (none|of .* with integers of (32|64) bits)$", said, re.M)
    assert f"compiled      2.3 MB in {tmp_path / 'cache'}\n" in said

    monkeypatch.setattr(toolchain, "working", lambda: None)
    monkeypatch.setenv("AUTODIFF_CACHE", str(tmp_path / "nothing"))
    assert main(["info"]) == 0
    said = capsys.readouterr().out
    assert (
        "C compiler    none: compiled functions run on numpy; pip install 'autodiff[native]'\n"
        in said
    )
    assert f"compiled      0.0 MB in {tmp_path / 'nothing'}\n" in said
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize("line", [["--help"], ["train", "mlp", "--help"], ["demo", "--help"]])
def test_help(line: list[str], capsys: Any) -> None:
    assert status_of(line) == 0
    assert "usage: autodiff" in capsys.readouterr().out


def test_every_setting_has_an_option(capsys: Any) -> None:
    status_of(["train", "mlp", "--help"])
    options = set(re.findall(r"--[\w-]+", capsys.readouterr().out))
    assert {f"--{name.replace('_', '-')}" for name in vars(DigitsSettings())} <= options


def every_parser() -> list[Parser]:
    """Those of all commands, and of the commands within them."""
    found = [command_line()]
    for parser in found:
        found += [p for a in parser._actions if a.nargs == PARSER for p in a.choices.values()]
    return found


@pytest.mark.parametrize("parser", every_parser(), ids=lambda parser: parser.prog)
def test_each_help_is_complete_and_its_examples_are_read(parser: Parser) -> None:
    assert parser.description and parser.description.endswith(".")
    assert not [a.dest for a in parser._actions if not a.help and a.nargs != PARSER]
    lines = re.findall("^  autodiff (.*)$", parser.epilog or "", re.MULTILINE)
    assert lines
    for line in lines:
        words = [word for word in shlex.split(re.split(" [<>] ", line)[0]) if word != "--help"]
        _, unknown = command_line().parse_known_args(words)
        assert not unknown
