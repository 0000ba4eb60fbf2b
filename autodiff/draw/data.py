"""The view as data for the page: every card, wire and share in words and numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.draw.groups import Cluster
from autodiff.draw.legend import sizes, ways
from autodiff.draw.palette import PATHS
from autodiff.draw.view import NUMERALS, Card, View, norm, shown, shown_delta
from autodiff.inspect.notation import array, number, space
from autodiff.inspect.paths import many
from autodiff.inspect.signals import shortened, step, written
from autodiff.nodes import Node

__all__ = ["around", "parameters", "paths", "state"]


def state(view: View, label: str, svg: str, turned: dict[str, int]) -> dict[str, Any]:
    """One layout of the graph.

    Parameters
    ----------
    view : View
    label : str
        What the layout is called.
    svg : str
    turned : dict
        By the id of a scope, the number of the layout where it is open if it is closed here,
        and the other way round.
    """
    counts = _counts(view)
    return {
        "label": label,
        "svg": svg,
        "order": [card.id for card in view.cards],
        "clusters": [
            {"id": c.id, "name": c.name, "state": turned.get(c.id)} for c in view.clusters
        ],
        "cards": [_card(view, card, counts, turned) for card in view.cards],
        "wires": [
            {"parent": w.parent.id, "child": w.child.id, "paths": w.paths} for w in view.wires
        ],
    }


def _card(
    view: View, card: Card, counts: dict[Node, float], turned: dict[str, int]
) -> dict[str, Any]:
    head = card.group.head
    source = head.info.source if head.info is not None else None
    return {
        "id": card.id,
        "name": card.title,
        "equation": "" if card.kind == "group" else card.subtitle,
        "kind": card.kind,
        "shape": card.space,
        "value": card.value,
        "delta": card.delta,
        "ops": sum(node.op is not None for node in card.group.nodes),
        "scope": step(head),
        "around": around(card.group.within),
        "source": str(source) if source else None,
        "alert": card.alert or None,
        "state": turned.get(card.id),
        "count": _count(counts.get(head, 0.0)),
        "shares": _shares(view, card),
        "partials": [{"to": w.parent.id, "local": w.local, "value": w.slope or None}
                     for w in view.arriving(card)],
    }  # fmt: skip


def around(cluster: Cluster | None) -> list[str]:
    """The ids of a scope and of those around it, the outermost first."""
    ids: list[str] = []
    while cluster is not None:
        ids.insert(0, cluster.id)
        cluster = cluster.outer
    return ids


def _shares(view: View, card: Card) -> list[dict[str, Any]]:
    shares = view.shares(card)
    norms = [norm(share) for _, share in shares]
    largest = max(norms, default=0.0)
    return [
        {"from": wire.child.id, "local": wire.local, "value": _text(share),
         "size": norm / largest if largest else 0.0}
        for (wire, share), norm in zip(shares, norms, strict=True)
    ]  # fmt: skip


def _text(share: Any) -> str:
    return array(np.asarray(share)) if hasattr(share, "rows") else array(share)


def _counts(view: View) -> dict[Node, float]:
    """Numbers of paths from the result, as floats: of a deep graph they have many digits."""
    signals = view.signals
    found = {signals.root: 1.0}
    for node in signals.order:
        for parent in signals.reached(node):
            found[parent] = found.get(parent, 0.0) + found.get(node, 0.0)
    return found


def _count(paths: float) -> str:
    if paths < 1e15:
        return f"{paths:,.0f}"
    return f"{paths:.1e}".replace("e+", "e") if math.isfinite(paths) else "over 1e308"


def paths(view: View) -> dict[str, Any] | None:
    """The legend of the highlighted paths."""
    found = view.found
    if found is None or not found.count:
        return None
    rows = [
        {"numeral": NUMERALS[i], "color": PATHS[i],
         "text": ways(view)[i],
         "contribution": written(path.contribution), "size": size}
        for i, (path, size) in enumerate(zip(view.paths, sizes(view), strict=True))
    ]  # fmt: skip
    hidden = found.count - len(view.paths)
    return {
        "to": view.signals.label(found.target),  # type: ignore[arg-type]
        "rows": rows,
        "rest": f"{many(hidden)} more, together {written(found.rest)}" if hidden else None,
        "total": written(found.total),
        "check": view.check or None,
    }


def parameters(view: View) -> list[dict[str, Any]]:
    """The parameters that are drawn once, with what each use adds."""
    found = []
    for node in view.shared:
        shares = view.signals.by_scope(node)
        largest = max(map(norm, shares.values()), default=0.0)
        sizes_of = zip(shortened([*shares]), map(norm, shares.values()), strict=True)
        rows = [
            {"label": label, "text": number(size), "size": size / largest if largest else 0.0}
            for label, size in sizes_of
        ]
        delta = view.signals.deltas[node]
        found.append({
            "name": view.signals.label(node), "shape": space(node.spec[0]),
            "value": shown(view.signals.known.get(node)), "uses": rows,
            "total": "—" if delta is None else shown_delta(delta),
        })  # fmt: skip
    return found
