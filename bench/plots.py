"""The plots, as SVG: run by the benchmark's own environment, which has matplotlib.

`python -m bench.plots RESULTS DIRECTORY`
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import matplotlib
from matplotlib import pyplot

from bench.places import file_word
from bench.results import BOARDS, SIMULATED, Results, Sample

Value = Callable[[Sample], float]
BOARD_PLOTS = ("first run", "nothing to change", "dry run")
GROWTH_PLOTS = ("first run", "first run, state at its end", "nothing to change", "refresh")


def main(results: str, directory: str) -> int:
    """Draw all that there is data for."""
    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "helicon", "svg.fonttype": "none", "font.size": 9})
    data, place = Results.load(Path(results)), Path(directory)
    place.mkdir(parents=True, exist_ok=True)
    for scenario in BOARD_PLOTS:
        chosen = [one for one in data.samples if (one.kind, one.scenario) == (BOARDS, scenario)]
        curves(chosen, place / f"boards-{file_word(scenario)}.svg", f"Boards: {scenario}", "seconds", _wall)
    for scenario in GROWTH_PLOTS:
        chosen = [one for one in data.samples if (one.kind, one.scenario) == (SIMULATED, scenario)]
        title = f"Simulated machines: {scenario}"
        curves(chosen, place / f"growth-{file_word(scenario)}.svg", title, "seconds", _wall)
    own = [one for one in data.samples if one.kind == SIMULATED and one.contender == "helicon"]
    firsts = [one for one in own if one.scenario == "first run"]
    curves(
        firsts,
        place / "growth-memory.svg",
        "Provider's process, first run",
        "MiB",
        lambda one: one.cost.provider,
    )
    states = [one for one in own if one.scenario == "state"]
    curves(
        states, place / "growth-state.svg", "Checkpoint", "KiB", lambda one: one.per_host["checkpoint"] / 1024
    )
    return 0


def curves(samples: Iterable[Sample], path: Path, title: str, unit: str, value: Value) -> None:
    """One curve for each contender over the number of machines: medians, with the spread as bars."""
    good = [one for one in samples if not one.problems]
    if not good:
        path.unlink(missing_ok=True)
        return
    figure, axes = pyplot.subplots(figsize=(7, 4.2))
    for name in dict.fromkeys(one.contender for one in good):
        mine = [one for one in good if one.contender == name]
        _curve(axes, name, mine, value)
    axes.set_xscale("log")
    axes.set_yscale("log")
    sizes = sorted({one.size for one in good})
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.minorticks_off()
    axes.set(title=title, xlabel="machines", ylabel=f"{unit} (median, smallest to largest)")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(path, metadata={"Date": None}, bbox_inches="tight")
    pyplot.close(figure)


def _curve(axes: matplotlib.axes.Axes, name: str, samples: list[Sample], value: Value) -> None:
    sizes = sorted({one.size for one in samples})
    values = [[value(one) for one in samples if one.size == size] for size in sizes]
    middle = [statistics.median(one) for one in values]
    low = [mid - min(one) for mid, one in zip(middle, values, strict=True)]
    high = [max(one) - mid for mid, one in zip(middle, values, strict=True)]
    axes.errorbar(sizes, middle, yerr=[low, high], marker="o", markersize=3, capsize=2, label=name)


def _wall(one: Sample) -> float:
    return one.cost.wall


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
