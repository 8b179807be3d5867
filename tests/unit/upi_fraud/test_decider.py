"""Messages in, outcomes out: accounting, copies, dead letters, and the hand-written encoder."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.core.flat_records import FlatReader
from pipelines.core.wire import Wire
from pipelines.upi_fraud.build import DeciderPlan
from pipelines.upi_fraud.decider import Kind, Raw
from pipelines.upi_fraud.decision import Decision, FiredRule
from pipelines.upi_fraud.decision_codec import DecisionCodec
from pipelines.upi_fraud.generate import generate, ipl_surge
from pipelines.upi_fraud.hashing import event_uuid, murmur2, partition_of
from pipelines.upi_fraud.rules import FACTORS
from pipelines.upi_fraud.scorer import LEVEL_OF
from pipelines.upi_fraud.sources import Source, read_truth
from tests.unit.upi_fraud.samples import CONFIG, NOON_MS, TOKENISER, payment, record

WIRE = Wire("upi.Transaction")
SMALL = CONFIG.generator.model_copy(
    update={
        "transactions": 3_000,
        "payers": 600,
        "merchants": 40,
        "corrupt_share": 0.005,
        "invalid_share": 0.01,
        "late_share": 0.01,
        "duplicate_share": 0.02,
    }
)


def decider(profile="strict"):
    return DeciderPlan(CONFIG, profile, TOKENISER, "test")()


def raw(offset=0, value=None, key=b"asha@ybl", **changes):
    made = record(**changes)
    return Raw(0, offset, made["event_time"], key, WIRE.encode(made) if value is None else value)


def test_a_payment_sent_three_times_is_decided_once():
    outcomes = decider().handle([raw(n) for n in range(3)], {})
    assert [one.kind for one in outcomes] == [Kind.APPROVED, Kind.COPY, Kind.COPY]
    reasons = [Wire("upi.Rejection").decode(one.value)["reason"] for one in outcomes[1:]]
    assert reasons == ["DUPLICATE", "DUPLICATE"]


def test_another_payment_under_the_same_id_is_a_conflict():
    outcomes = decider().handle([raw(0), raw(1, amount_paise=60_000)], {})
    assert outcomes[1].kind == Kind.REJECTED
    assert Wire("upi.Rejection").decode(outcomes[1].value)["reason"] == "DUPLICATE_CONFLICT"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (b"", "E_SHORT"), (b"\x01" + bytes(9), "E_MAGIC"), (b"\x00\xff\xff\xff\xff1", "E_SCHEMA_ID"),
        (WIRE.encode(record())[:-6], "E_BODY"), (WIRE.encode(record()) + b"x", "E_TRAILING"),
    ],
)  # fmt: skip
def test_damaged_bytes_become_dead_letters_with_the_bytes_inside(value, code):
    outcome = decider().handle_one(raw(value=value), {})
    letter = Wire("ops.DlqEnvelope").decode(outcome.value)
    assert (outcome.kind, letter["error_code"], letter["payload"]) == (Kind.DEAD, code, value)


def test_times_that_cannot_be_are_dead_letters():
    ahead = raw(event_time=NOON_MS + 60_501)
    stamped = raw()._replace(time_ms=NOON_MS + 1)
    for one in (ahead, stamped):
        letter = Wire("ops.DlqEnvelope").decode(decider().handle_one(one, {}).value)
        assert letter["error_code"] == "E_TIME"


def test_a_late_payment_keeps_its_bytes_and_changes_no_state():
    states, late = {}, raw(ingest_time=NOON_MS + 300_001)
    outcome = decider().handle_one(late, states)
    assert (outcome.kind, outcome.value, outcome.lateness_ms) == (Kind.LATE, late.value, 300_001)
    assert states == {}


@pytest.fixture(scope="module")
def small():
    made = generate(SMALL, CONFIG.times, 3)
    return Source("small", "", True, made.payments, read_truth(made.truth), made.merchants)


@pytest.fixture(scope="module")
def outcomes(small):
    return decider().handle(small.raws(), {})


def test_every_message_has_exactly_one_outcome(small, outcomes):
    counts = Counter(one.kind for one in outcomes)
    assert len(outcomes) == small.payments.num_rows
    assert all(
        counts[kind] for kind in (Kind.APPROVED, Kind.COPY, Kind.LATE, Kind.DEAD, Kind.REJECTED)
    )
    ids = Counter(one.key for one in outcomes if one.kind <= Kind.ALERT)
    assert set(ids.values()) == {1}


def test_no_identifier_leaves_the_intake(outcomes):
    kept = (Kind.APPROVED, Kind.VERIFY, Kind.ALERT, Kind.REJECTED, Kind.COPY)
    for one in outcomes:
        if one.kind in kept:
            assert b"person0" not in one.value
            assert b"phone-" not in one.value


def test_decisions_depend_only_on_the_order_within_a_payer(small, outcomes):
    by_partition = sorted(small.raws(), key=lambda one: (one.partition, one.offset))
    assert sorted(decider().handle(by_partition, {})) == sorted(outcomes)


def test_few_payments_of_many_payers_can_be_made():
    few = CONFIG.generator.model_copy(update={"transactions": 1_000})
    assert generate(few, CONFIG.times, 7).payments.num_rows >= 1_000


def test_equal_seeds_give_equal_bytes(small):
    again = generate(SMALL, CONFIG.times, 3)
    assert again.payments.equals(small.payments)
    assert not generate(SMALL, CONFIG.times, 4).payments.equals(small.payments)


def test_the_surge_adds_up():
    messages = list(ipl_surge())
    reader = FlatReader("upi.Transaction")
    flat = reader.read([one.value for one in messages])
    assert flat.is_plain.all()
    amounts = flat.first[reader.place["amount_paise"]]
    assert (len(messages), amounts.sum()) == (10_000, 5_995_000 * 100)


words = st.text(max_size=8)
risks = st.floats(0, 1)


@settings(max_examples=80, deadline=None)
@given(
    st.tuples(*[st.tuples(st.integers(0, 500), risks)] * 7),
    st.lists(st.builds(FiredRule, words, words, st.integers(0, 300), words, words), max_size=3),
    st.sampled_from(sorted(LEVEL_OF)), st.none() | words, st.none() | risks,
    st.sampled_from(["NONE", "RULE_ERROR", "MODEL_LATE"]), st.booleans(), st.integers(0, 2**40),
    st.none() | st.integers(-(2**40), 2**50),
)  # fmt: skip
def test_the_hand_written_encoder_equals_the_contract(
    factors, fired, action, model, score, degraded, is_exact, offset, ingest
):
    if not fired:  # as the scorer gives them: no points, and two risks
        factors = ((0, factors[0][1]), (0, factors[1][1]), *((0, 0.0),) * 5)
    one = payment(recorded_ingest=ingest, offset=offset, region="नगर")
    decision = Decision(
        action,
        LEVEL_OF[action],
        7,
        factors,
        tuple(fired),
        "strict@1",
        model,
        score,
        degraded,
        is_exact,
    )
    told = Wire("upi.Decision").decode(DecisionCodec("strict").encode(one, decision))
    assert Wire("upi.Decision").encode(told) == DecisionCodec("strict").encode(one, decision)
    assert told["event_id"] == event_uuid("T", "strict")
    assert [(f["points"], f["risk"]) for f in told["factors"]] == list(factors)
    assert [f["factor"] for f in told["factors"]] == list(FACTORS)
    assert [tuple(rule.values()) for rule in told["risk_factors"]] == [
        tuple(rule) for rule in fired
    ]
    assert (told["recommended_action"], told["risk_level"]) == (action, LEVEL_OF[action])
    assert (told["model_version"], told["model_score"], told["degraded_reason"]) == (
        model,
        score,
        degraded,
    )
    assert (told["ingest_time"], told["source_offset"], told["is_window_exact"]) == (
        ingest,
        offset,
        is_exact,
    )


def test_partitions_are_those_of_kafka():
    assert [murmur2(one.encode()) for one in ("21", "foobar", "abc")] == [
        2**32 - 973932308,
        2**32 - 790332482,
        479470107,
    ]
    assert [
        partition_of(one.encode(), 6)
        for one in ("21", "foobar", "asha@ybl", "session-0001", "dream11@icici")
    ] == [0, 0, 2, 2, 3]


def test_a_failing_rule_sends_the_payment_to_review_and_leaves_the_state():
    one = decider()
    broken = replace(one.profiles.base.rules[0], check=lambda facts: 1 / 0)
    one.profiles.base = replace(one.profiles.base, rules=(broken,))
    states = {}
    decision = Wire("upi.Decision").decode(one.handle_one(raw(), states).value)
    assert (decision["recommended_action"], decision["degraded_reason"]) == (
        "MANUAL_REVIEW",
        "RULE_ERROR",
    )
    assert states == {}
