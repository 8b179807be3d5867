"""Labels that come later: learned frauds are unlearned, stopped genuine payments learned, once each."""

import pytest

from pipelines.core.wire import Wire
from pipelines.upi_fraud.follow import LABEL, Follower
from pipelines.upi_fraud.hashing import hash64
from pipelines.upi_fraud.profile import load_profile
from pipelines.upi_fraud.reference import Reference
from pipelines.upi_fraud.rows import DEVICES
from pipelines.upi_fraud.scorer import decide, find_copy
from pipelines.upi_fraud.state_codec import decode_state, encode_state
from pipelines.upi_fraud.timeline import Timeline
from tests.unit.upi_fraud.samples import HOUR, NOON_MS, SETTINGS, known, payment

STRICT = load_profile("strict")
DAY = 24 * HOUR


def label(is_fraud, transaction_id="T-9", at=NOON_MS + DAY):
    return {
        "event_id": "l", "event_time": at, "ingest_time": None, "source": "test", "schema_version": 1,
        "region": "KA", "priority": 5, "transaction_id": transaction_id, "is_fraud": is_fraud,
        "fraud_type": None, "labelled_at": at,
    }  # fmt: skip


def step(state, one, reference):
    return decide(state, one, reference, STRICT, None, SETTINGS)


def suspect(**changes):
    """A payment from a new phone to a new payee, small enough to be approved."""
    return payment(
        900, id_hash=hash64("T-9"), digest=77, device="stolen", payee_hash=4242, **changes
    )


def after(days, **changes):
    return payment(500, NOON_MS + days * DAY, id_hash=days, **changes)


def test_a_confirmed_fraud_is_taken_out_of_what_was_learned():
    before = known()
    state, decision = step(before, suspect(), Reference(0))
    assert decision.action == "APPROVE"
    assert len(DEVICES.read(state.devices)) == 2
    reference = Reference(0)
    reference.add_label(label(True))
    settled, _ = step(state, after(2), reference)
    clean, _ = step(before, after(2), Reference(0))
    assert (settled.devices, settled.payees, settled.last_place) == (
        clean.devices,
        clean.payees,
        clean.last_place,
    )
    assert (settled.learned, settled.hours) == (clean.learned, clean.hours)
    assert settled.mean == pytest.approx(clean.mean)
    again, _ = step(settled, after(3), reference)
    assert again.learned == settled.learned + 1  # nothing is taken out twice


def test_a_stopped_payment_confirmed_genuine_is_learned_once():
    large = payment(60_000, id_hash=hash64("T-9"), device="stolen")
    state, decision = step(known(), large, Reference(0))
    assert (decision.action, state.learned) == ("MANUAL_REVIEW", 30)
    reference = Reference(0)
    reference.add_label(label(False))
    settled, _ = step(state, after(2), reference)
    assert settled.learned == 32
    assert step(settled, after(3), reference)[0].learned == 33


def test_a_label_holds_from_its_activation_on():
    state, _ = step(known(), suspect(), Reference(0))
    reference = Reference(2_000)
    reference.add_label(label(True, at=NOON_MS + 2 * DAY))
    early, _ = step(state, after(2), reference)
    assert len(DEVICES.read(early.devices)) == 2
    assert len(DEVICES.read(step(early, after(3), reference)[0].devices)) == 1


def test_marks_survive_the_bytes_and_do_not_hide_a_copy():
    state, _ = step(known(), suspect(), Reference(0))
    assert decode_state(encode_state(state)) == state
    assert find_copy(state, suspect()) == "DUPLICATE"
    assert find_copy(state, suspect()._replace(digest=78)) == "DUPLICATE_CONFLICT"


def test_labels_come_as_messages_and_stay_within_their_number():
    reference = Reference(0, labels_max=2)
    follower = Follower(reference, Timeline(STRICT, 0))
    for name in ("a", "b", "c"):
        assert follower.take(bytes((LABEL,)) + Wire("upi.Label").encode(label(True, name)))
    assert list(reference.labels) == [hash64("b"), hash64("c")]
