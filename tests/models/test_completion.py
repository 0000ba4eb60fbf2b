"""The completion, asked as bash asks when Tab is pressed."""

import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from models.cli import main

pytest.importorskip("shtab")

ASK = """\
source {script}
COMP_WORDS=({words}) COMP_CWORD={at}
$(complete -p autodiff | sed 's/.*-F \\([^ ]*\\).*/\\1/')
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the script, a file and a folder."""
    made = tmp_path_factory.mktemp("completion")
    (made / "mine.tsv").touch()
    (made / "minors").mkdir()
    return made


@pytest.fixture
def script(folder: Path, capsys: Any) -> Path:
    path = folder / "autodiff.bash"
    if not path.exists():
        assert main(["completion", "bash"]) == 0
        path.write_text(capsys.readouterr().out)
    return path


@pytest.mark.skipif(not shutil.which("bash"), reason="there is no bash")
@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("tr", {"train"}),
        ("train seq", {"seq2seq"}),
        ("train s", {"seq2seq", "skipgram"}),
        ("train mlp --o", {"--out", "--optimizer", "--overwrite"}),
        ("train mlp --optimizer ada", {"adagrad", "adam", "adamw"}),
        ("data fetch br", {"brown"}),
        ("train classifier --data mi", {"mine.tsv", "minors"}),
        ("train mlp --out mi", {"minors"}),
        ("predict mi", {"mine.tsv", "minors"}),
        ("graph net.py:loss --out mi", {"mine.tsv", "minors"}),
        ("completion b", {"bash"}),
    ],
)
def test_tab(line: str, words: set[str], folder: Path, script: Path) -> None:
    typed = ["autodiff", *line.split()]
    asked = ASK.format(script=script, words=shlex.join(typed), at=len(typed) - 1)
    ended = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, cwd=folder)
    assert {word.rstrip("/") for word in ended.stdout.split()} == words, ended.stderr


@pytest.mark.parametrize("shell", ["zsh", "tcsh"])
def test_other_shells(shell: str, capsys: Any) -> None:
    assert main(["completion", shell]) == 0
    assert "window-tagger" in capsys.readouterr().out
