from collections import Counter
from datetime import date, datetime

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.core.errors import ContractError
from pipelines.dedup.golden import golden_records, pack_golden
from pipelines.dedup.survival import FieldRule, Survival, rules_from_comparators
from tests.unit.dedup.random_rows import SEEDS, random_rows

RULES = {
    "given_name": FieldRule(Survival.NAME),
    "date_of_birth": FieldRule(Survival.BIRTH_DATE),
    "gender": FieldRule(),
    "house": FieldRule(Survival.NEWEST_SET, "address"),
    "town": FieldRule(Survival.NEWEST_SET, "address"),
    "phone": FieldRule(Survival.NEWEST_SET, "phone"),
}
TYPES = {"enrolled_at": pa.timestamp("ms"), "date_of_birth": pa.date32()}


def table(*rows):
    """Members as (cluster, token, day, fields)."""
    records = [
        {
            "cluster_id": c,
            "record_token": t,
            "enrolled_at": day and datetime(2024, 1, day),
            **fields,
        }
        for c, t, day, fields in rows
    ]
    columns = ("cluster_id", "record_token", "enrolled_at", *RULES)
    return pa.table({
        name: pa.array([r.get(name) for r in records], TYPES.get(name, pa.string()))
        for name in columns
    })  # fmt: skip


def golden(*rows):
    return {row["cluster_id"]: row for row in golden_records(table(*rows), RULES).to_pylist()}


def test_most_frequent_value_survives_with_its_newest_record():
    rows = [("c", t, d, {"gender": g}) for t, d, g in
            [("t1", 1, "MALE"), ("t2", 2, "MALE"), ("t3", 3, "FEMALE")]]  # fmt: skip
    got = golden(*rows)["c"]
    assert (got["gender"], got["gender_from"]) == ("MALE", "t2")


def test_ties_go_to_the_newest_then_to_the_smallest_token():
    newest = golden(("c", "t1", 1, {"gender": "MALE"}), ("c", "t2", 2, {"gender": "FEMALE"}))
    assert newest["c"]["gender"] == "FEMALE"
    smallest = golden(("c", "t2", 1, {"gender": "MALE"}), ("c", "t1", 1, {"gender": "FEMALE"}))
    assert smallest["c"]["gender_from"] == "t1"


def test_full_names_beat_initials_even_when_rarer():
    got = golden(
        ("c", "t1", 1, {"given_name": "kiran"}),
        ("c", "t2", 2, {"given_name": "k"}),
        ("c", "t3", 3, {"given_name": "k"}),
    )
    assert got["c"]["given_name"] == "kiran"
    assert golden(("c", "t1", 1, {"given_name": "k"}))["c"]["given_name"] == "k"


def test_birth_dates_of_1_january_lose():
    got = golden(
        ("c", "t1", 1, {"date_of_birth": date(1980, 5, 17)}),
        ("c", "t2", 2, {"date_of_birth": date(1980, 1, 1)}),
        ("c", "t3", 3, {"date_of_birth": date(1980, 1, 1)}),
    )
    assert got["c"]["date_of_birth"] == date(1980, 5, 17)


def test_an_address_is_never_mixed_from_two_members():
    got = golden(
        ("c", "t1", 1, {"house": "12", "town": "pune", "phone": "9000000001"}),
        ("c", "t2", 2, {"house": "7", "town": "nagpur"}),
        ("c", "t3", 3, {"town": "thane", "phone": "9000000003"}),
    )["c"]
    assert (got["house"], got["town"], got["house_from"]) == ("7", "nagpur", "t2")
    assert (got["phone"], got["phone_from"]) == ("9000000003", "t3")


def test_missing_values_leave_null_and_count_in_completeness():
    got = golden(("c1", "t1", 1, {"gender": "MALE", "town": "pune"}), ("c0", "t2", None, {}))
    assert (got["c1"]["house"], got["c1"]["house_from"]) == (None, None)
    assert got["c1"]["completeness"] == pytest.approx(2 / 6)
    assert (got["c0"]["completeness"], got["c0"]["members"]) == (0.0, 1)


def test_members_without_time_are_the_oldest():
    got = golden(("c", "t1", None, {"gender": "MALE"}), ("c", "t2", 1, {"gender": "FEMALE"}))
    assert got["c"]["gender"] == "FEMALE"
    nothing = golden(("c", "t2", None, {"gender": "MALE"}), ("c", "t1", None, {"gender": "OTHER"}))
    assert nothing["c"]["gender"] == "OTHER"


def test_years_given_as_text_or_number():
    for dates in (["1980-01-01", "1980-05-17"], ["19800101", "19800517"], [19800101, 19800517]):
        members = pa.table({
            "cluster_id": ["c", "c"], "record_token": ["a", "b"], "enrolled_at": [2, 1],
            "dob": dates,
        })  # fmt: skip
        got = golden_records(members, {"dob": FieldRule(Survival.BIRTH_DATE)})
        assert got["dob"].to_pylist() == [dates[1]]


def survivor(members, name):
    """The rules, one cluster and one field at a time."""
    by_age = sorted(members, key=lambda m: m["record_token"])
    by_age = sorted(by_age, key=lambda m: m["enrolled_at"] or datetime.min, reverse=True)
    rule = RULES[name]
    if rule.survival is Survival.NEWEST_SET:
        fields = [f for f in RULES if RULES[f] == rule]
        best = max(by_age, key=lambda m: sum(m[f] is not None for f in fields))
        return best[name], best["record_token"] if best[name] is not None else None
    filled = [m for m in by_age if m[name] is not None]
    if not filled:
        return None, None
    votes = Counter(m[name] for m in filled)

    def rank(member):
        value = member[name]
        flaws = 0
        if rule.survival is Survival.NAME:
            flaws = len([part for part in value.split() if len(part) == 1])
        if rule.survival is Survival.BIRTH_DATE:
            flaws = int(value.timetuple()[1:3] == (1, 1))
        return flaws, -votes[value]

    best = min(filled, key=rank)
    return best[name], best["record_token"]


CHOICES = {
    "cluster": [f"c{k}" for k in range(9)],
    "day": [None, None, 1, 2, 3],
    "given_name": [None, "asha", "a", "asha k", "usha"],
    "date_of_birth": [None, date(1990, 1, 1), date(1990, 2, 1)],
    "gender": [None, "MALE", "FEMALE"],
    "house": [None, "1", "2"],
    "town": [None, "pune", "surat"],
    "phone": [None, "9000000001", "9000000002"],
}


@settings(max_examples=40)
@given(st.integers(1, 50), SEEDS, st.randoms(use_true_random=True))
def test_equals_the_rules_one_by_one(count, seed, random):
    members = enumerate(random_rows(seed, count, CHOICES))
    rows = [(m.pop("cluster"), f"t{i:02}", m.pop("day"), m) for i, m in members]
    expected = table(*rows).to_pylist()
    random.shuffle(rows)
    got = golden(*rows)
    assert list(got) == sorted({row["cluster_id"] for row in expected})
    for cluster, record in got.items():
        inside = [row for row in expected if row["cluster_id"] == cluster]
        assert record["members"] == len(inside)
        for name in RULES:
            assert (record[name], record[f"{name}_from"]) == survivor(inside, name), name


def test_no_members_give_no_records():
    got = golden_records(table(), RULES)
    assert got.num_rows == 0
    assert pack_golden(got, list(RULES)).num_rows == 0


def test_packed_maps_have_no_entry_for_missing_values():
    row = ("c", "t1", 1, {"gender": "MALE", "date_of_birth": date(1980, 5, 7)})
    (got,) = pack_golden(golden_records(table(row), RULES), list(RULES)).to_pylist()
    assert got["values"] == [("date_of_birth", "1980-05-07"), ("gender", "MALE")]
    assert got["sources"] == [("date_of_birth", "t1"), ("gender", "t1")]


def test_missing_columns_and_keys_are_refused():
    with pytest.raises(ContractError, match="no column phone"):
        golden_records(table().drop_columns(["phone"]), RULES)
    with pytest.raises(ContractError, match="record_token"):
        golden_records(table(("c", None, 1, {})), RULES)


def test_rules_follow_from_the_mapping():
    comparators = {
        "first": "given_name", "dob": "date_of_birth", "road": "free_text", "zip": "code",
        "mobile": "phone", "sex": "gender",
    }  # fmt: skip
    rules = rules_from_comparators(comparators, {"road": "address", "zip": "address"})
    assert rules == {
        "first": FieldRule(Survival.NAME),
        "dob": FieldRule(Survival.BIRTH_DATE),
        "road": FieldRule(Survival.NEWEST_SET, "address"),
        "zip": FieldRule(Survival.NEWEST_SET, "address"),
        "mobile": FieldRule(Survival.NEWEST_SET, "mobile"),
        "sex": FieldRule(),
    }
