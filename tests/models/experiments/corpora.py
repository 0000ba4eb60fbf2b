"""Small languages, drawn from rules, so that it is known what there is to learn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

PARTS = {"train": 300, "dev": 40, "test": 60}

ENDINGS = {"ADJ": ("ous", "ful"), "NOUN": ("er", "ness"), "VERB": ("ates", "ifies")}
"""Parts of speech can be told from how words end, also of words never seen before."""


def stem(rng: np.random.Generator) -> str:
    return "".join(rng.choice(list("bdfgklmnprst")) + rng.choice(list("aeiou")) for _ in range(2))


def word(kind: str, rng: np.random.Generator) -> str:
    return stem(rng) + str(rng.choice(ENDINGS[kind]))


def speech(rng: np.random.Generator) -> str:
    """Words with their parts of speech, a line each."""
    kinds = ["DET", *["ADJ"] * rng.integers(0, 3), "NOUN", "VERB", "DET", "NOUN"]
    fixed = {"DET": lambda: str(rng.choice(["the", "a"]))}
    return "".join(f"{fixed.get(k, lambda k=k: word(k, rng))()}\t{k}\n" for k in kinds)


def names(rng: np.random.Generator) -> str:
    """Tweets with people and places; what a name is, is told by the words around it."""
    new = [stem(rng).capitalize() for _ in range(3)]
    kinds = {
        0: [("Mr", "O"), (new[0], "B-PER"), (new[1], "I-PER"), ("waits", "O")],
        1: [("we", "O"), ("are", "O"), ("in", "O"), (new[2], "B-LOC")],
        2: [("@", "B-PER"), (stem(rng), "B-PER"), ("Hello", "O")],
        3: [("nothing", "O"), ("new", "O"), (new[0].lower(), "O")],
    }
    rows = [row for k in rng.integers(0, 4, 2) for row in kinds[int(k)]]
    return "".join(f"{text}\t{tag}\n" for text, tag in rows)


def opinions(rng: np.random.Generator) -> str:
    """A label and a text; ``not`` turns the meaning, which words by themselves cannot tell."""
    is_good, turned = rng.integers(0, 2, 2)
    mood = rng.choice([["bad", "dull"], ["good", "fine"]][is_good])
    text = f"the {word('NOUN', rng)} is {'not ' if turned else ''}{mood}"
    return f"{['no', 'yes'][is_good ^ turned]}\t{text}\n"


THINGS = {"Hund": "dog", "Baum": "tree", "Apfel": "apple", "Tisch": "table"}
DONE = {"gesehen": "seen", "gemalt": "painted", "gekauft": "bought"}
WHO = {"ich habe": "I have", "du hast": "you have", "wir haben": "we have"}


def sentences(rng: np.random.Generator) -> str:
    """German, whose verb comes last, and English."""
    who, thing, verb = (str(rng.choice(list(words))) for words in (WHO, THINGS, DONE))
    how = {"": "", "nicht ": "not "}
    no = str(rng.choice(list(how)))
    first = WHO[who].replace("have", f"have {how[no]}".strip())
    return f"{who} den {thing} {no}{verb} .\t{first} {DONE[verb]} the {THINGS[thing]} .\n"


def write(folder: Path, draw: Callable[[np.random.Generator], str], suffix: str, gap: str) -> str:
    """Files of the three parts, with `gap` between examples; gives their folder."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    for part, count in PARTS.items():
        text = gap.join(draw(rng) for _ in range(count))
        (folder / f"{part}.{suffix}").write_text(text, encoding="utf-8")
    return str(folder)


KINDS = {
    "speech": (speech, "conll", "\n"),
    "names": (names, "conll", "\n"),
    "opinions": (opinions, "tsv", ""),
    "sentences": (sentences, "tsv", ""),
}


def corpus(kind: str, folder: Path) -> str:
    """The folder of a small corpus, as ``--data`` takes it."""
    return write(folder / kind, *KINDS[kind])
