"""Make house.gv and house.svg: ``python -m docs.pictures.house [FOLDER]``.

The rooms of docs/architecture.md, put together by what they are for, and which part imports which.
An arrow that follows from others is left out. The tests run this and compare.
"""

from __future__ import annotations

import sys
from pathlib import Path

from autodiff.draw.layout import render
from autodiff.draw.palette import GREEN, GREEN_FILL, GREY, INK, VIOLET, VIOLET_FILL
from docs.rooms import read_table

FOLDER = Path(__file__).parent

PARTS = {
    "foundations": "errors settings nodes tracked",
    "the table of ops": "rules op sparse ops",
    "values": "scalar tensor lift pickling",
    "functions": "methods described functions composites linalg",
    "the loop": "strong_zero backward forward",
    "transforms": "arguments tree leaves transforms jacobian custom",
    "modules, optimisers": "state module init layers clipping optimizer optim schedule io",
    "compiler": "compiler",
    "inspect": "inspect",
    "draw": "draw",
    "import autodiff": "autodiff",
    "testing": "testing",
    "data": "data extras options arrays vocabulary features embeddings word_vectors target",
    "networks": "mlp recurrent rnn gru lstm stack torch_layout regressor crf word_tagger tagger "
    "window_tagger bag ibm1 classifier search seq2seq",
    "words": "words word2vec glove",
    "training": "saved interruption steps checkpoint predict train tasks report config "
    "experiments folder word_learning run",
    "command line": "check see see_options commands cli",
}
"""What is put together; the public names of `models`, and what starts a program, are left out."""
LEFT_OUT = {"models", "__main__"}


def rooms() -> dict[str, tuple[str, set[str]]]:
    """The rooms of the table that the picture shows: the path, and the rooms each may import."""
    return {name: room for name, room in read_table().items() if name not in LEFT_OUT}


def arrows() -> dict[str, set[str]]:
    """Which part imports which, without arrows that follow from others."""
    part_of = {room: part for part, names in PARTS.items() for room in names.split()}
    below: dict[str, set[str]] = {part: set() for part in PARTS}
    for room, (_, may) in rooms().items():
        below[part_of[room]] |= {part_of[other] for other in may & part_of.keys()}
    below = {part: others - {part} for part, others in below.items()}
    return {
        part: {other for other in others if not any(_leads(below, o, other) for o in others)}
        for part, others in below.items()
    }


def _leads(below: dict[str, set[str]], start: str, end: str) -> bool:
    return any(other == end or _leads(below, other, end) for other in below[start])


def dot() -> str:
    """The picture as text."""
    lines = ['digraph house { rankdir=TB nodesep=0.3 ranksep=0.35',
             f'node [shape=box style="rounded,filled" fontname="DejaVu Sans" fontcolor="{INK}"]',
             f'edge [color="{GREY}" arrowsize=0.7]']  # fmt: skip
    paths = rooms()
    for part, names in PARTS.items():
        of_models = paths[names.split()[0]][0].startswith("models/")
        line, fill = (VIOLET, VIOLET_FILL) if of_models else (GREEN, GREEN_FILL)
        lines.append(f'"{part}" [color="{line}" fillcolor="{fill}"]')
    for part, others in arrows().items():
        lines += [f'"{part}" -> "{other}"' for other in sorted(others)]
    return "\n".join([*lines, "}", ""])


def main(folder: Path = FOLDER) -> None:
    """Write the picture as text and as SVG."""
    (folder / "house.gv").write_text(dot())
    (folder / "house.svg").write_bytes(render(dot()))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
