"""Applicants of the synthetic population that credit scoring reads."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipelines.produce.domains import Records
from pipelines.produce.files import read_records

TRANSACTIONS_PER_CUSTOMER = 49
"""Mean of the generator with its defaults, to reach about the number that was asked for."""


def make_records(number: int, seed: int, folder: Path) -> Records:
    """About `number` account transactions, and what else is known of those customers."""
    generate = importlib.import_module("pipelines.credit.generate")
    config = importlib.import_module("pipelines.credit.config").CreditConfig(seed=seed)
    customers = max(1, round(number / TRANSACTIONS_PER_CUSTOMER))
    place = generate.write_population(customers, folder, config)

    def table(name: str, subject: str) -> Iterator[Any]:
        return read_records(place / name, f"credit.{subject}")

    observed = (
        record
        for record in table("outcomes", "LoanOutcome")
        if record["observed_date"] <= generate.AS_OF  # a later one has not happened yet
    )
    return {
        "credit.ref-tradelines.v1": table("tradelines", "BureauTradeline"),
        "credit.applications.v1": table("applications", "LoanApplication"),
        "credit.outcomes.v1": observed,
        "credit.transactions.v1": table("transactions", "AccountTransaction"),
    }
