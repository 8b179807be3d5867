"""Accounts that many devices share, and viewers that are programs (rule A3), on rows of sessions.

Vectorised over pandas: a session is one row, so this runs once a minute on what has changed, not
once an event.
"""

import numpy as np
import pandas as pd

from pipelines.viewers.config import FairPlaySettings


def shared_accounts(live: pd.DataFrame, given: FairPlaySettings) -> pd.DataFrame:
    """Accounts with more devices live at a moment than a household may have.

    Args:
        live: one row per live session: account_id, device_id.
        given: limits.

    Returns:
        account_id, devices; most devices first, then by name.
    """
    devices = live.dropna().groupby("account_id")["device_id"].nunique()
    over = devices[devices > given.devices].rename("devices").reset_index()
    return over.sort_values(["devices", "account_id"], ascending=[False, True], ignore_index=True)


def suspected_bots(beats: pd.DataFrame, given: FairPlaySettings) -> pd.DataFrame:
    """Viewers whose heartbeats are as regular as a clock, or that never sleep.

    Args:
        beats: one row per heartbeat: user_id, session_id, at_ms; any order, copies allowed.
        given: limits.

    Returns:
        user_id, jitter_ms (spread of the gaps), hours (different hours of a day with a sign of
        life), reason REGULAR or SLEEPLESS; by name.
    """
    one = beats.drop_duplicates().sort_values(["session_id", "at_ms"])
    gaps = one["at_ms"].diff().where(one["session_id"].eq(one["session_id"].shift()))
    usual = gaps.between(1, given.usual_gap_ms)
    frame = one.assign(gap=gaps.where(usual), hour=one["at_ms"] // 3_600_000)
    by_user = frame.groupby("user_id")
    found = pd.DataFrame(
        {
            "jitter_ms": by_user["gap"].std(ddof=0),
            "gaps": by_user["gap"].count(),
            "hours": by_user["hour"].nunique(),
        }
    )
    regular = (found["gaps"] >= given.least_gaps) & (found["jitter_ms"] <= given.jitter_ms)
    sleepless = found["hours"] >= given.sleepless_hours
    found["reason"] = np.where(regular, "REGULAR", "SLEEPLESS")
    kept = found[regular | sleepless].reset_index()
    return kept[["user_id", "jitter_ms", "hours", "reason"]]
