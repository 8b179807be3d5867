"""What new records change against the store of earlier runs.

Only pairs with a fresh record are looked for. A record is fresh when it is new, came with other
content, or stands for equal ones from now on.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.core.arrow_hash import hash_rows
from pipelines.dedup.attributes import RecordStore, open_store, open_words
from pipelines.dedup.checks import COLLAPSED, SUPERSEDED
from pipelines.dedup.copies import UNDATED, find_copies
from pipelines.dedup.groups import Groups
from pipelines.dedup.hashing import fold
from pipelines.dedup.key_source import is_member
from pipelines.dedup.row_stage import OTHER, Staged
from pipelines.dedup.union import Union

Bool = npt.NDArray[np.bool_]
I64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Increment:
    """Difference of a union from the store of earlier runs.

    Attributes:
        union: how the rows follow.
        fresh: sorted nodes whose pairs are looked for.
        gone: sorted nodes of earlier runs whose stored pairs hold no more.
        stars: records behind a representative that is new to them: hidden nodes, leaders.
        is_local: the driver works it through by itself.
    """

    union: Union
    fresh: I64
    gone: I64
    stars: tuple[I64, I64]
    is_local: bool = False


def settle_copies(staged: Staged, folder: Path) -> tuple[Staged, Bool]:
    """Let new and earlier rows of one id meet: the newest stays.

    Args:
        staged: the new rows, each id once.
        folder: the earlier store.

    Returns:
        The new rows that stay, with those that gave way among the others; and which earlier rows
        stay, [earlier].
    """
    base, new = open_store(str(folder)), staged.records
    nodes = new["node_id"].to_numpy()
    rows = base.rows_of(nodes).clip(max=max(len(base.nodes) - 1, 0))
    known = np.zeros(len(nodes), dtype=bool)
    if len(base.nodes):
        known = base.nodes[rows] == nodes
    kept = np.ones(len(base.nodes), dtype=bool)
    if not known.any():
        return staged, kept
    # Earlier rows first: of rows that are equal in everything the one at hand stays.
    both = pa.concat_tables([_earlier_rows(base, rows[known], folder), new.select(OTHER)])
    moments = both["enrolled_at"].cast(pa.int64()).fill_null(UNDATED).to_numpy()
    origin = hash_rows(both, ["source"]).view(np.int64)
    same, other = find_copies(
        both["node_id"].to_numpy(), moments, both["content_hash"].to_numpy(), origin
    )
    earlier = int(known.sum())
    kept[rows[known]] = ~(same | other)[:earlier]
    return _set_aside(staged, same[earlier:], other[earlier:]), kept


def _earlier_rows(base: RecordStore, rows: I64, folder: Path) -> pa.Table:
    """Earlier rows with the columns `OTHER`; a moment of 0 is an unknown one."""
    moments = np.asarray(base.enrolled_us)[rows]
    names = open_words(folder / "sources.arrow")
    assert base.sources is not None  # noqa: S101 (every store of this job has them)
    return pa.table(
        {
            "record_token": base.tokens.take(pa.array(rows)).cast(pa.string()),
            "node_id": base.nodes[rows],
            "source": names.take(pa.array(base.sources[rows])).cast(pa.string()),
            "enrolled_at": pa.array(moments, pa.int64(), mask=moments == 0).cast(
                pa.timestamp("us", "UTC")
            ),
            "content_hash": base.content[rows],
        }
    )


def _set_aside(staged: Staged, same: Bool, other: Bool) -> Staged:
    gone = same | other
    reasons = np.where(same, COLLAPSED, SUPERSEDED)[gone]
    given_way = staged.records.select(OTHER).filter(pa.array(gone))
    given_way = given_way.append_column("reason", pa.array(reasons, pa.string()))
    counts = dict(staged.counts)
    counts["good"] -= int(gone.sum())
    counts[f"reason:{COLLAPSED}"] += int(same.sum())
    counts[f"reason:{SUPERSEDED}"] += int(other.sum())
    others = pa.concat_tables([staged.others, given_way.select(staged.others.column_names)])
    return replace(
        staged, records=staged.records.filter(pa.array(~gone)), others=others, counts=counts
    )


def find_increment(
    union: Union, store: RecordStore, earlier_groups: Groups, groups: Groups
) -> Increment:
    """Compare the groups of equal content before and after.

    Args:
        union: how the rows follow.
        store: the union's store.
        earlier_groups: groups of the earlier store.
        groups: groups of the union.
    """
    base = open_store(str(union.folder))
    changed, arrived = _changed(base, store, union.kept), union.records["node_id"].to_numpy()
    behind, earlier = groups.hidden, earlier_groups.hidden
    # All others were compared before and are still: the register itself need not be looked through.
    moved = np.union1d(np.union1d(arrived, changed), np.union1d(behind, earlier))
    is_visible = ~is_member(moved, behind)
    was_visible = is_member(moved, np.asarray(base.nodes)) & ~is_member(moved, earlier)
    fresh = moved[is_visible & (~was_visible | is_member(moved, changed))]
    is_made = np.isin(_links(groups), _links(earlier_groups)) & ~is_member(behind, changed)
    held = np.isin(_links(earlier_groups), _links(groups))
    gone = [moved[was_visible & ~is_visible], changed, earlier[~held]]
    stars = behind[~is_made], groups.leader[~is_made]
    return Increment(union, fresh, np.unique(np.concatenate(gone)), stars)


def _changed(base: RecordStore, store: RecordStore, kept: Bool) -> I64:
    """Earlier nodes that came again with other content."""
    rows = np.flatnonzero(~kept)
    now = store.content[store.rows_of(base.nodes[rows])]
    nodes: I64 = base.nodes[rows[now != base.content[rows]]]
    return nodes


def _links(groups: Groups) -> npt.NDArray[np.uint64]:
    """A hash for each record and the representative it stands behind."""
    return fold(0, [groups.hidden.view(np.uint64), groups.leader.view(np.uint64)])
