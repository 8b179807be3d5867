"""Viewers that never sleep (rule A3), out of the sessions of a day and more.

`suspects.py` finds shared accounts and regular heartbeats inside Flink; presence around the clock
needs more than a stream holds, so it is read from the table of sessions, one row a session.
"""

import pandas as pd

from pipelines.viewers.config import FairPlaySettings
from pipelines.viewers.suspects import SLEEPLESS

_HOUR_MS = 3_600_000
COLUMNS = ["subject_id", "reason", "measured", "found_at"]


def sleepless_viewers(sessions: pd.DataFrame, given: FairPlaySettings) -> pd.DataFrame:
    """Viewers with a session in each of so many hours in a row.

    Args:
        sessions: user_id, started_ms and ended_ms.
        given: limits.

    Returns:
        subject_id, reason, measured (hours in a row) and found_at; by name.
    """
    hours = [
        range(start // _HOUR_MS, end // _HOUR_MS + 1)
        for start, end in zip(sessions["started_ms"], sessions["ended_ms"], strict=True)
    ]
    present = pd.DataFrame({"subject_id": sessions["user_id"].to_numpy(), "hour": hours})
    present = present.explode("hour").drop_duplicates().sort_values(["subject_id", "hour"])
    place = present.groupby("subject_id").cumcount()
    runs = present.groupby(["subject_id", present["hour"].astype("int64") - place])["hour"]
    found = runs.agg(measured="count", last="max").reset_index("subject_id")
    found = found[found["measured"] >= given.sleepless_hours]
    found = found.sort_values("measured").drop_duplicates("subject_id", keep="last")
    moments = pd.to_datetime((found["last"].astype("int64") + 1) * _HOUR_MS, unit="ms", utc=True)
    told = found.assign(reason=SLEEPLESS, found_at=moments, measured=found["measured"] * 1.0)
    return told[COLUMNS].sort_values("subject_id", ignore_index=True)
