"""Synthetic UPI payments with frauds among them, in the order of arrival; merchants first."""

import importlib
from pathlib import Path

from pipelines.core.wire import Wire
from pipelines.produce.domains import Records


def make_records(number: int, seed: int, folder: Path) -> Records:
    """About `number` payments, copies and late ones included; damaged bytes are no records."""
    generate = importlib.import_module("pipelines.upi_fraud.generate").generate
    config = importlib.import_module("pipelines.upi_fraud.config").UpiConfig()
    size = {"transactions": number, "payers": max(50, number // 10), "corrupt_share": 0.0}
    made = generate(config.generator.model_copy(update=size), config.times, seed)
    wire = Wire("upi.Transaction")
    return {
        "upi.ref-merchants.v1": made.merchants,
        "upi.transactions.v1": (
            wire.decode(value.as_py()) for value in made.payments["message_value"]
        ),
    }
