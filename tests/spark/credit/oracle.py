"""Features of one customer by plain loops over transactions; shares no code with the job."""

import math
from collections import defaultdict
from datetime import date, timedelta
from fractions import Fraction


def naive_features(rows, as_of, categories, lookback=730):
    start = as_of - timedelta(days=lookback)
    inside = [r for r in rows if start <= r["transaction_date"] < as_of]
    amounts = [r["transaction_amount_paise"] for r in inside]
    used = [r["credit_utilization"] for r in inside if r["credit_utilization"] is not None]
    n = len(amounts)
    return {
        "total_volume_paise": sum(amounts),
        "transaction_count": n,
        "max_utilization": max(used, default=None),
        "spending_volatility": _deviation(amounts) if n > 1 else None,
        "missed_payment_count": sum(r["kind"] == "EMI_BOUNCE" for r in inside),
        "active_days": len({r["transaction_date"] for r in inside}),
        "avg_balance_paise": _average_balance(inside, as_of),
        "inflow_regularity": _regularity(
            [r for r in inside if r["direction"] == "CREDIT"], start, as_of
        ),
        "outflow_regularity": _regularity(
            [r for r in inside if r["direction"] == "DEBIT"], start, as_of
        ),
        "upi_merchant_diversity": _diversity(inside, categories),
    }


def _deviation(amounts):
    mean = Fraction(sum(amounts), len(amounts))
    return math.sqrt(sum((a - mean) ** 2 for a in amounts) / (len(amounts) - 1))


def _next_month(month):
    return (month[0] + month[1] // 12, month[1] % 12 + 1)


def _average_balance(rows, as_of):
    latest = defaultdict(dict)
    for r in sorted(
        rows, key=lambda r: (r["transaction_date"], r["booked_at"], r["transaction_id"])
    ):
        if r["monthly_balance_paise"] is not None:
            day = r["transaction_date"]
            latest[r["account_id"]][day.year, day.month] = r["monthly_balance_paise"]
    if not latest:
        return None
    month, last = min(m for seen in latest.values() for m in seen), as_of - timedelta(days=1)
    total, months, held = 0, 0, {}
    while month <= (last.year, last.month):
        for account, seen in latest.items():
            held[account] = seen.get(month, held.get(account, 0))
        total, months, month = total + sum(held.values()), months + 1, _next_month(month)
    return math.floor(Fraction(total, months) + Fraction(1, 2))


def _regularity(rows, start, as_of):
    sums = defaultdict(int)
    for r in rows:
        sums[r["transaction_date"].year, r["transaction_date"].month] += r[
            "transaction_amount_paise"
        ]
    complete, month = [], (start.year, start.month)
    while True:
        first, after = date(*month, 1), date(*_next_month(month), 1)
        if after > as_of:
            break
        if first >= start:
            complete.append(sums.get(month, 0))
        month = _next_month(month)
    while complete and not complete[0]:
        complete.pop(0)
    if len(complete) < 3:
        return None
    mean = sum(complete) / len(complete)
    spread = math.sqrt(sum((c - mean) ** 2 for c in complete) / len(complete))
    return 1 / (1 + spread / mean)


def _diversity(rows, categories):
    counts = defaultdict(int)
    for r in rows:
        if (
            r["kind"] == "UPI"
            and r["direction"] == "DEBIT"
            and r["merchant_category"] in categories
        ):
            counts[r["merchant_category"]] += 1
    total = sum(counts.values())
    if not total:
        return None
    return -sum(c / total * math.log(c / total) for c in counts.values()) / math.log(
        len(categories)
    )
