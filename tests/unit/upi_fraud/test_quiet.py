"""Batches and single messages give the same outcomes, states and counts, whatever is odd or fires."""

from dataclasses import replace
from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.core.wire import Wire
from pipelines.upi_fraud.build import DeciderPlan
from pipelines.upi_fraud.decider import Kind
from pipelines.upi_fraud.payment import Raw
from pipelines.upi_fraud.profile import NAMES, load_profile
from pipelines.upi_fraud.quiet.known import NONE, ODD, Known
from pipelines.upi_fraud.quiet.limits import BOUNDS, quiet_of
from pipelines.upi_fraud.rules import RULES
from tests.unit.upi_fraud.samples import CONFIG, HOUR, NOON_MS, TOKENISER, record

WIRE = Wire("upi.Transaction")
STRANGE = {
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
KEYS = [*[None] * 7, b"", b"ASHA@ybl", b"other@ybl"]
"""Seven in ten times that of the payer."""


def raw(offset, changed, key=None, stamp=0, payer="asha@ybl"):
    """A message with the odd values that are named by their places."""
    values = {name: STRANGE[name][place] for name, place in changed.items()}
    made = record(**{"sender_vpa": payer, **values})
    own = made["sender_vpa"].encode()
    return Raw(
        3, offset, made["event_time"] + stamp, own if key is None else key, WIRE.encode(made)
    )


def odd_batch(rng):
    """Up to 60 messages of 20 payers, each odd in up to four fields: three or so of a payer."""
    raws = []
    for offset in range(rng.randint(0, 60)):
        names = rng.sample(sorted(STRANGE), rng.randint(0, 4))
        changed = {name: rng.randrange(len(STRANGE[name])) for name in names}
        stamp = rng.choice([0, 0, 0, 1])
        raws.append(raw(offset, changed, rng.choice(KEYS), stamp, f"asha{rng.randrange(20)}@ybl"))
    return raws


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.booleans())
def test_a_batch_is_decided_as_its_messages_are(seed, rejects_unknown):
    policy = "reject" if rejects_unknown else "accept"
    handles = CONFIG.handles.model_copy(update={"policy": policy})
    plan = DeciderPlan(CONFIG.model_copy(update={"handles": handles}), "strict", TOKENISER, "test")
    raws = odd_batch(Random(seed))
    one, many = plan(), plan()
    singly, together = {}, {}
    expected = [one.handle_one(message, singly) for message in raws]
    assert many.handle(raws, together) == expected
    assert together == singly
    assert many.intake.notes == one.intake.notes


USUAL_STEPS = (50_000, HOUR // 2, 5 * HOUR, 20 * HOUR)
ODD_STEPS = (-90_000, 0, 1, 50_000, HOUR // 2, 5 * HOUR, 40 * 24 * HOUR)


def history(rng):
    """Payments of two payers over days: a few devices, payees, places, amounts, and hurries.

    Histories differ in how often something is odd, so that both ways of a decision are long.
    """
    share, moment, made = rng.choice([0.1, 0.2, 0.4, 0.8]), NOON_MS, []

    def odd(often, *values):
        """One of the values, where something is odd as often as that."""
        return rng.choice(values) if rng.random() < share * often else None

    for n in range(rng.randint(30, 120)):
        moment += rng.choice(ODD_STEPS if rng.random() < share else USUAL_STEPS)
        lat = rng.choice([None, None, 19.07, 19.08])
        one = record(
            transaction_id=f"T-{odd(0.4, max(0, n - 3)) or n}", event_time=moment,
            ingest_time=moment + 9, sender_vpa=rng.choice(["asha@ybl"] * 3 + ["vikram@ybl"]),
            receiver_vpa=f"shop{rng.randint(0, 20)}@okaxis",
            amount_paise=odd(0.4, 900_000, 9_999_900) or rng.choice([100, 49_900, 50_000, 51_000]),
            device_id=None if odd(0.2, True) else odd(0.2, "DEVICE-00000002") or "DEVICE-00000001",
            location=None if odd(0.3, True) else odd(0.6, "pune", "thane") or "mumbai_bandra",
            lat=lat, lon=None if lat is None else 72.87,
        )  # fmt: skip
        made.append(Raw(1, n, moment, one["sender_vpa"].encode(), WIRE.encode(one)))
    return made


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(NAMES), st.integers(2, 7))
def test_histories_end_in_the_same_states(seed, profile, size):
    """Repeats, disorder, full lists, forgotten profiles; batches of different sizes."""
    raws = history(Random(seed))  # drawn from a seed: hypothesis takes longer for 700 values
    plan = DeciderPlan(CONFIG, profile, TOKENISER, "test")
    one, many, singly, together = plan(), plan(), {}, {}
    expected = [one.handle_one(message, singly) for message in raws]
    found = [out for at in range(0, len(raws), size)
             for out in many.handle(raws[at : at + size], together)]  # fmt: skip
    assert found == expected
    assert together == singly


def test_a_usual_payment_takes_the_short_way(monkeypatch):
    decider = DeciderPlan(CONFIG, "strict", TOKENISER, "test")()
    monkeypatch.setattr(decider, "handle_one", lambda *_: None)
    usual = [
        raw(0, {}), raw(1, {"transaction_id": 6, "event_time": 0}),
        raw(2, {"transaction_id": 2, "lat": 0, "lon": 0}),
    ]  # fmt: skip
    found = [one and one.kind for one in decider.handle(usual, {})]
    assert found == [Kind.APPROVED, Kind.APPROVED, None]  # the third is far away at once


def test_texts_keep_their_numbers_while_there_are_many():
    known = Known(lambda text: None if text == b"odd" else ((len(text),), text.decode() * 2), 1, 9)
    texts = [b"%d" % n for n in range(5_000)]
    numbers = known.find(texts)
    assert known.find([*texts, None, b"odd"]) == [*numbers, NONE, ODD]
    for text, number in zip(texts, numbers, strict=True):
        begin, end = known.ends[number : number + 2]
        assert known.tokens[begin:end].tobytes() == text * 2 == known.texts[number].encode()
        assert known.numbers[number, 0] == len(text)
    known.make_room()
    assert known.find([b"7"]) == [0]


def test_no_rule_is_forgotten_by_the_limits():
    """A rule without a limit would be skipped by the compiled walk."""
    for code, rule in RULES.items():
        assert rule.needs in ("flag", "large", "far") or code in BOUNDS


def test_soft_rules_that_only_watch_leave_their_payments_alone():
    """Both may fire at once: their points must not turn over."""
    profile = load_profile("strict")
    watching = tuple(replace(rule, is_shadow=True) for rule in profile.rules)
    limits = quiet_of(replace(profile, rules=watching)).limits
    both = np.array([limits.hour_points]) + limits.z_points
    assert (both > limits.z_points).all()
    assert (limits.z_points >= limits.verify).all()
