"""Which clusters a run has changed: only they get new rows and new golden records."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.dedup.merge_log import FIGURES

I64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Changes:
    """Records whose cluster has other members, another id or other figures than before.

    Attributes:
        previous: their current rows of the cluster table, and those of records that are gone;
            None on the first run.
        current: their rows of `assign_clusters`.
    """

    previous: pa.Table | None
    current: pd.DataFrame


def find_changes(previous: pa.Table | None, current: pd.DataFrame, labels: I64) -> Changes:
    """Compare the clusters of a run with those of the run before.

    Args:
        previous: current rows of the cluster table; None on the first run.
        current: `assign_clusters` of this run, one row per record.
        labels: cluster of each record as a number.
    """
    if previous is None:
        return Changes(None, current)
    tokens = pa.array(current["record_token"].to_numpy(), pa.string())
    at = pc.index_in(tokens, previous["record_token"].cast(pa.string()).combine_chunks())
    before = previous.select(["cluster_id", *FIGURES]).take(at)
    ids = pa.array(current["cluster_id"].to_numpy(), pa.string())
    differs = ~np.asarray(pc.equal(ids, before["cluster_id"]).fill_null(False))
    for name in FIGURES:
        new, was = (rows[name].to_numpy().astype(np.float64) for rows in (current, before))
        differs |= (new != was) & ~(np.isnan(new) & np.isnan(was))
    is_changed = np.isin(labels, np.unique(labels[differs]))
    places = at.fill_null(-1).to_numpy()
    is_gone = np.ones(previous.num_rows + 1, dtype=bool)  # the last one is place -1
    is_gone[places] = False
    met = places[is_changed]
    wanted = np.concatenate([met[met >= 0], np.flatnonzero(is_gone[:-1])])
    return Changes(previous.take(wanted), current[is_changed])
