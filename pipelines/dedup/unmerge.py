"""The merge log read backwards: members at an earlier run, aliases, and the way back."""

from collections.abc import Iterable, Sequence
from itertools import product

import numpy as np
import pandas as pd

from pipelines.core.errors import ConfigError
from pipelines.dedup.clusters import CLUSTER_COLUMNS, VersionChange, cluster_id


def members_at(rows: pd.DataFrame, run_id: str, runs: Sequence[str]) -> pd.DataFrame:
    """Rows that were current when a run had ended.

    Args:
        rows: all versions, `CLUSTER_COLUMNS`.
        run_id: the run.
        runs: published runs, oldest first; run ids carry no order of their own.

    Raises:
        ConfigError: `run_id` or a run named in `rows` is not published.
    """
    place = {run: number for number, run in enumerate(runs)}
    unknown = ({run_id} | set(rows["valid_from_run"])) - place.keys()
    if unknown:
        raise ConfigError(
            f"clusters: run {min(unknown)} is not among the {len(runs)} published runs; "
            "name a run of the table `runs`"
        )
    begun = rows["valid_from_run"].map(place) <= place[run_id]
    ended = rows["valid_to_run"].map(place) <= place[run_id]  # never for a current row
    return rows[begun & ~ended]


def find_aliases(rows: pd.DataFrame) -> pd.DataFrame:
    """Ids that are no longer in use, and the cluster where their anchor lives now.

    Args:
        rows: all versions, `CLUSTER_COLUMNS`.

    Returns:
        `alias`, `cluster_id`, ordered by alias.
    """
    current = rows[rows["valid_to_run"].isna()]
    moved = rows.loc[rows["previous_cluster_id"].notna(), ["record_token", "previous_cluster_id"]]
    moved = moved[~moved["previous_cluster_id"].isin(current["cluster_id"])].drop_duplicates()
    moved = moved[moved["record_token"].map(cluster_id) == moved["previous_cluster_id"]]
    found = moved.merge(current[["record_token", "cluster_id"]], how="inner", on="record_token")
    found = found.rename(columns={"previous_cluster_id": "alias"})
    return found[["alias", "cluster_id"]].sort_values("alias", ignore_index=True)


def unmerge(
    rows: pd.DataFrame, cluster: str, run_id: str, new_run_id: str, runs: Sequence[str]
) -> tuple[VersionChange, pd.DataFrame]:
    """Restore the members that a cluster had when a run had ended.

    Clusters that share a record with it, now or then, go back to that run as well; records that
    came later stand alone until the next run joins them again.

    Args:
        rows: all versions, `CLUSTER_COLUMNS`.
        cluster: its id at the time of `run_id`.
        run_id: the run to return to.
        new_run_id: the run that writes the change.
        runs: published runs, oldest first.

    Returns:
        The change (empty when nothing differs), and the pairs `token_a < token_b` of a member and
        an outsider: to be stored as decisions, or the next run would merge them again.

    Raises:
        ConfigError: no such run, or no such cluster at its end.
    """
    now = rows[rows["valid_to_run"].isna()]
    then = members_at(rows, run_id, runs)
    then = then[then["record_token"].isin(now["record_token"])]  # a forgotten record stays out
    members = set(then.loc[then["cluster_id"] == cluster, "record_token"])
    if not members:
        raise ConfigError(
            f"clusters: {cluster} has no members at the end of run {run_id}; "
            "name a cluster of that run"
        )
    tokens = _undone_together(now, then, members)
    close = now[now["record_token"].isin(tokens)]
    opened = _restore(close, then[then["record_token"].isin(tokens)], new_run_id)
    if opened["previous_cluster_id"].isna().all():
        close, opened, tokens = close.iloc[:0], opened.iloc[:0], members
    pairs = [sorted(pair) for pair in product(sorted(members), sorted(tokens - members))]
    change = VersionChange(close.assign(valid_to_run=new_run_id), opened)
    return change, pd.DataFrame(pairs, columns=["token_a", "token_b"])


def _undone_together(now: pd.DataFrame, then: pd.DataFrame, tokens: Iterable[str]) -> set[str]:
    """Records that share a cluster with the given ones now or then, and so on."""
    found, size = set(tokens), -1
    while size != len(found):
        size = len(found)
        for state in (now, then):
            ids = state.loc[state["record_token"].isin(found), "cluster_id"]
            found |= set(state.loc[state["cluster_id"].isin(ids), "record_token"])
    return found


def _restore(close: pd.DataFrame, then: pd.DataFrame, run_id: str) -> pd.DataFrame:
    """Rows of the earlier run for the records of the closed rows, as versions of a new run."""
    late = close[~close["record_token"].isin(then["record_token"])]
    late = late.assign(cluster_id=late["record_token"].map(cluster_id), cause_edge=None)
    late = late.assign(score_bits=np.nan, size=0)
    opened = pd.concat([then, late], ignore_index=True)
    count = opened.groupby("cluster_id")["record_token"].transform("size").astype(np.int32)
    stale = count != opened["size"]  # alone now, or a member is forgotten: figures do not hold
    opened.loc[stale, ["weakest_bridge_bits", "density"]] = np.nan
    before = close.set_index("record_token")["cluster_id"].reindex(opened["record_token"])
    before = before.reset_index(drop=True)
    opened["previous_cluster_id"] = before.where(before != opened["cluster_id"], None)
    opened = opened.assign(run_id=run_id, valid_from_run=run_id, valid_to_run=None, size=count)
    return opened.assign(action="UNMERGE", rule="UNMERGE")[CLUSTER_COLUMNS]
