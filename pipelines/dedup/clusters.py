"""Cluster ids that later enrolments do not change, and the shape of the cluster table.

A cluster is named after its anchor, the member enrolled first. A newcomer is never the anchor, so
ids survive increments; a merge keeps the older anchor, and the other id stays as an alias.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.core.errors import GateError

I64 = npt.NDArray[np.int64]
Text = npt.NDArray[np.object_]

CLUSTER_COLUMNS = [
    "run_id",
    "cluster_id",
    "record_token",
    "valid_from_run",
    "valid_to_run",
    "action",
    "rule",
    "cause_edge",
    "previous_cluster_id",
    "score_bits",
    "model_id",
    "size",
    "weakest_bridge_bits",
    "density",
]


@dataclass(frozen=True)
class VersionChange:
    """What a run writes into the cluster table; both frames have `CLUSTER_COLUMNS`.

    Attributes:
        close: rows that were current, with `valid_to_run` set; the other columns as they were.
        open: the rows that take their place.
    """

    close: pd.DataFrame
    open: pd.DataFrame


def cluster_id(anchor_token: str) -> str:
    """Name of the cluster of an anchor: c and 20 hex digits of the SHA-256 of its token."""
    return "c" + hashlib.sha256(anchor_token.encode()).hexdigest()[:20]


def assign_clusters(
    nodes: I64, labels: I64, enrolled_at_us: I64, tokens: Text, stats: pd.DataFrame
) -> pd.DataFrame:
    """Name the cluster of every record of the register.

    Args:
        nodes: node id per record.
        labels: component per record, as of `spread_labels`.
        enrolled_at_us: moment of enrolment, microseconds since 1970 UTC.
        tokens: record token per record (ASCII).
        stats: `component_stats` of the kept edges; components without an edge are not in it.

    Returns:
        One row per record in the given order: `cluster_id`, `record_token`, `node_id`, `size`
        (int32), `weakest_bridge_bits`, `density` (both NaN for a single record).

    Raises:
        GateError: two records share a token, or two tokens a node id.
    """
    distinct = len(np.unique(nodes)), len(pd.unique(tokens))
    if distinct != (len(nodes), len(nodes)):
        raise GateError(
            f"clusters: {len(nodes)} records have {distinct[1]} distinct tokens and {distinct[0]} "
            "distinct node ids; remove repeated ids, or use another token key if node ids collide"
        )
    names, home, size = np.unique(labels, return_inverse=True, return_counts=True)
    anchors = tokens[_anchor_rows(home, enrolled_at_us, tokens)]
    ids = np.array([cluster_id(token) for token in anchors], dtype=object)
    measured = stats.set_index("component").reindex(names)
    columns = {"cluster_id": ids[home], "record_token": tokens, "node_id": nodes}
    columns["size"] = size[home].astype(np.int32)
    for name in ("weakest_bridge_bits", "density"):
        columns[name] = measured[name].to_numpy(dtype=np.float64)[home]
    return pd.DataFrame(columns)


def _anchor_rows(home: I64, enrolled_at_us: I64, tokens: Text) -> I64:
    """Row of the smallest (enrolled_at, token) of each component, components ascending."""
    order = np.lexsort((enrolled_at_us, home))
    starts = np.flatnonzero(np.diff(home[order], prepend=-1))
    rows: I64 = order[starts]
    is_tied = enrolled_at_us == enrolled_at_us[rows][home]
    is_tied &= np.bincount(home[is_tied], minlength=len(rows))[home] > 1
    tied = np.flatnonzero(is_tied)  # text is sorted for the few that need it
    tied = tied[np.lexsort((tokens[tied].astype("S"), home[tied]))]
    first = np.flatnonzero(np.diff(home[tied], prepend=-1))
    rows[home[tied[first]]] = tied[first]
    return rows
