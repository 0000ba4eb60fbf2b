"""A mistake at a step of a computation: the gradients of all inputs, had it been made.

A gradient written by hand is a chain of local derivatives. If one link is wrong, the gradients of
all inputs before it are wrong, and none of them by itself says why. So every mistake is tried at
every step of the recorded forward, and carried on to the inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import combinations, product
from typing import Any

import numpy as np

from autodiff.testing.factors import POWERS
from autodiff.testing.guesses import LOCAL, guesses
from autodiff.testing.point import joined
from autodiff.testing.probes import Family, Probe, differences, is_near
from autodiff.testing.trace import Step

__all__ = ["Mistake", "mistakes"]

PAIRS = 30
"""Of so many places where a path can be cut all pairs are tried."""

Edge = tuple[int, int]
"""The number of a step, and which of its arguments."""
Rule = Callable[[np.ndarray], np.ndarray]
"""Takes the cotangent of a step; gives what it passes on to an argument."""


@dataclass
class Chain:
    """A recorded computation with its cotangents, and how each step depends on the inputs.

    Attributes
    ----------
    probe : Probe
    constant : frozenset of int
        Steps that are not differentiated.
    blocks : list of list of ndarray
        For each step its Jacobian by each argument.
    dependence : list of ndarray
        For each step its Jacobian by all inputs.
    cotangents : list of ndarray
        For each step, right ones.
    right, apart : ndarray
        The gradient of all inputs in one vector, and how far that to check is off.
    """

    probe: Probe
    blocks: list[list[np.ndarray]]
    constant: frozenset[int] = frozenset()
    dependence: list[np.ndarray] = field(default_factory=list)
    cotangents: list[np.ndarray] = field(default_factory=list)

    def __post_init__(self) -> None:
        sizes = [x.size for x in self.probe.inputs]
        own = np.split(np.eye(sum(sizes)), np.cumsum(sizes)[:-1])
        for number, step in enumerate(self.steps):
            if number < len(own):
                self.dependence.append(own[number])
                continue
            whole = np.zeros((step.value.size, sum(sizes)))
            for k, parent in enumerate(step.parents):
                whole += self.block((number, k)) @ self.dependence[parent]
            self.dependence.append(whole)
        self.cotangents = self.pulled({})
        self.right: np.ndarray = joined(self.cotangents[: len(own)])
        self.apart: np.ndarray = self.probe.fitted() - self.right

    @property
    def steps(self) -> list[Step]:
        """All that was recorded."""
        return self.probe.trace.steps

    @property
    def edges(self) -> list[Edge]:
        """All arguments of all steps that are differentiated."""
        numbers = [i for i in range(len(self.steps)) if i not in self.constant]
        return [(i, k) for i in numbers for k in range(len(self.steps[i].parents))]

    def block(self, edge: Edge) -> np.ndarray:
        """The Jacobian of a step by an argument."""
        block = self.blocks[edge[0]][edge[1]]
        return np.zeros_like(block) if edge[0] in self.constant else block

    def parent(self, edge: Edge) -> int:
        """The step that the argument is the result of."""
        return self.steps[edge[0]].parents[edge[1]]

    def passed(self, edge: Edge) -> np.ndarray:
        """What a step rightly passes on to an argument."""
        return self.cotangents[edge[0]] @ self.block(edge)

    def changed(self, edge: Edge, change: np.ndarray) -> np.ndarray:
        """The gradient, if a step passes on so much more."""
        return self.right + change.ravel() @ self.dependence[self.parent(edge)]

    def pulled(self, rules: Mapping[Edge, Rule]) -> list[np.ndarray]:
        """The cotangents of all steps, with some rules in place of the right ones."""
        found = [np.zeros(step.value.size) for step in self.steps]
        edges = np.cumsum([r.size for r in self.probe.results])[:-1]
        for number, v in zip(self.probe.trace.results, np.split(self.probe.v, edges), strict=True):
            found[number] += v
        for number in reversed(range(len(self.steps))):
            for k, parent in enumerate(self.steps[number].parents):
                rule = rules.get((number, k))
                found[parent] += (
                    rule(found[number]) if rule else found[number] @ self.block((number, k))
                )
        return found

    def ruled(self, rules: Mapping[Edge, Rule]) -> np.ndarray:
        """The gradient with some rules in place of the right ones."""
        return joined(self.pulled(rules)[: len(self.probe.inputs)])


def make_chains(p: Probe) -> list[Chain]:
    """The recorded computation; and the same without the steps through which nothing flows in the
    end, such as the maximum that a softmax subtracts: no one differentiates those."""
    trace = p.trace
    if [trace.steps[r].value.size for r in trace.results] != [r.size for r in p.results]:
        return []
    whole = Chain(p, [_blocks(trace.steps, step) for step in trace.steps])
    if not is_near(whole.right, joined([p.numeric(i) for i in range(len(p.inputs))])):
        return []
    sizes = np.array([np.max(np.abs(c), initial=0.0) for c in whole.cotangents])
    idle = frozenset(np.flatnonzero(sizes < 1e-9 * sizes.max())) - set(range(len(p.inputs)))
    return [whole, Chain(p, whole.blocks, idle)] if idle else [whole]


def _blocks(steps: list[Step], step: Step) -> list[np.ndarray]:
    values = [steps[p].value for p in step.parents]
    return differences(lambda *xs: [step.call(*xs)], values, step.value.size)


@dataclass(frozen=True)
class Mistake:
    """A mistake, and what makes the gradient for all inputs with it."""

    kind: str
    text: str
    gradient: Callable[[], np.ndarray]


Search = Callable[[Chain], Iterator[Mistake]]


def _scaled(chain: Chain) -> Iterator[Mistake]:
    """A path forgotten, or with a wrong sign or number: as much as fits the gradient best."""
    for edge in chain.edges:
        part = chain.passed(edge) @ chain.dependence[chain.parent(edge)]
        factor = 1 + _fit(chain, part)
        text = f"a factor {factor:.6g} too many"
        kind, text = _NUMBERS.get(round(factor, 6), ("constant factor", text))
        gradient = partial(np.add, chain.right, (factor - 1) * part)
        yield Mistake(kind, _at(chain, edge, text), gradient)


_NUMBERS = {
    0.0: ("dropped path", "the path through here is forgotten"),
    -1.0: ("sign", "the sign is wrong"),
}


def _fit(chain: Chain, part: np.ndarray) -> float:
    """How often `part` is in what the gradient has too much."""
    square = float(part @ part)
    return float(chain.apart @ part) / square if square else 0.0


def _guessed(chain: Chain) -> Iterator[Mistake]:
    for edge in chain.edges:
        local = _local(chain, edge[0], chain.cotangents[edge[0]])
        right = local.numeric(edge[1])
        for guess in guesses(local, edge[1], LOCAL):
            if guess.value.shape == right.shape:
                gradient = partial(chain.changed, edge, guess.value - right)
                yield Mistake(guess.kind, _at(chain, edge, guess.text), gradient)


def _local(chain: Chain, number: int, cotangent: np.ndarray) -> Probe:
    """One step as a function by itself."""
    step = chain.steps[number]
    values = [chain.steps[p].value for p in step.parents]
    names = [f"argument {k}" for k in range(len(values))] if len(values) > 1 else ["the argument"]
    blocks = [chain.block((number, k)) for k in range(len(values))]
    local = Probe(lambda *xs: [np.asarray(step.call(*xs))], names, values, [step.value],
                  [cotangent.reshape(step.value.shape)], blocks)  # fmt: skip
    local.analytic = [local.numeric(k) for k in range(len(values))]
    return local


def _shifted(chain: Chain) -> Iterator[Mistake]:
    """Something small is added to an argument or result in the derivative of one step only."""
    for edge, power in product(chain.edges, POWERS):
        x, y = chain.steps[chain.parent(edge)].value, chain.steps[edge[0]].value
        for name, q in (("the argument", x.ravel()), ("the result", y.ravel())):
            right = chain.passed(edge)
            if q.size != right.size:
                continue
            per_unit = chain.changed(edge, -power * right / q) - chain.right
            added = float(f"{_fit(chain, per_unit):.1g}")
            if 0 < abs(added) < 0.1 * np.max(np.abs(q)):
                text = f"{added:g} is added to {name} in the gradient only"
                change = right * ((q / (q + added)) ** power - 1)
                gradient = partial(chain.changed, edge, change)
                yield Mistake("epsilon", _at(chain, edge, text), gradient)


def _turned(chain: Chain) -> Iterator[Mistake]:
    """The derivative of one step is that at a transposed matrix."""
    p = chain.probe
    for j, x in enumerate(p.inputs):
        square = x.ndim == 2 and x.shape[0] == x.shape[1]
        inputs = [*p.inputs[:j], x.T, *p.inputs[j + 1 :]]
        for edge, block in _blocks_at(chain, inputs) if square else ():
            change = chain.cotangents[edge[0]] @ block - chain.passed(edge)
            text = _at(chain, edge, f"{p.names[j]} is transposed here, or has to be")
            yield Mistake("missing transpose", text, partial(chain.changed, edge, change))


def _blocks_at(chain: Chain, inputs: list[np.ndarray]) -> Iterator[tuple[Edge, np.ndarray]]:
    try:
        values = chain.probe.trace.values(inputs)
    except (ValueError, IndexError):
        return
    if [x.shape for x in values] == [step.value.shape for step in chain.steps]:
        steps = [replace(step, value=x) for step, x in zip(chain.steps, values, strict=True)]
        for number, k in chain.edges:
            yield (number, k), _blocks(steps, steps[number])[k]


def _repeated(chain: Chain) -> Iterator[Mistake]:
    """The same mistake wherever a line, or a function, is used."""
    for edges in _alike(chain):
        several = f"in each of {len(edges)} uses"
        for factor, (kind, text) in _NUMBERS.items():
            scaled = {e: partial(_times, factor, chain.block(e)) for e in edges}
            text = _at(chain, edges[0], f"{text}, {several}")
            yield Mistake(kind, text, partial(chain.ruled, scaled))
        for family in LOCAL:
            for key in _keys(chain, edges[0], family):
                guessed = {e: partial(_guess, chain, e, family, key) for e in edges}
                text = _at(chain, edges[0], f"{key[1]}, {several}")
                yield Mistake(key[0], text, partial(chain.ruled, guessed))


def _alike(chain: Chain) -> list[list[Edge]]:
    """Arguments of several steps with the same line and name, or with the same name alone."""
    groups: dict[tuple[Any, ...], list[Edge]] = {}
    for number, k in chain.edges:
        step = chain.steps[number]
        groups.setdefault((step.place, k), []).append((number, k))
        groups.setdefault((step.name, k, "anywhere"), []).append((number, k))
    found = [edges for edges in groups.values() if len(edges) > 1]
    return [edges for i, edges in enumerate(found) if edges not in found[:i]]


def _keys(chain: Chain, edge: Edge, family: Family) -> list[tuple[str, str]]:
    """What a family says of a step."""
    local = _local(chain, edge[0], chain.cotangents[edge[0]])
    right = local.numeric(edge[1])
    made = [g for g in family(local, edge[1], right) if not is_near(g.value, right)]
    return list(dict.fromkeys((g.kind, g.text) for g in made))


def _times(factor: float, block: np.ndarray, cotangent: np.ndarray) -> np.ndarray:
    return factor * (cotangent @ block)


def _guess(
    chain: Chain, edge: Edge, family: Family, key: tuple[str, str], cotangent: np.ndarray
) -> np.ndarray:
    """What a step passes on by the guess of this kind and text."""
    local = _local(chain, edge[0], cotangent)
    right = local.numeric(edge[1])
    for guess in family(local, edge[1], right):
        if (guess.kind, guess.text) == key and guess.value.size == right.size:
            return guess.value.ravel()
    return np.full(right.size, np.nan)


def _single_use(chain: Chain) -> Iterator[Mistake]:
    """Of several uses of one thing only the last or the first counts."""
    for number in range(len(chain.steps)):
        uses = [edge for edge in chain.edges if chain.parent(edge) == number]
        for which, others in (("last", uses[:-1]), ("first", uses[1:])):
            if len(others) > 1:
                text = f"of {len(uses)} uses of {_name(chain, number)} only the {which} counts"
                yield Mistake("dropped path", text, partial(chain.ruled, _cut(chain, others)))


def _cut(chain: Chain, edges: Iterable[Edge]) -> dict[Edge, Rule]:
    return {edge: partial(_times, 0.0, chain.block(edge)) for edge in edges}


def _pairs(chain: Chain) -> Iterator[Mistake]:
    """Two paths are forgotten."""
    several: dict[bytes, Edge] = {}  # steps in a row are one path
    for edge in chain.edges:
        part = chain.passed(edge) @ chain.dependence[chain.parent(edge)]
        if np.any(part):
            several.setdefault(part.round(9).tobytes(), edge)
    for pair in combinations(list(several.values())[:PAIRS], 2):
        places = " and ".join(_at(chain, edge, "") for edge in pair)
        text = f"{places}: both paths through here are forgotten"
        yield Mistake("dropped path", text, partial(chain.ruled, _cut(chain, pair)))


def _name(chain: Chain, number: int) -> str:
    names = chain.probe.names
    return names[number] if number < len(names) else chain.steps[number].place


def _at(chain: Chain, edge: Edge, text: str) -> str:
    step = chain.steps[edge[0]]
    argument = f", argument {edge[1]}" if len(step.parents) > 1 else ""
    where = f" in {step.where}" if step.where else ""
    return f"at {step.name}{argument}{where}" + (f": {text}" if text else "")


TIERS: tuple[tuple[Search, ...], ...] = (
    (_scaled, _guessed, _shifted), (_turned, _repeated, _single_use), (_pairs,)
)  # fmt: skip
"""Mistakes at one step; where none explains the gradient, repeated ones; then two at once."""


def mistakes(probes: list[Probe], only_single: bool = False) -> list[Mistake]:
    """Mistakes that explain the gradients for all inputs at all probes: at one step, or more."""
    chains = make_chains(probes[0])
    for tier, which in product(TIERS[: 1 if only_single else None], range(len(chains))):
        found = _holding(tier, chains[which], None)
        for p in probes[1:] if found else ():
            again = make_chains(p)[which : which + 1]
            found = _holding(tier, again[0], set(found)) if again else {}
        if found:
            return list(found.values())
    return []


def _holding(
    tier: tuple[Search, ...], chain: Chain, wanted: set[tuple[str, str]] | None
) -> dict[tuple[str, str], Mistake]:
    """The mistakes that explain the gradients at one probe: of those `wanted`, or of all."""
    found = {}
    for mistake in (m for search in tier for m in search(chain)):
        key = mistake.kind, mistake.text
        if (wanted is None or key in wanted) and _explains(mistake, chain):
            found[key] = mistake
    return found


def _explains(mistake: Mistake, chain: Chain) -> bool:
    gradient = mistake.gradient()
    wrong = chain.right + chain.apart
    return is_near(wrong, gradient) and not is_near(gradient, chain.right)
