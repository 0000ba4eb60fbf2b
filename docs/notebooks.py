"""A page as a Jupyter notebook: its blocks are cells, with what they print."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat.v4 as v4
from nbformat import NotebookNode, validate, writes

from docs.pages import BLOCK, saved_as

__all__ = ["notebook", "write"]

LINKS = {
    r"(?<=\]\()([\w-]+)\.md": r"\1.ipynb",
    r"(?<=\]\()(\.\./[\w/-]+)\.md": r"\1.html",
    r"(?<=\]\()\.\./pictures/(?=[^)]*png)": "../_images/",
}
"""Where links of a tutorial lead from the folder of the notebooks, which is beside it."""

ERROR = re.compile(r"^\w*(Error|Exception): ", re.MULTILINE)


def notebook(page: str) -> NotebookNode:
    """The page as a notebook that runs from top to bottom."""
    cells, end = [], 0
    for block in BLOCK.finditer(page):
        cells += _text(page[end : block.start()])
        cells.append(_cell(*block.groups()))
        end = block.end()
    made = v4.new_notebook(cells=cells + _text(page[end:]))
    for i, cell in enumerate(made.cells):
        cell["id"] = f"cell-{i}"  # in place of a random one
    validate(made)
    return made


def _text(page: str) -> list[NotebookNode]:
    # What folds up on a page cannot do so across cells.
    page = re.sub(r"</?details>|</?summary>", "", page)
    for link, on_the_site in LINKS.items():
        page = re.sub(link, on_the_site, page)
    return [v4.new_markdown_cell(page.strip())] if page.strip() else []


def _cell(language: str, kept: str | None, code: str, said: str | None) -> NotebookNode:
    if kept:
        return v4.new_markdown_cell(f"```{language}\n{code}```")
    first = f"%%writefile {saved_as(code)}\n" if saved_as(code) else "%%bash\n" * (language == "sh")
    outputs = [v4.new_output("stream", text=said)] if said else []
    # An error that the page shows is no reason to stop there.
    tags = {"tags": ["raises-exception"]} if ERROR.search(said or "") else {}
    return v4.new_code_cell(first + code.rstrip(), outputs=outputs, metadata=tags)


def write(path: Path, folder: Path) -> None:
    """Write the notebook of a page to a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{path.stem}.ipynb").write_text(writes(notebook(path.read_text())))
