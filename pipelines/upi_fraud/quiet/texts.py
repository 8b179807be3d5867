"""Numbers as the reasons of rules show them, written by compiled code."""

import numpy as np

from pipelines.core.flat_records import Bytes
from pipelines.upi_fraud.quiet.compiled import helper

_ZERO, _POINT, _COMMA = ord("0"), ord("."), ord(",")
_MARGIN = 1e-6
_MOST = 1e6
"""Larger numbers are left to Python, so that a reason has less than 64 bytes."""


@helper
def is_plain_number(value: float, scale: float) -> bool:
    """Whether `value * scale` is rounded the same way with and without its last bits."""
    scaled = value * scale
    return 0 <= scaled < _MOST * scale and abs(scaled - np.floor(scaled) - 0.5) > _MARGIN


@helper
def write_digits(out: Bytes, at: int, number: int, least: int) -> int:
    """Decimal digits of a number, with zeros in front up to `least` digits."""
    digits = digits_of(number)
    digits = max(digits, least)
    for place in range(at + digits - 1, at - 1, -1):
        out[place] = _ZERO + number % 10
        number //= 10
    return at + digits


@helper
def digits_of(number: int) -> int:
    """How many decimal digits a number has."""
    digits = 1
    while number >= 10:
        number //= 10
        digits += 1
    return digits


@helper
def write_fixed(out: Bytes, at: int, value: float, decimals: int) -> int:
    """A plain number with so many decimals."""
    unit = 10**decimals
    scaled = np.int64(np.rint(value * unit))
    at = write_digits(out, at, scaled // unit, 1)
    out[at] = _POINT
    return int(write_digits(out, at + 1, scaled % unit, decimals))


@helper
def write_rupees(out: Bytes, at: int, paise: int) -> int:
    """An amount as `payment.show_rupees` writes it, behind `Rs `."""
    whole, cents = paise // 100, paise % 100
    left = digits_of(whole)
    unit = 10 ** (left - 1)
    while left:
        out[at] = _ZERO + whole // unit % 10
        at, left, unit = at + 1, left - 1, unit // 10
        if left >= 3 and left % 2:
            out[at] = _COMMA
            at += 1
    if cents:
        out[at] = _POINT
        at = write_digits(out, at + 1, cents, 2)
    return at
