"""Settings: each has an option, what is written can be read, and nothing else can."""

import json
import shlex
from dataclasses import fields, replace
from typing import Any

import pytest

import autodiff as ad
from models.cli import main
from models.config import Settings
from models.experiments import EXPERIMENTS

KINDS = {name: kind for name, (kind, _) in EXPERIMENTS.items()}
each_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


def changed(kind: type[Settings]) -> Settings:
    """Settings none of which is the default."""
    return replace(kind(), **{f.name: other(kind, f.name) for f in fields(kind)})


def other(kind: type[Settings], name: str) -> Any:
    """Another value than the default."""
    option, default = kind.OPTIONS[name], getattr(kind(), name)
    if option.choices is not None:
        return next((c for c in option.choices if c != default), default)
    if isinstance(default, bool):
        return not default
    if isinstance(default, tuple):
        return (*default, 7) if default and isinstance(default[0], int) else ("word", "shape")
    if isinstance(default, str):
        return "a file 'of' my own.tsv"
    whole = isinstance(default, int) or name in ("patience", "limit")
    return 17 if whole else 0.25


@each_kind
def test_every_setting_has_an_option_and_each_option_a_setting(kind: type[Settings]) -> None:
    assert set(kind.OPTIONS) == {f.name for f in fields(kind)}
    assert all(option.help for option in kind.OPTIONS.values())
    assert kind.MODEL and kind.HELP


@each_kind
def test_what_is_kept_is_read_back(kind: type[Settings]) -> None:
    for settings in (kind(), changed(kind)):
        assert kind.read(json.loads(json.dumps(settings.kept))) == settings


@each_kind
def test_the_command_gives_the_settings(
    kind: type[Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Settings] = []

    class DoneError(Exception):
        pass

    def run(settings: Settings, *rest: Any) -> None:
        given.append(settings)
        raise DoneError

    monkeypatch.setattr("models.commands.train.run", run)
    for settings in (kind(), changed(kind)):
        with pytest.raises(DoneError):
            main(shlex.split(settings.command)[1:])
        assert given.pop() == settings


@each_kind
def test_settings_of_another_kind_are_refused(kind: type[Settings]) -> None:
    for other_kind in KINDS.values():
        if other_kind is not kind:
            with pytest.raises(ad.errors.FormatError, match="not settings of such a run"):
                kind.read(other_kind().kept)


@each_kind
@pytest.mark.parametrize(
    "wrong",
    [{"lr": "fast"}, {"epochs": None}, {"optimizer": "x"}, {"keep": "none"}, {"depth": 3}],
    ids=lambda wrong: next(iter(wrong)),
)
def test_odd_settings_are_refused(kind: type[Settings], wrong: dict[str, Any]) -> None:
    with pytest.raises(ad.errors.FormatError):
        kind.read({**kind().kept, **wrong})
    missing = kind().kept
    missing.pop("lr")
    with pytest.raises(ad.errors.FormatError):
        kind.read(missing)
