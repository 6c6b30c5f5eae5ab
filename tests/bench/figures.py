"""Figures: taken, printed beside their goals, and kept."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

FIGURES: list[dict] = []


def median_of(times: int, action: Callable[[], object], warm_up: int = 3) -> tuple[float, float]:
    """Median and 95th percentile of an action, in seconds."""
    for _ in range(warm_up):
        action()
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        action()
        taken.append(time.perf_counter() - began)
    return spread(taken)


def spread(taken: list[float]) -> tuple[float, float]:
    taken = sorted(taken)
    return statistics.median(taken), taken[min(len(taken) - 1, int(len(taken) * 0.95))]


def report(name: str, value: float, unit: str, goal: float | None = None, note: str = "") -> None:
    verdict = (
        "" if goal is None else f"goal {goal:g} {unit}: {'met' if value <= goal else f'MISSED by {value / goal:.2f}x'}"
    )
    print(f"  {name:<58} {value:10.3f} {unit:<3} {verdict} {note}".rstrip(), flush=True)
    FIGURES.append({"name": name, "value": value, "unit": unit, "goal": goal})


MS = 1000.0
