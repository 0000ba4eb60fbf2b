"""The commands in docs/results.md are commands: each gives settings that a run would take."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from models.cli import main
from models.config import RunSettings

PAGE = (Path(__file__).parents[1] / "docs" / "results.md").read_text()
BLOCKS = re.findall(r"^```sh no-run\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
COMMANDS = sorted(set(re.findall(r"autodiff train [^;\n]*", "".join(BLOCKS))))


def test_every_section_has_a_command() -> None:
    sections = PAGE.split("\n## ")[1:]
    assert len(sections) > 5
    assert not [text.splitlines()[0] for text in sections if "autodiff train" not in text]


@pytest.mark.parametrize("command", COMMANDS)
def test_command_gives_settings(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class DoneError(Exception):
        pass

    def run(settings: RunSettings, *rest: Any) -> None:
        assert settings.read(settings.kept) == settings
        raise DoneError

    for name in ("run", "run_words"):
        monkeypatch.setattr(f"models.commands.train.{name}", run)
    line = command.replace("$seed", "0").replace("$data", "btc")
    with pytest.raises(DoneError):
        main(shlex.split(line)[1:])


def test_no_figure_is_missing() -> None:
    known = {"BBC", "BLEU", "CBOW", "CRF", "GRU", "IBM", "MSE", "RNN", "WNUT"}
    assert set(re.findall(r"\b[A-Z]{3,}\b", PAGE)) <= known, "a figure is missing"
