"""A whole synthetic register: bytes, ids, truth, and shares within a point (D1, K25)."""

import base64
import itertools
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from pipelines.dedup.generate import write_synthetic
from tests.unit.dedup.synthetic_register import (
    ADDRESS,
    BIRTH,
    NAMES,
    RELATION,
    SMALL,
    digest,
    large_register,
    pair_with_first,
)


def test_bytes_do_not_depend_on_workers(tmp_path: Path) -> None:
    digests = set()
    for workers in (1, 2):  # two share three blocks, so none has its own share
        write_synthetic(1_100, tmp_path / str(workers), workers=workers, config=SMALL)
        digests.add(digest(tmp_path / str(workers)))
    assert len(digests) == 1


def test_identity_numbers_cannot_be_real() -> None:
    numbers = large_register()[1]["identity_number"]
    assert numbers.str.fullmatch("[01][0-9]{11}").all()
    assert numbers.is_unique
    digits = np.array([list(number) for number in numbers.head(5_000)], dtype=np.int64)
    assert (digits[:, -1] == (verhoeff(digits[:, :-1]) + 1) % 10).all()


def verhoeff(digits: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Check digits of rows, multiplying symmetries of a pentagon, each written as a permutation."""
    turns = [[(corner + k) % 5 for corner in range(5)] for k in range(5)]
    flips = [[(k - corner) % 5 for corner in range(5)] for k in range(5)]
    symmetries = np.array(turns + flips)
    step = np.array([1, 5, 7, 6, 2, 8, 3, 0, 9, 4])
    product = np.tile(symmetries[0], (len(digits), 1))
    for place, value in enumerate(digits.T[::-1], start=1):
        for _ in range(place % 8):
            value = step[value]
        product = np.take_along_axis(product, symmetries[value], axis=1)
    inverse = np.argsort(product, axis=1)
    return (inverse[:, None] == symmetries).all(axis=2).argmax(axis=1)


def test_verhoeff_oracle() -> None:
    assert verhoeff(np.array([[2, 3, 6]])).tolist() == [3]
    assert verhoeff(np.array([[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0]])).tolist() == [6]


def test_ids_and_order_tell_nothing() -> None:
    _, rows, pairs = large_register()
    assert rows["enrolment_id"].str.fullmatch("E[A-Z2-7]{13}").all()
    for name in ("enrolment_id", "event_id"):
        assert rows[name].is_unique
    bodies = [set(rows[name].str[1:]) for name in ("enrolment_id", "event_id", "entity_id")]
    assert not any(a & b for a, b in itertools.combinations(bodies, 2))
    place = pd.Series(np.arange(len(rows)), index=rows["enrolment_id"])
    left, right = place[pairs["id_a"]].to_numpy(), place[pairs["id_b"]].to_numpy()
    near = np.mean(np.abs(left - right) < len(rows) // 100)
    assert near == pytest.approx(0.02, abs=0.005)
    shared = [
        base32_bits(a) ^ base32_bits(b) for a, b in pairs[["id_a", "id_b"]].head(4_000).to_numpy()
    ]
    assert np.mean([value.bit_count() for value in shared]) == pytest.approx(32, abs=0.5)
    entity = dict(zip(rows["enrolment_id"], rows["entity_id"], strict=True))
    own = [base32_bits(a) ^ base32_bits(b) for a, b in itertools.islice(entity.items(), 4_000)]
    assert np.mean([value.bit_count() for value in own]) == pytest.approx(32, abs=0.5)
    first_share = rows["kind"].eq("first").groupby(np.arange(len(rows)) // 10_000).mean()
    assert first_share.between(0.78, 0.82).all()


def base32_bits(identifier: str) -> int:
    """The 64 bits behind the letter of an id (13 characters hold 65, the first is 0)."""
    return int.from_bytes(base64.b32decode("AAA" + identifier[1:]), "big")


def test_truth_is_complete() -> None:
    _, rows, pairs = large_register()
    rank = {"exact": 1, "noisy": 2, "moved": 3, "identity_change": 4}
    expected = {}
    by_time = rows.sort_values("event_time")[["entity_id", "enrolment_id", "kind"]]
    assert not rows.duplicated(["entity_id", "event_time"]).any()
    assert (by_time.duplicated("entity_id") == (by_time["kind"] != "first")).all()
    shared = by_time[by_time.duplicated("entity_id", keep=False)]
    groups: dict[str, list[tuple[str, str]]] = {}
    for entity, *record in zip(*(shared[name].tolist() for name in shared), strict=True):
        groups.setdefault(entity, []).append(tuple(record))
    for records in groups.values():
        assert len(records) <= 3
        for (a, kind_a), (b, kind_b) in itertools.combinations(records, 2):
            kind = max(kind_a, kind_b, key=lambda kind: rank.get(kind, 0))
            expected[min(a, b), max(a, b)] = kind
    found = {(a, b): kind for a, b, kind in pairs.to_numpy().tolist()}
    assert found == expected
    assert len(found) == len(pairs)


def test_shares_of_records() -> None:
    made, rows, _ = large_register()
    assert len(rows) == made.records == 100_000
    assert made.people == rows["entity_id"].nunique() == 80_000
    kinds = rows["kind"].value_counts()
    assert kinds["first"] == 80_000
    wanted = {"exact": 0.1, "noisy": 0.6, "moved": 0.25, "identity_change": 0.05}
    for kind, share in wanted.items():
        assert kinds[kind] == pytest.approx(20_000 * share, abs=5), kind
    first = rows[rows["kind"] == "first"]
    new_year = first["date_of_birth"].map(lambda day: (day.month, day.day) == (1, 1))
    assert new_year.mean() == pytest.approx(0.15, abs=0.01)
    assert (new_year == first["is_dob_estimated"]).all()
    assert first["state"].nunique() == 36
    assert (first["state"] == "Uttar Pradesh").mean() == pytest.approx(0.165, abs=0.015)
    span = rows["event_time"].max() - rows["event_time"].min()
    assert 365 * 3 - 1 <= span.days <= 365 * 3


def test_households_and_twins() -> None:
    first = large_register()[1][large_register()[1]["kind"] == "first"]
    sizes = first.groupby(["surname", "relation_name", *ADDRESS]).size()
    assert sizes.mean() == pytest.approx(4.0, abs=0.1)
    twins = first[first.duplicated("phone", keep=False)].sort_values("phone")
    assert len(twins) / len(first) == pytest.approx(0.008, abs=0.0005)
    pairs = twins.groupby("phone")
    shared = ["date_of_birth", "relation_name", *ADDRESS]
    assert (pairs.size() == 2).mean() > 0.99
    assert (pairs[shared].nunique() == 1).all(axis=1).mean() > 0.99
    assert (pairs["given_name"].nunique() == 2).mean() > 0.99


def test_names_repeat_as_names_do() -> None:
    first = large_register()[1][large_register()[1]["kind"] == "first"]
    given = first["given_name"].value_counts(normalize=True)
    surname = first["surname"].value_counts(normalize=True)
    assert 0.005 < given.iloc[0] < 0.05
    assert 0.02 < surname.iloc[0] < 0.1
    assert len(given) > 5_000
    same_name = first.duplicated("full_name", keep=False).mean()
    assert 0.3 < same_name < 0.9
    assert {"Lakshmi", "Laxmi", "Mohammad", "Muhammad"} <= set(given.index)
    assert {"Choudhury", "Chowdhary"} <= set(surname.index)


@cache
def later_records() -> pd.DataFrame:
    """Later enrolments beside the first one of their person (suffix _1)."""
    return pair_with_first(large_register()[1])


def equal(pairs: pd.DataFrame, columns: list[str]) -> pd.Series:
    """Whether a later record agrees with the first one in all columns (two nulls agree)."""
    found = pd.Series(True, index=pairs.index)
    for name in columns:
        one, other = pairs[name], pairs[f"{name}_1"]
        found &= (one == other) | (one.isna() & other.isna())
    return found


def test_noise_of_names() -> None:
    later = later_records()
    noisy = later[later["kind"] == "noisy"]
    has_relation = noisy["relation_type"] != "UNKNOWN"
    assert (has_relation == noisy["relation_name"].notna()).all()
    assert has_relation.mean() == pytest.approx(1 - 0.12, abs=0.01)
    exchanged = (noisy["given_name"] == noisy["surname_1"]) & (
        noisy["surname"] != noisy["surname_1"]
    )
    assert exchanged.mean() == pytest.approx(0.04 * 0.7, abs=0.01)
    initial = noisy["full_name"].str.contains(r"(?:^| )[A-Z]$|^[A-Z] ")
    assert initial.mean() == pytest.approx(0.06, abs=0.01)
    plain = noisy[~exchanged & ~initial]
    changed = plain["surname"] != plain["surname_1"]
    assert changed.mean() == pytest.approx(0.3, abs=0.015)
    assert equal(noisy, [*ADDRESS, *BIRTH, "phone", "gender"]).all()
    assert (noisy["full_name"] == noisy["given_name"] + " " + noisy["surname"]).all()


def test_kinds_change_what_they_say() -> None:
    later = later_records()
    exact = later[later["kind"] == "exact"]
    assert equal(exact, [*NAMES, *RELATION, *ADDRESS, *BIRTH, "phone", "gender", "age"]).all()
    moved = later[later["kind"] == "moved"]
    assert equal(moved, [*NAMES, *RELATION, *BIRTH, "phone", "gender"]).all()
    assert not equal(moved, ADDRESS).any()
    assert (moved["state"] != moved["state_1"]).mean() == pytest.approx(0.5, abs=0.01)
    changed = later[later["kind"] == "identity_change"]
    assert not equal(changed, ["phone"]).any()
    assert not equal(changed, ["date_of_birth"]).any()
    assert not equal(changed, ADDRESS).any()
    assert equal(changed, ["full_name"]).mean() < 0.01
    assert equal(changed, ["gender"]).all()


def test_a_quarter_moves_into_an_occupied_house() -> None:
    later = later_records()
    first = large_register()[1][large_register()[1]["kind"] == "first"]
    occupied = set(first[ADDRESS].itertuples(index=False, name=None))
    moved = later.loc[later["kind"] == "moved", ADDRESS].itertuples(index=False, name=None)
    joins = np.mean([address in occupied for address in moved])
    assert joins == pytest.approx(0.25, abs=0.02)


def test_fields_have_their_form() -> None:
    rows = large_register()[1]
    assert rows["pincode"].str.fullmatch("[1-9][0-9]{5}").all()
    assert rows["phone"].str.fullmatch("[6-9][0-9]{9}").all()
    assert rows.groupby("pincode")["state"].nunique().max() == 1
    assert rows.groupby("region")["state"].nunique().max() == 1
    born = pd.to_datetime(rows["date_of_birth"])
    day = rows["event_time"].dt.tz_localize(None)
    assert (born < day).all()
    assert rows["age"].between(0, 110).all()
    fresh = rows[rows["kind"] != "exact"].head(2_000)
    for birth, on, age in zip(
        fresh["date_of_birth"], fresh["event_time"], fresh["age"], strict=True
    ):
        before = (on.month, on.day) < (birth.month, birth.day)
        assert age == on.year - birth.year - before
