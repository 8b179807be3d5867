"""The compiled walk over a batch: who is quiet, what is learned, what is written."""

from typing import NamedTuple

import numba as nb
import numpy as np

from pipelines.core.flat_records import Bools, Bytes, Ints
from pipelines.upi_fraud.quiet import columns as of
from pipelines.upi_fraud.quiet import memory, rules, texts, words
from pipelines.upi_fraud.quiet.answer import (
    AMOUNT,
    FOUND,
    MEAN_PAISE,
    SHARE,
    TIME,
    VELOCITY,
    Payments,
    Z,
    write_answer,
)
from pipelines.upi_fraud.quiet.compiled import helper
from pipelines.upi_fraud.quiet.limits import Limits
from pipelines.upi_fraud.quiet.rows import (
    DIGEST,
    ID,
    MEAN,
    NEWEST,
    RECENT,
    SEEN,
    Floats,
    Rows,
    pack,
    unpack,
)
from pipelines.upi_fraud.state import SETTLED

_ID_CHARS, _LEFT_ALONE = 64, 1 << 40


class Numbers(NamedTuple):
    """Numbers of the configuration: width of a bucket, look-back and expiry, ms."""

    bucket_ms: int
    look_back_ms: int
    expiry_ms: int


class States(NamedTuple):
    """Packed states of the payers of a batch: `ends[k]` to `ends[k + 1]` of row k, and rows."""

    data: Bytes
    ends: Ints
    rows: Rows


class Written(NamedTuple):
    """What the walk writes.

    Attributes:
        decisions, decision_ends: of quiet payments; the others have no bytes.
        states, state_ends: of payers with a quiet payment; the others have no bytes.
    """

    decisions: Bytes
    decision_ends: Ints
    states: Bytes
    state_ends: Ints


@nb.njit(cache=True)
def walk(
    payments: Payments, states: States, limits: Limits, numbers: Numbers, marks: Bools,
    pieces: words.Pieces, written: Written,
) -> None:  # fmt: skip
    """Decide the quiet payments up to the first other one of each payer.

    Args:
        payments: of a batch.
        states: of its payers; `rows` is working memory.
        limits: of the profile.
        numbers: of the configuration.
        marks: whether a payment with such a hash (modulo the length) may have a label.
        pieces: constant parts of a decision.
        written: is filled.
    """
    payers, rows = len(states.ends) - 1, states.rows
    is_open, is_changed = np.zeros(payers, np.bool_), np.zeros(payers, np.bool_)
    for payer in range(payers):
        is_open[payer] = unpack(
            states.data, states.ends[payer], states.ends[payer + 1], rows, payer
        )
    found, place = np.empty(FOUND, np.float64), 0
    bits = found.view(np.int64)
    for one in range(len(payments.numbers)):
        payment = payments.numbers[one]
        payer, is_quiet = payment[of.PAYER], False
        if payments.is_plain[one] and is_open[payer]:
            is_quiet = _may_be_quiet(payment, payments.text, rows, payer, limits, numbers, marks)
            if is_quiet and _find(payment, rows, payer, limits, found) < limits.verify:
                memory.learn(rows, payer, payment)
                place = write_answer(
                    payments, one, limits, found, bits, pieces, written.decisions, place
                )
                is_changed[payer] = True
            else:
                is_quiet = False
        if not is_quiet and payer >= 0:
            is_open[payer] = False
        written.decision_ends[one + 1] = place
    place = 0
    for payer in range(payers):
        if is_changed[payer]:
            place = pack(rows, payer, written.states, place)
        written.state_ends[payer + 1] = place


@helper
def _may_be_quiet(
    payment: Ints, text: Bytes, rows: Rows, at: int, limits: Limits, numbers: Numbers, marks: Bools
) -> bool:
    """Whether a payment is no copy, has no label, forgets nothing, and no hard rule can fire."""
    event, paise, state = payment[of.EVENT], payment[of.PAISE], rows.numbers[at]
    if state[SEEN] and event - state[NEWEST] > numbers.expiry_ms:
        return False
    if not _has_plain_id(text, payment[of.ID_AT], payment[of.ID_END]):
        return False
    if rules.is_copy(rows, at, payment[of.ID_HASH]) or _may_be_labelled(rows, at, marks):
        return False
    if not memory.has_room(rows, at, event, numbers.bucket_ms, numbers.look_back_ms):
        return False
    if (
        not rules.is_usual_amount(limits, paise)
        or payment[of.REPUTATION] > limits.reputation
        or event - payment[of.FIRST_SEEN] < limits.merchant_age_ms
    ):
        return False
    return _has_usual_place(payment, rows, at, limits) and _has_usual_device(
        payment, rows, at, limits
    )


@helper
def _has_usual_place(payment: Ints, rows: Rows, at: int, limits: Limits) -> bool:
    if not payment[of.HAS_SPOT]:
        return not limits.needs_place
    return bool(rules.is_usual_place(rows, at, limits, payment[of.LAT], payment[of.LON]))


@helper
def _has_usual_device(payment: Ints, rows: Rows, at: int, limits: Limits) -> bool:
    length = payment[of.DEVICE_LENGTH]
    if length < 0:
        return not limits.needs_device
    return length >= limits.device_length and rules.is_usual_device(
        rows, at, limits, payment[of.DEVICE], payment[of.EVENT]
    )


@helper
def _has_plain_id(text: Bytes, begin: int, end: int) -> bool:
    """1 to 64 letters, digits, underscores and hyphens."""
    if not 1 <= end - begin <= _ID_CHARS:
        return False
    for place in range(begin, end):
        byte = text[place]
        is_letter = 97 <= (byte | 32) <= 122
        if not (is_letter or 48 <= byte <= 57 or byte == 95 or byte == 45):
            return False
    return True


@helper
def _may_be_labelled(rows: Rows, at: int, marks: Bools) -> bool:
    """Whether a label may wait for one of the attempts that are kept one by one."""
    for entry in range(rows.numbers[at, RECENT]):
        if (
            marks[rows.recent[at, entry, ID] & (len(marks) - 1)]
            and not rows.recent[at, entry, DIGEST] & SETTLED
        ):
            return True
    return False


@helper
def _find(payment: Ints, rows: Rows, at: int, limits: Limits, found: Floats) -> int:
    """Fill in what a decision tells; returns its points, very many for who is to be left alone."""
    event, paise = payment[of.EVENT], payment[of.PAISE]
    count_1h, paise_1h, paise_24h = rules.look_back(rows, at, event)
    if (
        count_1h >= limits.count_1h
        or paise_1h + paise > limits.paise_1h
        or paise_24h + paise > limits.paise_24h
    ):
        return _LEFT_ALONE
    z = rules.deviations(rows, at, paise)
    share = rules.hour_share(rows, at, limits, rules.indian_hour(event))
    tier, points = rules.tier_of(limits, z), 0
    found[Z], found[MEAN_PAISE], found[SHARE] = z, rows.moments[at, MEAN], share
    found[VELOCITY] = rules.velocity_risk(count_1h + 1, paise_1h + paise)
    found[AMOUNT], found[TIME] = rules.amount_risk(z), 0.0
    if tier >= 0:
        points += limits.z_points[tier]
        if not texts.is_plain_number(z, 100.0) or found[MEAN_PAISE] >= 1e12:
            return _LEFT_ALONE
    if share >= 0:
        points += limits.hour_points
        found[TIME] = min(1.0, limits.hour_points / limits.hour_cap)
        if not texts.is_plain_number(share * 100, 10.0):
            return _LEFT_ALONE
    return points
