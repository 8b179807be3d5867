"""Where the messages of a run come from: the seeded match, or a folder of recorded messages."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.core.errors import ConfigError, GateError
from pipelines.viewers.config import ViewersConfig
from pipelines.viewers.generate import MESSAGES, START_MS, make_match, write_match
from pipelines.viewers.interactions import draw_interactions, write_interactions


@dataclass(frozen=True)
class Source:
    """A bounded topic.

    Attributes:
        name: for people.
        folder: Parquet files, one a partition, in order of arrival.
        records: messages in it.
        horizon_ms: events after this moment cannot be, epoch ms.
        digest: SHA-256 of what it was made from.
        interactions: messages of `viewer.Interaction`; None where there are none.
    """

    name: str
    folder: Path
    records: int
    horizon_ms: int
    digest: str
    interactions: Path | None = None


def open_source(given: str, config: ViewersConfig, scratch: Path) -> Source:
    """Make or open the messages.

    Args:
        given: `match`, or a folder of Parquet files with columns message_key, message_value and
            kafka_time.
        config: settings.
        scratch: takes a made match.

    Raises:
        ConfigError: the folder is not there, is empty, or lacks a column.
        GateError: there is no message in it.
    """
    if given == "match":
        return _make(config, scratch / "messages")
    folder = Path(given)
    files = sorted(folder.glob("*.parquet")) if folder.is_dir() else []
    if not files:
        raise ConfigError(
            f"--input {given}: no folder with *.parquet files. Give `match`, or a folder of"
            " recorded messages, one Parquet file a partition"
        )
    if others := [one.name for one in folder.iterdir() if one.is_file() and one not in files]:
        raise ConfigError(
            f"--input {given}: holds {sorted(others)[0]}, which is no *.parquet; Flink reads every"
            " file of the folder, so move it away"
        )
    hashed, records, latest = hashlib.sha256(), 0, 0
    for file in files:
        read = _open_file(file)
        records += read.metadata.num_rows
        latest = max(latest, _latest(read, config.windows.recorded_hours))
        hashed.update(file.read_bytes())
    if not records:
        raise GateError(f"--input {given}: there is no message in it, so nothing is published")
    skew = int(config.windows.skew_seconds * 1000)
    return Source(folder.name, folder.resolve(), records, latest + skew, hashed.hexdigest())


def _open_file(file: Path) -> pq.ParquetFile:
    try:
        read = pq.ParquetFile(file)
    except (OSError, pa.ArrowException) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"--input {file}: cannot be read: {reason}") from None
    names = read.schema_arrow.names
    if missing := set(MESSAGES.names) - set(names):
        raise ConfigError(
            f"--input {file}: has no column {', '.join(sorted(missing))}, it has"
            f" {', '.join(names)}; a file of messages has {', '.join(MESSAGES.names)}"
        )
    return read


def _make(config: ViewersConfig, folder: Path) -> Source:
    match = make_match(config.match, config.seed)
    records = write_match(match, folder, config.match, config.seed, config.flink.parallelism)
    file = folder.with_name("interactions.parquet")
    end = START_MS + int((match.seconds + config.windows.skew_seconds) * 1000)
    viewers = np.unique(match.events["viewer_key"].astype(np.int64))
    write_interactions(draw_interactions(viewers, config.match, config.seed, end), file)
    text = json.dumps([config.match.model_dump(mode="json"), config.seed], sort_keys=True)
    name = f"a seeded match with {config.match.viewers:,} viewers"
    return Source(name, folder, records, end, hashlib.sha256(text.encode()).hexdigest(), file)


def _latest(read: pq.ParquetFile, hours: float) -> int:
    """Some hours after the median moment: what lies further ahead has a wrong clock."""
    moments = read.read(columns=["kafka_time"])["kafka_time"].cast(
        MESSAGES.field("kafka_time").type
    )
    whole = moments.cast("int64").to_numpy()
    return int(np.median(whole) + hours * 3_600_000) if len(whole) else 0
