import csv
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from pipelines.core.errors import ConfigError, ContractError
from pipelines.core.privacy import Tokeniser
from pipelines.dedup.decide import Reviewer
from pipelines.dedup.decision_file import read_decisions
from pipelines.dedup.decisions import (
    DECISION_SCHEMA,
    decision_nodes,
    merge_decisions,
    resolve_decisions,
    review_id,
    reviewer_codes,
)
from pipelines.dedup.reviews import (
    QUEUE_SCHEMA,
    audit_rows,
    export_queue,
    mask_evidence,
    update_queue,
)

TOKENISER = Tokeniser(b"sangam-public-demo", 0)
A, B, C, D = sorted(TOKENISER.token(name) for name in ("one", "two", "three", "four"))
HEAD = ["review_id", "token_a", "token_b", "decision", "reviewer", "decided_at"]


def decision_row(a, b, decision, at="2024-05-01T10:00:00Z", reviewer="asha", name=""):
    return [name, a, b, decision, reviewer, at]


def write(path, *rows, head=HEAD):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([head, *rows])
    return path


def pairs(*tokens, posterior=0.7, reasons=()):
    rows = [
        {"token_a": a, "token_b": b, "score_bits": 1.0, "posterior": posterior,
         "reasons": list(reasons), "evidence": [("town", "p*** | p***")]}
        for a, b in tokens
    ]  # fmt: skip
    names = ("token_a", "token_b", "score_bits", "posterior", "reasons", "evidence")
    return pa.Table.from_pylist(rows, pa.schema([QUEUE_SCHEMA.field(name) for name in names]))


def decide_in_run(path, known, queue, run_id):
    """What the job does with a file of decisions."""
    return merge_decisions(queue, resolve_decisions(read_decisions(path, TOKENISER), known), run_id)


NO_DECISIONS = DECISION_SCHEMA.empty_table()


def test_review_id_is_stable_and_has_no_order():
    assert review_id(A, B) == review_id(B, A) != review_id(A, C)
    assert review_id("t0_A", "t0_B") == "r7917a60de80bd76972cb"


def test_evidence_is_masked_side_by_side():
    left = pa.table({"given_name": ["ramesh", "asha"], "phone": ["9876543210", None],
                     "town": pa.array([None, None], pa.string())})  # fmt: skip
    right = pa.table({"given_name": ["ramesh kumar", None], "phone": [None, None],
                      "town": pa.array([None, "pune"], pa.string())})  # fmt: skip
    got = mask_evidence(left, right.cast(left.schema)).to_pylist()
    assert got[0] == [("given_name", "r***** | r***** k****"), ("phone", "********10 | -")]
    assert got[1] == [("given_name", "a*** | -"), ("town", "- | p***")]
    assert (
        mask_evidence(
            pa.table({"x": pa.array([], pa.string())}),
            left[:0].select(["town"]).rename_columns(["x"]),
        ).to_pylist()
        == []
    )


def test_open_pairs_keep_their_id_and_close_when_nobody_asks(tmp_path):
    first = update_queue(pairs((A, B), (A, C)), None, NO_DECISIONS, "run1")
    assert first["state"].to_pylist() == ["OPEN", "OPEN"]
    assert first["reasons"].to_pylist() == [["REVIEW"], ["REVIEW"]]
    assert first["decision"].to_pylist() == ["UNKNOWN", "UNKNOWN"]
    second = update_queue(pairs((A, B), (B, C)), first, NO_DECISIONS, "run2")
    assert set(second["review_id"].to_pylist()) == {review_id(A, B), review_id(B, C)}
    assert second.schema == QUEUE_SCHEMA


def test_a_decided_pair_never_opens_again(tmp_path):
    first = update_queue(pairs((A, B), (A, C)), None, NO_DECISIONS, "run1")
    path = write(tmp_path / "d.csv", decision_row("", "", "SAME", name=review_id(A, B)))
    decisions = decide_in_run(path, first, first, "run2")
    second = update_queue(pairs((A, B), (A, C), posterior=0.9), first, decisions, "run2")
    row = {r["review_id"]: r for r in second.to_pylist()}[review_id(A, B)]
    assert (row["state"], row["decision"], row["applied_run_id"]) == ("DECIDED", "SAME", "run2")
    assert row["reviewer_token"] == TOKENISER.token("asha")
    assert row["decided_at"] == datetime(2024, 5, 1, 10, tzinfo=UTC)
    assert row["posterior"] == 0.7  # the evidence the reviewer saw
    # Next run, no file: the decision holds, whether the pair is asked about or not.
    for asked in (pairs((A, B)), pairs()):
        standing = merge_decisions(second, None, "run3")
        third = update_queue(asked, second, standing, "run3").to_pylist()
        assert [r for r in third if r["review_id"] == review_id(A, B)] == [row]


def test_decisions_reach_the_pairs_of_the_job(tmp_path):
    path = write(tmp_path / "d.csv", decision_row(B, A, "SAME"), decision_row(A, C, "DIFFERENT"),
                 decision_row(A, D, "UNSURE"))  # fmt: skip
    decisions = decide_in_run(path, pairs((A, B), (A, C), (A, D)), None, "run1")
    nodes = {TOKENISER.token(n): TOKENISER.node_id(n) for n in ("one", "two", "three", "four")}
    asked = [sorted((nodes[x], nodes[y])) for x, y in [(A, C), (B, C), (A, B), (A, D), (C, D)]]
    node_a, node_b = np.array(asked).T
    codes = reviewer_codes(node_a.copy(), node_b.copy(), decisions)
    expected = [Reviewer.DIFFERENT, Reviewer.NONE, Reviewer.SAME, Reviewer.NONE, Reviewer.NONE]
    assert codes.tolist() == expected
    assert codes.dtype == np.int8
    rows = {frozenset(row) for row in decision_nodes(decisions).tolist()}
    assert frozenset((nodes[A], nodes[B])) in rows
    assert reviewer_codes(node_a, node_b, NO_DECISIONS).tolist() == [0] * 5


def test_pairs_are_found_where_tokens_and_nodes_sort_differently(tmp_path):
    # Base32 puts digits after letters, text order puts them before.
    names = [f"id{k}" for k in range(200)]
    digit = next(n for n in names if TOKENISER.token(n)[3].isdigit())
    letter = next(n for n in names if TOKENISER.token(n)[3] == "A")
    tokens, nodes = TOKENISER.token, TOKENISER.node_id
    assert tokens(digit) < tokens(letter)
    assert nodes(digit) > nodes(letter)
    path = write(tmp_path / "d.csv", decision_row(tokens(letter), tokens(digit), "SAME"))
    accepted = read_decisions(path, TOKENISER).accepted
    assert accepted["token_a"].tolist() == [tokens(digit)]
    decisions = pa.Table.from_pandas(accepted, DECISION_SCHEMA, preserve_index=False)
    codes = reviewer_codes(np.array([nodes(letter)]), np.array([nodes(digit)]), decisions)
    assert codes.tolist() == [Reviewer.SAME]


def test_the_same_file_again_changes_nothing(tmp_path):
    path = write(tmp_path / "d.csv", decision_row(A, B, "SAME"))
    first = update_queue(pairs((A, B)), None, decide_in_run(path, pairs((A, B)), None, "r1"), "r1")
    again = decide_in_run(path, first, first, "r2")
    assert again["applied_run_id"].to_pylist() == ["r1"]
    assert audit_rows(again, first, "r2").num_rows == 0
    assert update_queue(pairs((A, B)), first, again, "r2").equals(first)
    touched = write(tmp_path / "e.csv", decision_row(A, B, "SAME", at="2024-06-01T00:00:00Z"))
    assert decide_in_run(touched, first, first, "r3")["applied_run_id"].to_pylist() == ["r1"]


@pytest.mark.parametrize(
    ("answer", "at", "holds"),
    [("DIFFERENT", "2024-06-01", "DIFFERENT"), ("UNSURE", "2024-06-01", "UNSURE"),
     ("DIFFERENT", "2024-04-01", "SAME")],
)  # fmt: skip
def test_a_newer_decision_replaces_and_an_older_one_does_not(tmp_path, answer, at, holds):
    path = write(tmp_path / "d.csv", decision_row(A, B, "SAME"))
    decisions = decide_in_run(path, pairs((A, B)), None, "r1")
    queue = update_queue(pairs((A, B)), None, decisions, "r1")
    path = write(tmp_path / "e.csv", decision_row(A, B, answer, at=at, reviewer="ravi"))
    decisions = decide_in_run(path, queue, queue, "r2")
    assert decisions["decision"].to_pylist() == [holds]
    audit = audit_rows(decisions, queue, "r2").to_pylist()
    if holds == "SAME":
        assert audit == []
    else:
        assert audit[0]["previous_decision"] == "SAME"
        assert audit[0]["reviewer_token"] == TOKENISER.token("ravi")
        state = update_queue(pairs((A, B)), queue, decisions, "r2").to_pylist()[0]
        assert (state["state"], state["run_id"]) == ("DECIDED", "r2")


def test_first_decision_has_no_predecessor_in_the_audit(tmp_path):
    path = write(tmp_path / "d.csv", decision_row(A, B, "SAME"))
    decisions = decide_in_run(path, pairs((A, B)), None, "r1")
    (row,) = audit_rows(decisions, None, "r1").to_pylist()
    assert (row["decision"], row["previous_decision"], row["token_a"]) == ("SAME", None, A)
    # A decision on a match that was never in the queue gets a row there, too.
    (shown,) = update_queue(pairs(), None, decisions, "r1").to_pylist()
    assert (shown["state"], shown["reasons"], shown["posterior"]) == ("DECIDED", ["REVIEWER"], None)


def test_unusable_rows_are_rejected_with_a_reason(tmp_path):
    path = write(
        tmp_path / "d.csv",
        decision_row(A, B, "same"),
        decision_row(A, C, "MAYBE"),
        decision_row(A, C, "SAME", reviewer=" "),
        decision_row(A, C, "SAME", at="yesterday"),
        decision_row("012345678907", C, "SAME"),
        decision_row(A, A, "SAME"),
        decision_row(A, "", "SAME"),
        decision_row("", "", "SAME", name="4711"),
        decision_row("", "", "SAME"),
        decision_row(A, C, "SAME", name=review_id(A, B)),
        decision_row(C, D, "SAME"),
        decision_row("", "", "SAME", name=review_id(B, D)),
        decision_row(A, D, ""),
    )
    decisions = resolve_decisions(read_decisions(path, TOKENISER), pairs((A, B), (A, C)))
    assert decisions.accepted["review_id"].tolist() == [review_id(A, B)]
    assert dict(zip(decisions.rejected["row"], decisions.rejected["reason"], strict=True)) == {
        3: "BAD_DECISION", 4: "MISSING_REVIEWER", 5: "BAD_DECIDED_AT", 6: "BAD_TOKEN",
        7: "BAD_TOKEN", 8: "BAD_TOKEN", 9: "BAD_REVIEW_ID", 10: "BAD_REVIEW_ID",
        11: "PAIR_MISMATCH", 12: "UNKNOWN_PAIR", 13: "UNKNOWN_PAIR",
    }  # fmt: skip
    assert "012345678907" not in decisions.rejected.to_csv()


def test_same_and_different_for_one_pair_stop_the_run_naming_both_rows(tmp_path):
    path = write(tmp_path / "d.csv", decision_row(A, C, "SAME"), decision_row(A, B, "SAME"),
                 decision_row(B, A, "DIFFERENT", at="2025-01-01"))  # fmt: skip
    with pytest.raises(ConfigError, match="row 3 says SAME and row 4 says DIFFERENT") as error:
        read_decisions(path, TOKENISER)
    assert error.value.exit_code == 2


def test_one_file_the_newest_row_of_a_pair_holds(tmp_path):
    path = write(tmp_path / "d.csv", decision_row(A, B, "SAME", at="2024-05-02 09:00"),
                 decision_row(A, B, "UNSURE", at="2024-05-01"))  # fmt: skip
    accepted = read_decisions(path, TOKENISER).accepted
    assert accepted["decision"].tolist() == ["SAME"]
    assert accepted["decided_at"][0] == datetime(2024, 5, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "words"),
    [(None, "no such file"), ("", "not a CSV"), ("review_id,verdict\n", "columns decision"),
     ("decision,reviewer,decided_at\n", "review_id"), ("\xff", "UTF-8")],
)  # fmt: skip
def test_bad_files_are_refused(tmp_path, text, words):
    path = tmp_path / "d.csv"
    if text is not None:
        path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError, match=words):
        read_decisions(path, TOKENISER)


def test_an_exported_queue_comes_back_with_answers(tmp_path):
    queue = update_queue(pairs((A, B), (A, C)), None, NO_DECISIONS, "r1")
    path = tmp_path / "out/queue.csv"
    assert export_queue(queue, path) == 2
    assert read_decisions(path, TOKENISER).accepted.empty
    with path.open() as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["evidence"] == "town: p*** | p***"
    rows[1] |= {"decision": "different", "reviewer": "ravi", "decided_at": "2024-05-01T12:00+05:30"}
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    decisions = decide_in_run(path, queue, queue, "r2")
    (row,) = decisions.to_pylist()
    assert (row["review_id"], row["decision"]) == (rows[1]["review_id"], "DIFFERENT")
    assert row["decided_at"] == datetime(2024, 5, 1, 6, 30, tzinfo=UTC)
    assert export_queue(update_queue(pairs((A, B), (A, C)), queue, decisions, "r2"), path) == 1


@pytest.mark.parametrize("bad", [[(A, B), (A, B)], [(B, A)]])
def test_pairs_must_be_distinct_and_oriented(bad):
    with pytest.raises(ContractError, match="review queue"):
        update_queue(pairs(*bad), None, NO_DECISIONS, "r1")
