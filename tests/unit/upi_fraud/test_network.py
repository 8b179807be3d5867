"""The filter before the slow path, and flags out of findings."""

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.upi_fraud.dense import crowded, dense, mark_edges
from pipelines.upi_fraud.flags import Finding, make_flags
from pipelines.upi_fraud.network import EDGE_COLUMNS
from pipelines.upi_fraud.reference import Reference
from tests.unit.upi_fraud.samples import CONFIG, HOUR

NETWORK = CONFIG.network
rows = st.lists(st.tuples(st.integers(-1, 4), st.integers(0, 60)), max_size=40)


@settings(max_examples=100, deadline=None)
@given(rows, st.integers(1, 6), st.integers(0, 20))
def test_dense_ids_equal_a_slow_search(pairs, number, width):
    ids, times = (
        np.array(column, np.int64) for column in (zip(*pairs, strict=True) if pairs else ((), ()))
    )
    wanted = set()
    for one in {i for i, _ in pairs if i >= 0}:
        mine = sorted(t for i, t in pairs if i == one)
        if any(sum(start <= t <= start + width for t in mine) >= number for start in mine):
            wanted.add(one)
    assert set(dense(ids, times, number, width).tolist()) == wanted


def test_crowded_counts_different_payers():
    ids, payers = np.array([1, 1, 1, 2, 2, -1]), np.array([7, 7, 8, 7, 7, 9])
    assert crowded(ids, payers, 2).tolist() == [1]


def edges(pairs):
    """Payments of Rs 1,000, one every 10 s."""
    columns = [
        (n * 10_000, payer, payee, 100_000, None, None) for n, (payer, payee) in enumerate(pairs)
    ]
    return pa.Table.from_arrays(
        [
            pa.array(c, f.type)
            for c, f in zip(zip(*columns, strict=True), EDGE_COLUMNS, strict=True)
        ],
        schema=EDGE_COLUMNS,
    )


def test_a_mule_and_its_payments_are_kept_and_nobody_else():
    pairs = [(f"v{n}", "mule") for n in range(9)] + [("mule", "x"), ("a", "b")]
    marked = mark_edges(edges(pairs), NETWORK)
    assert marked["is_fan_in"].to_pylist() == [True] * 9 + [False] * 2
    assert marked["is_pass_out"].to_pylist() == [False] * 9 + [True, False]


def test_a_flag_stands_until_it_lapses():
    found = [
        Finding("FAN_IN", "VPA", "a", 9, ms) for ms in (0, 60_000, 72 * HOUR, 72 * HOUR + 5_001)
    ]
    flags = make_flags(found, NETWORK, Reference(0))
    assert [one["event_time"] for one in flags] == [5_000, 72 * HOUR + 10_001]
    assert flags[0]["expires_at"] == 5_000 + 72 * HOUR


def test_a_shared_device_is_told_at_each_change():
    found = [Finding("DEVICE_SHARED", "DEVICE", "d", n, n * 1_000) for n in (4, 5, 5, 6)]
    assert [one["value"] for one in make_flags(found, NETWORK, Reference(0))] == [4, 5, 6]


def collusion(ticket_rupees, merchant="M1"):
    return Finding("COLLUSION", "MERCHANT", merchant, 9, HOUR, ticket_rupees * 100.0)


def test_tickets_are_held_against_what_is_usual_at_the_merchant():
    usual = {"event_id": "m", "event_time": 0, "merchant_id": "M1", "reputation": 0,
             "category": "FOOD", "typical_ticket_paise": 30_000, "first_seen_date": 0}  # fmt: skip
    known = Reference(0).add_all([usual])
    found = [collusion(1_499), collusion(1_500), collusion(9_000, "unknown")]
    flags = make_flags(found, NETWORK, known)
    assert [(one["subject"], one["kind"]) for one in flags] == [("M1", "COLLUSION")]
    assert make_flags(found[:1], NETWORK, known) == []


def test_who_may_collect_is_no_mule_while_the_permission_holds():
    allow = {"event_id": "a", "event_time": 0, "kind": "ALLOW", "subject_kind": "VPA", "value": 0,
             "subject": "temple", "evidence": "known", "expires_at": 2 * HOUR}  # fmt: skip
    known = Reference(0).add_all(flags=[allow])
    found = [
        Finding("FAN_IN", "VPA", "temple", 30, HOUR),
        Finding("CYCLE", "VPA", "temple", 3, HOUR),
    ]
    assert [one["kind"] for one in make_flags(found, NETWORK, known)] == ["CYCLE"]
    later = [Finding("FAN_IN", "VPA", "temple", 30, 2 * HOUR)]
    assert [one["kind"] for one in make_flags(later, NETWORK, known)] == ["FAN_IN"]
