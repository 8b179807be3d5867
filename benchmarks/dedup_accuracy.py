"""One evaluator for all: pairwise on the closure of clusters, against the same truth."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pipelines.core.privacy import key_from_env
from pipelines.dedup.evaluation_metrics import PairCounts, count_pairs

THRESHOLDS = (0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999, 0.9999)


def score_clusters(clusters: pd.DataFrame, entity: "pd.Series[str]") -> PairCounts:
    """Count pairs; a record that a program left out stands alone.

    Args:
        clusters: columns `id` and `cluster`.
        entity: true entity by record id.
    """
    labels = clusters.set_index("id")["cluster"].reindex(entity.index)
    alone = pd.Series(entity.index, index=entity.index).radd("alone ")
    return count_pairs(labels.astype(object).fillna(alone).astype(str), entity)


def best_threshold(pairs: pd.DataFrame, entity: "pd.Series[str]") -> tuple[float, float]:
    """Best F1 over thresholds, and its threshold: picked with labels, so shown, never compared.

    Args:
        pairs: columns `left_id`, `right_id`, `score`.
        entity: true entity by record id.
    """
    sides = [entity.index.get_indexer(pairs[side]) for side in ("left_id", "right_id")]
    score, n = pairs["score"].to_numpy(), len(entity)
    found = []
    for threshold in THRESHOLDS:
        left, right = (side[score >= threshold] for side in sides)
        graph = coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(n, n))
        labels = connected_components(graph, directed=False)[1]
        found.append((count_pairs(labels, entity).f1 or 0.0, threshold))
    return max(found)


def our_clusters(lake: Path, ids: pd.Index, is_public: bool, key: dict[str, str]) -> pd.DataFrame:
    """Clusters of a finished run, with record ids instead of tokens.

    Args:
        lake: root of the tables.
        ids: all record ids of the input.
        is_public: bundled data, whose tokens come from the public key.
        key: variables of the key of the run.
    """
    table = lake / "clusters_v1"
    rows = pd.concat(pd.read_parquet(table / file) for file in _live_files(table))
    rows = rows[rows["valid_to_run"].isna()]
    tokeniser = key_from_env(is_public, {**os.environ, **key})
    tokens = tokeniser.token_columns(pa.array(ids.astype(str)))[0].to_pylist()
    known = pd.DataFrame({"id": ids, "record_token": tokens})
    found = known.merge(rows, on="record_token", how="inner", validate="one_to_one")
    return found[["id", "cluster_id"]].rename(columns={"cluster_id": "cluster"})


def _live_files(table: Path) -> list[str]:
    """Data files of the newest version of a small Delta table, from its log."""
    live: dict[str, None] = {}
    for commit in sorted((table / "_delta_log").glob("*.json")):
        for line in commit.read_text(encoding="utf-8").splitlines():
            action = json.loads(line)
            if "add" in action:
                live[action["add"]["path"]] = None
            elif "remove" in action:
                live.pop(action["remove"]["path"], None)
    return list(live)
