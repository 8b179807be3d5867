"""Where an embedded run's payments come from: the generator, or a file of messages."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.core.errors import ConfigError, GateError
from pipelines.upi_fraud.config import UpiConfig
from pipelines.upi_fraud.generate import MESSAGE_COLUMNS, generate
from pipelines.upi_fraud.payment import Raw

SYNTHETIC = "synthetic"
TRUTH = ("transaction_id", "kind", "episode")
"""Columns of a table of frauds."""


@dataclass(frozen=True)
class Source:
    """An opened input.

    Attributes:
        name: as the user gave it.
        digest: equal for equal input.
        is_public: made by the generator, so the public key tokenises it.
        payments: `MESSAGE_COLUMNS`, in order of arrival.
        truth: kind and episode by fraudulent transaction id; None where it is not known.
        merchants: records of `upi.Merchant`.
    """

    name: str
    digest: str
    is_public: bool
    payments: pa.Table
    truth: Mapping[str, tuple[str, int]] | None
    merchants: list[dict[str, Any]]

    def raws(self) -> Iterator[Raw]:
        """Messages, one after the other."""
        columns = [self.payments[name].to_pylist() for name in
                   ("kafka_partition", "kafka_offset", "kafka_time_ms", "message_key",
                    "message_value")]  # fmt: skip
        return (Raw(*row) for row in zip(*columns, strict=True))


def open_source(text: str, truth: Path | None, config: UpiConfig) -> Source:
    """Generate, or read a file.

    Raises:
        ConfigError: no such file, a column is missing, or the number of payments is none.
        GateError: there is no payment in the file.
    """
    name, _, number = text.partition(":")
    if name == SYNTHETIC:
        if truth is not None:
            raise ConfigError("--truth goes with --input FILE: generated payments bring theirs.")
        return _generated(number, config)
    path = Path(text)
    if not path.is_file():
        raise ConfigError(
            f"--input {text}: no such file. Give {SYNTHETIC}, {SYNTHETIC}:N or a Parquet file."
        )
    payments = _read_table("--input", path, MESSAGE_COLUMNS.names)
    if not payments.num_rows:
        raise GateError(f"--input {path}: there is no payment in it, so nothing is published")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    merchants = path.with_name("merchants.json")
    known = json.loads(merchants.read_text("utf-8")) if merchants.is_file() else []
    found = read_truth(_read_table("--truth", truth, TRUTH)) if truth is not None else None
    return Source(path.name, digest, False, payments.select(MESSAGE_COLUMNS.names), found, known)


def _read_table(flag: str, path: Path, columns: Sequence[str]) -> pa.Table:
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise ConfigError(f"{flag} {path}: cannot be read: {str(error).splitlines()[0]}") from error
    if missing := [one for one in columns if one not in table.column_names]:
        raise ConfigError(
            f"{flag} {path}: lacks {', '.join(missing)}, has {', '.join(table.column_names)}. Give"
            " a table as `python -m pipelines.upi_fraud.generate --out DIR` writes one."
        )
    return table


def _generated(number: str, config: UpiConfig) -> Source:
    settings = config.generator
    if number:
        if not number.isdecimal() or int(number) < 100:
            raise ConfigError(f"--input {SYNTHETIC}:{number}: N must be a whole number from 100.")
        settings = settings.model_copy(update={"transactions": int(number)})
    made = generate(settings, config.times, config.seed)
    text = json.dumps([settings.model_dump(), config.times.model_dump(), config.seed])
    digest = hashlib.sha256(text.encode()).hexdigest()
    name = f"{SYNTHETIC}:{settings.transactions}"
    return Source(name, digest, True, made.payments, read_truth(made.truth), made.merchants)


def read_truth(table: pa.Table) -> dict[str, tuple[str, int]]:
    """Kind and episode by transaction id."""
    columns = (table[name].to_pylist() for name in TRUTH)
    return {one: (kind, episode) for one, kind, episode in zip(*columns, strict=True)}
