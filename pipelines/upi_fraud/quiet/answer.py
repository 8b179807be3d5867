"""The decision about a quiet payment, as bytes in the order of its contract."""

from typing import NamedTuple

from pipelines.core.flat_records import Bools, Bytes, Ints
from pipelines.upi_fraud.quiet import columns as of
from pipelines.upi_fraud.quiet import rules, words
from pipelines.upi_fraud.quiet.compiled import helper
from pipelines.upi_fraud.quiet.limits import Limits
from pipelines.upi_fraud.quiet.rows import Floats

_EVENT_ID_BYTES = 20


class Payments(NamedTuple):
    """n payments in their order.

    Attributes:
        is_plain: whether it may be quiet at all, [n].
        numbers: see `columns.py`, [n, columns].
        text, token: bytes of all messages, and of all tokens.
        event_ids: SHA-1 of each, joined.
    """

    is_plain: Bools
    numbers: Ints
    text: Bytes
    token: Bytes
    event_ids: Bytes


(Z, MEAN_PAISE, SHARE, VELOCITY, AMOUNT, TIME, FOUND) = range(7)
"""Columns of what is found about a payment: deviations, mean, share of its hour, three risks."""


@helper
def write_answer(
    payments: Payments, one: int, limits: Limits, found: Floats, bits: Ints,
    pieces: words.Pieces, out: Bytes, at: int,
) -> int:  # fmt: skip
    """Write a decision; returns the place behind it. `bits` are those of `found`."""
    at = _write_head(payments, one, pieces, out, at)
    return int(_write_rest(payments.numbers[one], limits, found, bits, pieces, out, at))


@helper
def _write_head(payments: Payments, one: int, pieces: words.Pieces, out: Bytes, at: int) -> int:
    """Write the fields up to the amount; returns the place behind them."""
    payment = payments.numbers[one]
    at = words.write_piece(out, at, pieces.head)
    at = words.write_uuid(out, at, payments.event_ids, _EVENT_ID_BYTES * one)
    at = words.write_long(out, at, payment[of.EVENT])
    if payment[of.HAS_INGEST] < 0:
        at = words.write_long(out, at, 0)
    else:
        at = words.write_long(out, words.write_long(out, at, 1), payment[of.INGEST])
    at = words.write_piece(out, at, pieces.source)
    at = words.write_text(out, at, payments.text, payment[of.REGION], payment[of.REGION_END])
    at = words.write_long(out, at, payment[of.PRIORITY])
    at = words.write_text(out, at, payments.text, payment[of.ID_AT], payment[of.ID_END])
    for begin in (of.PAYER_TOKEN, of.PAYEE_TOKEN):
        at = words.write_text(out, at, payments.token, payment[begin], payment[begin + 1])
    return int(words.write_long(out, at, payment[of.PAISE]))


@helper
def _write_rest(
    payment: Ints, limits: Limits, found: Floats, bits: Ints, pieces: words.Pieces, out: Bytes,
    at: int,
) -> int:  # fmt: skip
    """Write the fields behind the amount; returns the place behind the decision."""
    tier = rules.tier_of(limits, found[Z])
    by_amount = limits.z_points[tier] if tier >= 0 else 0
    by_hour = limits.hour_points if found[SHARE] >= 0 else 0
    at = words.write_long(out, words.write_piece(out, at, pieces.verdict), by_amount + by_hour)
    at = words.write_double(out, words.write_piece(out, at, pieces.velocity), bits[VELOCITY])
    at = words.write_long(out, words.write_piece(out, at, pieces.amount), by_amount)
    at = words.write_piece(out, words.write_double(out, at, bits[AMOUNT]), pieces.location)
    at = words.write_long(out, words.write_piece(out, at, pieces.time), by_hour)
    at = words.write_piece(out, words.write_double(out, at, bits[TIME]), pieces.rest)
    at = _write_rules(payment, tier, by_amount, by_hour, found, pieces, out, at)
    at = words.write_piece(out, words.write_piece(out, at, pieces.version), pieces.quality)
    at = words.write_long(out, at, payment[of.PARTITION])
    return int(words.write_long(out, at, payment[of.OFFSET]))


@helper
def _write_rules(
    payment: Ints, tier: int, by_amount: int, by_hour: int, found: Floats, pieces: words.Pieces,
    out: Bytes, at: int,
) -> int:  # fmt: skip
    """Write the rules that fired, most points first."""
    is_odd_hour = found[SHARE] >= 0
    number = (tier >= 0) + is_odd_hour
    if not number:
        return int(words.write_long(out, at, 0))
    at, hour = words.write_long(out, at, number), rules.indian_hour(payment[of.EVENT])
    is_hour_first = is_odd_hour and by_hour > by_amount
    if is_hour_first:
        at = words.write_hour_rule(out, at, pieces, by_hour, found[SHARE], hour)
    if tier >= 0:
        mean = found[MEAN_PAISE]
        at = words.write_amount_rule(out, at, pieces, tier, by_amount, found[Z], mean)
    if is_odd_hour and not is_hour_first:
        at = words.write_hour_rule(out, at, pieces, by_hour, found[SHARE], hour)
    return int(words.write_long(out, at, 0))
