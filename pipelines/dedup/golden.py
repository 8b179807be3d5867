"""Golden records: one surviving value per field of each cluster, and the record it came from.

Nothing is sorted per field. Members are ordered once (newest first, then smallest token); a field
then scores every member as penalty, rarity, position in that order, packed into one integer, and
the smallest integer of a cluster names the surviving member.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.core.errors import ContractError
from pipelines.dedup.survival import FieldRule, Survival, count_flaws
from pipelines.dedup.text_maps import pack_map

I64 = npt.NDArray[np.int64]

KEYS = ("cluster_id", "record_token")
MEMBER_COLUMNS = (*KEYS, "enrolled_at")


def golden_records(members: pa.Table, rules: Mapping[str, FieldRule]) -> pa.Table:
    """Choose the surviving value of every field of every cluster.

    Args:
        members: columns cluster_id, record_token, enrolled_at and the fields; one row per member.
            A null enrolled_at is older than any other.
        rules: one rule per field; fields without a rule are left out.

    Returns:
        One row per cluster in order of cluster_id: the fields, `<field>_from` (record_token, null
        where the value is null), members int32, completeness (share of fields with a value).

    Raises:
        ContractError: a column is missing, or a key column holds nulls.
    """
    _check_columns(members, rules)
    ordered, starts = _ordered_members(members, list(rules))
    winners = _winners(ordered, starts, rules)
    columns: dict[str, pa.Array] = {"cluster_id": ordered["cluster_id"].take(pa.array(starts))}
    filled = np.zeros(len(starts))
    for name in rules:
        values = ordered[name].take(pa.array(winners[name]))
        is_filled = values.is_valid().to_numpy(zero_copy_only=False)
        tokens = ordered["record_token"].take(pa.array(winners[name], mask=~is_filled))
        columns |= {name: values, f"{name}_from": tokens}
        filled += is_filled
    sizes = np.diff(np.append(starts, len(members)))
    columns["members"] = pa.array(sizes, pa.int32())
    columns["completeness"] = pa.array(filled / max(len(rules), 1))
    return pa.table(columns)


def pack_golden(golden: pa.Table, fields: Sequence[str]) -> pa.Table:
    """Bring golden records into the shape of their contract.

    Args:
        golden: as `golden_records` returns it.
        fields: the fields it holds.

    Returns:
        cluster_id, values and sources (maps by field name; a missing value has no entry, dates as
        yyyy-MM-dd), members, completeness.
    """
    columns = {
        "cluster_id": golden["cluster_id"],
        "values": pack_map({name: golden[name] for name in fields}, golden.num_rows),
        "sources": pack_map({name: golden[f"{name}_from"] for name in fields}, golden.num_rows),
        "members": golden["members"],
        "completeness": golden["completeness"],
    }
    return pa.table(columns)


def _check_columns(members: pa.Table, rules: Mapping[str, FieldRule]) -> None:
    missing = [name for name in (*MEMBER_COLUMNS, *rules) if name not in members.column_names]
    if missing:
        raise ContractError(
            f"golden records: no column {', '.join(missing)}; there are {members.column_names}"
        )
    nulls = [key for key in KEYS if members[key].null_count]
    if nulls:
        raise ContractError(f"golden records: null in {', '.join(nulls)}; keys must be present")


def _ordered_members(
    members: pa.Table, fields: Sequence[str]
) -> tuple[dict[str, pa.Array], npt.NDArray[np.intp]]:
    """Columns with clusters together, newest members first, and where each cluster starts."""
    cluster_ranks = _ranks(members["cluster_id"])
    order = np.lexsort(
        (_ranks(members["record_token"]), -_ranks(members["enrolled_at"]), cluster_ranks)
    )
    ranks = cluster_ranks[order]
    starts = np.flatnonzero(np.diff(ranks, prepend=-1))
    names = dict.fromkeys((*KEYS, *fields))
    return {name: _flat(members[name]).take(pa.array(order)) for name in names}, starts


def _winners(
    ordered: Mapping[str, pa.Array], starts: npt.NDArray[np.intp], rules: Mapping[str, FieldRule]
) -> dict[str, I64]:
    """Row of the surviving member per field and cluster."""
    clusters = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, _rows(ordered))))
    winners: dict[str, I64] = {}
    for name, rule in rules.items():
        if name in winners:
            continue
        if rule.survival is Survival.NEWEST_SET:
            fields = [field for field, other in rules.items() if other == rule]
            rows = _newest_set([ordered[field] for field in fields], starts)
            winners |= dict.fromkeys(fields, rows)
        else:
            winners[name] = _most_frequent(ordered[name], rule.survival, clusters, starts)
    return winners


def _most_frequent(
    column: pa.Array, survival: Survival, clusters: I64, starts: npt.NDArray[np.intp]
) -> I64:
    """Rows of the most frequent values; penalised values only where there is no other."""
    encoded = column.dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy().astype(np.int64)
    penalties = count_flaws(encoded.dictionary, survival)
    by_code = np.append(penalties, penalties.max(initial=0) + 1)  # the last one is null, code -1
    rarity = _rarity(clusters * len(by_code) + codes + 1, clusters)
    return _first_by(by_code[codes], rarity, starts)


def _rarity(cells: I64, clusters: I64) -> I64:
    """Rows less the members with the same value; two members cannot outvote each other."""
    rarity = np.zeros(len(cells), np.int64)
    is_vote = np.bincount(clusters)[clusters] > 2
    _, inverse, counts = np.unique(cells[is_vote], return_inverse=True, return_counts=True)
    rarity[is_vote] = len(cells) - counts[inverse]
    return rarity


def _newest_set(columns: Sequence[pa.Array], starts: npt.NDArray[np.intp]) -> I64:
    """Rows of the members with the most fields of the set; the newest of them."""
    missing = np.sum([column.is_null().to_numpy(zero_copy_only=False) for column in columns], 0)
    return _first_by(missing.astype(np.int64), np.zeros(len(missing), np.int64), starts)


def _first_by(penalty: I64, rarity: I64, starts: npt.NDArray[np.intp]) -> I64:
    """Per cluster the row with the smallest (penalty, rarity, position)."""
    rows = len(penalty)
    if not rows:
        return np.zeros(0, np.int64)
    packed = (penalty * (rows + 1) + rarity) * rows + np.arange(rows)
    best: I64 = np.minimum.reduceat(packed, starts) % rows
    return best


def _ranks(column: pa.ChunkedArray) -> I64:
    """Dense ranks of the values in ascending order, -1 for null."""
    encoded = _flat(column).dictionary_encode()
    sort = pc.sort_indices(encoded.dictionary).to_numpy()
    ranks = np.full(len(sort) + 1, -1, dtype=np.int64)
    ranks[sort] = np.arange(len(sort))
    positions: I64 = ranks[encoded.indices.fill_null(-1).to_numpy()]
    return positions


def _flat(column: pa.ChunkedArray) -> pa.Array:
    array = column.combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = array.chunk(0) if array.num_chunks else pa.array([], column.type)
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


def _rows(columns: Mapping[str, pa.Array]) -> int:
    return len(columns[KEYS[0]])
