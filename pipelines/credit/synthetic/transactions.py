"""Two years of account transactions for the customers of a block."""

from dataclasses import dataclass, fields, replace

import numpy as np

from pipelines.credit.config import SyntheticSettings
from pipelines.credit.synthetic.people import AFTER_DAYS, F64, HISTORY_DAYS, I64, People

KINDS = ("SALARY", "UPI", "CARD", "EMI", "EMI_BOUNCE", "CASH", "TRANSFER", "FEE", "OTHER")
SALARY, UPI, CARD, EMI, BOUNCE, CASH, TRANSFER, FEE, OTHER = range(len(KINDS))
_USUAL = (UPI, CARD, EMI, CASH, TRANSFER, FEE, OTHER)
_SHARES = (0.46, 0.2, 0.1, 0.08, 0.1, 0.03, 0.03)
_DAY_SECONDS = 86_400
NO_BALANCE = np.iinfo(np.int64).min


@dataclass(frozen=True)
class Transactions:
    """Transactions, one row each.

    Attributes:
        row: customer, as a row of the block.
        serial: number of the transaction within its customer.
        account: 0 or 1.
        day: business day, days since 1970-01-01.
        second: second of that day.
        amount: paise.
        is_credit: direction.
        kind: place in `KINDS`.
        utilization: NaN where not reported.
        balance: paise; `NO_BALANCE` where not reported.
        category: place of the merchant category, -1 for none.
    """

    row: I64
    serial: I64
    account: I64
    day: I64
    second: I64
    amount: I64
    is_credit: I64
    kind: I64
    utilization: F64
    balance: I64
    category: I64

    def take(self, rows: I64) -> "Transactions":
        """The given rows."""
        return Transactions(*(getattr(self, f.name)[rows] for f in fields(self)))

    def join(self, others: "Transactions") -> "Transactions":
        """Both, one after the other."""
        parts = [(getattr(self, f.name), getattr(others, f.name)) for f in fields(self)]
        return Transactions(*(np.concatenate(pair) for pair in parts))


def make_transactions(
    rng: np.random.Generator, people: People, categories: int, settings: SyntheticSettings
) -> Transactions:
    """Draw salaries, everyday spending and bounced instalments of a block."""
    months = (HISTORY_DAYS + AFTER_DAYS) // 30
    everyday = rng.poisson(settings.monthly_transactions * months * np.exp(
        rng.normal(-0.125, 0.5, len(people.numbers))))  # fmt: skip
    salaries = np.where(people.employment == 0, months, months // 3)
    bounces = rng.poisson(0.35 * np.exp(0.7 * people.risk))
    counts = [np.where(people.thin == 0, part, 0) for part in (everyday, salaries, bounces)]
    counts[0] = counts[0] + np.choose(people.thin, [0, 0, 1, 6])
    row = np.concatenate([np.repeat(np.arange(len(part)), part) for part in counts])
    kind = np.concatenate([
        rng.choice(_USUAL, counts[0].sum(), p=_SHARES),
        np.full(counts[1].sum(), SALARY), np.full(counts[2].sum(), BOUNCE),
    ])  # fmt: skip
    order = np.argsort(row, kind="stable")
    return _describe(rng, people, row[order], kind[order], categories)


def _describe(
    rng: np.random.Generator, people: People, row: I64, kind: I64, categories: int
) -> Transactions:
    n = len(row)
    serial = np.arange(n) - np.searchsorted(row, row)
    recent = people.thin[row] >= 2
    offset = np.where(recent, rng.integers(-150, 0, n), rng.integers(-HISTORY_DAYS, AFTER_DAYS, n))
    income = np.maximum(people.income[row], 2_000_000)
    share = np.where(kind == SALARY, rng.normal(0.9, 0.05, n), np.exp(rng.normal(-3.6, 0.9, n)))
    is_credit = (kind == SALARY) | ((kind == TRANSFER) & (rng.random(n) < 0.5))
    reports = (kind == CARD) & (rng.random(n) < 0.7)
    used = np.clip(people.used[row] + rng.normal(0, 0.1, n), 0, 9)
    balance = income * (np.exp(rng.normal(-0.3, 0.4, n) - 0.3 * people.risk[row]) - 0.25)
    shops = (kind == UPI) | (kind == CARD)
    favourite = people.numbers[row] // 2 % categories
    category = np.where(
        rng.random(n) < 0.4, favourite, np.minimum(rng.geometric(0.2, n) - 1, categories - 1)
    )
    return Transactions(
        row, serial, rng.integers(0, 1 + people.numbers[row] // 2 % 2),
        people.snapshot[row] + offset, rng.integers(0, _DAY_SECONDS, n),
        np.maximum(1, share * income).astype(np.int64), is_credit.astype(np.int64), kind,
        np.where(reports, np.round(used, 4), np.nan),
        np.where(rng.random(n) < 0.6, balance.astype(np.int64), NO_BALANCE),
        np.where(shops, category, -1),
    )  # fmt: skip


def add_defects(
    rng: np.random.Generator, good: Transactions, settings: SyntheticSettings
) -> Transactions:
    """Further rows that the job must leave out: repeated, contradicting and broken ones.

    The good rows stay as they are, so what the job should find is known.
    """
    n = len(good.row)
    repeated = good.take(np.flatnonzero(rng.random(n) < settings.repeated_share))
    conflict = _renumber(good.take(np.flatnonzero(rng.random(n) < settings.conflict_share)), 1)
    other = replace(conflict, amount=conflict.amount + 1)
    broken = _renumber(good.take(np.flatnonzero(rng.random(n) < settings.bad_share)), 2)
    way = rng.integers(0, 4, len(broken.row))
    amount = np.choose(way, [0 * way, -broken.amount, broken.amount, broken.amount])
    wrong = np.choose(way, [broken.utilization, broken.utilization, 11.0, -0.5])
    broken = replace(broken, amount=amount, utilization=wrong)
    return good.join(repeated).join(conflict).join(other).join(broken)


def _renumber(rows: Transactions, way: int) -> Transactions:
    return replace(rows, serial=rows.serial + way * 1_000_000)


def make_hot(people: People, rows: int) -> Transactions:
    """Many UPI payments of the first customer on one day."""
    zeros = np.zeros(rows, dtype=np.int64)
    serial = np.arange(rows)
    return Transactions(
        zeros, serial + 10_000_000, zeros, zeros + people.snapshot[0] - 40, serial % _DAY_SECONDS,
        1_00 + serial % 50_000, zeros, zeros + UPI, np.full(rows, np.nan), zeros + NO_BALANCE,
        serial % 7,
    )  # fmt: skip
