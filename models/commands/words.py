"""``autodiff similar``, ``analogy``, ``evaluate``, ``map`` and ``vectors``: word vectors asked."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path

from models.commands.common import Commands, examples, sentence
from models.data import DataError
from models.data.lines import require_there
from models.folder import require_writable
from models.options import number
from models.words import Vectors, evaluate, load, save
from models.words.map import METHODS, WordMap

__all__ = ["add"]

FILE = "vectors.safetensors"
"""What training leaves in the folder of a run."""

MAPS = ("map.png", "map.html")


def add(commands: Commands) -> None:
    """Add them to the commands."""
    _add_similar(commands)
    _add_analogy(commands)
    _command(
        commands,
        "evaluate",
        _evaluate,
        "compare word vectors with people's judgements",
        examples("data fetch evaluation", "evaluate --vectors runs/skipgram"),
        "The sets are WordSim-353, SimLex-999 and Google's analogies.",
    )
    _add_map(commands)
    _add_convert(commands)


def _add_similar(commands: Commands) -> None:
    similar = _command(
        commands,
        "similar",
        _similar,
        "list the words most like a word, or several",
        examples("similar king", "similar king woman --without man --top 5"),
    )
    similar.add_argument("words", nargs="+", metavar="WORD", help="several stand for their sum")
    similar.add_argument("--without", action="append", default=[], metavar="WORD",
                         help="a word to subtract; can be repeated")  # fmt: skip
    _add_top(similar)


def _add_analogy(commands: Commands) -> None:
    analogy = _command(
        commands,
        "analogy",
        _analogy,
        "complete an analogy: A is to B as C is to what",
        examples("analogy man king woman"),
    )
    for name, what in {"a": "a word", "b": "what it leads to", "c": "the word asked about"}.items():
        analogy.add_argument(name, metavar=name.upper(), help=what)
    _add_top(analogy)


def _add_convert(commands: Commands) -> None:
    parser = commands.add_parser(
        "vectors",
        help="convert a file of word vectors",
        description="Convert a file of word vectors. The endings say the formats: .txt and .vec "
        "are word2vec's text, .bin is its binary format, each with .gz or not; .safetensors keeps "
        "counts too, and is read without being loaded.",
        epilog=examples("vectors glove.txt glove.safetensors", "vectors runs/skipgram words.txt"),
    )
    parser.add_argument("source", type=Path, metavar="IN",
                        help="a file of word vectors, or the folder of a run")  # fmt: skip
    parser.add_argument("target", type=Path, metavar="OUT", help="the file to write")
    parser.set_defaults(parser=parser, command=_convert)


def _add_map(commands: Commands) -> None:
    parser = _command(
        commands,
        "map",
        _map,
        "draw the commonest words on a plane",
        examples("map --vectors runs/skipgram --top 300"),
        "It writes map.png, and map.html in which one can search.",
    )
    parser.add_argument("--top", type=number(int, 2), default=500, metavar="N",
                        help="how many words are drawn (default 500)")  # fmt: skip
    parser.add_argument("--method", choices=METHODS, default="tsne", metavar="NAME",
                        help=f"how they are placed: {', '.join(METHODS)} "
                        "(default tsne)")  # fmt: skip
    parser.add_argument("--seed", type=number(int, 0), default=0, metavar="N",
                        help="seed of t-SNE (default 0)")  # fmt: skip
    parser.add_argument("--out", type=Path, metavar="FOLDER",
                        help="where to (default: next to the vectors)")  # fmt: skip


def _command(
    commands: Commands,
    name: str,
    command: Callable[..., None],
    help: str,
    epilog: str,
    more: str = "",
) -> argparse.ArgumentParser:
    description = f"{sentence(help)} {more}".strip()
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=help, description=description, epilog=epilog
    )
    parser.add_argument("--vectors", type=Path, metavar="FILE", help="a file of word vectors, or "
                        f"the folder of a run (default: the newest runs/*/{FILE})")  # fmt: skip
    parser.set_defaults(parser=parser, command=command)
    return parser


def _add_top(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--top", type=number(int, 1), default=10, metavar="N",
                        help="how many words are listed (default 10)")  # fmt: skip


def _similar(arguments: argparse.Namespace) -> None:
    v = _read(arguments.vectors)
    words, without = _known(v, arguments.words), _known(v, arguments.without)
    _list(v.most_similar(words, without, arguments.top))


def _analogy(arguments: argparse.Namespace) -> None:
    v = _read(arguments.vectors)
    a, b, c = _known(v, (arguments.a, arguments.b, arguments.c))
    _list(v.analogy(a, b, c, arguments.top))


def _list(found: Iterable[tuple[str, float]]) -> None:
    for word, cosine in found:
        print(f"{cosine:6.3f}  {word}")


def _evaluate(arguments: argparse.Namespace) -> None:
    scores = evaluate(_read(arguments.vectors))
    for name, score in scores.items():
        print(f"{name:28} {score}")


def _map(arguments: argparse.Namespace) -> None:
    file = _file(arguments.vectors)
    folder = arguments.out or file.parent
    require_writable(folder, MAPS)
    drawn = WordMap(_load(file), arguments.top, arguments.method, arguments.seed)
    for name in MAPS:
        drawn.save(folder / name)
        print(folder / name)


def _convert(arguments: argparse.Namespace) -> None:
    vectors = load(_file(arguments.source))
    save(arguments.target, vectors)
    print(f"{arguments.target}: {vectors!r}")


def _read(path: Path | None) -> Vectors:
    return _load(_file(path))


def _file(path: Path | None) -> Path:
    if path is None:
        return _newest()
    require_there(path)
    file = path / FILE if path.is_dir() else path
    if not file.exists():
        hint = "name the folder of a run that learnt word vectors, or a file of them"
        raise DataError(f"{path} holds no {FILE}: {hint}")
    return file


def _load(file: Path) -> Vectors:
    return load(file, mmap=file.suffix.lower() == ".safetensors")


def _newest() -> Path:
    found = list(Path("runs").glob(f"*/{FILE}"))
    if not found:
        raise DataError(f"there is no runs/*/{FILE}: train word vectors with autodiff train "
                        "skipgram --corpus brown+bbc, or name a file by --vectors")  # fmt: skip
    return max(found, key=lambda path: path.stat().st_mtime_ns)


def _known(vectors: Vectors, words: Iterable[str]) -> list[str]:
    """Words as they are, or in lower case where only that is known."""
    return [w.lower() if w not in vectors and w.lower() in vectors else w for w in words]
