"""Bytes of the decision of a quiet payment: `decision_codec.py`, written by compiled code."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from pipelines.core.flat_records import Bytes, Ints
from pipelines.upi_fraud.quiet import texts
from pipelines.upi_fraud.quiet.compiled import helper

UUID_BYTES = 16
"""Bytes of a SHA-1 that a UUID is made of."""
_HEX = np.frombuffer(b"0123456789abcdef", np.uint8)
_DASH, _DASHES = ord("-"), (4, 6, 8, 10)
_VERSION_AT, _VERSION, _VARIANT_AT, _VARIANT = 6, 0x50, 8, 0x80
_ROOM = 40 * 10 + 2 * 64
"""Most bytes of the numbers of a decision, of at most ten bytes each, and of two reasons."""


class Pieces(NamedTuple):
    """What is the same in the decisions of all quiet payments, in the order of the fields.

    Attributes:
        head: frame, length of the event id.
        source: source and version of the contract.
        verdict: action and level.
        velocity: number of factors, the first name and its points.
        amount: name.
        location: factor without points.
        time: name.
        rest: factors without points, end of the factors.
        version: profile, version of the rules, no model, no score.
        quality: not degraded, exact windows.
        amount_rule, hour_rule: code and factor of the two soft rules.
        of_mean, of_hour: words between the numbers of their reasons.
        z_limits: texts of the limits of `amount_z`, `LIMIT_BYTES` for each, the highest first.
        hour_limit: text of the limit of `odd_hour`.
    """

    head: Bytes
    source: Bytes
    verdict: Bytes
    velocity: Bytes
    amount: Bytes
    location: Bytes
    time: Bytes
    rest: Bytes
    version: Bytes
    quality: Bytes
    amount_rule: Bytes
    hour_rule: Bytes
    of_mean: Bytes
    of_hour: Bytes
    z_limits: Bytes
    hour_limit: Bytes


LIMIT_BYTES = 16
"""Room of the text of a limit."""


def room_of(pieces: Pieces, longest_token: int) -> int:
    """Bytes that suffice for a decision whose other texts have none."""
    return sum(map(len, pieces)) + _ROOM + 2 * longest_token


@helper
def write_bytes(out: Bytes, at: int, data: Bytes, begin: int, end: int) -> int:
    """Copy bytes; returns the place behind them."""
    for place in range(begin, end):
        out[at + place - begin] = data[place]
    return at + end - begin


@helper
def write_piece(out: Bytes, at: int, piece: Bytes) -> int:
    """Copy all of a piece."""
    return int(write_bytes(out, at, piece, 0, len(piece)))


@helper
def write_long(out: Bytes, at: int, number: int) -> int:
    """Zigzag variable-length integer (Avro specification)."""
    rest = np.uint64(number << 1 ^ number >> 63)
    while rest > np.uint64(0x7F):
        out[at] = np.uint8(rest & np.uint64(0x7F) | np.uint64(0x80))
        rest >>= np.uint64(7)
        at += 1
    out[at] = np.uint8(rest)
    return at + 1


@helper
def write_text(out: Bytes, at: int, data: Bytes, begin: int, end: int) -> int:
    """Length and bytes of a text."""
    return int(write_bytes(out, write_long(out, at, end - begin), data, begin, end))


@helper
def write_double(out: Bytes, at: int, bits: int) -> int:
    """Little-endian bits of a double."""
    for byte in range(8):
        out[at + byte] = (bits >> (8 * byte)) & 0xFF
    return at + 8


@helper
def write_uuid(out: Bytes, at: int, digest: Bytes, begin: int) -> int:
    """UUIDv5 (RFC 9562) of the SHA-1 that begins at a place."""
    for place in range(UUID_BYTES):
        byte = digest[begin + place]
        if place == _VERSION_AT:
            byte = byte & 0x0F | _VERSION
        elif place == _VARIANT_AT:
            byte = byte & 0x3F | _VARIANT
        if place in _DASHES:
            out[at] = _DASH
            at += 1
        out[at], out[at + 1] = _HEX[byte >> 4], _HEX[byte & 0x0F]
        at += 2
    return at


@helper
def write_amount_rule(
    out: Bytes, at: int, pieces: Pieces, tier: int, points: int, z: float, mean: float
) -> int:
    """The rule `amount_z`: code, factor, points, what was observed, its limit."""
    at = write_long(out, write_piece(out, at, pieces.amount_rule), points)
    length_at, at = at, texts.write_fixed(out, at + 1, z, 2)
    at = write_piece(out, at, pieces.of_mean)
    at = texts.write_rupees(out, at, int(np.rint(mean)))
    out[length_at] = 2 * (at - length_at - 1)  # zigzag: a length below 64 in one byte
    begin = LIMIT_BYTES * tier
    length = pieces.z_limits[begin] >> 1
    return int(write_bytes(out, at, pieces.z_limits, begin, begin + 1 + length))


@helper
def write_hour_rule(
    out: Bytes, at: int, pieces: Pieces, points: int, share: float, hour: int
) -> int:
    """The rule `odd_hour`: code, factor, points, what was observed, its limit."""
    at = write_long(out, write_piece(out, at, pieces.hour_rule), points)
    length_at, at = at, texts.write_fixed(out, at + 1, share * 100, 1)
    at = write_piece(out, at, pieces.of_hour)
    at = texts.write_digits(out, at, hour, 2)
    out[at], out[at + 1] = ord(" "), ord("h")
    at += 2
    out[length_at] = 2 * (at - length_at - 1)
    return int(write_piece(out, at, pieces.hour_limit))


def as_bytes(data: bytes) -> Bytes:
    """Bytes as an array."""
    return np.frombuffer(data, np.uint8)


def slices(data: Bytes, ends: Ints) -> list[bytes]:
    """Pieces between one end and the next; the first end is 0."""
    whole, bounds = data[: ends[-1]].tobytes(), ends.tolist()
    return [whole[begin:end] for begin, end in pairwise(bounds)]
