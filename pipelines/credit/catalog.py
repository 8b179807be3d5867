"""The features a scorecard may use: what each is made of, its direction and how it is explained."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from pipelines.credit.binning import Trend
from pipelines.credit.errors import ProtectedFeatureError

Kind = Literal["number", "category"]

PROTECTED = ("gender", "sex", "religion", "caste", "caste_category", "community", "marital_status",
             "dependents", "age", "age_band", "date_of_birth")  # fmt: skip
PROXIES = ("state", "pincode", "postal_code", "language", "surname", "name", "foreign_worker",
           "nationality")  # fmt: skip


@dataclass(frozen=True)
class FeatureSpec:
    """One attribute.

    Attributes:
        name: column of the feature table.
        kind: number or category.
        sources: input fields it is made of, as `record.field`; what `refuse_protected` looks at.
        text: what a reason on it says to an applicant.
        trend: declared order of its points, or `auto`.
        cuts: cuts that every binning of it has.
    """

    name: str
    kind: Kind
    sources: tuple[str, ...]
    text: str
    trend: Trend = "auto"
    cuts: tuple[float, ...] = ()

    @property
    def code(self) -> str:
        """Reason code: stable, made of the name."""
        return re.sub(r"[^A-Z0-9]+", "_", self.name.upper()).strip("_")


_TX, _APP, _BUREAU = "account_transaction", "loan_application", "bureau_tradeline"


def _number(name: str, record: str, fields: str, text: str, trend: Trend = "auto") -> FeatureSpec:
    sources = tuple(f"{record}.{field}" for field in fields.split())
    return FeatureSpec(name, "number", sources, text, trend)


CATALOG: tuple[FeatureSpec, ...] = (
    _number("total_volume_paise", _TX, "transaction_amount_paise", "Total volume of transactions"),
    _number("transaction_count", _TX, "transaction_id", "Number of transactions"),
    FeatureSpec(
        "avg_balance_paise", "number", (f"{_TX}.monthly_balance_paise",),
        "Average month-end balance", cuts=(0.0,),
    ),
    _number("max_utilization", _TX, "credit_utilization", "Highest credit utilization", "falling"),
    _number(
        "spending_volatility", _TX, "transaction_amount_paise", "Variation of transaction amounts"
    ),
    FeatureSpec(
        "months_on_book", "number", (f"{_APP}.customer_since_date", f"{_TX}.transaction_date"),
        "Length of the relationship", "rising",
    ),
    _number(
        "inflow_regularity", _TX, "transaction_amount_paise direction transaction_date",
        "Regularity of money coming in",
    ),
    _number(
        "outflow_regularity", _TX, "transaction_amount_paise direction transaction_date",
        "Regularity of money going out",
    ),
    _number("missed_payment_count", _TX, "kind", "Instalments that bounced", "falling"),
    _number(
        "upi_merchant_diversity", _TX, "merchant_category kind direction",
        "Variety of merchants paid by UPI",
    ),
    _number("active_days", _TX, "transaction_date", "Days with a transaction"),
    _number(
        "instalment_to_income", _APP, "requested_amount_paise tenure_months monthly_income_paise",
        "Instalment against declared income",
    ),
    FeatureSpec("employment", "category", (f"{_APP}.employment",), "Kind of employment"),
    FeatureSpec("product", "category", (f"{_APP}.product",), "Kind of loan"),
    _number("dpd30_months", _BUREAU, "days_past_due", "Months 30 or more days overdue", "falling"),
    _number("open_tradelines", _BUREAU, "status", "Number of running loans and cards"),
    _number(
        "bureau_utilization", _BUREAU, "outstanding_balance_paise sanctioned_limit_paise",
        "Use of sanctioned limits", "falling",
    ),
)  # fmt: skip


def refuse_protected(specs: Iterable[FeatureSpec]) -> None:
    """Refuse features made of protected attributes, whatever they are called themselves.

    Raises:
        ProtectedFeatureError: names feature and source field; a stand-in is called a proxy.
    """
    for spec in specs:
        for source in spec.sources:
            field = re.sub(r"[^a-z0-9]+", "_", source.rpartition(".")[2].lower()).strip("_")
            if field in PROTECTED:
                raise ProtectedFeatureError(
                    f"feature {spec.name}: its source {source} is a protected attribute; "
                    "remove the feature"
                )
            if field in PROXIES:
                raise ProtectedFeatureError(
                    f"feature {spec.name}: its source {source} is a proxy for a protected "
                    "attribute; remove the feature"
                )
