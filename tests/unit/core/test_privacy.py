"""Tokens against the standard library and the golden vectors; masks; keys."""

import base64
import hmac
import time

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.core.errors import ConfigError
from pipelines.core.privacy import (
    Tokeniser,
    is_valid_identity_number,
    key_from_env,
    mask_identity_numbers,
    mask_text,
    mask_value,
    verhoeff_digit,
)

PUBLIC = key_from_env(is_public_data=True, env={})
KEY = "k" * 32


def test_golden_tokens():
    assert PUBLIC.token("012345678907") == "t0_YCLAHX4FJJJK3FURR43OYZDTL7"
    assert PUBLIC.node_id("012345678907") == 6938641780168796502
    assert PUBLIC.token("012345678901") == "t0_Z3Q7O2JNHF6CUCXLKWUJGYDCHS"


@given(
    st.lists(st.none() | st.text(max_size=80), max_size=20),
    st.binary(min_size=1, max_size=100),
    st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_columns_equal_the_standard_library(values, key, key_id):
    tokens, nodes = Tokeniser(key, key_id).token_columns(pa.array(values, pa.string()))
    digests = [None if v is None else hmac.new(key, v.encode(), "sha256").digest() for v in values]
    assert tokens.to_pylist() == [
        None if d is None else f"t{key_id}_" + base64.b32encode(d).decode()[:26] for d in digests
    ]
    assert nodes.to_pylist() == [
        None if d is None else int.from_bytes(d, "big") >> 193 for d in digests
    ]
    tokens.validate(full=True)
    assert (tokens.type, nodes.type) == (pa.string(), pa.int64())


def test_columns_take_slices_chunks_and_numbers():
    whole = pa.array(["x", "a", "b"])
    expected = [PUBLIC.token("a"), PUBLIC.token("b")]
    assert PUBLIC.token_columns(whole[1:])[0].to_pylist() == expected
    assert PUBLIC.token_columns(pa.chunked_array([["a"], ["b"]]))[0].to_pylist() == expected
    assert PUBLIC.token_columns(pa.array([7]))[0].to_pylist() == [PUBLIC.token("7")]


def test_a_token_of_the_same_key_is_its_own_token():
    here, other = Tokeniser(b"k" * 32, 1), Tokeniser(b"k" * 32, 2)
    names = ["", "a", "012345678907", "t1_", "x" * 90]
    made = [here.token(name) for name in names]
    mixed = pa.array([*made, None, *names])
    tokens, nodes = here.token_columns(mixed)
    assert tokens.to_pylist() == [*made, None, *made]
    raw = [here.node_id(name) for name in names]
    assert nodes.to_pylist() == [*raw, None, *raw]
    assert [here.token(one) for one in made] == made
    assert [here.node_id(one) for one in made] == raw
    foreign = other.token("a")
    assert here.token(foreign) != foreign
    assert here.token_columns(pa.array([foreign, made[0] + "A", made[0].lower()]))[0].to_pylist() == [
        here.token(foreign), here.token(made[0] + "A"), here.token(made[0].lower())
    ]  # fmt: skip


def test_columns_are_quick():
    identifiers = pa.array([f"{i:012d}" for i in range(200_000)])
    start = time.process_time()
    PUBLIC.token_columns(identifiers)
    assert time.process_time() - start < 0.8 * 2  # 1,000,000 in 4 s, twice that on a busy machine


def test_a_key_is_never_shown():
    assert "secret" not in repr(Tokeniser(b"secret", 3))


def test_verhoeff_golden():
    assert verhoeff_digit("236") == 3
    assert verhoeff_digit("01234567890") == 6


bodies = st.integers(20_000_000_000, 99_999_999_999).map(str)
"""The first eleven digits; quicker to draw than from a pattern."""


@given(bodies, st.integers(0, 11), st.integers(1, 9))
def test_verhoeff_finds_every_wrong_digit_and_every_swap(body, place, step):
    number = f"{body}{verhoeff_digit(body)}"
    assert is_valid_identity_number(number)
    wrong = str((int(number[place]) + step) % 10)
    assert not is_valid_identity_number(number[:place] + wrong + number[place + 1 :])
    if place < 11 and number[place] != number[place + 1]:
        swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
        assert not is_valid_identity_number(swapped)


@pytest.mark.parametrize(
    "text", ["", "12345678901", "2345678901245", "23456789012a", "012345678906"]
)
def test_what_is_no_identity_number(text):
    assert not is_valid_identity_number(text)


@pytest.mark.parametrize(
    ("text", "masked", "found"),
    [
        ("near 234567890124 road", "near **********24 road", 1),
        ("2345 6789 0124, 2345-6789-0124", "**** **** **24, ****-****-**24", 2),
        (
            "\u0968\u0969\u096a\u096b\u096c\u096d\u096e\u096f\u0966\u0967\u0968\u096a",
            "**********\u0968\u096a",
            1,
        ),
        ("1234 2345 6789 0124 in a row", "1234 **** **** **24 in a row", 1),
        ("2345.6789.0124 2345/6789/0124", "****.****.**24 ****/****/**24", 2),
        ("234567890123 wrong digit", "234567890123 wrong digit", 0),
        ("1234567890124 longer", "1234567890124 longer", 0),
        ("", "", 0),
    ],
)
def test_identity_numbers_in_text(text, masked, found):
    assert mask_identity_numbers(text) == (masked, found)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("id 012345678907: bad", "id **********07: bad"),
        ("a 9876543210.", "a ********10."),
        ("1234 5678 9012", "**** **** **12"),
        ("rec_9876543210_x", "rec_********10_x"),
        ("took 3.1415926535 s, 123456789 rows", "took 3.1415926535 s, 123456789 rows"),
        ("f" * 30 + "1234567890", "f" * 30 + "1234567890"),
        ("t0_YCLAHX4FJJJK3FURR43OYZDTL7", "t0_YCLAHX4FJJJK3FURR43OYZDTL7"),
    ],
)
def test_messages_lose_long_numbers_only(text, masked):
    assert mask_text(text) == masked


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        ("ashok@ybl", "as**@ybl"),
        ("9876543210", "********10"),
        ("42", "**"),
        ("7", "*"),
        ("Om Prakash", "O* P******"),
        ("1984-05-12", "****-**-12"),
        ("", ""),
    ],
)
def test_masked_values(value, masked):
    assert mask_value(value) == masked


def test_own_key_comes_from_the_environment():
    own = key_from_env(False, {"SANGAM_TOKEN_KEY": KEY, "SANGAM_TOKEN_KEY_ID": "3"})
    assert own == Tokeniser(KEY.encode(), 3)
    assert key_from_env(True, {"SANGAM_TOKEN_KEY": KEY, "SANGAM_TOKEN_KEY_ID": "3"}) == PUBLIC


@pytest.mark.parametrize(
    ("env", "told"),
    [
        ({"SANGAM_TOKEN_KEY": KEY}, "SANGAM_TOKEN_KEY_ID is not set"),
        ({"SANGAM_TOKEN_KEY_ID": "1"}, "SANGAM_TOKEN_KEY is not set"),
        ({"SANGAM_TOKEN_KEY": "short", "SANGAM_TOKEN_KEY_ID": "1"}, "16 characters"),
        ({"SANGAM_TOKEN_KEY": "sangam-public-demo", "SANGAM_TOKEN_KEY_ID": "1"}, "public"),
        ({"SANGAM_TOKEN_KEY": KEY, "SANGAM_TOKEN_KEY_ID": "0"}, "SANGAM_TOKEN_KEY_ID='0'"),
        ({"SANGAM_TOKEN_KEY": KEY, "SANGAM_TOKEN_KEY_ID": "x"}, "SANGAM_TOKEN_KEY_ID='x'"),
    ],
)
def test_half_a_key_is_refused_without_showing_it(env, told):
    with pytest.raises(ConfigError) as refusal:
        key_from_env(False, env)
    assert told in str(refusal.value)
    assert KEY not in str(refusal.value)


def test_without_a_key_one_is_made_and_kept(tmp_path):
    file = tmp_path / ".sangam" / "token.key"
    first = key_from_env(False, {}, file)
    assert first == key_from_env(False, {}, file)
    assert first.key_id == 1
    assert len(first.key) == 64
    assert file.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in file.parent.iterdir()] == ["token.key"]
    assert first != key_from_env(False, {}, tmp_path / "other.key")


def test_a_key_that_others_may_read_is_refused(tmp_path):
    file = tmp_path / "token.key"
    key_from_env(False, {}, file)
    file.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        key_from_env(False, {}, file)
    file.write_text("")
    file.chmod(0o600)
    with pytest.raises(ConfigError, match="too short"):
        key_from_env(False, {}, file)
