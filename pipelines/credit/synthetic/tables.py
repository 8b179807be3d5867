"""The generated population as Arrow tables of the job's contracts."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.core.privacy import Tokeniser
from pipelines.credit.synthetic.people import (
    EMPLOYMENTS,
    F64,
    GROUPS,
    I64,
    OUTCOME_DAYS,
    PRODUCTS,
    People,
)
from pipelines.credit.synthetic.transactions import KINDS, NO_BALANCE, Transactions

_DAY_MS = 86_400_000
_KOLKATA_MS = 19_800_000
_STATUSES = ("ACTIVE", "CLOSED", "SETTLED", "WRITTEN_OFF")


@dataclass(frozen=True)
class Applications:
    """Applications of a block: customer's row, amount, months, product, day and millisecond."""

    row: I64
    amount: I64
    tenure: I64
    product: I64
    day: I64
    moment_ms: I64

    def ratio(self, people: People) -> F64:
        """Instalment over income; NaN where none is declared."""
        income = people.income[self.row].astype(np.float64)
        income[income < 0] = np.nan
        ratio: F64 = self.amount / (self.tenure * income)
        return ratio


def make_applications(rng: np.random.Generator, people: People) -> Applications:
    """Draw one application per customer; every twentieth makes a second one."""
    twice = rng.random(len(people.numbers)) < 0.05
    row = np.repeat(np.arange(len(twice)), 1 + twice)
    n = len(row)
    income = np.maximum(people.income[row], 2_000_000)
    tenure = rng.integers(6, 61, n)
    burden = np.exp(rng.normal(-1.4, 0.6, n))
    day = people.snapshot[row] - rng.integers(0, 30, n)
    return Applications(
        row, np.maximum(1, burden * tenure * income).astype(np.int64), tenure,
        rng.integers(0, len(PRODUCTS), n), day, rng.integers(0, _DAY_MS, n),
    )  # fmt: skip


def names(values: tuple[str, ...], places: I64) -> pa.Array:
    """Texts by their places; a place below 0 is null."""
    indices = pa.array(places, mask=places < 0, type=pa.int32())
    return pa.DictionaryArray.from_arrays(indices, pa.array(values)).cast(pa.string())


def dates(days: I64) -> pa.Array:
    """Dates of days since 1970-01-01; a day below 0 is null."""
    return pa.array(days.astype(np.int32), mask=days < 0, type=pa.int32()).cast(pa.date32())


def instants(day: I64, milliseconds: I64) -> pa.Array:
    """UTC instants of a moment of the day in Asia/Kolkata."""
    epoch = day * _DAY_MS + milliseconds - _KOLKATA_MS
    return pa.array(epoch * 1000, type=pa.timestamp("us", tz="UTC"))


def amounts(values: I64, is_null: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> pa.Array:
    """Paise, null where told."""
    return pa.array(values, mask=is_null, type=pa.int64())


def _number(values: I64) -> pa.Array:
    return pc.cast(pa.array(values), pa.string())


def _envelope(ids: pa.Array, moments: pa.Array) -> dict[str, pa.Array]:
    full = partial(pa.repeat, size=len(ids))
    return {
        "event_id": ids,
        "event_time": moments,
        "ingest_time": pa.nulls(len(ids), pa.timestamp("us", tz="UTC")),
        "source": full(pa.scalar("synthetic")),
        "schema_version": full(pa.scalar(1, pa.int32())),
        "region": full(pa.scalar("UNKNOWN")),
        "priority": full(pa.scalar(5, pa.int32())),
    }


def customer_tokens(people: People, tokeniser: Tokeniser) -> pa.Array:
    """Token of each customer of the block."""
    return tokeniser.token_columns(pc.binary_join_element_wise(
        "customer", _number(people.numbers), "-"))[0]  # fmt: skip


def application_table(
    found: Applications, people: People, tokens: pa.Array
) -> tuple[pa.Table, pa.Array]:
    """`credit.LoanApplication` rows, and the application ids."""
    serial = np.arange(len(found.row)) - np.searchsorted(found.row, found.row)
    ids = pc.binary_join_element_wise(
        "A", _number(people.numbers[found.row]), _number(serial), "-")  # fmt: skip
    moments = instants(found.day, found.moment_ms)
    income = people.income[found.row]
    table = _envelope(ids, moments) | {
        "application_id": ids,
        "customer_id": tokens.take(pa.array(found.row)),
        "applied_at": moments,
        "product": names(PRODUCTS, found.product),
        "requested_amount_paise": pa.array(found.amount),
        "tenure_months": pa.array(found.tenure, pa.int32()),
        "monthly_income_paise": amounts(income, income < 0),
        "employment": names(EMPLOYMENTS, people.employment[found.row]),
        "customer_since_date": dates(people.since[found.row]),
    }
    return pa.table(table), ids


def transaction_table(
    found: Transactions, people: People, tokens: pa.Array, categories: tuple[str, ...]
) -> pa.Table:
    """`credit.AccountTransaction` rows."""
    numbers = _number(people.numbers[found.row])
    ids = pc.binary_join_element_wise("T", numbers, _number(found.serial), "-")
    moments = instants(found.day, found.second * 1000)
    account = tokens.take(pa.array(found.row))
    return pa.table(_envelope(ids, moments) | {
        "transaction_id": ids,
        "customer_id": account,
        "account_id": pc.binary_join_element_wise(account, _number(found.account), "."),
        "transaction_date": dates(found.day),
        "booked_at": moments,
        "transaction_amount_paise": pa.array(found.amount),
        "direction": names(("DEBIT", "CREDIT"), found.is_credit),
        "monthly_balance_paise": amounts(found.balance, found.balance == NO_BALANCE),
        "credit_utilization": pa.array(found.utilization, mask=np.isnan(found.utilization)),
        "kind": names(KINDS, found.kind),
        "merchant_category": names(categories, found.category),
    })  # fmt: skip


def tradeline_table(
    rng: np.random.Generator, people: People, tokens: pa.Array, share: float
) -> pa.Table:
    """`credit.BureauTradeline` rows: up to three reports of up to three lines a customer."""
    lines = np.where(rng.random(len(people.numbers)) < share, rng.integers(1, 4, len(tokens)), 0)
    row = np.repeat(np.arange(len(lines)), lines)
    n = len(row)
    late = np.exp(-2.6 + 0.7 * people.risk[row])[:, None]
    due = np.where(rng.random((n, 36)) < late, rng.choice((15, 30, 60, 90), (n, 36)), 0)
    opened = people.snapshot[row] - rng.integers(100, 2500, n)
    reported = people.snapshot[row] - rng.integers(-20, 60, n)
    limit = (np.exp(rng.normal(12, 0.8, n)) * 100).astype(np.int64)
    status = rng.choice(4, n, p=(0.7, 0.25, 0.03, 0.02))
    serial = np.arange(n) - np.searchsorted(row, row)
    ids = pc.binary_join_element_wise("L", _number(people.numbers[row]), _number(serial), "-")
    items = pa.array(due.ravel().astype(np.int32))
    owed = (limit * np.clip(people.used[row] + rng.normal(0, 0.2, n), 0, 1.5)).astype(np.int64)
    return pa.table({
        "event_id": ids,
        "event_time": instants(reported, np.zeros(n, dtype=np.int64)),
        "tradeline_id": ids,
        "customer_id": tokens.take(pa.array(row)),
        "reported_date": dates(reported),
        "opened_date": dates(opened),
        "closed_date": dates(np.where(status == 0, -1, reported)),
        "product": names(PRODUCTS, rng.integers(0, len(PRODUCTS), n)),
        "sanctioned_limit_paise": pa.array(limit),
        "outstanding_balance_paise": pa.array(np.where(status == 0, owed, 0)),
        "days_past_due": pa.ListArray.from_arrays(np.arange(0, 36 * n + 1, 36, np.int32), items),
        "status": names(_STATUSES, status),
    })  # fmt: skip


def outcome_table(rng: np.random.Generator, p: F64, ids: pa.Array, snapshot: I64) -> pa.Table:
    """`credit.LoanOutcome` rows: a Bernoulli draw of p, one in a hundred indeterminate."""
    observed = snapshot + OUTCOME_DAYS
    is_default = pa.array(rng.random(len(p)) < p, mask=rng.random(len(p)) < 0.01)
    return pa.table(_envelope(ids, instants(observed, np.zeros(len(p), dtype=np.int64))) | {
        "application_id": ids,
        "as_of_date": dates(snapshot),
        "observed_date": dates(observed),
        "is_default": is_default,
    })  # fmt: skip


def fairness_table(people: People, tokens: pa.Array) -> pa.Table:
    """`credit.FairnessAttribute` rows."""
    told = {name: names(GROUPS[name], places) for name, places in people.groups.items()}
    zeros = np.zeros(len(people.numbers), dtype=np.int64)
    moments = instants(people.snapshot, zeros)
    return pa.table({"event_id": tokens, "event_time": moments, "customer_id": tokens, **told})
