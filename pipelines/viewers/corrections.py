"""Late events inside the allowed lateness: which windows they touch, and rows counted again.

The same lanes run once more with a watermark that waits as long as the lateness, over just the
messages that the touched windows and sessions need. A row that differs from the one published
before takes its place, one revision up. Cost follows the number of touched windows.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from pipelines.viewers.config import WindowSettings

KEY = ["content_id", "dimension", "dimension_value", "window_start_ms", "window_end_ms"]
PROVISIONAL, FINAL, CORRECTED = "PROVISIONAL", "FINAL", "CORRECTED"


@dataclass(frozen=True)
class Touched:
    """What late events reach.

    Attributes:
        minutes: starts of touched minutes, epoch ms, in order.
        sessions: keys of touched sessions.
    """

    minutes: tuple[int, ...]
    sessions: tuple[bytes, ...]

    def spans(self, given: WindowSettings) -> list[tuple[int, int]]:
        """Spans of event time that touched minutes are counted from, joined where they meet."""
        found: list[tuple[int, int]] = []
        for start in self.minutes:
            first = start - given.timeout_seconds * 1000
            last = start + given.minute_seconds * 1000
            if found and first <= found[-1][1]:
                found[-1] = (found[-1][0], last)
            else:
                found.append((first, last))
        return found


def find_touched(events: Iterable[tuple[bytes, int]], given: WindowSettings) -> Touched:
    """What late events reach: their minute, and those in which they keep a session live.

    Args:
        events: message key and event time (epoch ms) of each late event.
        given: settings.
    """
    minute = given.minute_seconds * 1000
    sessions: set[bytes] = set()
    minutes: set[int] = set()
    for key, moment in events:
        sessions.add(key)
        last = moment + given.timeout_seconds * 1000
        minutes.update(range(moment // minute * minute, last + 1, minute))
        minutes.add(last // minute * minute)
    return Touched(tuple(sorted(minutes)), tuple(sorted(sessions)))


def needed_messages(touched: Touched, given: WindowSettings) -> str:
    """Condition on `kafka_time` and `message_key` for the messages to count again, as SQL."""
    spans = [
        f"kafka_time BETWEEN TO_TIMESTAMP_LTZ({first}, 3) AND TO_TIMESTAMP_LTZ({last}, 3)"
        for first, last in touched.spans(given)
    ]
    # As text: a list of binary literals is padded to the length of the longest.
    names = (key.decode(errors="replace").replace("'", "''") for key in touched.sessions)
    keys = ", ".join(f"'{name}'" for name in names)
    return " OR ".join([*spans, f"CAST(message_key AS STRING) IN ({keys})"])


def correct_metrics(
    before: pd.DataFrame, again: pd.DataFrame, touched: Touched, given: WindowSettings
) -> pd.DataFrame:
    """Metrics with the touched rows counted again.

    Args:
        before: rows with `KEY`, revision and phase.
        again: rows of the second count, also of windows that it saw only in part.
        touched: which windows count.
        given: settings.

    Returns:
        All rows; those that differ have the next revision and the phase CORRECTED.
    """
    whole = again[_is_touched(again, touched, given)]
    vanished = _emptied(before[_is_touched(before, touched, given)], whole)
    whole = pd.concat([whole, vanished], ignore_index=True)
    peak = given.peak_seconds * 1000
    is_peak = before["window_end_ms"] - before["window_start_ms"] == peak
    joined = _replace(before[~is_peak], whole)
    peaks = _replace(before[is_peak], peaks_again(joined, before[is_peak], touched, given))
    return pd.concat([joined, peaks], ignore_index=True)


def _emptied(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Rows that the second count no longer has, with nothing in them."""
    missing = ~old.set_index(KEY).index.isin(new.set_index(KEY).index)
    counts = ("concurrent", "peak_concurrent", "unique_viewers", "watch_ms")
    measures = ("rebuffering_ratio", "average_bitrate_kbps", "startup_ms", "failure_pct")
    nothing = dict.fromkeys(counts, 0) | dict.fromkeys(measures, float("nan"))
    return old[missing].assign(**nothing)


def _is_touched(rows: pd.DataFrame, touched: Touched, given: WindowSettings) -> "pd.Series[bool]":
    """Slices and minutes that lie in a touched minute."""
    minute = given.minute_seconds * 1000
    length = rows["window_end_ms"] - rows["window_start_ms"]
    inside = (rows["window_end_ms"] - 1) // minute * minute
    return inside.isin(touched.minutes) & (length <= minute)


def _replace(before: pd.DataFrame, again: pd.DataFrame) -> pd.DataFrame:
    """Rows of `again` in place of those of equal key, where any value differs; new rows added."""
    values = [name for name in again.columns if name not in (*KEY, "revision", "phase")]
    values = [name for name in values if not name.endswith("_at")]
    old = before.set_index(KEY)
    new = again.set_index(KEY)
    shared = new.index.intersection(old.index)
    left, right = old.loc[shared, values], new.loc[shared, values]
    is_equal = ((left == right) | (left.isna() & right.isna())).all(axis=1)
    changed = new.loc[shared[~is_equal.to_numpy()]].copy()
    changed["revision"] = old.loc[changed.index, "revision"] + 1
    added = new.loc[new.index.difference(old.index)].copy()
    added["revision"] = 0
    replaced = pd.concat([changed, added])
    replaced["phase"] = CORRECTED
    kept = old.loc[old.index.difference(replaced.index)]
    joined: pd.DataFrame = pd.concat([kept, replaced]).reset_index()
    return joined


def peaks_again(
    rows: pd.DataFrame, peaks: pd.DataFrame, touched: Touched, given: WindowSettings
) -> pd.DataFrame:
    """Hopping peaks that hold a touched minute, from corrected slices."""
    slices = rows[rows["window_end_ms"] - rows["window_start_ms"] == given.slice_seconds * 1000]
    found = []
    spans = sorted(set(zip(peaks["window_start_ms"], peaks["window_end_ms"], strict=True)))
    for start, end in spans:
        if not any(start <= one < end for one in touched.minutes):
            continue
        inside = slices[(slices["window_end_ms"] > start) & (slices["window_end_ms"] <= end)]
        names = KEY[:3]
        last = inside[inside["window_end_ms"] == end].set_index(names)["concurrent"]
        most = inside.groupby(names)["concurrent"].max()
        frame = most.rename("peak_concurrent").reset_index()
        frame["concurrent"] = [
            int(last.get(key, 0)) for key in frame[names].itertuples(index=False, name=None)
        ]
        shell = peaks[peaks["window_end_ms"] == end].drop(columns=["concurrent", "peak_concurrent"])
        found.append(frame.merge(shell, on=names))
    return pd.concat(found, ignore_index=True) if found else peaks.iloc[:0]


def correct_sessions(before: pd.DataFrame, again: pd.DataFrame, touched: Touched) -> pd.DataFrame:
    """Sessions with the touched ones as counted again."""
    keys = {key.decode() for key in touched.sessions}
    kept = before[~before["session_id"].isin(keys)]
    joined: pd.DataFrame = pd.concat([kept, again[again["session_id"].isin(keys)]])
    return joined.reset_index(drop=True)
