"""Opaque record ids and identity numbers that cannot be real."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.dedup.synthetic.streams import U64, Purpose, mark

U8 = npt.NDArray[np.uint8]

_BASE32 = np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", dtype=np.uint8)
_WORD_CHARS = 13
_WALK_BITS = 35
_FREE_DIGITS = 11
_NUMBERS = 2 * 10 ** (_FREE_DIGITS - 1)


def encode_words(prefix: str, values: U64) -> npt.NDArray[np.bytes_]:
    """Prefix and 13 base32 characters (RFC 4648 letters) per 64-bit word, as fixed-width bytes."""
    head = np.frombuffer(prefix.encode(), dtype=np.uint8)
    text = np.empty((len(values), len(head) + _WORD_CHARS), dtype=np.uint8)
    text[:, : len(head)] = head
    for k in range(_WORD_CHARS):
        digit = (values >> np.uint64(5 * (_WORD_CHARS - 1 - k))) & np.uint64(31)
        text[:, len(head) + k] = _BASE32[digit]
    return as_bytes(text)


def as_bytes(text: U8) -> npt.NDArray[np.bytes_]:
    """View a matrix of characters [rows, width] as rows of fixed-width bytes."""
    return np.ascontiguousarray(text).view(f"S{text.shape[1]}").ravel()


def to_strings(values: npt.NDArray[np.bytes_]) -> pa.StringArray:
    """Fixed-width bytes without padding as an Arrow column, in one copy."""
    width = values.dtype.itemsize
    offsets = np.arange(0, (len(values) + 1) * width, width, dtype=np.int32)
    data = pa.py_buffer(np.ascontiguousarray(values))
    return pa.StringArray.from_buffers(len(values), pa.py_buffer(offsets), data)


def make_identity_numbers(seed: int, records: U64) -> npt.NDArray[np.bytes_]:
    """Twelve digits per record: distinct, first digit 0 or 1, last digit one off Verhoeff's.

    Real numbers start with 2..9 and pass the Verhoeff check (1969), so these are wrong twice.
    """
    numbers = _scatter(seed, records)
    powers = np.uint64(10) ** np.arange(_FREE_DIGITS - 1, -1, -1, dtype=np.uint64)
    digits = ((numbers[:, None] // powers) % np.uint64(10)).astype(np.int64)
    check = (check_digits(digits) + 1) % 10
    text = np.column_stack([digits, check]).astype(np.uint8) + np.uint8(ord("0"))
    return as_bytes(text)


def _scatter(seed: int, records: U64) -> U64:
    """Permute 0..2e10-1: an invertible mix of 35 bits, walked until it lands in the range."""
    odd_1, odd_2, shift = mark(seed, Purpose.NUMBER, np.arange(3, dtype=np.uint64)) | np.uint64(1)
    keep, half = np.uint64((1 << _WALK_BITS) - 1), np.uint64(_WALK_BITS // 2 + 1)
    values = records.astype(np.uint64)
    outside = np.ones(len(values), dtype=np.bool_)
    while outside.any():
        walked = (values[outside] * odd_1 + shift) & keep
        walked = ((walked ^ (walked >> half)) * odd_2) & keep
        values[outside] = walked ^ (walked >> half)
        outside = values >= _NUMBERS
    return values


def check_digits(digits: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Verhoeff check digit of each row of digits [rows, length], by tables over the columns."""
    product, permuted, inverse = _verhoeff_tables()
    check = np.zeros(len(digits), dtype=np.int64)
    for place, column in enumerate(digits.T[::-1], start=1):
        check = product[check, permuted[place % 8, column]]
    return inverse[check]


def _verhoeff_tables() -> tuple[npt.NDArray[np.int64], ...]:
    """Products of the dihedral group of the pentagon, powers of the permutation, inverses."""
    row, column = np.divmod(np.arange(100), 10)
    turn = np.where(row < 5, row % 5 + column % 5, row % 5 - column % 5) % 5
    product = (turn + 5 * ((row >= 5) ^ (column >= 5))).reshape(10, 10)
    step = np.array([1, 5, 7, 6, 2, 8, 3, 0, 9, 4])
    permuted = [np.arange(10)]
    for _ in range(7):
        permuted.append(step[permuted[-1]])
    return product, np.array(permuted), np.argmax(product == 0, axis=1)
