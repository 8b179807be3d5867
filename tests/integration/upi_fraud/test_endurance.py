"""Long and uneven traffic: days of one payer, a payer with a tenth of it all, a model that stumbles."""

from statistics import median

from pipelines.core.wire import Wire
from pipelines.upi_fraud.build import DeciderPlan
from pipelines.upi_fraud.decider import Kind, Raw
from pipelines.upi_fraud.memory import add_attempt
from pipelines.upi_fraud.rows import ATTEMPTS, BUCKETS, Payment
from pipelines.upi_fraud.state import EMPTY, look_back
from pipelines.upi_fraud.state_codec import decode_state
from tests.unit.upi_fraud.samples import CONFIG, HOUR, MINUTE, NOON_MS, SETTINGS, TOKENISER, record

WIRE = Wire("upi.Transaction")
ROOM = SETTINGS.capacity


def raws(moments, payer="asha@ybl", **changes):
    """A payment of Rs 500 at each moment, ms after noon."""
    made, name = [], payer.partition("@")[0]
    for n, after in enumerate(moments):
        at = NOON_MS + after
        one = record(event_time=at, ingest_time=at + 200, transaction_id=f"{name}-{after}",
                     sender_vpa=payer, **changes)  # fmt: skip
        made.append(Raw(0, n, at, payer.encode(), WIRE.encode(one)))
    return made


def decider():
    return DeciderPlan(CONFIG, "strict", TOKENISER, "test")()


def test_the_state_stays_flat_over_72_hours():
    """A payment every two minutes; U9, and K13: no window holds every amount of the day."""
    states, sizes = {}, []
    made = decider()
    for hour in range(72):
        made.handle(raws([hour * HOUR + n * 2 * MINUTE for n in range(30)]), states)
        (packed,) = states.values()
        sizes.append(len(packed))
    assert max(sizes) <= 12 * 1024
    assert max(sizes[25:]) <= 1.02 * median(sizes[25:])
    state = decode_state(packed)
    assert len(BUCKETS.read(state.buckets)) <= 289
    assert len(ATTEMPTS.read(state.recent)) == 32


def test_k8_a_hundred_payments_of_one_batch_see_one_another():
    """Check-then-act outside the keyed state would show all of them the same history."""
    outcomes = decider().handle(raws(range(100)), {})
    counts = [
        next((rule["observed"] for rule in Wire("upi.Decision").decode(one.value)["risk_factors"]
              if rule["code"] == "velocity_count"), "")
        for one in outcomes
    ]  # fmt: skip
    assert counts[:15] == [""] * 15
    assert counts[15:] == [f"{n} payments in the hour before" for n in range(15, 100)]


def test_a_payer_with_a_tenth_of_the_traffic_changes_nobody_elses_decisions():
    others = [one for n in range(90) for one in raws([n * MINUTE], f"payer{n:02d}@ybl")]
    hot = raws([n * 1_000 for n in range(1_000)], "busy@ybl")
    mixed = [one for n, rest in enumerate(others * 10) for one in (hot[n], rest)][:1_800]
    made, alone = decider().handle(mixed, {}), decider().handle(others, {})
    told = {one.value for one in made if one.kind <= Kind.ALERT}
    assert {one.value for one in alone} <= told
    state, counted = EMPTY, {}
    for n in range(900):
        at = NOON_MS + n * 1_000
        if n in (100, 600, 899):
            counted[n] = look_back(state, at, ROOM.bucket_ms).count_1h
        state = add_attempt(state, Payment(at, n, 50_000, n), ROOM)
    assert counted == {100: 100, 600: 600, 899: 899}


class Stumbling:
    """A model that is slow at first, within its slot's budget later."""

    version, p_verify = "stumbling@1", 0.5

    def score(self, facts):
        return (None, "MODEL_LATE") if facts.payment.event_time < NOON_MS + 5 else (0.9, "NONE")


def test_a_late_model_degrades_and_is_used_again():
    made = decider()
    made.model = Stumbling()
    found = [Wire("upi.Decision").decode(one.value) for one in made.handle(raws(range(10)), {})]
    assert [one["is_degraded"] for one in found] == [True] * 5 + [False] * 5
    assert {one["degraded_reason"] for one in found[:5]} == {"MODEL_LATE"}
    assert [one["recommended_action"] for one in found[:5]] == ["APPROVE"] * 5
    assert all(one["recommended_action"] != "APPROVE" for one in found[5:])
