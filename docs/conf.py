"""The site: ``make docs``. Every page runs as it is read, and what differs is a warning.

With the tag ``tested`` none runs: the tests have run them all.
"""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.util import logging

sys.path.insert(0, str(Path(__file__).parents[1]))

import autodiff as ad
from autodiff.draw.palette import GREEN, GREEN_WIRE, ORANGE, ORANGE_WIRE
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
smartquotes_action = "qe"  # but no dashes: --resume is an option

html_theme = "furo"
html_title = "autodiff"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_copy_source = html_show_sourcelink = False
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": GREEN,
        "color-brand-content": GREEN,
        "color-brand-visited": GREEN,
        "color-api-pre-name": ORANGE,
        "color-api-name": ORANGE,
    },
    "dark_css_variables": {
        "color-brand-primary": GREEN_WIRE,
        "color-brand-content": GREEN_WIRE,
        "color-brand-visited": GREEN_WIRE,
        "color-api-pre-name": ORANGE_WIRE,
        "color-api-name": ORANGE_WIRE,
    },
}

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

default_role = "py:obj"  # a link if there is such a name, else code
autodoc_default_options = {
    "members": True,
    # What has its own entry is not repeated in those of its subclasses.
    "inherited-members": (
        "BaseException, Context, Lazy, Mapping, Module, Optimizer, Recurrent, ScalarNode, Tensor, "
        "list, tuple"
    ),
}
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints = "none"  # they stand in the text of Parameters
python_maximum_signature_line_length = 80
napoleon_google_docstring = False
napoleon_custom_sections = [("Attributes", "params_style")]
napoleon_use_rtype = False

ON_THE_SITE = {
    # The pages say once what the arguments and results of ops are.
    r"Parameters\n-+\n(?:\S.*\n)+\nReturns\n-+\n.*\n\nNotes\n-+\n": "",
    r"(?<=\n\n)(?=    d out)": "::\n\n",
    r"``print\(autodiff\.op\.OPS.*?``(?= shows)": ":doc:`The table of ops </reference/ops>`",
    r"(?<=a derivative where: )(.*)\. Elsewhere: .*": (
        r"``\1``. Elsewhere :doc:`conventions </reference/nonsmooth>` hold."
    ),
    r"(?<=shows the derivative\.)\n\n|\n\n(?=np\..* of a Tensor (is|are) the same)": " ",
    r"(?<= )np\.[\w.]+(?= .*of a Tensor (is|are) the same)": r"``\g<0>``",
    r"(?<!`)`ad\.([\w.]+)`(?!`)": r"`ad.\1 <autodiff.\1>`",
}
"""What stands in docstrings, as one reads it in a terminal, and what it becomes."""

OUTSIDE = re.compile(r"\[([^\]]+)\]\((?:\.\./)+[A-Z]+\.md\)")
"""A link from a page to a text beside docs/, which the site has not."""

LOG = logging.getLogger(__name__)


def executed(app: Sphinx, name: str, source: list[str]) -> None:
    """Run a page; offer a tutorial as a notebook, too."""
    path = Path(app.env.doc2path(name))
    if path.suffix != ".md":
        return
    source[0] = OUTSIDE.sub(r"\1", source[0])
    if not app.tags.has("tested"):
        for difference in pages.differences(path):
            LOG.warning("python -m docs.pages --write: %s", difference, location=name)
    if path.parent.name == "tutorials":
        notebooks.write(path, Path(app.outdir) / "notebooks")
        link = f'<a href="../notebooks/{path.stem}.ipynb" download>This page as a notebook</a>'
        source[0] = source[0].replace("\n", f"\n\n{link}\n", 1)  # below its title


def linked(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Names between backticks in a docstring: its own parameters are code, others are links."""
    text = "\n".join(lines)
    for pattern, replacement in ON_THE_SITE.items():
        text = re.sub(pattern, replacement, text)
    for parameter in _parameters(obj):
        text = re.sub(rf"(?<!`)`{parameter}`(?!`)", f"``{parameter}``", text)
    lines[:] = text.split("\n")


def _parameters(obj: Any) -> list[str]:
    try:
        return list(inspect.signature(obj).parameters)
    except (TypeError, ValueError):
        return []


def is_said(app: Sphinx, what: str, name: str, obj: Any, skip: bool, options: Any) -> bool | None:
    """Whether a member needs no entry: an op, which has one among the functions, or a field."""
    methods = [vars(kind).get(name) for kind in (ad.Tensor, ad.Scalar)]
    is_listed = callable(obj) and name in ad.__all__ and obj in methods
    return True if is_listed or str(obj.__doc__).startswith("Alias for field") else None


def enlarged(app: Sphinx, doctree: nodes.document, name: str) -> None:
    """A picture leads to its file, since many are too wide for a page."""
    for image in list(doctree.findall(nodes.image)):
        if image["uri"] in app.env.images:
            file = app.env.images[image["uri"]][1]
            link = nodes.reference(refuri=f"{'../' * name.count('/')}_images/{file}")
            image.replace_self(link)
            link += image


def precise(app: Sphinx, doctree: nodes.document) -> None:
    """A class is looked for in all modules, another name in its own class and module.

    A type is a text, so `dtype` in it would become a link to any attribute of that name.
    """
    known = app.env.domains.python_domain.objects
    for reference in doctree.findall(pending_xref):
        target = reference["reftarget"]
        own = f"{reference.get('py:module')}.{reference.get('py:class')}.{target}"
        if target[:1].isupper() and target != "Path":  # that of pathlib
            reference["refspecific"] = True
        else:
            reference["reftarget"] = own if own in known else target
            reference.attributes.pop("refspecific", None)


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("source-read", executed)
    app.connect("autodoc-process-docstring", linked, priority=400)  # napoleon comes at 500
    app.connect("autodoc-skip-member", is_said)
    app.connect("doctree-read", precise)
    app.connect("doctree-resolved", enlarged)
    return {"parallel_read_safe": True}
