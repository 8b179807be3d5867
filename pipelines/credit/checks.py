"""Rules on single input rows: who is set aside, and under which code."""

from collections.abc import Sequence

from pipelines.core.contracts import get_contract
from pipelines.core.quality import Rule
from pipelines.credit.config import CreditConfig

CONFLICT = "DUPLICATE_CONFLICT"
IDENTITY_NUMBER = "IDENTITY_NUMBER"
MAX_PAISE = 10**12
MAX_BALANCE_PAISE = 10**15
"""Leaves room for day and sign when a balance is packed into one long, see `balances.py`."""

MAX_TENURE_MONTHS = 480
MAX_UTILIZATION = 10

_IDENTITY_NUMBER = r"^[0-9][0-9 -]{10,}[0-9]$"


def _reject(code: str, condition: str) -> Rule:
    return Rule(code, condition, "reject", severity="WARN")


def key_rules(*columns: str) -> list[Rule]:
    """Keys must be there, and the customer's must be a token."""
    empty = " OR ".join(f"{name} IS NULL OR trim(string({name})) = ''" for name in columns)
    return [
        _reject("MISSING_KEY", empty),
        _reject(IDENTITY_NUMBER, f"customer_id RLIKE '{_IDENTITY_NUMBER}'"),
    ]


def symbols(subject: str, field: str) -> tuple[str, ...]:
    """Known symbols of an enum field; UNKNOWN is none of them."""
    fields = get_contract(subject).tree["fields"]
    avro = next(one["type"] for one in fields if one["name"] == field)
    return tuple(symbol for symbol in avro["symbols"] if symbol != "UNKNOWN")


def _symbol_rule(field: str, known: Sequence[str]) -> Rule:
    names = ", ".join(f"'{name}'" for name in known)
    return _reject(f"UNKNOWN_SYMBOL {field}", f"{field} IS NULL OR {field} NOT IN ({names})")


def transaction_rules() -> list[Rule]:
    """Rules of `credit.AccountTransaction`."""
    record = "credit.AccountTransaction"
    keys = ("customer_id", "account_id", "transaction_id", "transaction_date", "booked_at")
    return [
        *key_rules(*keys),
        _reject(
            "AMOUNT_OUT_OF_RANGE",
            f"coalesce(transaction_amount_paise NOT BETWEEN 1 AND {MAX_PAISE}, true)",
        ),
        _reject(
            "BALANCE_OUT_OF_RANGE",
            f"monthly_balance_paise NOT BETWEEN -{MAX_BALANCE_PAISE} AND {MAX_BALANCE_PAISE}",
        ),
        # NaN is above every number in Spark, so the range refuses it too.
        _reject(
            "UTILIZATION_OUT_OF_RANGE", f"credit_utilization NOT BETWEEN 0 AND {MAX_UTILIZATION}"
        ),
        *(_symbol_rule(name, symbols(record, name)) for name in ("direction", "kind")),
    ]


def application_rules(config: CreditConfig) -> list[Rule]:
    """Rules of `credit.LoanApplication`; `as_of_date` is the day of its snapshot."""
    applied = "date(from_utc_timestamp(applied_at, 'Asia/Kolkata'))"
    oldest = f"date_sub(as_of_date, {config.window.max_application_age_days})"
    paise = f"BETWEEN 1 AND {MAX_PAISE}"
    bad = {
        "requested_amount_paise": f"coalesce(requested_amount_paise NOT {paise}, true)",
        "tenure_months": f"coalesce(tenure_months NOT BETWEEN 1 AND {MAX_TENURE_MONTHS}, true)",
        "monthly_income_paise": f"monthly_income_paise NOT {paise}",
        "customer_since_date": "customer_since_date > as_of_date",
    }
    return [
        *key_rules("customer_id", "application_id", "applied_at"),
        _reject("APPLIED_AFTER_AS_OF", f"{applied} > as_of_date"),
        _reject("STALE_APPLICATION", f"{applied} < {oldest}"),
        *(_reject(f"BAD_APPLICATION {name}", condition) for name, condition in bad.items()),
        _symbol_rule("product", symbols("credit.LoanApplication", "product")),
        _symbol_rule("employment", config.employments),
    ]


def tradeline_rules() -> list[Rule]:
    """Rules of `credit.BureauTradeline`."""
    return [
        *key_rules("customer_id", "tradeline_id", "reported_date"),
        _reject(
            "LIMIT_OUT_OF_RANGE",
            f"coalesce(sanctioned_limit_paise NOT BETWEEN 0 AND {MAX_BALANCE_PAISE}, true)",
        ),
        _reject(
            "BALANCE_OUT_OF_RANGE",
            f"coalesce(abs(outstanding_balance_paise) > {MAX_BALANCE_PAISE}, true)",
        ),
        _reject("OPENED_AFTER_REPORT", "opened_date > reported_date"),
        _symbol_rule("status", symbols("credit.BureauTradeline", "status")),
    ]
