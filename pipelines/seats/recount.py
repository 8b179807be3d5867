"""The second counter, for one file: figures per train and class from the rows as written.

It shares no code with the kernel. A file holds whole keys, which `verify.py` checks.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from pipelines.core.arrow_hash import hash_rows

I64 = npt.NDArray[np.int64]

NAMES = ["train_id", "travel_class"]
PERSON = ["pnr", "passenger_no"]
_SPAN = 1 << 32  # more than any station number


def count_chart(rows: pa.Table) -> tuple[pd.DataFrame, I64]:
    """Who sits where.

    Returns:
        Per key: `people`, `fingerprint` of who they are, `twice` (segments of berth halves that
        two hold), `berths` used, `start` and `stop` (first and last station); and a hash of each
        passenger.
    """
    frame = _read(rows, [*NAMES, "coach_id", "berth_no", "place", "from_seq", "to_seq"])
    persons = _persons(rows)
    seat = [*NAMES, "coach_id", "berth_no"]
    frame["berth"] = frame.groupby(seat, observed=True).ngroup()
    frame["twice"], frame["person"] = held_twice(frame), persons
    figures = frame.groupby(NAMES, observed=True).agg(
        people=("person", "size"),
        fingerprint=("person", "sum"),
        twice=("twice", "sum"),
        berths=("berth", "nunique"),
        start=("from_seq", "min"),
        stop=("to_seq", "max"),
    )
    return _plain(figures), persons


def held_twice(frame: pd.DataFrame) -> I64:
    """Segments of each journey that the half berth was already held on.

    Args:
        frame: `berth` (a number per berth), `place`, `from_seq` and `to_seq` of each journey.
    """
    place = frame["place"].astype(str).to_numpy()
    halves = [np.flatnonzero((place == "FULL") | (place == half)) for half in ("A", "B")]
    row = np.concatenate(halves)
    berth, start, stop = (frame[n].to_numpy(np.int64) for n in ("berth", "from_seq", "to_seq"))
    half = 2 * berth[row] + np.repeat([0, 1], [len(found) for found in halves])
    order = np.lexsort((start[row], half))
    row, half = row[order], half[order]
    held_until = np.maximum.accumulate(half * _SPAN + stop[row])[:-1] - half[1:] * _SPAN
    shared = np.minimum(held_until, stop[row][1:]) - start[row][1:]
    twice = np.bincount(row[1:], np.maximum(shared, 0), minlength=len(frame))
    return twice.astype(np.int64)


def count_allocation(rows: pa.Table) -> tuple[pd.DataFrame, I64]:
    """Who has a place.

    Returns:
        Per key: `people` with one, `fingerprint` of who they are, `gaps` (lists whose places do
        not run from 1 without a gap); and nothing else.
    """
    frame = _read(rows, [*NAMES, "status", "quota", "position"])
    frame["travels"] = frame["status"].isin(["CONFIRMED", "RAC"])
    frame["person"] = np.where(frame["travels"], _persons(rows), 0)
    by = frame.groupby(NAMES, observed=True)
    figures = by.agg(people=("travels", "sum"), fingerprint=("person", "sum"))
    figures["gaps"] = _gaps(frame[frame["position"].notna()])
    return _plain(figures.fillna({"gaps": 0})), np.empty(0, np.int64)


def _gaps(waits: pd.DataFrame) -> "pd.Series[int]":
    """Number of lists with a gap, per key."""
    quota = waits["quota"].astype(str)
    name = quota.where(waits["status"] != "RAC", "RAC")
    waits = waits.assign(list=name, status=waits["status"].astype(str)).sort_values("position")
    lists = [*NAMES, "status", "list"]
    place = waits.groupby(lists, observed=True).cumcount() + 1
    waits["is_wrong"] = waits["position"] != place
    wrong = waits.groupby(lists, observed=True)["is_wrong"].any()
    found: pd.Series[int] = wrong.groupby(level=NAMES, observed=True).sum()
    return found


def count_segments(rows: pa.Table) -> tuple[pd.DataFrame, I64]:
    """How full the segments are.

    Returns:
        Per key: segments `overfull`, and `odd` ones with a figure that is no number; and nothing
        else.
    """
    shares = ["utilisation", "load", "efficiency_score"]
    frame = _read(rows, [*NAMES, "allocated", "places", *shares])
    frame["overfull"] = frame["allocated"] > frame["places"]
    frame["odd"] = np.any([_is_odd(rows[name]) for name in shares], axis=0)
    figures = frame.groupby(NAMES, observed=True)[["overfull", "odd"]].sum()
    return _plain(figures), np.empty(0, np.int64)


def _is_odd(column: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    """Values that are there and not finite; null is a figure that does not exist."""
    is_odd: npt.NDArray[np.bool_] = ~np.isfinite(column.fill_null(0.0).to_numpy())
    return is_odd


def _read(rows: pa.Table, columns: list[str]) -> pd.DataFrame:
    frame: pd.DataFrame = rows.select(columns).to_pandas()
    return frame.astype(dict.fromkeys(NAMES, "category"))


def _persons(rows: pa.Table) -> I64:
    return hash_rows(rows, PERSON).view(np.int64)


def _plain(figures: pd.DataFrame) -> pd.DataFrame:
    return figures.astype(np.int64).reset_index().astype(dict.fromkeys(NAMES, str))


COUNTERS: dict[str, Callable[[pa.Table], tuple[pd.DataFrame, I64]]] = {
    "rail_chart": count_chart,
    "rail_allocation": count_allocation,
    "rail_segment_metrics": count_segments,
}
REPEATED = {
    "rail_chart": [*NAMES, "coach_id", "place", "pnr"],
    "rail_allocation": [*NAMES, "status", "quota", "pnr"],
    "rail_segment_metrics": NAMES,
}
"""Text columns with few values, read as dictionaries."""
FIGURES = {
    "rail_chart": ["people", "fingerprint", "twice", "berths", "start", "stop"],
    "rail_allocation": ["people", "fingerprint", "gaps"],
    "rail_segment_metrics": ["overfull", "odd"],
}
