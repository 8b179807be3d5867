"""Features of card payments, each as of the moment of the payment, in one numpy table."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipelines.core.errors import ContractError
from pipelines.upi_fraud.arrays import FloatArray, IntArray
from pipelines.upi_fraud.cards.config import CardConfig
from pipelines.upi_fraud.cards.kernels import (
    CUSTOMER_COLUMNS,
    DAY_S,
    Pattern,
    measure_customers,
)
from pipelines.upi_fraud.cards.terminals import TERMINAL_COLUMNS, measure_terminals

COLUMNS = ("transaction_id", "seconds_since_2018_04_01", "customer_id", "terminal_id",
           "amount_cents", "fraud")  # fmt: skip
FEATURES = (
    "amount", "posterior_logit", "customer_fraud_logit", "terminal_logit", "customer_logit",
    *(f"customer_{name}" for name in CUSTOMER_COLUMNS if name not in ("compromised",
                                                                      "fraud_probability")),
    *(f"terminal_{name}" for name in TERMINAL_COLUMNS if name != "compromised"),
    "hour",
)  # fmt: skip
RISING = ("amount", "posterior_logit", "customer_fraud_logit", "terminal_logit", "customer_logit",
          "customer_times_llr", "customer_amount_over_mean")  # fmt: skip
"""Features that may only raise the score."""


@dataclass(frozen=True)
class Cards:
    """The table, by time.

    Attributes:
        seconds: since day 0.
        customer, terminal: ids.
        amount: currency units.
        fraud: 1 or 0.
    """

    seconds: IntArray
    customer: IntArray
    terminal: IntArray
    amount: FloatArray
    fraud: IntArray

    @property
    def day(self) -> IntArray:
        """Day of each payment."""
        return self.seconds // DAY_S


def read_cards(table: pa.Table) -> Cards:
    """Columns of the card table, sorted by transaction id and checked.

    Raises:
        ContractError: a column is missing, or holds a null or an impossible value; names it.
    """
    missing = [name for name in COLUMNS if name not in table.column_names]
    if missing:
        raise ContractError(f"the card table lacks {', '.join(missing)}; it needs {COLUMNS}")
    for name in COLUMNS:
        if table[name].null_count:
            raise ContractError(f"the card table has {table[name].null_count} nulls in {name}")
    table = table.sort_by([("seconds_since_2018_04_01", "ascending"),
                           ("transaction_id", "ascending")])  # fmt: skip
    columns = {name: table[name].to_numpy().astype(np.int64) for name in COLUMNS}
    if not np.isin(columns["fraud"], (0, 1)).all():
        raise ContractError("the card table has labels other than 0 and 1 in fraud")
    return Cards(
        columns["seconds_since_2018_04_01"], columns["customer_id"], columns["terminal_id"],
        columns["amount_cents"] / 100.0, columns["fraud"],
    )  # fmt: skip


def make_features(cards: Cards, config: CardConfig) -> FloatArray:
    """`FEATURES` of every payment, one column each.

    The posterior joins three independent ways a payment becomes fraud: its amount alone, its
    customer, its terminal.
    """
    pattern = Pattern(*config.pattern.model_dump().values())
    delay = config.split.delay_days * DAY_S
    order, starts = grouped(cards.customer)
    customers = measure_customers(
        order, starts, cards.seconds, cards.amount, cards.fraud, delay, pattern
    )
    explained = customers[:, CUSTOMER_COLUMNS.index("fraud_probability")]
    order, starts = grouped(cards.terminal)
    terminals = measure_terminals(
        order, starts, cards.seconds, cards.amount, cards.fraud, explained, delay, pattern
    )
    by_amount = np.where(cards.amount > pattern.amount_over, 0.999, 0.0)
    posterior = 1 - (1 - by_amount) * (1 - explained) * (1 - terminals[:, 0])
    kept = [n for n, name in enumerate(CUSTOMER_COLUMNS)
            if name not in ("compromised", "fraud_probability")]  # fmt: skip
    return np.column_stack(
        [
            cards.amount, logit(posterior), logit(explained), logit(terminals[:, 0]),
            logit(customers[:, CUSTOMER_COLUMNS.index("compromised")]), customers[:, kept],
            terminals[:, 1:], cards.seconds % DAY_S / 3600,
        ]
    )  # fmt: skip


def grouped(ids: IntArray) -> tuple[IntArray, IntArray]:
    """Rows sorted by id (in order of time within one), and where each id begins."""
    order = np.argsort(ids, kind="stable")
    sorted_ids = ids[order]
    starts = np.flatnonzero(np.concatenate([[True], sorted_ids[1:] != sorted_ids[:-1], [True]]))
    return order, starts


def logit(probability: FloatArray) -> FloatArray:
    """Log odds, clipped to what a double can tell from 0 and 1."""
    clipped = np.clip(probability, 1e-6, 1 - 1e-6)
    return np.log(clipped / (1 - clipped))
