"""Make vanishing.png and vanishing.json: ``python docs/pictures/vanishing.py [FOLDER]``.

Recurrent networks learn the adding problem over 50 steps, for some two minutes. Before and after,
error signals are followed from the loss after the last step back to each state.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import autodiff as ad
from models import GRU, RNN
from models.data.adding import adding_problem

FOLDER = Path(__file__).parent
STEPS, HIDDEN, BATCH = 50, 64, 64
UPDATES, EVERY = 1500, 50
SMALLEST = 1e-12  # that the picture shows

elman, gru = partial(RNN, 2, HIDDEN, None), partial(GRU, 2, HIDDEN)


def uniform_elman(**settings: Any) -> RNN:
    """Elman's network with an H that is not orthogonal: entries up to 1/sqrt(hidden)."""
    network, most = elman("tanh", **settings), HIDDEN**-0.5
    H = network.H
    H.data = ad.init.uniform(H.shape, -most, most, rng=1, dtype=H.dtype)
    return network


NETWORKS = {
    "Elman, sigmoid, orthogonal H": (partial(elman, "sigmoid"), 1e-3, "#d95f02", ":"),
    "Elman, tanh, uniform H": (uniform_elman, 1e-3, "#7b3294", "-."),
    "Elman, tanh, orthogonal H": (partial(elman, "tanh"), 1e-3, "#1f77b4", "--"),
    "GRU": (gru, 3e-3, "black", "-"),
}
"""Each network with its learning rate, colour and line."""


class Adder(ad.Module):
    """A recurrent network that answers with one number, read from its last state."""

    def __init__(self, network: Callable[..., Any], dtype: Any = np.float32) -> None:
        self.network = network(rng=0, dtype=dtype)
        self.read = ad.Linear(HIDDEN, 1, rng=0, dtype=dtype)

    def forward(self, xs: Any) -> Any:
        """Answers of shape (batch,) to `xs` of shape (time, batch, 2)."""
        _, h = self.network(xs)
        return self.read(h)[:, 0]


def learn(model: Adder, lr: float) -> list[float]:
    """The mean squared error on other sequences, before training and after some updates each."""
    rng, optimizer = np.random.default_rng(0), ad.optim.Adam(model.parameters(), lr)
    errors = [error(model)]
    for update in range(1, UPDATES + 1):
        xs, targets = adding_problem(BATCH, STEPS, rng)
        optimizer.zero_grad()
        ad.mean((model(xs) - targets) ** 2).backward()
        ad.optim.clip_grad_norm(model.parameters(), 1.0)
        optimizer.step()
        if update % EVERY == 0:
            errors.append(error(model))
    return errors


def error(model: Adder) -> float:
    """The mean squared error on 1,000 sequences that are always the same."""
    xs, targets = adding_problem(1000, STEPS, rng=1)
    with ad.no_grad():
        return float(np.mean((model(xs).data - targets) ** 2))


def norms(network: Callable[..., Any], state: dict[str, np.ndarray]) -> list[float]:
    """The norm of dJ(T)/dh(t) as a part of that of dJ(T)/dh(T), for T - t = 0, 1, 2, ...

    It is the median of 200 sequences, in float64, since the smallest could be zero in float32.
    """
    model = Adder(network, np.float64)
    model.load_state_dict(state)
    xs, targets = adding_problem(200, STEPS, rng=2, dtype=np.float64)
    hs = [np.zeros((200, HIDDEN))]
    for x in xs:
        hs.append(model.network.cell(x, hs[-1]))
    J = 0.5 * ad.sum((model.read(hs[-1])[:, 0] - targets) ** 2)
    signals = ad.signals(J, names={})
    sizes = np.array([np.linalg.norm(signals[h].delta, axis=1) for h in hs[:0:-1]])
    return rounded(np.median(sizes / sizes[0], axis=1))


def rounded(numbers: Any) -> list[float]:
    """Four digits of each, since more would differ from one machine to the next."""
    return [float(f"{number:.4g}") for number in numbers]


def figures() -> dict[str, dict[str, list[float]]]:
    """What is plotted, by network."""
    found: dict[str, Any] = {"at initialisation": {}, "after training": {}, "error": {}}
    for name, (network, lr, *_) in NETWORKS.items():
        model = Adder(network)
        found["at initialisation"][name] = norms(network, model.state_dict())
        found["error"][name] = rounded(learn(model, lr))
        found["after training"][name] = norms(network, model.state_dict())
    return found


def draw(found: dict[str, dict[str, list[float]]]) -> bytes:
    """The picture, as a PNG."""
    figure = Figure(figsize=(12, 4.4), dpi=150, layout="constrained")
    before, after, errors = figure.subplots(1, 3)
    plot_norms(before, found["at initialisation"], "At initialisation")
    plot_norms(after, found["after training"], f"After {UPDATES:,} updates")
    before.set(ylabel="‖∂J(T)/∂h(t)‖ / ‖∂J(T)/∂h(T)‖")
    plot_errors(errors, found["error"])
    lines, names = before.get_legend_handles_labels()
    figure.legend(lines, names, loc="outside lower center", ncols=len(lines), frameon=False)
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    return picture.getvalue()


def plot_norms(axes: Any, lines: dict[str, list[float]], title: str) -> None:
    """Error signals against the way that they have come."""
    plot(axes, lines, 1)
    axes.set(title=title, xlabel="steps back, T − t", yscale="log", ylim=(SMALLEST, 4))
    for name, line in lines.items():
        if line[-1] < SMALLEST:
            place = sum(norm > SMALLEST for norm in line) + 2, SMALLEST * 3
            text = f"falls to $10^{{{np.log10(line[-1]):.0f}}}$"
            axes.annotate(text, place, color=NETWORKS[name][2])


def plot_errors(axes: Any, lines: dict[str, list[float]]) -> None:
    """Errors on new sequences against updates."""
    plot(axes, lines, EVERY)
    axes.set(title="Learning to add", xlabel="updates", yscale="log", ylabel="mean squared error")
    axes.axhline(1 / 6, color="grey", linewidth=1, zorder=0)
    axes.annotate("always 1: 1/6", (UPDATES, 0.21), color="grey", ha="right")


def plot(axes: Any, lines: dict[str, list[float]], every: int) -> None:
    """The numbers of each network as a line."""
    for name, line in lines.items():
        *_, color, style = NETWORKS[name]
        axes.plot(every * np.arange(len(line)), line, style, color=color, label=name)
    axes.grid(alpha=0.3)


def main(folder: Path = FOLDER) -> None:
    """Train, and write the numbers and the picture."""
    found = figures()
    ad.io.replace(folder / "vanishing.json", (json.dumps(found, indent=1) + "\n").encode())
    ad.io.replace(folder / "vanishing.png", draw(found))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
