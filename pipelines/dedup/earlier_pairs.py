"""Pairs that earlier runs have stored: scored again where they hold, dropped where they do not."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.core.lake import Lake
from pipelines.core.packed import Records
from pipelines.dedup.attributes import RecordStore
from pipelines.dedup.candidates import PAIR
from pipelines.dedup.decide import Band
from pipelines.dedup.decisions import decision_nodes
from pipelines.dedup.edges import Scoring, score_pairs
from pipelines.dedup.hashing import U64, fold
from pipelines.dedup.membership import touches
from pipelines.dedup.pairs import IDENTICAL, compare_records

Bool = npt.NDArray[np.bool_]
I64 = npt.NDArray[np.int64]

TABLE = "candidate_edges"


def keep_edges(folder: Path, edges: Records, stamp: str) -> None:
    """Lay edges of band REVIEW and MATCH beside a record store, for the next increment.

    Args:
        folder: the store.
        edges: all of them, array of `EDGE`.
        stamp: says what they were scored with.
    """
    np.save(folder / f"edges-{stamp}.npy", edges)


def kept_edges(folder: Path, stamp: str, gone: I64) -> tuple[Records, Records] | None:
    """Edges of `keep_edges`: those that hold, and those of some nodes, which do not.

    None where they were scored otherwise.
    """
    file = folder / f"edges-{stamp}.npy"
    if not file.exists():
        return None
    edges: Records = np.load(file)
    is_left = touches((edges["a"], edges["b"]), gone)
    return edges[~is_left], edges[is_left]


def earlier_edges(
    lake: Lake, store: RecordStore, scoring: Scoring, gone: I64, names: Sequence[str]
) -> Records:
    """Edges of band REVIEW and MATCH among earlier records, as the decisions of today have them.

    Args:
        lake: the lake.
        store: the union's store.
        scoring: as for new pairs.
        gone: nodes whose stored pairs hold no more.
        names: key families by number.
    """
    rows = lake.arrow(TABLE, ["token_a", "token_b", "families", "band"])
    strong = pa.array([Band.REVIEW.name, Band.MATCH.name])
    rows = rows.filter(pc.is_in(rows["band"], strong))
    nodes = decision_nodes(rows)
    pairs = _pairs(nodes, rows["families"], names)[~touches((nodes[:, 0], nodes[:, 1]), gone)]
    compared = compare_records(pairs, store, scoring.comparison)
    edges = score_pairs(compared, store, scoring)
    kept: Records = edges[edges["band"] >= Band.REVIEW]
    return kept


def part_pairs(
    lake: Lake, store: RecordStore, scoring: Scoring, gone: I64, names: Sequence[str], run_id: str
) -> tuple[pa.Table, Bool, Records] | None:
    """Stored pairs, which of them go, and pairs to write again; None: all stay.

    Pairs of gone nodes go. A decision that this run is the first to apply gives its
    pair another band, so that pair is scored again.
    """
    decisions = scoring.decisions
    decided = decisions.filter(pc.equal(decisions["applied_run_id"], run_id))
    if not len(gone) and not decided.num_rows:
        return None
    rows = lake.arrow(TABLE)
    left = pa.chunked_array([store.tokens.take(pa.array(store.rows_of(gone)))])
    leaves = np.logical_or(*_stand_in(rows, left))
    ends = pa.chunked_array([*decided["token_a"].chunks, *decided["token_b"].chunks], pa.string())
    met = np.flatnonzero(np.logical_and(*_stand_in(rows, ends)) & ~leaves)
    nodes = decision_nodes(rows.take(pa.array(met)))
    is_decided = np.isin(_words(nodes), _words(decision_nodes(decided)))
    again = rows.take(pa.array(met[is_decided]))
    pairs = _pairs(nodes[is_decided], again["families"], names)
    compared = compare_records(pairs, store, scoring.comparison)
    leaves[met[is_decided]] = True
    return rows, leaves, score_pairs(compared, store, scoring)


def _stand_in(rows: pa.Table, tokens: pa.ChunkedArray) -> tuple[Bool, Bool]:
    """Whether each side of stored pairs is among some tokens."""
    some = tokens.cast(pa.string())
    first, second = (np.asarray(pc.is_in(rows[side], some)) for side in ("token_a", "token_b"))
    return first, second


def _words(nodes: I64) -> U64:
    ordered = np.sort(nodes, axis=1)
    return fold(0, [np.ascontiguousarray(ordered[:, i]).view(np.uint64) for i in (0, 1)])


def _pairs(nodes: I64, families: pa.ChunkedArray, names: Sequence[str]) -> Records:
    pairs = np.zeros(len(nodes), dtype=PAIR)
    if len(nodes):
        pairs["a"], pairs["b"] = nodes.min(axis=1), nodes.max(axis=1)
        pairs["families"] = _family_bits(families, names)
    return pairs


def _family_bits(families: pa.ChunkedArray, names: Sequence[str]) -> npt.NDArray[np.uint32]:
    """Bit sets of the families that saw each pair, from their names."""
    bit = {name: 1 << number for number, name in enumerate(names)} | {"identical": 1 << IDENTICAL}
    joined = pc.binary_join(families.cast(pa.list_(pa.string())), "|").combine_chunks()
    encoded = joined.dictionary_encode()
    sets = [sum(bit[one] for one in text.split("|")) for text in encoded.dictionary.to_pylist()]
    bits: npt.NDArray[np.uint32] = np.array(sets, dtype=np.uint32)[np.asarray(encoded.indices)]
    return bits
