"""Records of a Parquet or Avro file as dictionaries of a contract."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from pipelines.core.avro_codec import read_container
from pipelines.core.contract_store import get_contract
from pipelines.core.contract_tree import split_null
from pipelines.core.errors import ConfigError

Json = Any

_BATCH_ROWS = 5_000
_REQUIRED = object()


def read_records(file: Path, subject: str) -> Iterator[Json]:
    """Records of a contract, timestamps as epoch ms; absent optional columns get their default.

    Args:
        file: Parquet file or folder, or an Avro container file.
        subject: contract.

    Raises:
        ConfigError: the file is not there, or a required column is missing.
    """
    if not file.exists():
        raise ConfigError(f"{file}: no such file or folder")
    if file.suffix == ".avro":
        return (_plain(record) for record in read_container(file))
    return _read_parquet(file, subject)


def _read_parquet(file: Path, subject: str) -> Iterator[Json]:
    import pyarrow.dataset as ds

    table, defaults = ds.dataset(file, format="parquet"), _defaults(subject)
    absent = set(defaults) - set(table.schema.names)
    if required := sorted(name for name in absent if defaults[name] is _REQUIRED):
        raise ConfigError(
            f"{file}: has no column {', '.join(required)} of {subject}; it has"
            f" {', '.join(table.schema.names)}"
        )
    names = [name for name in defaults if name not in absent]
    filled = {name: defaults[name] for name in absent}
    for batch in table.to_batches(columns=names, batch_size=_BATCH_ROWS):
        for record in batch.to_pylist():
            yield _plain({**filled, **record})


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
