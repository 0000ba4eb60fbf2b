"""A small drawing whose DOT text follows what `autodiff.draw.fit` asks of a writer."""

from math import ceil
from typing import NamedTuple

from autodiff.draw import fonts
from autodiff.draw.fit import line


class Run(NamedTuple):
    """A piece of text in one style."""

    text: str
    size: float
    colour: str = "#263238"
    bold: bool = False

    def markup(self) -> str:
        text = f"<B>{self.text}</B>" if self.bold else self.text
        return f'<FONT POINT-SIZE="{self.size}" COLOR="{self.colour}">{text}</FONT>'

    def width(self) -> float:
        return fonts.width(self.text, self.size, self.bold)


def width(runs: list[Run]) -> float:
    return sum(run.width() for run in runs)


def cell(runs: list[Run], width: int, more: str = "", align: str = "center") -> str:
    place = "" if align == "center" else f'ALIGN="{align.upper()}" BALIGN="{align.upper()}"'
    text = line("".join(run.markup() for run in runs), align)
    return f'<TD FIXEDSIZE="TRUE" WIDTH="{width}" HEIGHT="20" {place} {more}>{text}</TD>'


HEAD = [Run("(1−z) ⊙ h̃", 13, bold=True), Run("  tanh(W x + r⊙U h′)  ", 10), Run("ℝ²", 9)]
VALUE = [Run("▸ [−0.915  −0.898]", 11, "#1B7F3B")]
GRADIENT = [Run("◂ ‖∂J/∂h̃‖ 0.098", 11, "#E8590C")]
WIDTH = ceil(max(map(width, (HEAD, VALUE, GRADIENT)))) + 16

CARD = f"""<TABLE STYLE="ROUNDED" BORDER="1" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0">
<TR>{cell(HEAD, WIDTH, 'BGCOLOR="#FFF9DB"')}</TR>
<TR>{cell(VALUE, WIDTH, 'PORT="v" BGCOLOR="#E6F4EA"')}</TR>
<TR>{cell(GRADIENT, WIDTH, 'PORT="g" BGCOLOR="#FFF4E6"')}</TR></TABLE>"""

PATHS = ["J → h → z⊙h′ → x", "J → h → (1−z)⊙h̃ → h̃ → r⊙Uh′ → r → x"]
NUMBERS = ["[−0.063  −0.261]", "[0.070]"]
COLUMNS = [ceil(max(fonts.width(text, 12) for text in column)) for column in (PATHS, NUMBERS)]


def _row(path: str, number: str) -> str:
    left, right = COLUMNS
    path, number = (
        cell([Run(path, 12)], left, align="left"),
        cell([Run(number, 12)], right, align="right"),
    )
    return f"<TR>{path}{number}</TR>"


LEGEND = (
    '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="4" CELLPADDING="0">'
    + "".join(map(_row, PATHS, NUMBERS))
    + "</TABLE>"
)

DOT = f"""digraph g {{
rankdir=LR; bgcolor=white; label=<{LEGEND}>;
fontname="DejaVu Sans"; node [shape=plain fontname="DejaVu Sans"];
n0 [id=n0 class="card parameter" label=<{CARD}>];
n1 [id=n1 class="card op" label=<{CARD}>];
n0:v:e -> n1:v:w [id=e0 class=forward color="#8CCB9F"];
}}"""
