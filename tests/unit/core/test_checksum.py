"""The compiled checksum of record batches."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.record._crc32c import crc

from pipelines.core.checksum import crc32c


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", 0), (b"123456789", 0xE3069283), (bytes(32), 0x8A9136AA), (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
    ],
)  # fmt: skip
def test_values_of_rfc_3720(data, expected):
    assert crc32c(data) == expected


@given(st.binary(max_size=300))
def test_it_equals_the_slow_one_on_whatever_holds_bytes(data):
    assert crc32c(data) == crc32c(bytearray(data)) == crc32c(memoryview(data)) == crc(data)
