"""The merge log: which rows of the cluster table a run closes and opens, and the edge behind each.

Only clusters that differ in members, id or figures are touched, so a rerun writes nothing.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.core.errors import SangamError
from pipelines.dedup.clusters import CLUSTER_COLUMNS, VersionChange

I64 = npt.NDArray[np.int64]

REVIEW_RULES = frozenset({"REVIEWER", "CANNOT_LINK"})
"""Rules of edges behind which a person stands: the action is REVIEW."""

FIGURES = ["size", "weakest_bridge_bits", "density"]
NO_EDGE_RULE = {"CREATE": "NEW_RECORD", "SPLIT": "EDGE_LOST"}
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
    rows = _touched_rows(previous, current)
    close = previous[previous["record_token"].isin(rows["record_token"])]
    if (close["valid_from_run"] == run_id).any():
        raise SangamError(
            f"clusters: run {run_id} has already written other rows for the same records; "
            "run ids must differ when the input or the settings do"
        )
    action = _actions(rows)
    is_open = rows["cluster_id"].notna().to_numpy()
    opened = rows if is_open.all() else rows[is_open]
    causes = _explain(opened, action[is_open], links, cuts)
    left, entered = opened["cluster_id_old"], opened["cluster_id"]
    stamps = {"run_id": run_id, "valid_from_run": run_id, "valid_to_run": None}
    columns = stamps | {
        "model_id": model_id,
        "cluster_id": entered,
        "record_token": opened["record_token"],
        "previous_cluster_id": left.where(left.notna() & (entered != left), None),
        **{name: opened[name] for name in FIGURES},
        **causes,
    }
    new = pd.DataFrame(columns, columns=CLUSTER_COLUMNS).astype({"size": np.int32})
    return VersionChange(close.assign(valid_to_run=run_id), new.reset_index(drop=True))


def _touched_rows(previous: pd.DataFrame, current: pd.DataFrame) -> pd.DataFrame:
    """Old and new row of every record whose cluster differs; old columns end in `_old`."""
    kept = ["record_token", "cluster_id", "action", *CAUSE, *FIGURES]
    if previous.empty:
        figures = dict.fromkeys(("score_bits", *FIGURES), np.nan)
        return current.assign(**{f"{name}_old": figures.get(name) for name in kept[1:]})
    old = previous[kept].rename(columns={name: f"{name}_old" for name in kept[1:]})
    rows = current.merge(old, how="outer", on="record_token", sort=False)
    differs = (rows["cluster_id"] != rows["cluster_id_old"]).to_numpy()
    for name in FIGURES:
        new, was = (rows[key].to_numpy(dtype=np.float64) for key in (name, f"{name}_old"))
        differs |= (new != was) & ~(np.isnan(new) & np.isnan(was))
    codes, names = pd.factorize(rows["cluster_id"])  # -1: the record is gone
    is_touched = np.bincount(codes[codes >= 0], differs[codes >= 0], len(names)) > 0
    is_wanted = np.append(is_touched, True)[codes]
    return rows if is_wanted.all() else rows[is_wanted]


def _actions(rows: pd.DataFrame) -> pd.Series:
    """What happened to every touched row; empty where only the figures of its cluster changed."""
    new, old = pd.factorize(rows["cluster_id"])[0], pd.factorize(rows["cluster_id_old"])[0]
    is_new = old < 0
    grows = np.bincount(new[is_new] + 1, minlength=len(rows) + 2)[new + 1] > 0
    sources = _count_values(new, old) - grows  # to come from nowhere is no source
    parts = _count_values(old, new)
    moves = (rows["cluster_id"] != rows["cluster_id_old"]).to_numpy()
    cases = [
        (is_new & (sources == 0), "CREATE"),
        (is_new, "JOIN"),
        (parts > 1, "SPLIT"),  # a record that is gone counts as a part
        ((sources > 1) | moves, "MERGE"),
        (grows, "JOIN"),
    ]
    names = np.select([case for case, _ in cases], [name for _, name in cases], default="")
    return pd.Series(names, index=rows.index, dtype=object)


def _count_values(group: I64, value: I64) -> I64:
    """How many different values the group of each row has; both are numbered from -1."""
    width = len(value) + 2
    pairs = pd.unique((group + 1) * width + value + 1)
    counts: I64 = np.bincount(pairs // width)[group + 1]
    return counts


def _explain(
    rows: pd.DataFrame, action: pd.Series, links: pd.DataFrame, cuts: pd.DataFrame
) -> dict[str, pd.Series]:
    """Find action, rule, cause_edge and score_bits of the opened rows.

    The cause is the strongest edge that joined, or was refused, at the record itself, else
    anywhere in its cluster.
    """
    new, old = pd.factorize(rows["cluster_id"])[0], pd.factorize(rows["cluster_id_old"])[0]
    origin = np.where(old < 0, len(rows) + np.arange(len(rows)), old)  # newcomers: each its own
    is_split, is_kept = action == "SPLIT", action == ""
    joined = parted = _causes(rows, links, same=new, apart=origin)
    if is_split.any():
        parted = _causes(rows, cuts, same=old, apart=new)
    columns = {}
    for name in CAUSE:
        found = parted[name].where(is_split, joined[name])
        old = rows[f"{name}_old"]
        columns[name] = old.where(is_kept, found) if is_kept.any() else found
    columns["cause_edge"] = columns["cause_edge"].where(columns["cause_edge"].notna(), None)
    columns["rule"] = columns["rule"].fillna(action.map(NO_EDGE_RULE)).fillna("MATCH")
    by_edge = action.where(~columns["rule"].isin(REVIEW_RULES), "REVIEW")
    columns["action"] = rows["action_old"].where(is_kept, by_edge)
    return columns


def _causes(rows: pd.DataFrame, edges: pd.DataFrame, same: I64, apart: I64) -> pd.DataFrame:
    """Strongest edge of every row, or of its `same`, among edges within `same` across `apart`.

    Returns:
        `CAUSE`, index of `rows`; null where there is no such edge. Ties go to the smaller nodes.
    """
    tokens, node = pd.Index(rows["record_token"]), rows["node_id"].to_numpy(dtype=np.int64)
    a, b = tokens.get_indexer(edges["token_a"]), tokens.get_indexer(edges["token_b"])
    inside = np.flatnonzero((a >= 0) & (b >= 0))
    x, y = a[inside], b[inside]
    joins = (same[x] >= 0) & (same[x] == same[y]) & (apart[x] != apart[y])
    inside, x, y = inside[joins], x[joins], y[joins]
    bits = edges["score_bits"].to_numpy(dtype=np.float64)[inside]
    bits = np.where(np.isnan(bits), np.inf, bits)  # an unscored decision beats any score
    order = np.lexsort((np.maximum(node[x], node[y]), np.minimum(node[x], node[y]), -bits))
    at_row, at_home = np.full(len(rows), len(order)), np.full(same.max(initial=-1) + 2, len(order))
    rank = np.arange(len(order))
    np.minimum.at(at_row, x[order], rank)
    np.minimum.at(at_row, y[order], rank)
    np.minimum.at(at_home, same[x[order]], rank)
    best = np.where(at_row < len(order), at_row, at_home[same])
    hit = best < len(order)
    found = edges.iloc[inside[order[best[hit]]]]
    found = found.assign(cause_edge=found["token_a"] + " " + found["token_b"])
    return found[CAUSE].set_axis(rows.index[hit]).reindex(rows.index)
