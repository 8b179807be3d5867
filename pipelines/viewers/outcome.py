"""Counts and figures of a finished run."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

Metrics = dict[str, float | int | None]

_HEAD = 64
"""Bytes of a message that hold its event_id and moment: what two copies share."""


def count_copies(folder: Path) -> int:
    """Messages that were sent twice; copies lie in one partition, for they share their key."""
    copies = 0
    for file in sorted(folder.glob("*.parquet")):
        values = pq.read_table(file, columns=["message_value"])["message_value"]
        heads = pc.binary_slice(values, 0, _HEAD)
        copies += len(heads) - pc.count_distinct(heads).as_py()
    return copies


def run_counts(
    read: int, copies: int, rejected: pa.Table, late: pa.Table, lateness_ms: int
) -> dict[str, int]:
    """Counts of the run manifest.

    Args:
        read: messages of the source.
        copies: messages sent twice.
        rejected: table `rejected`: undecodable messages, and events of an unknown type.
        late: table `late`: every event behind the watermark.
        lateness_ms: beyond this an event is late for good.
    """
    codes = rejected["code"].to_pylist() if rejected.num_rows else []
    unknown = codes.count("UNKNOWN_TYPE")
    hopeless = too_late(late, lateness_ms)
    dropped = len(set(hopeless["message_value"].to_pylist())) if hopeless.num_rows else 0
    dlq = len(codes) - unknown
    came = read - copies
    return {
        "read": read,
        "duplicates": copies,
        "in": came,
        "out": came - dlq - unknown - dropped,
        "rejected": unknown,
        "dlq": dlq,
        "late": dropped,
        "behind_watermark": late.num_rows,
    }


def too_late(late: pa.Table, lateness_ms: int) -> pa.Table:
    """Events that came after the allowed lateness."""
    return late.filter(pc.greater(late["lateness_ms"], lateness_ms)) if late.num_rows else late


def within_lateness(late: pa.Table, lateness_ms: int) -> pa.Table:
    """Events behind the watermark that still correct what was published."""
    if not late.num_rows:
        return late
    return late.filter(pc.less_equal(late["lateness_ms"], lateness_ms))


def count_by(rows: pa.Table, column: str) -> dict[str, int]:
    """Number of rows by the values of a column."""
    if not rows.num_rows:
        return {}
    found = pc.value_counts(rows[column])
    return {str(one["values"]): int(one["counts"].as_py()) for one in found}


def measure(
    metrics: pd.DataFrame,
    sessions: pd.DataFrame,
    read: int,
    seconds: float,
    slice_ms: int,
    minute_ms: int,
) -> Metrics:
    """Figures of the run from its tables.

    Args:
        metrics: table `metrics` with window_start_ms and window_end_ms.
        sessions: table `sessions`.
        read: messages of the source.
        seconds: from the start of the Flink job to its end.
        slice_ms: length of the windows that count the audience.
        minute_ms: length of the windows that have quality.
    """
    total = metrics[metrics["dimension"] == "total"]
    length = total["window_end_ms"] - total["window_start_ms"]
    per_moment = total[length == slice_ms].groupby("window_end_ms")["concurrent"].sum()
    minutes = total[length == minute_ms]
    watched = float(minutes["watch_ms"].sum())
    stalled = float((minutes["rebuffering_ratio"].fillna(0) * minutes["watch_ms"]).sum())
    played = minutes["watch_ms"] * (1 - minutes["rebuffering_ratio"].fillna(0))
    kilobits = float((minutes["average_bitrate_kbps"].fillna(0) * played).sum())
    starts = sessions["startup_ms"].dropna()
    tries = len(starts) + int(sessions["is_exit_before_start"].sum())
    return {
        "events": read,
        "events_per_second": read / seconds if seconds > 0 else None,
        "peak_concurrent_viewers": int(per_moment.max()) if len(per_moment) else 0,
        "peak_unique_viewers_per_minute": int(_peak(minutes, "unique_viewers")),
        "sessions": len(sessions),
        "watch_hours": watched / 3_600_000,
        "rebuffering_ratio": stalled / watched if watched else None,
        "average_bitrate_kbps": kilobits / float(played.sum()) if watched else None,
        "startup_p50_ms": _quantile(starts, 0.5),
        "startup_p95_ms": _quantile(starts, 0.95),
        "exit_before_start_share": float(sessions["is_exit_before_start"].sum()) / tries
        if tries
        else None,
        "failure_share": float((sessions["exit_type"] == "ERROR").mean())
        if len(sessions)
        else None,
    }


def _peak(minutes: pd.DataFrame, column: str) -> float:
    sums = minutes.groupby("window_end_ms")[column].sum()
    return float(sums.max()) if len(sums) else 0.0


def _quantile(values: "pd.Series[float]", share: float) -> float | None:
    return float(values.quantile(share)) if len(values) else None


def with_ms(table: pa.Table, names: Mapping[str, str]) -> pd.DataFrame:
    """A table as a frame, with further columns of epoch ms for columns with moments."""
    frame: pd.DataFrame = table.to_pandas()
    for column, wanted in names.items():
        frame[wanted] = frame[column].to_numpy("datetime64[ms]").astype("int64")
    return frame
