"""Profiles and reference records: refused with file and key, in force from their activation."""

import copy

import pytest

from pipelines.core.wire import Wire
from pipelines.core.yaml_text import read_yaml
from pipelines.upi_fraud.errors import ProfileError
from pipelines.upi_fraud.follow import Follower
from pipelines.upi_fraud.profile import FOLDER, NAMES, load_profile, parse_profile
from pipelines.upi_fraud.reference import Reference
from pipelines.upi_fraud.timeline import Timeline
from tests.unit.upi_fraud.samples import HOUR, NOON_MS, judge, known, merchant, payment

STRICT = read_yaml((FOLDER / "strict.yaml").read_text(), "strict")


@pytest.mark.parametrize("name", NAMES)
def test_the_profiles_of_the_job_can_be_read(name):
    assert load_profile(name).rule_version == f"{name}@1"


def changed(path, value):
    content = copy.deepcopy(STRICT)
    *parents, last = path.split("/")
    place = content
    for one in parents:
        place = place[one]
    place[last] = value
    return content


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("rules/amount_z/ovr", 1, "rules.amount_z.ovr"), ("rules/amount_high/points", -1, "rules.amount_high.points"),
        ("rules/no_such", {"points": 1}, "rules.no_such"), ("levels/verify", 70, "levels"),
        ("rules/amount_high/points", 51, "over the cap of amount"), ("caps/velocty", 1, "caps"),
        ("rules/amount_high/over_rs", "much", "rules.amount_high.over_rs"), ("combine", "max", "combine"),
        ("rules/amount_high", {"points": 1}, "over_rs must be given"), ("rulez", {}, "rulez"),
        ("model/review_at", 2, "model.review_at"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_file_and_path(path, value, told):
    with pytest.raises(ProfileError) as caught:
        parse_profile(changed(path, value), "mine.yaml")
    assert "mine.yaml" in str(caught.value)
    assert told in str(caught.value)
    assert caught.value.exit_code == 2


def test_an_unknown_profile_is_refused():
    with pytest.raises(ProfileError, match="strict"):
        load_profile("lenient")


def rule_set(version, at, limit, **changes):
    return {
        "event_id": f"r{version}", "event_time": at, "rule_set_id": f"upi@{version}", "profile": "upi",
        "rules": [{"code": "amount_high", "params": {"over_rs": str(limit)}, "points": 45, "mode": "LIVE"}],
        "valid_from_at": at, **changes,
    }  # fmt: skip


def test_a_rule_set_decides_from_its_activation_on_and_not_before():
    timeline = Timeline(load_profile("upi"), 2_000)
    follower = Follower(Reference(2_000), timeline)
    assert follower.take(b"\x02" + Wire("upi.RuleSet").encode(rule_set(2, NOON_MS, 700)))
    versions = [timeline.at(NOON_MS + ms).rule_version for ms in (0, 1_999, 2_000, HOUR)]
    assert versions == ["upi@1", "upi@1", "upi@2", "upi@2"]
    later = rule_set(3, NOON_MS, 100, valid_from_at=NOON_MS + HOUR)
    assert follower.take(b"\x02" + Wire("upi.RuleSet").encode(later))
    assert [timeline.at(NOON_MS + ms).rule_version for ms in (HOUR - 1, HOUR)] == ["upi@2", "upi@3"]


def test_a_wrong_rule_set_or_message_is_left_out_and_counted():
    timeline = Timeline(load_profile("upi"), 0)
    follower = Follower(Reference(0), timeline)
    wrong = rule_set(2, NOON_MS, -5)
    assert not follower.take(b"\x02" + Wire("upi.RuleSet").encode(wrong))
    assert not follower.take(b"\x01damaged")
    assert follower.refused == 2
    assert timeline.at(NOON_MS).rule_version == "upi@1"


def test_a_shadow_rule_is_told_and_gives_no_points():
    timeline = Timeline(load_profile("upi"), 0)
    shadow = rule_set(2, NOON_MS - 1, 100)
    shadow["rules"][0]["mode"] = "SHADOW"
    timeline.add(shadow)
    from pipelines.upi_fraud.scorer import decide
    from tests.unit.upi_fraud.samples import SETTINGS

    decision = decide(known(), payment(500), Reference(0), timeline.at(NOON_MS), None, SETTINGS)[1]
    assert ([rule.code for rule in decision.fired], decision.points) == (["amount_high"], 0)


@pytest.mark.parametrize(("reputation", "points"), [(49, 0), (51, 15), (71, 30)])
def test_a_merchant_counts_for_later_payments_only(reputation, points):
    record = merchant(reputation) | {"event_time": NOON_MS}
    reference = Reference(2_000).add_all(merchants=[merchant(10), record])
    one = payment(500, merchant_id="M1")
    early, late = (
        one._replace(ingest_time=NOON_MS + 1_999),
        one._replace(ingest_time=NOON_MS + 2_000),
    )
    assert judge("paytm", early, reference=reference).points == 0
    assert judge("paytm", late, reference=reference).points == points


def flag(kind, at=0, until=None, subject="payee"):
    return {"event_time": at, "expires_at": until, "value": 1, "subject": subject, "kind": kind}


def test_a_flag_begins_ends_and_is_withdrawn():
    reference = Reference(0).add_all(flags=[flag("BLOCK", 100, 200), flag("BLOCK", 150, 160)])
    assert [bool(reference.active("payee", at)) for at in (99, 100, 149, 155, 160, 199)] == [
        False, True, True, True, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize("subject", ["payer", "payee", "device"])
def test_a_block_anywhere_blocks(subject):
    reference = Reference(0).add_all(flags=[flag("BLOCK", subject=subject)])
    decision = judge("strict", payment(20), reference=reference)
    assert (decision.points, decision.action) == (100, "BLOCK")


def test_an_allowed_payee_silences_merchant_and_network_rules_only():
    flags = [flag("ALLOW"), flag("FAN_IN"), flag("PASS_THROUGH")]
    reference = Reference(0).add_all(flags=flags)
    decision = judge("strict", payment(60_000, device="other", payee_hash=5), reference=reference)
    assert {rule.factor for rule in decision.fired} == {"amount", "device"}
    blocked = reference.add_all(flags=[flag("BLOCK")])
    assert judge("strict", payment(20), reference=blocked).action == "BLOCK"


class Model:
    version, p_verify = "m1", 0.05

    def __init__(self, probability, reason="NONE"):
        self.answer = (probability, reason)

    def score(self, facts):
        return self.answer


@pytest.mark.parametrize(
    ("profile", "probability", "points"),
    [("upi", 0.5, 25), ("upi", 0.009, 0), ("paytm", 1.0, 30), ("strict", 0.04, 0), ("strict", 0.05, 40),
     ("strict", 0.1, 60), ("strict", 0.5, 80)],
)  # fmt: skip
def test_a_model_adds_points_or_lifts_the_score(profile, probability, points):
    decision = judge(profile, payment(500), model=Model(probability))
    assert decision.points == points
    assert (decision.model_version, decision.model_score) == ("m1", probability)
    assert bool(points) == any(rule.code == "model" for rule in decision.fired)


def test_without_an_answer_of_the_model_the_rules_decide_and_say_so():
    decision = judge("strict", payment(60_000), model=Model(None, "MODEL_LATE"))
    assert (decision.points, decision.degraded, decision.model_score) == (30, "MODEL_LATE", None)
