"""Tastes of a run over recorded messages: the profiles of `profile.py` as a table.

`taste_flink.py` keeps the same profiles on Kafka, one keyed state a viewer.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from pipelines.core.contract_store import get_contract
from pipelines.core.wire import Wire
from pipelines.viewers.profile import profiles_of

COLUMNS = tuple(
    field["name"]
    for field in get_contract("viewer.Preference").tree["fields"]
    if not field["name"].startswith("event_")
)


def read_preferences(file: Path | None, actors: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Preferences of all viewers, by token; columns of `viewer.Preference` but id and time.

    Args:
        file: messages of `viewer.Interaction`; None where nobody recorded any.
        actors: of each content.
    """
    if file is None:
        return pd.DataFrame(columns=list(COLUMNS))
    wire = Wire("viewer.Interaction")
    values = pq.read_table(file, columns=["message_value"])["message_value"].to_pylist()
    found = profiles_of(map(wire.decode, values), actors)
    rows = [profile.preference(user) for user, profile in sorted(found.items())]
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    return frame.assign(updated_at=pd.to_datetime(frame["updated_at"], unit="ms", utc=True))


def likings(preferences: pd.DataFrame) -> "pd.Series[int]":
    """How many viewers like each genre best, most first."""
    first = preferences["top_genres"].map(lambda names: names[0] if len(names) else None)
    return first.value_counts()
