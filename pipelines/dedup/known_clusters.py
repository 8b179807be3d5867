"""Which clusters an increment changes: label and figures of each record, before and after.

A run leaves them beside the record store, for its version of the table `clusters`; without them
they follow from that table. A cluster with the same label (its smallest node), size and figures
has the same members, so only the others are named, explained and written.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.core.lake import Lake
from pipelines.core.packed import Records
from pipelines.dedup.attributes import RecordStore, open_store
from pipelines.dedup.key_source import is_member
from pipelines.dedup.merge_log import FIGURES
from pipelines.dedup.union import Union

I64 = npt.NDArray[np.int64]

TABLE = "clusters"
KNOWN = np.dtype(
    [("label", "<i8"), ("size", "<i4"), ("weakest_bridge_bits", "<f8"), ("density", "<f8")]
)
NEW = -1  # label of a record that was not there


def describe(nodes: I64, labels: I64, stats: pd.DataFrame) -> Records:
    """Label and figures of the cluster of each record, an array of `KNOWN`.

    Args:
        nodes: sorted nodes of the register.
        labels: component of each, as of `spread_labels`.
        stats: `component_stats` of the kept edges.
    """
    home = np.arange(len(nodes))
    is_joined = labels != nodes
    home[is_joined] = np.searchsorted(nodes, labels[is_joined])
    known = np.empty(len(nodes), dtype=KNOWN)
    known["label"], known["size"] = labels, np.bincount(home, minlength=len(nodes))[home]
    at = np.searchsorted(nodes, stats["component"].to_numpy())
    for name in FIGURES[1:]:
        figure = np.full(len(nodes), np.nan)
        figure[at] = stats[name].to_numpy()
        known[name] = figure[home]
    return known


def keep_known(folder: Path, version: int, known: Records) -> None:
    """Leave them beside a record store, for a version of the table."""
    np.save(folder / f"{TABLE}-{version}.npy", known)


def known_before(lake: Lake, union: Union) -> Records:
    """What was known before an increment, by row of its union; new contents count as new."""
    file = union.folder / f"{TABLE}-{lake.published(TABLE)}.npy"
    base = open_store(str(union.folder))
    known = np.load(file) if file.exists() else _from_table(lake, base)
    new = np.zeros(union.records.num_rows, dtype=KNOWN)
    new["label"] = NEW
    return union.rows(known, new)


def _from_table(lake: Lake, base: RecordStore) -> Records:
    rows = lake.arrow(TABLE, ["record_token", "cluster_id", "valid_to_run", *FIGURES])
    rows = rows.filter(pc.field("valid_to_run").is_null())
    at = pc.index_in(base.tokens.cast(pa.string()), rows["record_token"])
    rows = rows.take(at)
    known = np.empty(len(base.nodes), dtype=KNOWN)
    names = rows["cluster_id"].combine_chunks().dictionary_encode()
    codes = names.indices.fill_null(len(names.dictionary)).to_numpy()
    label = np.full(len(names.dictionary) + 1, np.iinfo(np.int64).max)
    np.minimum.at(label, codes, base.nodes)
    label[-1] = NEW
    known["label"] = label[codes]
    for name in FIGURES:
        known[name] = rows[name].to_pandas().fillna(0 if name == "size" else np.nan)
    return known


def changed_rows(before: Records, after: Records) -> I64:
    """Rows of the clusters that have other members or figures than before, ascending."""
    differs = np.zeros(len(after), dtype=bool)
    for name in ("label", *FIGURES):
        new, was = after[name], before[name]
        same = new == was
        if name in FIGURES[1:]:
            same |= np.isnan(new) & np.isnan(was)
        differs |= ~same
    return np.flatnonzero(is_member(after["label"], np.unique(after["label"][differs])))
