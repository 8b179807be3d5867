"""Customer-days of one batch of transactions, in whole arrays: copies folded, then aggregated.

One sort brings the rows of a transaction together, a second one those of a customer's day; all
sums are exact integers. Squares of amounts need more than 64 bits, so they travel as three sums of
20-bit halves: `(2^20 a + b)^2 = 2^40 aa + 2^21 ab + bb`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

I64 = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

HALF_BITS = 20
BALANCES = pa.list_(
    pa.struct(
        [
            ("account_id", pa.string()),
            ("balance_paise", pa.int64()),
            ("booked_at", pa.timestamp("us", tz="UTC")),
            ("transaction_id", pa.string()),
        ]
    )
)
UPI_COUNTS = pa.list_(pa.struct([("category", pa.string()), ("n", pa.int64())]))
SUMS = ("txn_count", "sum_paise", "square_high", "square_mixed", "square_low", "credit_sum_paise",
        "debit_sum_paise", "bounce_count")  # fmt: skip
_LARGEST_SUM = 2**62


@dataclass(frozen=True)
class _Rows:
    """Transactions sorted by customer, day, account, moment, transaction; `group` is the day."""

    table: pa.Table
    group: I64
    groups: int
    account: I64

    def column(self, name: str) -> I64:
        values: I64 = self.table[name].to_numpy()
        return values


def aggregate_batch(table: pa.Table, categories: Sequence[str]) -> pa.Table:
    """Aggregate transactions to one row per customer and day.

    Args:
        table: all rows of some (customer, day, transaction) keys, with `TRANSACTION_COLUMNS`.
        categories: known merchant categories.

    Returns:
        Key columns, `SUMS`, `max_utilization`, `duplicate_count`, `conflict_count`, `balances`
        by account and `upi_counts` by category.
    """
    table = table.combine_chunks()
    customer, account, booking = (
        _rank(table[name]) for name in ("customer_id", "account_id", "transaction_id")
    )
    day = table["transaction_date"].cast(pa.int32()).to_numpy().astype(np.int64)
    order = np.lexsort((booking, day, customer))
    is_first, is_kept = _fold(table, order, customer, day, booking)
    starts = np.flatnonzero(_changes(customer[order], day[order]))
    copies, conflicts = _left_out(is_first, is_kept, starts)
    keys = table.select(["customer_id", "transaction_date"]).take(pa.array(order[starts]))
    rows = _sort_kept(table, order[is_kept & is_first], (customer, day, account, booking), starts,
                      order)  # fmt: skip
    columns = {name: keys[name] for name in keys.column_names}
    columns |= _sums(rows) | {"max_utilization": _greatest(rows)}
    columns |= {"duplicate_count": pa.array(copies), "conflict_count": pa.array(conflicts)}
    return pa.table(
        columns | {"balances": _balances(rows), "upi_counts": _upi_counts(rows, categories)}
    )


def _rank(texts: pa.ChunkedArray) -> I64:
    """Place of each text among the distinct ones in byte order."""
    ranks: I64 = pc.rank(texts, tiebreaker="dense").to_numpy().astype(np.int64)
    return ranks


def _changes(*keys: I64) -> Bools:
    """Where sorted rows differ from the row before in any key; the first row does."""
    changed = np.zeros(len(keys[0]), dtype=np.bool_)
    changed[:1] = True
    for key in keys:
        changed[1:] |= key[1:] != key[:-1]
    return changed


def _fold(
    table: pa.Table, order: I64, customer: I64, day: I64, booking: I64
) -> tuple[Bools, Bools]:
    """In sorted order: the first row of each transaction, and rows of those without conflict."""
    is_first = _changes(customer[order], day[order], booking[order])
    if is_first.all():
        return is_first, np.ones(len(order), dtype=np.bool_)
    number = np.cumsum(is_first) - 1
    repeated = np.flatnonzero(~is_first)
    here, before = pa.array(order[repeated]), pa.array(order[repeated - 1])
    differs = np.zeros(len(repeated), dtype=np.bool_)
    for name in table.column_names:
        one, other = table[name].take(here), table[name].take(before)
        same = pc.or_kleene(pc.equal(one, other), pc.and_(pc.is_null(one), pc.is_null(other)))
        differs |= ~pc.fill_null(same, False).to_numpy().astype(np.bool_)
    has_conflict = np.zeros(number[-1] + 1, dtype=np.bool_)
    has_conflict[number[repeated[differs]]] = True
    return is_first, ~has_conflict[number]


def _left_out(is_first: Bools, is_kept: Bools, starts: I64) -> tuple[I64, I64]:
    """Copies and conflicting rows of each day."""
    copies = np.add.reduceat((is_kept & ~is_first).astype(np.int64), starts)
    return copies, np.add.reduceat((~is_kept).astype(np.int64), starts)


def _sort_kept(
    table: pa.Table, kept: I64, keys: tuple[I64, I64, I64, I64], starts: I64, order: I64
) -> _Rows:
    customer, day, account, booking = keys
    moment = table["booked_at"].cast(pa.int64()).to_numpy()
    parts = (booking[kept], moment[kept], account[kept], day[kept], customer[kept])
    chosen = kept[np.lexsort(parts)]
    group_at = np.empty(len(order), dtype=np.int64)
    group_at[order] = np.searchsorted(starts, np.arange(len(order)), side="right") - 1
    return _Rows(
        table.take(pa.array(chosen)).combine_chunks(), group_at[chosen], len(starts),
        account[chosen],
    )  # fmt: skip


def _total(rows: _Rows, values: I64) -> pa.Array:
    """Exact sum of each day; a day without rows gets 0."""
    if len(values) and int(np.abs(values).max()) * len(values) > _LARGEST_SUM:
        _require_room(rows, values)
    sums = np.zeros(rows.groups, dtype=np.int64)
    np.add.at(sums, rows.group, values)
    return pa.array(sums)


def _require_room(rows: _Rows, values: I64) -> None:
    rough = np.bincount(rows.group, weights=np.abs(values).astype(np.float64))
    if rough.max() > _LARGEST_SUM:
        raise OverflowError("the amounts of one customer on one day do not fit 64 bits")


def _sums(rows: _Rows) -> dict[str, pa.Array]:
    amount = rows.column("transaction_amount_paise")
    is_credit = _equals(rows.table["direction"], "CREDIT")
    high, low = amount >> HALF_BITS, amount & ((1 << HALF_BITS) - 1)
    ones = np.ones(len(amount), dtype=np.int64)
    is_bounce = _equals(rows.table["kind"], "EMI_BOUNCE")
    values = (
        ones, amount, high * high, high * low, low * low, amount * is_credit,
        amount * ~is_credit, ones * is_bounce,
    )  # fmt: skip
    return {name: _total(rows, part) for name, part in zip(SUMS, values, strict=True)}


def _equals(texts: pa.ChunkedArray, value: str) -> Bools:
    found: Bools = pc.equal(texts, value).to_numpy().astype(np.bool_)
    return found


def _greatest(rows: _Rows) -> pa.Array:
    values = rows.table["credit_utilization"]
    known = pc.is_valid(values).to_numpy().astype(np.bool_)
    best = np.full(rows.groups, -1.0)
    numbers = pc.fill_null(values, -1.0).to_numpy()
    np.maximum.at(best, rows.group[known], numbers[known])
    return pa.array(best, mask=best < 0)


def _balances(rows: _Rows) -> pa.Array:
    """Last balance of each account and day, by account."""
    known = np.flatnonzero(pc.is_valid(rows.table["monthly_balance_paise"]).to_numpy())
    group, account = rows.group[known], rows.account[known]
    is_last = np.append(_changes(group, account)[1:], True) if len(known) else known > 0
    last = rows.table.take(pa.array(known[is_last])).combine_chunks()
    values = [
        last["account_id"], last["monthly_balance_paise"],
        last["booked_at"].cast(BALANCES.value_type.field("booked_at").type),
        last["transaction_id"],
    ]  # fmt: skip
    return _lists(group[is_last], rows.groups, values, BALANCES)


def _upi_counts(rows: _Rows, categories: Sequence[str]) -> pa.Array:
    """UPI debits of each known category and day, by category."""
    names = sorted(categories)
    place = pc.fill_null(pc.index_in(rows.table["merchant_category"], pa.array(names)), -1)
    code = place.to_numpy().astype(np.int64)
    is_payment = _equals(rows.table["kind"], "UPI") & _equals(rows.table["direction"], "DEBIT")
    chosen = np.flatnonzero(is_payment & (code >= 0))
    packed = rows.group[chosen] * len(names) + code[chosen]
    found, counts = np.unique(packed, return_counts=True)
    texts = pa.array(names).take(pa.array(found % len(names)))
    values = [texts, pa.array(counts.astype(np.int64))]
    return _lists(found // len(names), rows.groups, values, UPI_COUNTS)


def _lists(group: I64, groups: int, values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Lists of structs, given the sorted group of each element."""
    offsets = np.searchsorted(group, np.arange(groups + 1)).astype(np.int32)
    flat = [v.combine_chunks() if isinstance(v, pa.ChunkedArray) else v for v in values]
    fields = [kind.value_type.field(i) for i in range(kind.value_type.num_fields)]
    structs = pa.StructArray.from_arrays(flat, fields=fields)
    return pa.ListArray.from_arrays(pa.array(offsets), structs).cast(kind)
