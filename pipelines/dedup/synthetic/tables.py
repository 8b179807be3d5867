"""The name and place tables that ship with the generator."""

import csv
from pathlib import Path

import numpy as np

from pipelines.dedup.synthetic.streams import F64

_DATA = Path(__file__).parent / "data"


def read_rows(name: str) -> list[dict[str, str]]:
    """Rows of one bundled CSV table, in order; order is rank where a table has no weights."""
    with (_DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def split_list(value: str) -> list[str]:
    """Parts of a cell such as `Laxmi|Lakshmy`; an empty cell has none."""
    return value.split("|") if value else []


def zipf(count: int, exponent: float) -> F64:
    """Weights 1/rank^exponent that sum to 1."""
    weights = np.arange(1, count + 1, dtype=np.float64) ** -exponent
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def stack_pools(weights: list[F64]) -> F64:
    """Cumulative weights of several pools end to end: pool p covers the range p to p + 1.

    One `searchsorted(stack, pool + u, side="right")` then draws from any pool.
    """
    steps = []
    for pool, weight in enumerate(weights):
        total = pool + np.cumsum(weight) / weight.sum()
        total[-1] = pool + 1  # rounding must not let the last one spill into the next pool
        steps.append(total)
    return np.concatenate(steps)
