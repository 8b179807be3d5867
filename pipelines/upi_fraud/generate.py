"""Seeded UPI payments with known truth: equal settings and seed give equal bytes.

python -m pipelines.upi_fraud.generate --out DIR     payments.parquet, truth.parquet, merchants
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.core.cli import main_guard
from pipelines.core.wire import Wire
from pipelines.upi_fraud.config import GeneratorSettings, TimeSettings, UpiConfig
from pipelines.upi_fraud.hashing import partition_of
from pipelines.upi_fraud.synthetic.delivery import Message, deliver
from pipelines.upi_fraud.synthetic.drafts import join
from pipelines.upi_fraud.synthetic.frauds import draw_frauds, make_scene
from pipelines.upi_fraud.synthetic.genuine import everyday, look_alikes
from pipelines.upi_fraud.synthetic.people import START_MS, make_people

MESSAGE_COLUMNS = pa.schema(
    [
        pa.field("kafka_partition", pa.int32(), nullable=False),
        pa.field("kafka_offset", pa.int64(), nullable=False),
        pa.field("message_key", pa.binary(), nullable=False),
        pa.field("message_value", pa.binary(), nullable=False),
        pa.field("kafka_time_ms", pa.int64(), nullable=False),
    ]
)
"""Columns of a file of payments: what a topic holds."""

TRUTH_COLUMNS = pa.schema(
    [
        pa.field("transaction_id", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("episode", pa.int64(), nullable=False),
    ]
)


@dataclass(frozen=True)
class Generated:
    """A day or more of payments.

    Attributes:
        payments: `MESSAGE_COLUMNS`, in order of arrival.
        truth: `TRUTH_COLUMNS` of the fraudulent payments.
        merchants: records of `upi.Merchant`.
    """

    payments: pa.Table
    truth: pa.Table
    merchants: list[dict[str, Any]]


def generate(settings: GeneratorSettings, times: TimeSettings, seed: int) -> Generated:
    """Draw people, their payments, frauds, and the order in which all of it arrives."""
    rng = np.random.default_rng(seed)
    people = make_people(rng, settings)
    number = round(settings.transactions * (1 - settings.fraud_share))
    genuine = look_alikes(people, rng, settings, everyday(people, rng, settings, number))
    frauds = draw_frauds(make_scene(people, settings, rng, genuine))
    drafts = join([genuine, *frauds])
    messages = list(deliver(drafts, people, rng, settings, times, seed))
    return Generated(_payment_table(messages), _truth_table(messages), people.merchants)


def _payment_table(messages: list[Message]) -> pa.Table:
    columns = (
        [one.partition for one in messages], [one.offset for one in messages],
        [one.key for one in messages], [one.value for one in messages],
        [one.time_ms for one in messages],
    )  # fmt: skip
    arrays = [pa.array(c, f.type) for c, f in zip(columns, MESSAGE_COLUMNS, strict=True)]
    return pa.Table.from_arrays(arrays, schema=MESSAGE_COLUMNS)


def _truth_table(messages: list[Message]) -> pa.Table:
    frauds = {one.transaction_id: one for one in messages if one.kind != "genuine"}
    columns = (
        list(frauds), [one.kind for one in frauds.values()],
        [one.episode for one in frauds.values()],
    )  # fmt: skip
    arrays = [pa.array(c, f.type) for c, f in zip(columns, TRUTH_COLUMNS, strict=True)]
    return pa.Table.from_arrays(arrays, schema=TRUTH_COLUMNS)


def ipl_surge(partitions: int = 6) -> Iterator[Message]:
    """10,000 payments to one account within a minute, Rs 59,95,000 in all; ten payers a device."""
    wire, offsets = Wire("upi.Transaction"), [0] * partitions
    for place in range(10_000):
        payer, city = f"fan{place:05d}@ybl", ("mumbai", "delhi")[place % 2]
        moment, key = START_MS + 20 * 3_600_000 + place * 6, payer.encode()
        record = {
            "event_id": f"ipl-{place}", "event_time": moment, "ingest_time": moment + 5,
            "source": "generator", "schema_version": 1, "region": "UNKNOWN", "priority": 5,
            "transaction_id": f"IPL-{place:05d}", "sender_vpa": payer,
            "receiver_vpa": "dream11@icici", "amount_paise": (100 + place % 1000) * 100,
            "currency": "INR", "sender_balance_paise": None,
            "device_id": f"device-{place % 1000:06d}", "location": city, "lat": None, "lon": None,
            "merchant_id": None, "merchant_category": None, "transaction_type": "P2P",
            "payment_method": "UPI", "purpose": "OTHER",
        }  # fmt: skip
        partition = partition_of(key, partitions)
        offset, offsets[partition] = offsets[partition], offsets[partition] + 1
        value, identifier = wire.encode(record), record["transaction_id"]
        yield Message(partition, offset, key, value, moment, str(identifier), "genuine", -1)


def main() -> int:
    """Write a generated topic to a folder."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.upi_fraud.generate")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--transactions", type=int, default=200_000, metavar="N")
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    return main_guard(lambda: _write(given.out, given.transactions, given.seed))


def _write(folder: Path, transactions: int, seed: int) -> None:
    config = UpiConfig()
    settings = config.generator.model_copy(update={"transactions": transactions})
    made = generate(settings, config.times, seed)
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(made.payments, folder / "payments.parquet")
    pq.write_table(made.truth, folder / "truth.parquet")
    (folder / "merchants.json").write_text(json.dumps(made.merchants) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
