"""The font of all pictures, DejaVu Sans: its files, its glyphs, and how wide a text is in it."""

from __future__ import annotations

import importlib.util
import os
import struct
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path

__all__ = ["files", "missing", "width"]

NAMES = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")

# Widths of characters, each followed by the characters that have it, in units of 1/2048 of the
# font's size; the open box stands for the space. They are here, and not read from the font, so
# that the same graph gives the same DOT text on every machine.
_REGULAR = r"""
340 ₗ 366 ⁱᵢ 380 ᴵᴶ 465 ′ 503 ⁽⁾₍₎ 530 ᵣ 533 ∶ 563 ' 569 ijlı 582 ł 604 IJΙₜᵗ 651 ␣,.·‘’⋅ 690
/:;\| 693 ι 718 ᴸ 721 f 739 - 745 ᵪ 763 ᵧ 764 ₛ 765 ″ 778 ᴾ 788 ᵀ 799 ()[]⌈⌉⌊⌋⟨⟩ 802 ₐᵃ 803 t 815
ᴱ 816 ⁿₙ 819 ‹› 821 !¡²³¹⁰⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉ 823 ᵦ 828 ₕ 829 ᵤᵘ 830 ᵈᵍ 842 r 843 ᵨ 846 ᴷℓ 847 ₒᵒ 851
ᵩ 854 ₑₔᵥᵉᵛ 872 ₖᵏ 877 ₚᵇᵖ 882 ᴬ 885 ᴮ 896 ᴿ 909 ₓ 942 " 944 ᵁ 965 ªºᴺ 970 ᴴ 993 ᴰ 999 ᴳ 1015 ᴼ
1024 *_`§°´–†‡‖∣∥ 1028 ▴▵▸▹▾▿◂◃ 1059 ∂ 1061 “” 1065 ‴ 1067 s∫ 1075 z 1081 ⁺⁻⁼₊₋₌ 1087 ?¿ 1107 ε
1113 ᴹ 1114 ζ 1126 c 1141 LΓ 1142 ξ 1144 ν 1151 Ł 1178 F 1183 χ 1185 υ 1186 k 1202 ς 1207 κ 1208
•◦ 1212 vxyγλ 1233 πτ│─┌┐└┘├┤┬┴┼ 1235 PΡ 1251 TYΤΥ 1253 o«»ðøδθο 1255 a 1260 eϵ 1268 ϑ 1275 ᵂ 1276
ₘᵐ 1282 ∘∙⋆ 1290 ß 1294 EΕΞΣ 1298 hnuησℏ 1300 Sbdgpqþρ 1303 $0123456789{}¢£¥µ¶μ∴∵ 1305 √ 1307 β
1343 KΚ 1350 α 1351 φψϕ 1370 ∆∇ 1380 ∑ 1388 ▪▫ 1401 AVΑΔΛ 1403 XZΖΧ 1405 BΒ 1423 Rħ 1430 Cℂ 1436 ℙ
1463 ∝ 1499 U∧∨∩∪ 1525 ℤ 1526 ℵ 1532 NΝ 1540 HΗΠ 1550 ∏ 1565 Ω 1575
▁▂▃▄▅▆▇█▉▊▋▌▍▎▏▐░▒▓▔▲△▶▷►▼▽◀◁◄◆◇ 1577 D 1587 G 1597 & 1612 OQØΘΟΦΨℚ 1622 ℝ 1640 ℕ 1675 w 1680 ⋀⋁⋂⋃
1706 ∞ 1715 ω 1740 ℍ 1767 MΜ 1784 ∅∈∉∋⊢⊤⊥ 1787 ◉○◌●◐◑◒◓ 1836 ∠①②③④⑤⑥⑦⑧⑨⑩⚠ 1935 ■□▬▭ 1946 % 1985
¼½¾ 1995 mÆ 2011 æ 2025 W 2048 @©®—…™⋮⋯⋱ 2095 œ 2130 № 2191 Œ 2748 ‰
"""
_BOLD = r"""
449 ⁱₗᵢ 480 ᴵᴶ 540 ′ 590 ⁽⁾₍₎ 602 ∶ 627 ' 646 ᵣ 702 ijlı 713 ␣ 748 /\| 760 ł 762 IJΙ 778 ,.·‘’∙⋅
780 ₛ 794 ₜᵗ 798 ι 819 :; 822 ᴸ 832 ᵪ 844 ‹› 845 ₓ 850 - 878 ᵧ 880 ᵀ 881 ᴱ 891 f 897
²³¹⁰⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉ 915 ″ 923 ᵦᵨ 933 ⁿₕₙᵤᵘ 934 !¡ 936 ()[]⌈⌉⌊⌋⟨⟩ 937 ₐᵃ 945 ᴾ 966 ℓ 979 t 981
ₑₔₚᵇᵈᵉᵍᵖ 983 ᴮ 993 ᴿ 998 ₖᴬᵏ 999 ₒᴷᵒ 1009 ᵩ 1010 r 1024 _`§°´–†‡‖∣∥ 1026 ᵥᵛ 1028 ▴▵▸▹▾▿◂◃ 1047 ᵁ
1059 ᴳ 1067 " 1071 *ᴰ 1079 ᴴᴺ 1081 ⁺⁻⁼₊₋₌ 1096 ᴼ 1114 ∂ 1140 ε 1155 ªº 1188 ?¿ 1192 z 1210 ζξ 1214
cς 1219 s 1233 │─┌┐└┘├┤┬┴┼ 1249 ∫ 1282 ∘⋆ 1283 ᴹ 1290 ‴ 1294 Ξ 1296 λ 1303 ¶ 1305 LΓ 1307 τ 1309
•◦ 1315 Ł 1320 ϵ 1321 xχ 1323 «» 1335 vy 1346 “” 1353 ϑ 1359 ₘᵐ 1362 k 1366 √ 1382 a 1383 υ 1388
▪▫ 1389 e 1395 γν 1397 TΤ 1399 EFΕΣ 1407 oðøαδθο 1423 ᵂ 1425 $0123456789¢£¥∴∵ 1427 ∆∇ 1455 κ 1458
hnu{}ηℏ∝ 1466 bdgpqþβρ 1470 ∑ 1473 ß 1475 S 1483 YΥ 1485 ZΖ 1501 PΡ 1503 Cℂ 1507 µμ 1536 ℙ 1545 ℤ
1561 BΒ 1575 ▁▂▃▄▅▆▇█▉▊▋▌▍▎▏▐░▒▓▔▲△▶▷►▼▽◀◁◄◆◇ 1577 R 1579 XΧ 1585 AVΑΔΛ 1587 KΚ 1595 σ 1602 φ 1612
∏ 1618 ħ 1620 π 1626 ψℵ 1631 ϕ 1641 ℝ 1663 U∧∨∩∪ 1681 G 1700 D 1706 ∞ 1714 HNΗΝΠℕ 1726 ⋀⋁⋂⋃ 1734
①②③④⑤⑥⑦⑧⑨⑩ 1740 Ψ 1741 OQØΘΟΦΩℚ 1754 ∅ 1780 ω 1786 & 1787 ◉○◌●◐◑◒◓ 1818 ℍ 1836 ∈∉∋∠⚠ 1872 ⊢⊤⊥ 1892
w 1935 ■□▬▭ 2038 MΜ 2048 @©®—…™⋮⋯⋱ 2052 % 2120 ¼½¾ 2134 m 2146 æ 2222 Æ 2241 œ 2259 W 2390 Œ 2464
№ 2949 ‰
"""

_UNITS = 2048.0
_SYMBOL = 1716
"""The width of arrows and of most signs of mathematics."""


def _table(text: str) -> dict[str, int]:
    words = iter(text.split())
    return {character: int(width) for width, group in zip(words, words) for character in group}


_WIDTHS = {False: _table(_REGULAR), True: _table(_BOLD)}


def width(text: str, size: float, bold: bool = False) -> float:
    """Width of one line of `text` in points, for a font of `size` points.

    Accents have no width. A character that is not in the table counts as a wide one, so that
    there is room for it.
    """
    table = _WIDTHS[bold]
    characters = unicodedata.normalize("NFD", text.replace(" ", "␣").replace("\u00a0", "␣"))
    return sum(table.get(c) or _other(c) for c in characters) * size / _UNITS


def _other(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2048 if unicodedata.east_asian_width(character) in "WF" else _SYMBOL


@cache
def files() -> tuple[str, ...]:
    """Paths of the regular and the bold font: matplotlib's, else the system's, else none."""
    for folder in _folders():
        found = [next(folder.rglob(name), None) for name in NAMES]
        if all(found):
            return tuple(map(str, found))
    return ()


def _folders() -> Iterator[Path]:
    matplotlib = importlib.util.find_spec("matplotlib")  # which takes long to import
    if matplotlib and matplotlib.origin:
        yield Path(matplotlib.origin).parent / "mpl-data" / "fonts"
    yield from map(Path, ("/usr/share/fonts", "/usr/local/share/fonts", "/Library/Fonts"))
    yield from (
        Path.home() / folder for folder in (".local/share/fonts", ".fonts", "Library/Fonts")
    )
    yield Path(os.environ.get("WINDIR", "C:/Windows")) / "Fonts"


def missing(text: str) -> set[str]:
    """The characters of `text` that the regular font has no glyph for."""
    ranges = _ranges(files()[0]) if files() else []
    return {c for c in set(text) if not any(first <= ord(c) <= last for first, last in ranges)}


@cache
def _ranges(path: str) -> list[tuple[int, int]]:
    """First and last characters of the ranges in the font's map of all of Unicode (format 12)."""
    font = Path(path).read_bytes()
    tables = struct.iter_unpack(">4s4xI4x", font[12 : 12 + 16 * _short(font, 4)])
    cmap = next(offset for tag, offset in tables if tag == b"cmap")
    maps = struct.iter_unpack(">4xI", font[cmap + 4 : cmap + 4 + 8 * _short(font, cmap + 2)])
    start = next(cmap + offset for (offset,) in maps if _short(font, cmap + offset) == 12)
    (count,) = struct.unpack_from(">I", font, start + 12)
    return list(struct.iter_unpack(">II4x", font[start + 16 : start + 16 + 12 * count]))


def _short(data: bytes, offset: int) -> int:
    return int.from_bytes(data[offset : offset + 2], "big")
