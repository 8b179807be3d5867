"""Batches and single messages give the same outcomes, states and counts, whatever is odd."""

from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.core.wire import Wire
from pipelines.upi_fraud.build import DeciderPlan
from pipelines.upi_fraud.payment import Raw
from tests.unit.upi_fraud.samples import CONFIG, NOON_MS, TOKENISER, record

WIRE = Wire("upi.Transaction")
ODD = {
    "event_time": [NOON_MS + 60_500, NOON_MS + 60_501, 1_460_332_799_999, 0, -1],
    "ingest_time": [None, NOON_MS + 300_000, NOON_MS + 300_001, NOON_MS - 60_001],
    "transaction_id": ["", "a b", "x" * 64, "x" * 65, "T-2\n", "T_é", "T-9"],
    "sender_vpa": ["ASHA@ybl", "asha@nobank", "a@b@paytm", "", "asha@ybl\n"],
    "receiver_vpa": ["Asha@YBL", "ravi", "ravi@nobank", "RAVI@okaxis", "रवि@okaxis", "a @ybl"],
    "amount_paise": [0, -1, 20_000_000, 20_000_001, 2**60],
    "currency": ["USD", "inr", ""],
    "sender_balance_paise": [0, 49_999, 50_000, -5],
    "device_id": [None, "", "short", "gerät-0000001", "D" * 40],
    "location": [None, "", " Mumbai_Bandra ", "atlantis", "bangalore", "मुंबई"],
    "lat": [0.0, 90.0, 90.1, float("nan"), float("inf")],
    "lon": [0.0, -180.0, -180.5, float("nan")],
    "merchant_id": ["M1", "", "é"],
    "merchant_category": ["FOOD", ""],
    "region": ["", "MH", "महाराष्ट्र"],
    "priority": [1, 10, 2**31 - 1],
}
changes = st.dictionaries(st.sampled_from(sorted(ODD)), st.integers(0, 100), max_size=4)
keys = st.sampled_from([None, b"", b"asha@ybl", b"ASHA@ybl", b"other@ybl"])


def raw(offset, changed, key, stamp):
    """A message; `key` 4 in 5 times that of its payer."""
    values = {name: ODD[name][place % len(ODD[name])] for name, place in changed.items()}
    made = record(**values)
    own = made["sender_vpa"].encode()
    return Raw(
        3, offset, made["event_time"] + stamp, own if key is None else key, WIRE.encode(made)
    )


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.tuples(changes, st.none() | keys, st.sampled_from([0, 0, 0, 1])), max_size=6),
    st.booleans(),
)
def test_a_batch_is_decided_as_its_messages_are(drawn, rejects_unknown):
    policy = "reject" if rejects_unknown else "accept"
    handles = CONFIG.handles.model_copy(update={"policy": policy})
    plan = DeciderPlan(CONFIG.model_copy(update={"handles": handles}), "strict", TOKENISER, "test")
    raws = [raw(offset, *one) for offset, one in enumerate(drawn)]
    one, many = plan(), plan()
    singly, together = {}, {}
    expected = [one.handle_one(message, singly) for message in raws]
    assert many.handle(raws, together) == expected
    assert together == singly
    assert many.intake.notes == one.intake.notes


def test_a_usual_payment_takes_the_short_way(monkeypatch):
    decider = DeciderPlan(CONFIG, "strict", TOKENISER, "test")()
    monkeypatch.setattr(decider, "handle_one", None)
    usual = [
        raw(0, {}, None, 0), raw(1, {"transaction_id": 6, "merchant_id": 0}, None, 0),
        raw(2, {"transaction_id": 2, "lat": 0, "lon": 0, "device_id": 0}, None, 0),
    ]  # fmt: skip
    found = [one.kind.name for one in decider.handle(usual, {})]
    assert found == ["APPROVED", "APPROVED", "VERIFY"]  # the third is far away at once
