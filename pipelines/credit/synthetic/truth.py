"""True default probabilities of the generated population: a function of realised features.

`additive`: `logit p = -3.9 + 2.6 u + 0.55 m - 0.012 b + 2.2 r + e`, with u the highest
utilization (at most 1.2), m the bounced instalments (at most 4), b months on book, r the instalment
against income (at most 1, 0.3 where not declared) and e 0, 0.35 or 0.7 by employment. `interaction`
adds 1.6 where u > 0.7 and m > 0, and takes 0.8 where b > 60 and u < 0.3.
"""

from dataclasses import dataclass

import numpy as np

from pipelines.credit.synthetic.people import F64, I64, People
from pipelines.credit.synthetic.transactions import BOUNCE, Transactions

LOOKBACK_DAYS = 730
_EMPLOYMENT = np.array([0.0, 0.35, 0.7])


@dataclass(frozen=True)
class Realised:
    """Features of customers as they turned out [customers]."""

    used: F64
    bounces: I64
    months: I64

    def take(self, rows: I64) -> "Realised":
        """The given customers, in the given order."""
        return Realised(self.used[rows], self.bounces[rows], self.months[rows])


def realise(people: People, transactions: Transactions) -> Realised:
    """Features of the window that ends before each snapshot."""
    n, row = len(people.numbers), transactions.row
    age = people.snapshot[row] - transactions.day
    inside = (age >= 1) & (age <= LOOKBACK_DAYS)
    used = np.full(n, -1.0)
    reported = inside & ~np.isnan(transactions.utilization)
    np.maximum.at(used, row[reported], transactions.utilization[reported])
    bounced = inside & (transactions.kind == BOUNCE)
    first = np.full(n, np.iinfo(np.int64).max)
    np.minimum.at(first, row[inside], transactions.day[inside])
    known = np.where(people.since >= 0, people.since, first)
    start = np.minimum(np.minimum(first, known), people.snapshot)
    months = np.clip(whole_months(start, people.snapshot), 0, 120)
    return Realised(np.maximum(used, 0), np.bincount(row[bounced], minlength=n), months)


def whole_months(start: I64, end: I64) -> I64:
    """Whole calendar months between two days, days since 1970-01-01."""
    months, days = [], []
    for part in (start, end):
        dates = part.astype("datetime64[D]")
        month = dates.astype("datetime64[M]")
        months.append(month.astype(np.int64))
        days.append((dates - month).astype(np.int64))
    whole: I64 = months[1] - months[0] - (days[1] < days[0])
    return whole


def default_probability(found: Realised, ratio: F64, employment: I64, has_interaction: bool) -> F64:
    """Probability of default of applications [n].

    Args:
        found: realised features of the applicant [n].
        ratio: instalment over income, NaN where no income is declared [n].
        employment: place in `EMPLOYMENTS` [n].
        has_interaction: scenario `interaction`.
    """
    used, bounces = np.minimum(found.used, 1.2), np.minimum(found.bounces, 4)
    burden = np.minimum(np.nan_to_num(ratio, nan=0.3), 1.0)
    logit = -3.9 + 2.6 * used + 0.55 * bounces - 0.012 * found.months + 2.2 * burden
    logit = logit + _EMPLOYMENT[employment]
    if has_interaction:
        logit = logit + 1.6 * ((used > 0.7) & (bounces > 0))
        logit = logit - 0.8 * ((found.months > 60) & (used < 0.3))
    p: F64 = 1 / (1 + np.exp(-logit))
    return p


def known_ceiling(p: F64) -> float:
    """Expected AUC of the true probabilities themselves, which no score can exceed on average.

    `sum p_i (1 - p_j) [p_i > p_j, ties 1/2] / sum p_i (1 - p_j)` over i != j.
    """
    values, inverse = np.unique(p, return_inverse=True)
    counts = np.bincount(inverse)
    bad, good = counts * values, counts * (1 - values)
    below = np.cumsum(good) - good
    # Pairs of one application with itself are in neither sum.
    own = float((p * (1 - p)).sum())
    won = float((bad * below).sum() + ((bad * good).sum() - own) / 2)
    return won / (float(bad.sum() * good.sum()) - own)
