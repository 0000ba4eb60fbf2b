"""The site: ``make docs``. Every page runs as it is read, and what differs is a warning."""

from __future__ import annotations

import sys
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util import logging

sys.path.insert(0, str(Path(__file__).parents[1]))

import autodiff as ad
from docs import notebooks, pages

project = "autodiff"
author = "the autodiff authors"
copyright = author
version = release = ad.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
]
exclude_patterns = ["_build", "pictures"]
html_theme = "furo"
html_title = f"autodiff {version}"
html_static_path: list[str] = []

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # they stand in the text of Parameters
napoleon_google_docstring = False
napoleon_use_rtype = False

LOG = logging.getLogger(__name__)


def executed(app: Sphinx, name: str, source: list[str]) -> None:
    """Run a page; offer a tutorial as a notebook, too."""
    path = Path(app.env.doc2path(name))
    if path.suffix != ".md":
        return
    for difference in pages.differences(path):
        LOG.warning("python -m docs.pages --write: %s", difference, location=name)
    if path.parent.name == "tutorials":
        notebooks.write(path, Path(app.outdir) / "notebooks")
        link = f'<a href="../notebooks/{path.stem}.ipynb" download>This page as a notebook</a>'
        source[0] += f"\n\n{link}\n"


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("source-read", executed)
    return {"parallel_read_safe": True}
