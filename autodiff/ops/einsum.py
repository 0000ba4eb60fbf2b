"""Einstein's summation convention."""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any

import numpy as np

from autodiff.op import op, register


def canonical(subscripts: str, ndims: Sequence[int]) -> str:
    """`subscripts` with a letter for each axis of an ellipsis, and with the output spelt out."""
    text = subscripts.replace(" ", "")
    given, arrow, output = text.partition("->")
    terms = given.split(",")
    if len(terms) != len(ndims):
        raise ValueError(f"{subscripts!r} is for {len(terms)} operands, not {len(ndims)}")
    hidden = [n - len(t) + 3 if "..." in t else 0 for t, n in zip(terms, ndims, strict=True)]
    spare = [letter for letter in string.ascii_letters if letter not in text]
    dots = "".join(spare[: max(0, *hidden)])
    if not arrow:
        once = sorted(c for c in set(given) - {",", "."} if given.count(c) == 1)
        output = "..." + "".join(once)
    elif dots and "..." not in output:
        raise ValueError(f"the output of {subscripts!r} needs the ellipsis of its operands")
    terms = [t.replace("...", dots[len(dots) - n :]) for t, n in zip(terms, hidden, strict=True)]
    return f"{','.join(terms)}->{output.replace('...', dots)}"


def _einsum(operands: Any, subscripts: str, optimize: Any = False) -> Any:
    """Sum of products over the indices that are left out of the output."""
    _check_diagonals(subscripts.split("->")[0].split(","), operands)
    return np.einsum(subscripts, *operands, optimize=optimize)


def _einsum_part(g: Any, i: int, operands: Any, subscripts: str, optimize: Any) -> Any:
    """An einsum again, with the cotangent in place of operand i, and its indices for the output.

    An index twice in the operand is a diagonal, so the gradient is spread by an identity matrix.
    An index that nothing else has was summed away, so the gradient is repeated by ones.
    """
    given, output = subscripts.split("->")
    terms, x = given.split(","), operands[i]
    lengths = _lengths(terms, operands)
    term = terms[i]
    terms = [*terms[:i], *terms[i + 1 :], output]
    arrays = [*operands[:i], *operands[i + 1 :], g]
    term = _spread_diagonals(term, subscripts, lengths, terms, arrays, x.dtype)
    term = "".join(c for c, n in zip(term, x.shape, strict=True) if n == lengths[c])
    _repeat_summed(term, lengths, terms, arrays, x.dtype)
    out = np.einsum(f"{','.join(terms)}->{term}", *arrays, optimize=optimize or len(arrays) > 2)
    return np.reshape(out, x.shape)


def _lengths(terms: Sequence[str], arrays: Sequence[Any]) -> dict[str, int]:
    """Length of each index; where one operand has 1 it is broadcast to the others."""
    found: dict[str, int] = {}
    for term, array in zip(terms, arrays, strict=True):
        for c, n in zip(term, array.shape, strict=True):
            found[c] = n if found.get(c, 1) == 1 else found[c]
    return found


def _check_diagonals(terms: Sequence[str], arrays: Sequence[Any]) -> None:
    """numpy reads beyond the array where one of the lengths is 0."""
    for term, array in zip(terms, arrays, strict=True):
        if len(set(term)) < len(term) and len({*zip(term, array.shape)}) > len(set(term)):
            raise ValueError(f"index twice in {term!r} with different lengths in {array.shape}")


def _spread_diagonals(
    term: str, taken: str, lengths: dict[str, int], terms: list[str], arrays: list[Any], dtype: Any
) -> str:
    """Give each further occurrence of an index a letter of its own, tied by an identity."""
    spare = iter(sorted(set(string.ascii_letters) - set(taken)))
    for place, c in enumerate(term):
        if c in term[:place]:
            fresh = next(spare)
            lengths[fresh] = lengths[c]
            terms.append(c + fresh)
            arrays.append(np.eye(lengths[c], dtype=dtype))
            term = term[:place] + fresh + term[place + 1 :]
    return term


def _repeat_summed(
    term: str, lengths: dict[str, int], terms: list[str], arrays: list[Any], dtype: Any
) -> None:
    there = _lengths(terms, arrays)
    for c in term:
        if there.get(c) != lengths[c]:
            terms.append(c)
            arrays.append(np.ones(lengths[c], dtype))


register([
    # The public function takes the subscripts first, as numpy's does.
    op("einsum", _einsum, _einsum_part, variadic=True, linear="each", numpy=()),
])  # fmt: skip
