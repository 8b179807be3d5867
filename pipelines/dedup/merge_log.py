"""The merge log: which rows of the cluster table a run closes and opens, and the edge behind each.

Only clusters that differ in members, id or figures are touched, so a rerun writes nothing.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.core.errors import SangamError
from pipelines.dedup.clusters import CLUSTER_COLUMNS, VersionChange

Bool = npt.NDArray[np.bool_]
I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]
Text = npt.NDArray[np.object_]

REVIEW_RULES = ("REVIEWER", "CANNOT_LINK")
"""Rules of edges behind which a person stands: the action is REVIEW."""

FIGURES = ["size", "weakest_bridge_bits", "density"]
NO_EDGE_RULE = {"CREATE": "NEW_RECORD", "SPLIT": "EDGE_LOST"}
AS_THEY_ARE = ["cluster_id", "record_token", *FIGURES[1:]]
NULL = np.array([None], dtype=object)
CAUSE = ["rule", "cause_edge", "score_bits"]


def next_versions(
    previous: pd.DataFrame | None,
    current: pd.DataFrame,
    links: pd.DataFrame,
    cuts: pd.DataFrame,
    run_id: str,
    model_id: str,
) -> VersionChange:
    """Compare the clusters of a run with the rows that are current, and version the differences.

    Args:
        previous: rows with `valid_to_run` null, `CLUSTER_COLUMNS`; None on the first run.
        current: `assign_clusters` of this run.
        links: kept edges: `token_a < token_b`, `score_bits` (NaN on an unscored decision) and
            `rule`, such as MATCH or REVIEWER.
        cuts: edges cut by the guard, same columns; the rule is the reason.
        run_id: this run.
        model_id: model that scored the edges.

    Returns:
        Rows to close and rows to open. A row keeps its action and cause when only the figures of
        its cluster changed. `previous_cluster_id` names the cluster that a record has left.

    Raises:
        SangamError: a row that must change was written by this very run.
    """
    if previous is None:
        previous = pd.DataFrame(columns=CLUSTER_COLUMNS)
    at, was = _touched_rows(previous, current)
    close = previous.iloc[np.sort(was[was >= 0])]
    if (close["valid_from_run"] == run_id).any():
        raise SangamError(
            f"clusters: run {run_id} has already written other rows for the same records; "
            "run ids must differ when the input or the settings do"
        )
    ids, left = _values(current["cluster_id"], at), _values(previous["cluster_id"], was)
    new, old = pd.factorize(ids)[0], pd.factorize(left)[0]
    moves, is_open = ids != left, at >= 0
    action = _actions(new, old, moves)
    opened = _Opened(current.iloc[at[is_open]], new[is_open], old[is_open], action[is_open])
    columns = {
        "run_id": run_id,
        "valid_from_run": run_id,
        "valid_to_run": None,
        "model_id": model_id,
        "previous_cluster_id": np.where(moves, left, NULL)[is_open],
        "size": opened.rows["size"].to_numpy(dtype=np.int32),
        **{name: opened.rows[name].to_numpy() for name in AS_THEY_ARE},
        **_explain(opened, previous, was[is_open], links, cuts),
    }
    made = pd.DataFrame(columns, columns=CLUSTER_COLUMNS)
    return VersionChange(close.assign(valid_to_run=run_id), made)


class _Opened(NamedTuple):
    """Rows of this run that are written, [n].

    Attributes:
        rows: of `assign_clusters`.
        new, old: their clusters now and before as numbers, -1 where a record is new.
        action: what happened to them; empty where only the figures of the cluster changed.
    """

    rows: pd.DataFrame
    new: I64
    old: I64
    action: Text


def _values(column: pd.Series, places: I64) -> Text:
    """Values at places, None at place -1."""
    found: Text = np.append(column.to_numpy(dtype=object), NULL)[places]
    return found


def _numbers(column: pd.Series, places: I64) -> F64:
    """Numbers at places, NaN at place -1."""
    found: F64 = np.append(column.to_numpy(dtype=np.float64), np.nan)[places]
    return found


def _touched_rows(previous: pd.DataFrame, current: pd.DataFrame) -> tuple[I64, I64]:
    """Places of every record whose cluster differs, now and before; -1 where it is not there.

    Records of this run come first and in its order, then those that are gone.
    """
    place = pd.Index(current["record_token"]).get_indexer(previous["record_token"])
    rows = np.arange(len(previous))
    was = np.full(len(current), -1)
    was[place[place >= 0]] = rows[place >= 0]
    at = np.arange(len(current))
    differs = current["cluster_id"].to_numpy() != _values(previous["cluster_id"], was)
    for name in FIGURES:
        now, before = _numbers(current[name], at), _numbers(previous[name], was)
        differs |= (now != before) & ~(np.isnan(now) & np.isnan(before))
    codes = pd.factorize(current["cluster_id"])[0]
    touched = np.flatnonzero((np.bincount(codes, differs) > 0)[codes])
    gone = rows[place < 0]
    return np.append(touched, np.full(len(gone), -1)), np.append(was[touched], gone)


def _actions(new: I64, old: I64, moves: Bool) -> Text:
    """What happened to every touched row; empty where only the figures of its cluster changed."""
    is_new = old < 0
    grows = np.bincount(new[is_new] + 1, minlength=len(new) + 2)[new + 1] > 0
    sources = _count_values(new, old) - grows  # to come from nowhere is no source
    parts = _count_values(old, new)
    cases = [
        (is_new & (sources == 0), "CREATE"),
        (is_new, "JOIN"),
        (parts > 1, "SPLIT"),  # a record that is gone counts as a part
        ((sources > 1) | moves, "MERGE"),
        (grows, "JOIN"),
    ]
    names = np.select([case for case, _ in cases], [name for _, name in cases], default="")
    return names.astype(object)


def _count_values(group: I64, value: I64) -> I64:
    """How many different values the group of each row has; both are numbered from -1."""
    width = len(value) + 2
    pairs = pd.unique((group + 1) * width + value + 1)
    counts: I64 = np.bincount(pairs // width)[group + 1]
    return counts


def _explain(
    opened: _Opened, previous: pd.DataFrame, was: I64, links: pd.DataFrame, cuts: pd.DataFrame
) -> dict[str, Text | F64]:
    """Find action, rule, cause_edge and score_bits of the opened rows.

    The cause is the strongest edge that joined, or was refused, at the record itself, else
    anywhere in its cluster.
    """
    _, new, old, action = opened
    newcomers = old.max(initial=0) + 1 + np.arange(len(old))
    origin = np.where(old < 0, newcomers, old)  # newcomers: each its own
    is_split, is_kept = action == "SPLIT", action == ""
    found = _causes(opened.rows, links, same=new, apart=origin)
    if is_split.any():
        parted = _causes(opened.rows, cuts, same=old, apart=new)
        found = {name: np.where(is_split, parted[name], found[name]) for name in CAUSE}
    told = np.select([action == name for name in NO_EDGE_RULE], [*NO_EDGE_RULE.values()], "MATCH")
    rule = np.where(pd.isna(found["rule"]), told, found["rule"])
    by_edge = np.where(np.isin(rule, REVIEW_RULES), "REVIEW", action)
    columns = {"action": by_edge, **found, "rule": rule}
    if is_kept.any():
        columns["score_bits"] = np.where(
            is_kept, _numbers(previous["score_bits"], was), columns["score_bits"]
        )
        for name in ("action", "rule", "cause_edge"):
            columns[name] = np.where(is_kept, _values(previous[name], was), columns[name])
    return columns


def _causes(
    rows: pd.DataFrame, edges: pd.DataFrame, same: I64, apart: I64
) -> dict[str, Text | F64]:
    """Strongest edge of every row, or of its `same`, among edges within `same` across `apart`.

    Returns:
        `CAUSE` of each row; null where there is no such edge. Ties go to the smaller nodes.
    """
    tokens, node = pd.Index(rows["record_token"]), rows["node_id"].to_numpy(dtype=np.int64)
    a, b = tokens.get_indexer(edges["token_a"]), tokens.get_indexer(edges["token_b"])
    inside = np.flatnonzero((a >= 0) & (b >= 0))
    x, y = a[inside], b[inside]
    joins = (same[x] >= 0) & (same[x] == same[y]) & (apart[x] != apart[y])
    inside, x, y = inside[joins], x[joins], y[joins]
    bits = _numbers(edges["score_bits"], inside)
    bits = np.where(np.isnan(bits), np.inf, bits)  # an unscored decision beats any score
    order = np.lexsort((np.maximum(node[x], node[y]), np.minimum(node[x], node[y]), -bits))
    at_row, at_home = np.full(len(rows), len(order)), np.full(same.max(initial=-1) + 2, len(order))
    rank = np.arange(len(order))
    np.minimum.at(at_row, x[order], rank)
    np.minimum.at(at_row, y[order], rank)
    np.minimum.at(at_home, same[x[order]], rank)
    best = np.where(at_row < len(order), at_row, at_home[same])
    edge = np.append(inside[order], -1)[best]
    token_a, token_b = (_values(edges[name], edge) for name in ("token_a", "token_b"))
    cause = np.full(len(rows), None, dtype=object)
    hit = edge >= 0
    cause[hit] = token_a[hit] + " " + token_b[hit]
    rule, bits = _values(edges["rule"], edge), _numbers(edges["score_bits"], edge)
    return {"rule": rule, "cause_edge": cause, "score_bits": bits}
