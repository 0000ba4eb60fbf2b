"""The engines: found in order, run as processes, their failures told in one line."""

import importlib.util
import os
import select
import sys
import sysconfig
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from autodiff.draw import layout
from autodiff.draw.layout import (
    DrawingError,
    Engine,
    LayoutFailedError,
    LayoutTimeoutError,
    MissingEngineError,
)
from autodiff.errors import DomainError

from . import cards

ENGINES = layout.engines()
each_engine = pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)


def program(path: Path, text: str) -> str:
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return str(path)


def engine_that(folder: Path, text: str) -> Engine:
    return Engine("fake", (program(folder / "fake", text),))


@pytest.fixture
def nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without engines; the folder given is its path."""
    monkeypatch.delenv(layout.VARIABLE, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path / name))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    (tmp_path / "path").mkdir()
    (tmp_path / "scripts").mkdir()
    return tmp_path


def test_there_is_an_engine() -> None:
    assert ENGINES
    assert layout.find() == ENGINES[0]


@each_engine
def test_a_picture_is_svg_with_the_ids_and_classes_of_the_dot(engine: Engine) -> None:
    picture = layout.render(cards.DOT, engine=engine)
    assert picture.startswith(b"<svg")
    found = {each.get("id"): each.get("class") for each in ET.fromstring(picture).iter()}
    assert found["n0"] == "node card parameter"
    assert found["n1"] == "node card op"
    assert found["e0"] == "edge forward"


@each_engine
def test_nodes_without_a_label_show_their_names(engine: Engine) -> None:
    picture = ET.fromstring(layout.render("digraph { weights -> loss }", engine=engine))
    texts = {each.text for each in picture.iter("{http://www.w3.org/2000/svg}text")}
    assert texts == {"weights", "loss"}


@each_engine
def test_wrong_text_is_an_error(engine: Engine) -> None:
    with pytest.raises(DrawingError, match=rf"^{engine.name} failed: Error: .*$"):
        layout.render("digraph { a -> ", engine=engine)


@each_engine
def test_a_wrong_label_is_an_error_though_there_is_a_picture(engine: Engine) -> None:
    with pytest.raises(DrawingError, match=r"failed: Error: .*syntax error"):
        layout.render("digraph { a [label=<<FONT></FONT>>] }", engine=engine)


@each_engine
def test_an_unknown_port_is_an_error(engine: Engine) -> None:
    with pytest.raises(DrawingError, match="node a, port q unrecognized"):
        layout.render('digraph { a [shape=record label="<p> a"]; a:q -> b }', engine=engine)


@pytest.mark.parametrize("engine", [each for each in ENGINES if "pdf" in each.formats])
def test_pdf_is_written_by_engines_that_can(engine: Engine) -> None:
    assert layout.render(cards.DOT, "pdf", engine).startswith(b"%PDF")


def test_a_missing_engine_is_named_with_its_extra(nothing: Path) -> None:
    assert layout.find() is None
    assert layout.engines() == []
    with pytest.raises(MissingEngineError, match=r"pip install 'autodiff\[draw\]'"):
        layout.render("digraph {}")


def test_pdf_without_an_engine_for_it_is_an_error_that_names_the_extra(nothing: Path) -> None:
    pure = layout.find(program(nothing / "graphviz-pure", ""))
    assert pure is not None
    with pytest.raises(MissingEngineError, match=r"pip install 'autodiff\[draw-full\]'"):
        layout.render("digraph {}", "pdf", pure)


def test_pdf_goes_to_the_first_engine_that_can(
    nothing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(nothing / "scripts" / "graphviz-pure", "echo wrong")
    able = program(nothing / "path" / "dot", 'echo "$@"')
    monkeypatch.setenv(layout.VARIABLE, str(nothing / "scripts" / "graphviz-pure"))
    assert [engine.name for engine in layout.engines()] == ["graphviz-pure", "dot"]
    assert layout.engines()[1].command == (able,)
    assert layout.render("digraph {}", "pdf") == b"-Kdot -Tpdf\n"


def test_other_formats_are_refused() -> None:
    with pytest.raises(DomainError, match="'svg' or 'pdf', not 'gif'"):
        layout.render("digraph {}", "gif")


def test_none_turns_all_engines_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(layout.VARIABLE, "none")
    assert layout.find() is None
    assert layout.engines() == []
    with pytest.raises(MissingEngineError, match="AUTODIFF_DOT is 'none'"):
        layout.render("digraph {}")


def test_an_engine_asked_for_comes_before_the_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(layout.VARIABLE, "none")
    path = program(tmp_path / "mine", "")
    assert layout.find(path) == Engine("mine", (path,))


def test_the_order_is_variable_path_scripts(nothing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = program(nothing / "mine", "")
    dot = program(nothing / "path" / "dot", "")
    inner = program(nothing / "scripts" / "graphviz-pure", "")
    outer = program(nothing / "path" / "graphviz-pure", "")
    monkeypatch.setenv(layout.VARIABLE, mine)
    assert [each.command for each in layout.engines()] == [(mine,), (dot,), (inner,), (outer,)]


def test_pygraphviz_comes_last(nothing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name == "pygraphviz")
    program(nothing / "path" / "graphviz-pure", "")
    assert [each.name for each in layout.engines()] == ["graphviz-pure", "pygraphviz"]


def test_a_link_called_dot_is_known_by_what_it_points_to(nothing: Path) -> None:
    program(nothing / "graphviz-pure", "")
    (nothing / "path" / "dot").symlink_to(nothing / "graphviz-pure")
    assert [each.formats for each in layout.engines()] == [("svg",)]


@pytest.mark.parametrize("kind", ["absent", "folder", "file"])
def test_a_path_that_cannot_be_run_is_an_error(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    with pytest.raises(MissingEngineError, match=f"the engine is '.*{kind}', which is not a"):
        layout.find(str(tmp_path / kind))
    monkeypatch.setenv(layout.VARIABLE, str(tmp_path / kind))
    with pytest.raises(MissingEngineError, match=f"AUTODIFF_DOT is '.*{kind}', which is not a"):
        layout.engines()


def test_an_engine_that_takes_too_long_is_stopped_with_all_it_has_started(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "alive")  # its reader sees the end when the last writer is gone
    reader = os.open(tmp_path / "alive", os.O_RDONLY | os.O_NONBLOCK)
    engine = engine_that(tmp_path, f"exec 3> {tmp_path}/alive\nsleep 600 &\nwait\n")
    with pytest.raises(LayoutTimeoutError, match=r"^fake was stopped after 1 s: draw less"):
        layout.render("digraph {}", engine=engine, timeout=1)
    assert select.select([reader], [], [], 60)[0]
    assert os.read(reader, 1) == b""
    os.close(reader)


def test_warnings_are_no_errors(tmp_path: Path) -> None:
    engine = engine_that(tmp_path, 'echo "Warning: wide" >&2; echo "<?xml?><svg/>"')
    assert layout.render("digraph {}", engine=engine) == b"<svg/>\n"


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("exit 3", "exit status 3"),
        ("exit 0", "it wrote nothing"),
        ("echo hello", "what it wrote is no SVG in UTF-8"),
        (r"printf '<svg>\377</svg>'", "what it wrote is no SVG in UTF-8"),
        ("echo 'Warning: wide' >&2; echo broken >&2; exit 1", "broken"),
        ("echo noise >&2; echo 'Error: this' >&2", "Error: this"),
    ],
)
def test_a_failure_is_told_in_one_line(tmp_path: Path, script: str, message: str) -> None:
    with pytest.raises(LayoutFailedError, match=f"^fake failed: {message}$"):
        layout.render("digraph {}", engine=engine_that(tmp_path, script))


def test_an_engine_that_does_not_start_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DrawingError, match="fake cannot be started"):
        layout.render("digraph {}", engine=Engine("fake", (str(tmp_path / "gone"),)))


def test_an_engine_without_its_package_ends_in_one_line() -> None:
    script = Path(layout.__file__).with_name("pygraphviz_dot.py")
    bare = Engine("pygraphviz", (sys.executable, "-I", "-S", str(script)))
    with pytest.raises(DrawingError, match="pygraphviz failed: Error: No module named"):
        layout.render("digraph {}", engine=bare)
