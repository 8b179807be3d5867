"""Review queue: pairs for a human with masked evidence, and what became of them.

A pair has one name for ever. While it needs a look its row is OPEN; a decision makes it DECIDED and
it never opens again; an open pair that no run asks about any more leaves the queue.
"""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from pipelines.core.errors import ContractError
from pipelines.core.privacy import mask_value
from pipelines.dedup.decisions import DECISION_SCHEMA, review_id
from pipelines.dedup.text_maps import TEXT_MAP, pack_map

QUEUE_SCHEMA = pa.schema(
    [
        ("run_id", pa.string()),
        ("review_id", pa.string()),
        ("token_a", pa.string()),
        ("token_b", pa.string()),
        ("score_bits", pa.float64()),
        ("posterior", pa.float64()),
        ("reasons", pa.list_(pa.string())),
        ("evidence", TEXT_MAP),
        ("state", pa.string()),
        ("decision", pa.string()),
        ("reviewer_token", pa.string()),
        ("decided_at", pa.timestamp("ms", tz="UTC")),
        ("applied_run_id", pa.string()),
    ]
)
ABSENT = "-"

_PAIR_FIELDS = ("token_a", "token_b", "score_bits", "posterior", "reasons", "evidence")


def mask_evidence(left: pa.Table, right: pa.Table) -> pa.Array:
    """Masked values of both records side by side.

    Args:
        left, right: the fields of token_a and of token_b, row by row; the same columns.

    Returns:
        A map per pair, field -> `r***** | r****`; a value missing on one side shows as `-`, a field
        missing on both sides has no entry.
    """
    texts = {name: _side_by_side(left[name], right[name]) for name in left.column_names}
    return pack_map(texts, left.num_rows)


def update_queue(
    pairs: pa.Table, previous: pa.Table | None, decisions: pa.Table, run_id: str
) -> pa.Table:
    """Make the queue of this run.

    Args:
        pairs: token_a, token_b, score_bits, posterior, reasons, evidence of the pairs that need a
            look (band REVIEW, edges cut by the chain guard), each once; may also hold pairs
            with a decision.
        previous: queue of the last run, None at first.
        decisions: all decisions that hold (`decisions.merge_decisions`).
        run_id: this run.

    Returns:
        `QUEUE_SCHEMA` in order of review_id. A decided pair keeps the evidence its reviewer saw.

    Raises:
        ContractError: a pair occurs twice, or token_a is not the smaller token.
    """
    current = _open_rows(pairs, run_id)
    earlier = QUEUE_SCHEMA.empty_table() if previous is None else _read_queue(previous)
    decided = decisions["review_id"]
    undecided = current.filter(pc.invert(pc.is_in(current["review_id"], decided)))
    decided_rows = _decided_rows(current, earlier, decisions)
    return pa.concat_tables([undecided, decided_rows]).sort_by("review_id")


def audit_rows(decisions: pa.Table, previous: pa.Table | None, run_id: str) -> pa.Table:
    """Who decided what and when, for the decisions this run is the first to apply.

    Returns:
        `DECISION_SCHEMA` and previous_decision (null where the pair had none).
    """
    new = decisions.filter(pc.equal(decisions["applied_run_id"], run_id))
    earlier = QUEUE_SCHEMA.empty_table() if previous is None else _read_queue(previous)
    earlier = earlier.filter(pc.equal(earlier["state"], "DECIDED"))
    slots = pc.index_in(new["review_id"], earlier["review_id"])
    return new.append_column("previous_decision", earlier["decision"].take(slots))


def export_queue(queue: pa.Table, path: Path | str) -> int:
    """Write the open pairs as CSV, surest first, with empty columns for the answer.

    Args:
        queue: `QUEUE_SCHEMA`.
        path: file to write; its directory is made when absent.

    Returns:
        Number of open pairs.
    """
    rows = queue.filter(pc.equal(queue["state"], "OPEN"))
    rows = rows.sort_by([("posterior", "descending"), ("review_id", "ascending")])
    answers = ("decision", "reviewer", "decided_at")
    blank = pa.array([""] * rows.num_rows, pa.string())
    columns = {name: rows[name] for name in ("review_id", "token_a", "token_b")}
    columns |= {name: rows[name] for name in ("score_bits", "posterior")}
    columns["reasons"] = pc.binary_join(rows["reasons"], " ")
    columns["evidence"] = pa.array(
        [
            "; ".join(f"{name}: {text}" for name, text in row)
            for row in rows["evidence"].to_pylist()
        ],
        pa.string(),
    )
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    csv.write_csv(pa.table(columns | dict.fromkeys(answers, blank)), path)
    return int(rows.num_rows)


def _side_by_side(left: pa.ChunkedArray, right: pa.ChunkedArray) -> pa.ChunkedArray:
    """`left | right`, masked; null where both are."""
    masked = [_mask(column.combine_chunks()) for column in (left, right)]
    sides = [column.fill_null(ABSENT) for column in masked]
    texts = pc.binary_join_element_wise(*sides, " | ")
    both_null = pc.and_(masked[0].is_null(), masked[1].is_null())
    return pa.chunked_array([pc.if_else(both_null, pa.scalar(None, pa.string()), texts)])


def _mask(values: pa.Array) -> pa.Array:
    """Masked texts; each distinct value is masked once."""
    encoded = values.cast(pa.string()).dictionary_encode()
    masked = pa.array([mask_value(text) for text in encoded.dictionary.to_pylist()], pa.string())
    return masked.take(encoded.indices)


def _open_rows(pairs: pa.Table, run_id: str) -> pa.Table:
    """Open rows for the pairs, with a reason also where the score alone is the reason."""
    tokens = list(zip(pairs["token_a"].to_pylist(), pairs["token_b"].to_pylist(), strict=True))
    if len(set(tokens)) < len(tokens) or any(a >= b for a, b in tokens):
        raise ContractError(
            "review queue: a pair occurs twice, or its token_a is not the smaller one; make the"
            " pairs distinct and exchange the two sides, evidence included"
        )
    count = len(tokens)
    columns: dict[str, Any] = {name: pairs[name] for name in _PAIR_FIELDS}
    columns |= {
        "run_id": [run_id] * count,
        "review_id": [review_id(a, b) for a, b in tokens],
        "reasons": [reasons or ["REVIEW"] for reasons in pairs["reasons"].to_pylist()],
        "state": ["OPEN"] * count,
        "decision": ["UNKNOWN"] * count,
    }
    blank = dict.fromkeys(("reviewer_token", "decided_at", "applied_run_id"), [None] * count)
    return _in_schema(columns | blank)


def _decided_rows(current: pa.Table, earlier: pa.Table, decisions: pa.Table) -> pa.Table:
    """One DECIDED row per decision, with the content that the reviewer saw if there is any."""
    source = pa.concat_tables([earlier, current])
    slots = pc.index_in(decisions["review_id"], source["review_id"])  # the first, so the earlier
    rows = source.take(slots)
    columns: dict[str, Any] = {name: rows[name] for name in _PAIR_FIELDS}
    columns |= {name: decisions[name] for name in DECISION_SCHEMA.names}
    columns |= {
        "run_id": decisions["applied_run_id"],
        "reasons": [reasons or ["REVIEWER"] for reasons in rows["reasons"].to_pylist()],
        "evidence": [entries or [] for entries in rows["evidence"].to_pylist()],
        "state": ["DECIDED"] * decisions.num_rows,
    }
    return _in_schema(columns)


def _in_schema(columns: dict[str, Any]) -> pa.Table:
    arrays = {
        field.name: pa.array(values, field.type) if isinstance(values, list) else values
        for field, values in ((field, columns[field.name]) for field in QUEUE_SCHEMA)
    }
    return pa.table(arrays).cast(QUEUE_SCHEMA)


def _read_queue(queue: pa.Table) -> pa.Table:
    return queue.select(QUEUE_SCHEMA.names).cast(QUEUE_SCHEMA)
