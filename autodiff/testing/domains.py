"""Where functions are differentiable, in words, and the numbers there to test them at."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from autodiff.errors import DomainError

__all__ = ["DOMAINS", "Domain", "domains_of", "find", "lattices"]

WIDEST = 8.0
"""How far the lattice goes where the domain has no end."""
SCALES = (2.0**-20, 2.0**-10, 2.0**10, 2.0**20)
"""About 1e-6, 1e-3, 1e3 and 1e6, but exact."""
FEW = 9
"""So many of the simplest numbers make an array with many ties."""


@dataclass(frozen=True)
class Domain:
    """The numbers that the entries of an array may be.

    Attributes
    ----------
    low, high : float
        The ends, which do not belong to it unless it is `closed`.
    closed : bool
    keep : callable, optional
        What else ``keep(entry)`` asks for.
    isolated : bool
        `keep` leaves single numbers only, so that there are no raw floats.
    distinct : bool
        No two entries of an array are equal.
    matrix : callable, optional
        Makes matrices of a kind of square ones with entries within (-1, 1): shape (..., n, n).
    """

    low: float = -math.inf
    high: float = math.inf
    closed: bool = False
    keep: Callable[[float], bool] | None = None
    isolated: bool = False
    distinct: bool = False
    matrix: Callable[[Any], Any] | None = None

    def __contains__(self, value: float) -> bool:
        inside = self.low < value < self.high or (self.closed and value in (self.low, self.high))
        return inside and (self.keep is None or self.keep(value))

    @property
    def is_bounded(self) -> bool:
        """Whether there is an end to both sides."""
        return math.isfinite(self.low) and math.isfinite(self.high)

    def ends(self, widest: float) -> tuple[float, float]:
        """The ends; where there is none, `widest` away from zero or from the other end."""
        if self.is_bounded:
            return self.low, self.high
        low = max(self.low, min(-widest, self.high - widest))
        return low, min(self.high, max(widest, self.low + widest))


def _regular(x: Any) -> Any:
    # Each entry of the diagonal outweighs the rest of its row.
    return x + x.shape[-1] * np.eye(x.shape[-1], dtype=x.dtype)


def _definite(x: Any) -> Any:
    return _regular(np.tril(x) + np.swapaxes(np.tril(x, -1), -1, -2))


_REAL, _POSITIVE = Domain(), Domain(low=0.0)
_NONZERO = Domain(keep=lambda x: x != 0)
_DISTINCT = Domain(distinct=True)

DOMAINS: dict[str, tuple[Domain, ...]] = {
    "real": (_REAL,),
    "positive": (_POSITIVE,),
    "nonnegative": (Domain(low=0.0, closed=True),),
    "nonzero": (_NONZERO,),
    "unit": (Domain(-1.0, 1.0),),
    "above one": (Domain(low=1.0),),
    # The words of the op table
    "x > 0": (_POSITIVE, _REAL),
    "y > 0": (_REAL, _POSITIVE),
    "x != 0": (_NONZERO, _REAL),
    "y != 0": (_REAL, _NONZERO),
    "(x, y) != 0": (_NONZERO, _REAL),  # arctan2 jumps where x is 0 and y negative
    "x > 1": (Domain(low=1.0),),
    "x > -1": (Domain(low=-1.0),),
    "|x| < 1": (Domain(-1.0, 1.0),),
    "0 < x < 1": (Domain(0.0, 1.0),),
    "x not whole": (Domain(keep=lambda x: x % 1 != 0),),
    "x not half": (Domain(keep=lambda x: x % 1 != 0.5),),
    # Eighths are never odd sixteenths, and no odd eighth is a multiple of a whole number.
    "x != y": (_REAL, Domain(keep=lambda y: y * 8 % 1 == 0.5, isolated=True)),
    "x / y not whole": (Domain(keep=lambda x: x * 8 % 2 == 1, isolated=True),
                        Domain(keep=lambda y: y != 0 and y % 1 == 0, isolated=True)),
    "no ties": (_DISTINCT,),
    "not constant": (_DISTINCT,),
    "x finite": (_REAL,),
    "min < x < max": (_REAL,),
    "regular": (Domain(-1.0, 1.0, matrix=_regular),),
    "definite": (Domain(-1.0, 1.0, matrix=_definite),),
}  # fmt: skip
"""Domains by name: one for each argument, the last one for all that follow."""


def domains_of(domain: str, n: int) -> tuple[Domain, ...]:
    """What each of `n` arguments of a function with this domain may be.

    Raises
    ------
    DomainError
        If the name is not in `DOMAINS`.
    """
    known = _known(domain)
    return (*known, *(known[-1:] * n))[:n]


def _known(domain: str) -> tuple[Domain, ...]:
    if domain not in DOMAINS:
        words = ", ".join(map(repr, DOMAINS))
        raise DomainError(f"domain={domain!r} is none of {words}; nor is it two ends, low and high")
    return DOMAINS[domain]


def find(domain: str | tuple[float, float] | Domain) -> Domain:
    """A domain for one array; a word about two arguments means what it says of one of them.

    Raises
    ------
    DomainError
        If this is no domain, or an empty interval.
    """
    if isinstance(domain, Domain):
        return domain
    if isinstance(domain, str):
        return next((d for d in _known(domain) if d != _REAL), _REAL)
    try:
        low, high = map(float, domain)
    except (TypeError, ValueError):
        raise DomainError(f"domain={domain!r} is neither a word nor (low, high)") from None
    if not low < high:
        raise DomainError(f"domain={domain!r}: nothing lies between {low} and {high}")
    return Domain(low, high)


@lru_cache(maxsize=256)
def lattices(
    domain: Domain, avoid: frozenset[float], dtype: Any, distinct: int
) -> tuple[np.ndarray, ...]:
    """What the entries of an array may be chosen from, the simplest numbers first: of 12 lists,
    6 are the whole lattice, 2 the few that make ties, and up to 4 are of other sizes.

    `distinct` is how many numbers there have to be.

    Raises
    ------
    DomainError
        If there are fewer.
    """
    values = _fine_enough(domain, avoid, dtype, max(distinct, 1))
    few = values[: max(FEW, distinct)]
    scaled = (_scaled(values, scale, domain, avoid, dtype) for scale in SCALES)
    sized = [s for s in scaled if len(s) >= max(distinct, 1)]
    return tuple(np.array(v, dtype) for v in (*[values] * 6, few, few, *sized))


def _fine_enough(domain: Domain, avoid: frozenset[float], dtype: Any, n: int) -> list[float]:
    values: list[float] = []
    for level in range(12):
        values = _lattice(domain, avoid, dtype, level)
        if len(values) >= n:
            return values
    raise DomainError(
        f"there are {len(values)} numbers of dtype {dtype} to choose from, and {n} are needed: "
        "take a wider domain, or avoid less"
    )


def _lattice(domain: Domain, avoid: frozenset[float], dtype: Any, level: int) -> list[float]:
    """The multiples of a power of two inside a domain that `dtype` holds, the simplest first;
    `level` halves the step so often."""
    low, high = domain.ends(WIDEST)
    step = 2.0 ** math.floor(math.log2((high - low) / 128)) if domain.is_bounded else 1 / 8
    step = step / 2 ** (level + (domain.isolated and domain.keep is not None))
    values = np.arange(math.ceil(low / step), math.floor(high / step) + 1) * step
    kept = (v for v in _held(values, dtype) if v in domain and v not in avoid)
    return sorted(kept, key=_simplicity)


def _held(values: np.ndarray, dtype: Any) -> list[float]:
    """Those of the numbers that a dtype has, and not as subnormal ones."""
    with np.errstate(over="ignore"):
        held = values.astype(dtype) == values
    normal = (values == 0) | (np.abs(values) >= np.finfo(dtype).tiny)
    return values[held & normal].tolist()  # type: ignore[no-any-return]


def _simplicity(value: float) -> tuple[float, ...]:
    """Sorts 0, 1, -1, 1/2, -1/2, 2, -2 and so on, then by the denominator."""
    size = abs(value)
    rank = (0.0, 1.0, 0.5).index(size) if size in (0.0, 1.0, 0.5) else 3
    return rank, value.as_integer_ratio()[1], size, value < 0


def _scaled(
    values: Sequence[float], scale: float, domain: Domain, avoid: frozenset[float], dtype: Any
) -> list[float]:
    """All values times `scale`; none, if one leaves the domain or the range of the dtype."""
    scaled = _held(np.array(values) * scale, dtype)
    if len(scaled) < len(values) or not all(s in domain for s in scaled):
        return []
    return [s for s in scaled if s not in avoid]
