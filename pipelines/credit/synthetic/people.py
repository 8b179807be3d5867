"""Customers of one block and what drives their risk; a pure function of seed and block number."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.credit.config import SyntheticSettings

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

BLOCK = 1_000
"""Customers that share one stream of random numbers; blocks may be made in any order."""

HISTORY_DAYS, AFTER_DAYS, OUTCOME_DAYS = 760, 30, 365
TRAIN_GAP_DAYS = OUTCOME_DAYS + 1
"""Half of the customers applied so long ago that their outcome is known."""

EMPLOYMENTS = ("SALARIED", "SELF_EMPLOYED", "OTHER")
PRODUCTS = ("PERSONAL", "HOME", "VEHICLE", "EDUCATION", "BUSINESS")
GROUPS = {
    "gender": ("FEMALE", "MALE", "OTHER"),
    "religion": ("R1", "R2", "R3", "R4"),
    "caste_category": ("C1", "C2", "C3", "C4"),
    "state": ("S01", "S02", "S03", "S04", "S05", "S06"),
    "age_band": ("18-25", "26-35", "36-50", "51-65"),
}
"""Neutral names: the population says nothing about real groups."""

HARMED = ("caste_category", 3)
"""Attribute and place of the group that `disparity` harms."""


@dataclass(frozen=True)
class People:
    """Customers, one row each; days count from 1970-01-01.

    Attributes:
        numbers: number of the customer.
        snapshot: day whose features describe the application.
        risk: hidden trait, standard normal before any planted disparity.
        employment: place in `EMPLOYMENTS`.
        income: declared income, paise a month; -1 where it is not declared.
        since: first day as a customer; -1 where unknown.
        used: usual utilization.
        thin: 0 rich, 1 no history, 2 a single transaction, 3 a short history.
        groups: place of the group by attribute.
    """

    numbers: I64
    snapshot: I64
    risk: F64
    employment: I64
    income: I64
    since: I64
    used: F64
    thin: I64
    groups: dict[str, I64]

    @property
    def is_new(self) -> Bools:
        """Who applies at the newest snapshot, and not a year before."""
        flags: Bools = self.snapshot == self.snapshot.max()
        return flags


def stream(seed: int, block: int) -> np.random.Generator:
    """Random numbers of a block: counter-based, so no block depends on another."""
    return np.random.Generator(np.random.Philox(key=np.array([seed, block], dtype=np.uint64)))


def make_people(
    rng: np.random.Generator, numbers: I64, as_of_day: int, settings: SyntheticSettings
) -> People:
    """Draw the customers of a block."""
    n = len(numbers)
    snapshot = np.where(numbers % 2 == 0, as_of_day - TRAIN_GAP_DAYS, as_of_day)
    groups = {name: rng.integers(0, len(g), n) for name, g in GROUPS.items()}
    attribute, harmed = HARMED
    risk = rng.standard_normal(n) + settings.disparity * (groups[attribute] == harmed)
    employment = rng.choice(3, n, p=(0.6, 0.28, 0.12))
    income = np.exp(rng.normal(10.5, 0.5, n) - 0.15 * risk) * 100
    since = snapshot - rng.integers(20, 3650, n)
    used = 1 / (1 + np.exp(0.9 - 0.9 * risk - rng.normal(0, 0.5, n)))
    used = used + settings.shift * (snapshot == as_of_day)
    thin = np.where(rng.random(n) < settings.thin_share, rng.integers(1, 4, n), 0)
    return People(
        numbers, snapshot, risk, employment,
        np.where(rng.random(n) < 0.06, -1, income.astype(np.int64)),
        np.where(rng.random(n) < 0.15, -1, since), used, thin, groups,
    )  # fmt: skip
