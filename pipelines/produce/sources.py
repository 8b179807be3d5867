"""Where records to send come from: a domain's own generator, a file, or samples."""

import importlib
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from pipelines.core.contract_store import get_contract
from pipelines.core.contract_tree import split_null
from pipelines.core.errors import ConfigError
from pipelines.produce.samples import sample_records

Json = Any

TOPICS = {
    "identity": "identity.enrolments.v1",
    "upi": "upi.transactions.v1",
    "viewer": "viewer.events.v1",
}
"""The topic that a domain's name stands for."""

_BATCH_ROWS = 5_000


def open_records(
    domain: str, subject: str, number: int, seed: int, file: Path | None
) -> Iterator[Json]:
    """Records as dictionaries, timestamps as epoch ms.

    Args:
        domain: name of the domain.
        subject: contract of the records.
        number: how many to make; a file is sent as far as that.
        seed: of the generator.
        file: Parquet file or folder, or an Avro container file, with the contract's fields.

    Raises:
        ConfigError: the file is not there, or a column is missing.
    """
    if file is not None:
        return _take(_read_file(file, subject), number)
    if domain == "identity":
        return _take(_identity_records(subject, number, seed), number)
    return sample_records(subject, number, seed)


def _take(records: Iterator[Json], number: int) -> Iterator[Json]:
    return (record for record, _ in zip(records, range(number), strict=False))


def _identity_records(subject: str, number: int, seed: int) -> Iterator[Json]:
    """The synthetic register of dedup, loaded by name: no job imports another."""
    generate = importlib.import_module("pipelines.dedup.generate")
    with tempfile.TemporaryDirectory(prefix="sangam-") as scratch:
        made = generate.write_synthetic(number, Path(scratch), seed)
        yield from _read_file(made.enrolments, subject)


def _read_file(file: Path, subject: str) -> Iterator[Json]:
    if not file.exists():
        raise ConfigError(f"--input {file}: no such file or folder")
    if file.suffix == ".avro":
        import fastavro

        with file.open("rb") as content:
            yield from (_plain(record) for record in fastavro.reader(content))
        return
    import pyarrow.dataset as ds

    table = ds.dataset(file, format="parquet")
    defaults = _defaults(subject)
    if missing := set(defaults) - set(table.schema.names):
        required = sorted(name for name in missing if defaults[name] is _REQUIRED)
        if required:
            raise ConfigError(f"--input {file}: has no column {', '.join(required)} of {subject}")
    names = [name for name in defaults if name in table.schema.names]
    filled = {name: value for name, value in defaults.items() if name not in names}
    for batch in table.to_batches(columns=names, batch_size=_BATCH_ROWS):
        for record in batch.to_pylist():
            yield _plain({**filled, **record})


_REQUIRED = object()


def _defaults(subject: str) -> dict[str, Any]:
    fields = get_contract(subject).tree["fields"]
    return {
        field["name"]: field.get("default", None if split_null(field["type"])[1] else _REQUIRED)
        for field in fields
    }


def _plain(value: Any) -> Any:
    """Moments become epoch milliseconds, also inside."""
    if isinstance(value, datetime):
        return round(value.timestamp() * 1000)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
