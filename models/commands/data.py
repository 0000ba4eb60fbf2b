"""``autodiff data``: corpora listed, fetched and described."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from models.commands.common import Commands, examples, sentence
from models.data import (
    CATALOGUE,
    CLASSIFICATION,
    TAGGING,
    TRANSLATION,
    Corpus,
    Labelled,
    Pair,
    Tagged,
    analogies,
    load_classification,
    load_tagging,
    load_translation,
    tokens,
    word_pairs,
)
from models.data.cache import cache_folder, missing
from models.data.fetch import files_of

__all__ = ["add"]

LOADERS = (
    dict.fromkeys(TAGGING, load_tagging)
    | dict.fromkeys(CLASSIFICATION, load_classification)
    | dict.fromkeys(TRANSLATION, load_translation)
)

MOST = 12
"""Labels that are listed."""

WIDTH = 100
"""Characters of an example that are shown."""


def add(commands: Commands) -> None:
    """Add it to the commands, with a command of its own for each thing to do."""
    data = commands.add_parser(
        "data",
        help="list, fetch and describe text to train on",
        description="List, fetch and describe text to train on. What is fetched is verified and "
        "kept; the environment variable AUTODIFF_DATA names another folder for it.",
        epilog=examples("data list", "data fetch brown", "data info brown"),
    )
    actions = data.add_commands("ACTION")
    listing = actions.add_parser(
        "list", help="which corpora there are, and which of them are here",
        description="List the corpora: task, size, whether they are here, licence.",
        epilog=examples("data list"),
    )  # fmt: skip
    listing.set_defaults(parser=listing, command=_list)
    _add_action(actions, "fetch", "bring a corpus here, from where it is at home", _fetch)
    _add_action(actions, "info", "say what a corpus holds, and whose it is", _info)


def _add_action(actions: Commands, name: str, help: str, command: Callable[..., None]) -> None:
    example = examples(f"data {name} movies")
    parser = actions.add_parser(name, help=help, description=sentence(help), epilog=example)
    names = ", ".join(CATALOGUE)
    parser.add_argument("name", metavar="NAME", choices=list(CATALOGUE), help=names)
    parser.set_defaults(parser=parser, command=command)


def _list(arguments: argparse.Namespace) -> None:
    row = "{:11} {:15} {:>8}  {:5} {}"
    print(row.format("name", "task", "size", "here", "licence"))
    for name, entry in CATALOGUE.items():
        is_here = "no" if missing(name) else "yes"
        print(row.format(name, entry.task, _megabytes(entry.size), is_here, entry.licence))
    print(f"\nin {cache_folder()}; the environment variable AUTODIFF_DATA names another folder")


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


def _fetch(arguments: argparse.Namespace) -> None:
    name = arguments.name
    was_here = not missing(name)
    files = files_of(name, fetch=True)
    print(f"{name}: {'was here already' if was_here else 'fetched and verified'}")
    print("\n".join(map(str, files)))


def _info(arguments: argparse.Namespace) -> None:
    name, entry = arguments.name, CATALOGUE[arguments.name]
    _show({"name": name, "task": entry.task, "source": entry.source, "licence": entry.licence})
    if missing(name):
        _show({"here": f"no: run autodiff data fetch {name}"})
    elif name in LOADERS:
        _show(_about(LOADERS[name](name)))
    else:
        sets = {name: len(word_pairs(name)) for name in ("wordsim353", "simlex999")}
        _show({name: f"{count:,} pairs of words" for name, count in sets.items()})
        _show({"analogies": f"{len(analogies()):,} questions"})


def _show(rows: dict[str, str]) -> None:
    for name, value in rows.items():
        print(f"{name:12}{value}")


def _about(corpus: Corpus[Any]) -> dict[str, str]:
    parts = {part: getattr(corpus, part) for part in ("train", "validation", "test")}
    rows = {part: _size(examples) for part, examples in parts.items()}
    labels = Counter(label for example in corpus.train for label in _labels(example))
    rows |= {"labels": _most(labels)} if labels else {}
    rows["split"] = corpus.note
    if corpus.skipped:
        rows["skipped"] = f"{corpus.skipped} lines with a tag and no word"
    return rows | {f"example {i}": _short(example) for i, example in enumerate(corpus.train[:2], 1)}


def _size(examples: Sequence[Any]) -> str:
    words = sum(map(_words, examples))
    unit = {Tagged: "sentences", Labelled: "texts", Pair: "pairs"}[type(examples[0])]
    where = " of the source" if unit == "pairs" else ""
    return f"{len(examples):8,} {unit:10}{words:12,} words and signs{where}"


def _words(example: Any) -> int:
    if isinstance(example, Tagged):
        return len(example.words)
    return len(tokens(example.text if isinstance(example, Labelled) else example.source))


def _labels(example: Any) -> Iterable[str]:
    if isinstance(example, Tagged):
        return example.tags
    return (example.label,) if isinstance(example, Labelled) else ()


def _most(labels: Counter[str]) -> str:
    listed = ", ".join(f"{label} {count:,}" for label, count in labels.most_common(MOST))
    return f"{len(labels)}: {listed}" + (", ..." if len(labels) > MOST else "")


def _short(example: Any) -> str:
    if isinstance(example, Tagged):
        text = " ".join(f"{word}/{tag}" for word, tag in zip(*example))
    else:
        order = reversed(example) if isinstance(example, Labelled) else example
        text = " | ".join(" ".join(part.split()) for part in order)
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 3]}..."
