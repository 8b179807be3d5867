"""Decisions of reviewers: matched with known pairs, kept across runs, looked up for pairs."""

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.dedup.decide import Reviewer
from pipelines.dedup.hashing import fold

I64 = npt.NDArray[np.int64]
I8 = npt.NDArray[np.int8]

DECISION_SCHEMA = pa.schema(
    [
        ("review_id", pa.string()),
        ("token_a", pa.string()),
        ("token_b", pa.string()),
        ("decision", pa.string()),
        ("reviewer_token", pa.string()),
        ("decided_at", pa.timestamp("ms", tz="UTC")),
        ("applied_run_id", pa.string()),
    ]
)


@dataclass(frozen=True)
class Decisions:
    """A decision file after reading.

    Attributes:
        accepted: columns of `DECISION_SCHEMA` and `row`, one per pair; the tokens are empty where
            the file names a pair by its review id only.
        rejected: columns row (line in the file) and reason.
    """

    accepted: pd.DataFrame
    rejected: pd.DataFrame


def review_id(token_a: str, token_b: str) -> str:
    """Name of a pair, the same for either order: r and 20 hex digits of its SHA-256."""
    pair = " ".join(sorted((token_a, token_b)))
    return "r" + hashlib.sha256(pair.encode()).hexdigest()[:20]


def resolve_decisions(decisions: Decisions, known: pa.Table) -> Decisions:
    """Find the tokens of the pairs and set aside the decisions on unknown ones.

    Args:
        decisions: as read.
        known: pairs in columns token_a and token_b: the queue, and those candidate edges that a
            decision names.

    Returns:
        Accepted rows with both tokens; the others rejected as UNKNOWN_PAIR.
    """
    pairs = known.select(["token_a", "token_b"]).to_pandas().drop_duplicates()
    pairs["review_id"] = review_ids(pairs)
    rows = decisions.accepted.drop(columns=["token_a", "token_b"])
    rows = rows.merge(pairs, how="left", on="review_id")
    is_known = rows["token_a"].notna()
    unknown = rows.loc[~is_known, ["row"]].assign(reason="UNKNOWN_PAIR")
    columns = [*DECISION_SCHEMA.names, "row"]
    rejected = pd.concat([decisions.rejected, unknown]).sort_values("row", ignore_index=True)
    return Decisions(rows.loc[is_known, columns].reset_index(drop=True), rejected)


def merge_decisions(queue: pa.Table | None, decisions: Decisions | None, run_id: str) -> pa.Table:
    """Join the decisions of earlier runs with those of the file; the newest one of a pair holds.

    A decision that says again what already holds changes nothing, so the same file may be given
    to every run. UNSURE takes an earlier decision back.

    Args:
        queue: review queue of the last run, None at first.
        decisions: resolved decisions of the file, None without a file.
        run_id: this run; it becomes applied_run_id of what is new.

    Returns:
        `DECISION_SCHEMA`, one row per decided pair, in order of review_id.
    """
    standing = new = DECISION_SCHEMA.empty_table().to_pandas()
    if queue is not None:
        is_decided = queue["state"].to_pandas() == "DECIDED"
        standing = queue.select(DECISION_SCHEMA.names).to_pandas()[is_decided]
    if decisions is not None:
        new = decisions.accepted[DECISION_SCHEMA.names].assign(applied_run_id=run_id)
        new = new[_is_news(new, standing)]
    kept = standing[~standing["review_id"].isin(new["review_id"])]
    parts = [
        pa.Table.from_pandas(part, DECISION_SCHEMA, preserve_index=False) for part in (kept, new)
    ]
    return pa.concat_tables(parts).sort_by("review_id")


def _is_news(new: pd.DataFrame, standing: pd.DataFrame) -> "pd.Series[bool]":
    """Whether a decision differs from the standing one of its pair and is not older."""
    old = new[["review_id"]].merge(standing, how="left", on="review_id").set_index(new.index)
    is_older = new["decided_at"] < old["decided_at"]
    return (new["decision"] != old["decision"]) & ~is_older


def reviewer_codes(node_a: I64, node_b: I64, decisions: pa.Table) -> I8:
    """Look up the decision of each pair.

    Args:
        node_a, node_b: both sides of n pairs, node_a < node_b.
        decisions: `DECISION_SCHEMA`.

    Returns:
        `Reviewer` codes, int8 [n]: 1 SAME, 2 DIFFERENT, else 0.
    """
    wanted = np.sort(decision_nodes(decisions), axis=1)
    codes = np.zeros(len(node_a), dtype=np.int8)
    if not len(wanted):
        return codes
    answers = [
        Reviewer.__members__.get(d, Reviewer.NONE) for d in decisions["decision"].to_pylist()
    ]
    keys = _pair_keys(wanted[:, 0], wanted[:, 1])
    order = np.argsort(keys)
    pairs = _pair_keys(node_a, node_b)
    slot = order[np.minimum(np.searchsorted(keys[order], pairs), len(order) - 1)]
    is_decided = (wanted[slot, 0] == node_a) & (wanted[slot, 1] == node_b)
    codes[is_decided] = np.asarray(answers, dtype=np.int8)[slot[is_decided]]
    return codes


def decision_nodes(decisions: pa.Table) -> I64:
    """Node ids of both sides, [decisions, 2], in the order of the tokens.

    A token holds the first 130 bits of the HMAC whose first 63 bits are the node id.
    """
    return np.column_stack([token_nodes(decisions[name]) for name in ("token_a", "token_b")])


def token_nodes(tokens: pa.Array | pa.ChunkedArray) -> I64:
    """Node ids of tokens: the first 63 bits of what follows the key id, 5 to a character."""
    if not len(tokens):
        return np.empty(0, dtype=np.int64)
    heads = pc.utf8_slice_codeunits(pc.list_element(pc.split_pattern(tokens, "_"), 1), 0, 13)
    letters = np.frombuffer("".join(heads.to_pylist()).encode(), np.uint8).reshape(-1, 13)
    digits = np.where(letters >= ord("A"), letters - ord("A"), letters - ord("2") + 26)
    nodes = np.zeros(len(letters), dtype=np.int64)
    for column in range(12):
        nodes = nodes << 5 | digits[:, column]
    return nodes << 3 | digits[:, 12] >> 2


def _pair_keys(node_a: I64, node_b: I64) -> npt.NDArray[np.uint64]:
    return fold(0, [node_a.view(np.uint64), node_b.view(np.uint64)])


def review_ids(rows: pd.DataFrame) -> pd.Series:
    """Names of the pairs in columns token_a and token_b."""
    names = [review_id(a, b) for a, b in zip(rows["token_a"], rows["token_b"], strict=True)]
    return pd.Series(names, index=rows.index, dtype=object)
