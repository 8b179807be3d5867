"""The low-rate decisions of a run over its `metrics`: alerts, milestones, what trends."""

from collections.abc import Iterator

import pandas as pd

from pipelines.viewers.alerts import Notice, Watch
from pipelines.viewers.config import ViewersConfig
from pipelines.viewers.taste import Fading, half_life_rate, top_trending

NOTICE_COLUMNS = tuple(Notice.__dataclass_fields__)


def audience_of(metrics: pd.DataFrame, slice_ms: int) -> pd.DataFrame:
    """Slice rows alone: content_id, dimension, dimension_value, at_ms, concurrent; in time."""
    is_slice = metrics["window_end_ms"] - metrics["window_start_ms"] == slice_ms
    found = metrics[is_slice].rename(columns={"window_end_ms": "at_ms"})
    names = ["content_id", "dimension", "dimension_value", "at_ms", "concurrent"]
    return found[names].sort_values(names[3:4] + names[:3], ignore_index=True)


def raise_alerts(metrics: pd.DataFrame, config: ViewersConfig) -> pd.DataFrame:
    """All notices of a run, in time; the columns are those of `Notice`.

    Args:
        metrics: rows of the table `metrics` with window_start_ms and window_end_ms.
        config: limits; `alerts.scale` fits them to the audience.
    """
    return pd.DataFrame([vars(one) for one in _notices(metrics, config)], columns=NOTICE_COLUMNS)


def _notices(metrics: pd.DataFrame, config: ViewersConfig) -> Iterator[Notice]:
    """Readings in the order of their time: audiences of slices, quality of minutes."""
    watch = Watch(config.alerts)
    slices = audience_of(metrics, config.windows.slice_seconds * 1000)
    regions = _by_moment(slices[slices["dimension"] == "region"], "dimension_value")
    contents = _by_moment(slices[slices["dimension"] == "total"], "content_id")
    length = metrics["window_end_ms"] - metrics["window_start_ms"]
    is_minute = (length == config.windows.minute_seconds * 1000) & (
        metrics["dimension"] == "region"
    )
    stalls = _stalls(metrics[is_minute])
    for moment in sorted(contents.keys() | stalls.keys()):
        if moment in contents:
            yield from watch.read_audience(regions.get(moment, {}), contents[moment], moment)
        if moment in stalls:
            yield from watch.read_quality(stalls[moment], moment)


def _by_moment(rows: pd.DataFrame, label: str) -> dict[int, dict[str, int]]:
    sums = rows.groupby(["at_ms", label])["concurrent"].sum()
    found: dict[int, dict[str, int]] = {}
    for (moment, name), number in sums.items():
        found.setdefault(int(moment), {})[str(name)] = int(number)
    return found


def _stalls(minutes: pd.DataFrame) -> dict[int, dict[str, float]]:
    """Rebuffering ratio by moment and region over all contents, weighted by watch time."""
    known = minutes[minutes["watch_ms"] > 0]
    stalled = known["rebuffering_ratio"] * known["watch_ms"]
    sums = known.assign(stalled=stalled).groupby(["window_end_ms", "dimension_value"])
    totals = sums[["stalled", "watch_ms"]].sum()
    found: dict[int, dict[str, float]] = {}
    for (moment, region), row in totals.iterrows():
        found.setdefault(int(moment), {})[str(region)] = float(row["stalled"] / row["watch_ms"])
    return found


def rank_trending(sessions: pd.DataFrame, half_life_seconds: float, at_ms: int) -> pd.DataFrame:
    """Contents by starts of sessions that fade: region, content_id, score; best first.

    Args:
        sessions: content_id, region and started_ms of sessions.
        half_life_seconds: time in which a start loses half its weight.
        at_ms: moment of the ranking.

    Returns:
        The leaders of each region, those of all together under the region ALL.
    """
    parts = {"ALL": sessions, **{str(name): rows for name, rows in sessions.groupby("region")}}
    ranked = [
        (region, content, score)
        for region, rows in parts.items()
        for content, score in _leaders(rows, half_life_seconds, at_ms)
    ]
    return pd.DataFrame(ranked, columns=["region", "content_id", "score"])


def _leaders(
    sessions: pd.DataFrame, half_life_seconds: float, at_ms: int
) -> list[tuple[str, float]]:
    rate = half_life_rate(half_life_seconds)
    scores = {}
    for content, rows in sessions.groupby("content_id"):
        newest = int(rows["started_ms"].max())
        age = (newest - rows["started_ms"]).to_numpy(float)
        value = float((2.0 ** (-age / (half_life_seconds * 1000))).sum())
        scores[str(content)] = Fading(value, newest, rate)
    return top_trending(scores, at_ms)
