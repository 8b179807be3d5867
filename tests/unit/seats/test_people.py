"""Packed passengers against the same rules, one passenger after the other."""

from random import Random

import pyarrow as pa

from pipelines.seats.codes import GENDERS, WISHES
from pipelines.seats.people import FAULT, FAULTS, KEPT, NUMBER_AT, PEOPLE, pack_batch

PASSENGER = pa.struct(
    [
        ("passenger_no", pa.int32()), ("age", pa.int32()), ("gender", pa.string()),
        ("is_military", pa.bool_()), ("is_disabled", pa.bool_()), ("berth_preference", pa.string()),
    ]
)  # fmt: skip


def batch_of(lists):
    columns = [pa.array([name] * len(lists)) for name in KEPT]
    return pa.RecordBatch.from_arrays(
        [*columns, pa.array(lists, pa.list_(PASSENGER))], names=[*KEPT, "passengers"]
    )


def draw(rng):
    def odd(value, *wrong):
        return value if rng.random() < 0.97 else rng.choice(wrong)

    return [
        {
            "passenger_no": odd(n + 1, None, 1), "age": odd(rng.randint(0, 125), -1, 126, None),
            "gender": odd(rng.choice(GENDERS), "UNKNOWN", None),
            "is_military": odd(rng.random() < 0.5, None), "is_disabled": rng.random() < 0.5,
            "berth_preference": odd(rng.choice(WISHES), "UNKNOWN", None),
        }
        for n in range(rng.randint(0, 7))
    ]  # fmt: skip


def fault_of(people):
    numbers = [p["passenger_no"] for p in people]
    found = [
        any(p["age"] is None or not 0 <= p["age"] <= 125 for p in people),
        any(p["gender"] not in GENDERS for p in people),
        any(n is None for n in numbers),
        len(set(numbers)) < len(numbers),
    ]
    return next((name for name, is_so in zip(FAULTS, found, strict=True) if is_so), None)


def packed(p):
    wish = p["berth_preference"] if p["berth_preference"] in WISHES else "NONE"
    bits = [p["age"], GENDERS.index(p["gender"]) << 7, bool(p["is_military"]) << 9]
    bits += [bool(p["is_disabled"]) << 10, WISHES.index(wish) << 11, p["passenger_no"] << NUMBER_AT]
    return sum(bits)


def test_packed_passengers_equal_those_packed_one_by_one():
    rng = Random(1)
    lists = [None, [], *(draw(rng) for _ in range(2000))]
    whole = batch_of(lists)
    for batch in (whole, whole.slice(1, 700)):  # a slice has offsets that do not begin at 0
        expected = batch.column("passengers").to_pylist()
        made = pack_batch(batch)
        faults, people = made.column(FAULT).to_pylist(), made.column(PEOPLE).to_pylist()
        assert faults == [fault_of(one or []) for one in expected]
        assert set(faults) == {None, *FAULTS}
        for one, fault, numbers in zip(expected, faults, people, strict=True):
            assert len(numbers) == len(one or [])
            if fault is None:
                assert numbers == [packed(p) for p in one or []]


def test_other_columns_pass_through():
    made = pack_batch(batch_of([[], None]))
    assert made.schema.names == [*KEPT, PEOPLE, FAULT]
    assert made.column("pnr").to_pylist() == ["pnr", "pnr"]
