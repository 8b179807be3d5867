"""Small parts of the generator against obvious versions of themselves."""

import base64
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from pipelines.core.privacy import is_valid_identity_number
from pipelines.dedup.synthetic.config import NameModel
from pipelines.dedup.synthetic.gazetteer import load_gazetteer
from pipelines.dedup.synthetic.identifiers import check_digits, encode_words, make_identity_numbers
from pipelines.dedup.synthetic.names import GENDERS, load_names
from pipelines.dedup.synthetic.respelling import mistype, respell_by_rule
from pipelines.dedup.synthetic.streams import Purpose, apportion, mark, normal, uniform
from pipelines.dedup.synthetic.tables import read_rows, split_list, stack_pools
from tests.unit.dedup.random_rows import SEEDS, random_words

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def make_names(seed: int, count: int) -> list[str]:
    """Names of two to ten letters, every other with a second part of two to six."""
    first = random_words(seed, count, LETTERS, (2, 10))
    second = random_words(seed + 1, count, LETTERS, (2, 6))
    return [
        name.capitalize() + (f" {other}" if place % 2 else "")
        for place, (name, other) in enumerate(zip(first, second, strict=True))
    ]


def slips_of(name: str) -> set[str]:
    """Every result of one slip behind the first letter."""
    found = set()
    for k in range(1, len(name)):
        found |= {name[:k] + letter + name[k + 1 :] for letter in LETTERS}
        found.add(name[:k] + name[k + 1 :])
        found |= {name[: k + 1] + letter + name[k + 1 :] for letter in LETTERS}
        found.add(name[:k] + name[k + 1 : k + 2] + name[k] + name[k + 2 :])
    return found - {name}


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_mistype_makes_exactly_one_slip(seed: int) -> None:
    names = make_names(seed, 40)
    typed = mistype(np.random.default_rng(seed), np.array(names, dtype=np.bytes_))
    for name, found in zip(names, typed.astype(str).tolist(), strict=True):
        assert found in slips_of(name)


def test_mistype_makes_all_kinds_of_slips() -> None:
    typed = mistype(np.random.default_rng(1), np.array(["Ramesh"] * 4_000, dtype=np.bytes_))
    lengths, counts = np.unique(np.char.str_len(typed), return_counts=True)
    assert lengths.tolist() == [5, 6, 7]
    assert (counts > 800).all()
    crossed = np.isin(typed.astype(str), ["Rmaesh", "Raemsh", "Ramseh", "Ramehs"])
    assert 0.15 < crossed.mean() < 0.3


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_a_rule_changes_a_name(seed: int) -> None:
    for name in make_names(seed, 20):
        assert respell_by_rule(name) != name
        assert respell_by_rule(name)[0] == name[0]


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_words_are_base32(seed: int) -> None:
    drawn = np.random.default_rng(seed).integers(0, 2**64, 200, dtype=np.uint64)
    values = [0, 1, 2**64 - 1, *drawn.tolist(), *(drawn >> drawn % np.uint64(64)).tolist()]
    found = encode_words("E", np.array(values, dtype=np.uint64)).astype(str).tolist()
    for value, text in zip(values, found, strict=True):
        whole = base64.b32encode(value.to_bytes(10, "big")).decode()  # 16 letters, 3 of padding
        assert text == "E" + whole[-13:]


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_check_digit_makes_the_whole_number_pass(seed: int) -> None:
    numbers = np.random.default_rng(seed).integers(0, 10**11, 100).tolist()
    digits = np.array(
        [[int(d) for d in f"{n % 8 * 10**10 + n // 10 + 2 * 10**10:011d}"] for n in numbers]
    )
    for row, check in zip(digits.tolist(), check_digits(digits).tolist(), strict=True):
        text = "".join(map(str, row))
        assert is_valid_identity_number(f"{text}{check}")
        assert not is_valid_identity_number(f"{text}{(check + 1) % 10}")


def test_identity_numbers_are_a_permutation() -> None:
    records = np.arange(200_000, dtype=np.uint64) * np.uint64(49_999)
    numbers = make_identity_numbers(7, records)
    assert len(np.unique(numbers)) == len(records)
    assert (numbers != make_identity_numbers(8, records)).mean() > 0.99


def test_marks_are_distinct_for_each_purpose() -> None:
    values = np.arange(50_000, dtype=np.uint64)
    marks = [
        mark(seed, purpose, values)
        for seed in (1, 2)
        for purpose in (Purpose.PERSON, Purpose.EVENT_ID)
    ]
    assert len(np.unique(np.concatenate(marks))) == 4 * len(values)


def test_normal_and_uniform_numbers() -> None:
    keys = mark(3, Purpose.PERSON, np.arange(20_000, dtype=np.uint64))
    bell, flat = normal(keys, 90, 4), uniform(keys, 91, 4)
    assert abs(bell.mean()) < 0.01
    assert bell.std() == pytest.approx(1, abs=0.01)
    assert (np.abs(bell) < 1).mean() == pytest.approx(0.67, abs=0.015)
    assert flat.mean() == pytest.approx(0.5, abs=0.005)
    assert np.abs(np.corrcoef(np.hstack([bell, flat]).T) - np.eye(8)).max() < 0.03


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_apportion_is_complete_and_close(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for count in [0, 1, *rng.integers(0, 10_000, 20).tolist()]:
        weights = rng.integers(1, 51, rng.integers(1, 7)).tolist()
        shares = [weight / sum(weights) for weight in weights]
        found = apportion(shares, count)
        assert found.sum() == count
        assert all(abs(n - share * count) <= 1 for n, share in zip(found, shares, strict=True))


def test_stacked_pools_draw_from_the_right_pool() -> None:
    stack = stack_pools([np.array([1.0, 3.0]), np.array([2.0]), np.array([0.0, 5.0])])
    draws = np.linspace(0, 3, 3_001)[:-1]
    found = np.bincount(np.searchsorted(stack, draws, "right"), minlength=5) / 1_000
    assert found == pytest.approx([0.25, 0.75, 1, 0, 1], abs=0.002)


def test_tables_are_as_large_as_promised() -> None:
    assert len({row["name"] for row in read_rows("given_names.csv")}) >= 600
    assert len({row["name"] for row in read_rows("surnames.csv")}) >= 500
    states = read_rows("states.csv")
    assert len(states) == len({row["code"] for row in states}) == 36
    prefixes = [prefix for row in states for prefix in split_list(row["pin_prefixes"])]
    assert len(prefixes) == len(set(prefixes))
    assert {row["code"] for row in read_rows("districts.csv")} == {row["code"] for row in states}
    folder = Path(load_names.__wrapped__.__code__.co_filename).parent / "data"
    assert all(file.read_text(encoding="ascii") for file in folder.glob("*.csv"))


def test_respelling_stays_with_the_name() -> None:
    book = load_names(NameModel())
    rng = np.random.default_rng(5)
    for community, _ in enumerate(book.communities):
        for gender, _ in enumerate(GENDERS):
            many = np.full(200, community), np.full(200, gender)
            names = book.draw_given(rng, *many)
            spelt = book.spell(rng, names)
            again = book.respell(rng, spelt)
            assert (again != spelt).all()
            assert (book.name_of[again] == names).all()
            assert (book.lookalike[names] != names).all()


def test_towns_lie_in_their_state() -> None:
    places = load_gazetteer(load_names(NameModel()).communities)
    assert len(places.town_at) == len(places.towns) == len(np.unique(places.town_at))
    states = places.district_state[places.town_district[places.town_at]]
    assert (np.diff(states) >= 0).all()
    ends = np.searchsorted(places.towns_of, np.arange(1, 37) - 1e-9, "right")
    assert (states[ends] == np.arange(36)).all()
    first = {
        code: str(pin)[:2]
        for code, pin in zip(
            places.state_codes.take(states).to_pylist(),
            places.town_pin[places.town_at],
            strict=True,
        )
    }
    assert (first["DL"], first["KL"][0], first["WB"][0]) == ("11", "6", "7")
