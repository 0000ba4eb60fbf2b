"""The pictures of the documentation: as their script makes them, and good to look at."""

from __future__ import annotations

import importlib.util
import inspect
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pytest

from autodiff.draw import fonts
from autodiff.draw.palette import GREEN, ORANGE, PATHS
from docs.pictures import house

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "pictures"
OTHERS = {"make", "vanishing", "words", "factors", "house"}
"""Scripts, and what is plotted by others than `make`."""


def _script() -> Any:
    spec = importlib.util.spec_from_file_location("pictures", FOLDER / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SCRIPT = _script()
each_picture = pytest.mark.parametrize("make", SCRIPT.PICTURES, ids=lambda f: f.__name__)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the script has run."""
    folder = tmp_path_factory.mktemp("pictures")
    command = [sys.executable, str(FOLDER / "make.py"), str(folder)]
    subprocess.run(command, check=True, cwd=ROOT)
    return folder


def pixels(file: Path) -> np.ndarray:
    return matplotlib.image.imread(file)[..., :3] * 255


def shows(picture: np.ndarray, colour: str) -> bool:
    """Whether enough pixels are of a colour, or nearly."""
    wanted = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])
    return bool((np.abs(picture - wanted).max(-1) < 8).sum() > 20)


def test_the_script_makes_just_what_is_there(made: Path) -> None:
    kept = {f.name for f in FOLDER.iterdir() if f.is_file() and f.stem not in OTHERS}
    assert {file.name for file in made.iterdir()} == kept


@each_picture
def test_the_text_of_a_picture_is_up_to_date(make: Any, made: Path) -> None:
    name = f"{make.__name__}.gv"
    again = "if it may differ: python docs/pictures/make.py"
    assert (made / name).read_text("utf-8") == (FOLDER / name).read_text("utf-8"), again


@each_picture
def test_a_picture_has_the_size_of_its_drawing(make: Any, made: Path) -> None:
    drawing = ET.fromstring(make().svg())
    points = [float(drawing.attrib[side].removesuffix("pt")) for side in ("height", "width")]
    shape = pixels(made / f"{make.__name__}.png").shape
    np.testing.assert_allclose(shape[:2], np.array(points) * 2 * 96 / 72, atol=3)
    assert pixels(FOLDER / f"{make.__name__}.png").shape == shape


@each_picture
def test_a_picture_has_the_colours_of_values_signals_and_paths(make: Any, made: Path) -> None:
    picture = pixels(made / f"{make.__name__}.png")[::3, ::3]
    paths = make()._view.paths
    for colour in (GREEN, ORANGE, *PATHS[: len(paths)]):
        assert shows(picture, colour), colour
    assert not shows(picture, "#C92A2A"), "an alert"


@each_picture
def test_a_picture_has_a_glyph_for_every_character(make: Any) -> None:
    drawing = ET.fromstring(make().svg())
    texts = "".join(
        element.text or "" for element in drawing.iter("{http://www.w3.org/2000/svg}text")
    )
    assert len(texts) > 100
    assert not fonts.missing(texts)


@each_picture
def test_a_model_takes_ten_lines_or_less(make: Any) -> None:
    _, _, *lines, _ = inspect.getsource(make).strip().splitlines()
    assert len([line for line in lines if "inputs" not in line]) <= 10


@each_picture
def test_the_paths_of_a_picture_agree_with_differences(make: Any) -> None:
    graph = make()
    assert bool(graph._view.paths) == graph._view.check.endswith("✓")


def test_the_picture_of_the_house_is_that_of_the_table() -> None:
    again = "if the rooms have changed: python -m docs.pictures.house"
    assert house.dot() == (FOLDER / "house.gv").read_text(), again


def test_each_room_is_in_one_part_of_the_picture() -> None:
    named = [room for names in house.PARTS.values() for room in names.split()]
    assert sorted(named) == sorted(house.rooms())
