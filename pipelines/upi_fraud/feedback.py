"""Labels that come days later: a confirmed fraud is taken out of what was learned, and the reverse.

A label names a payment, not its payer, so it waits until that payer's next payment; it holds for
payments that enter the platform after its activation, so a replay settles at the same place.
"""

from collections.abc import Mapping

from pipelines.upi_fraud.memory import learn_amount, unlearn_amount
from pipelines.upi_fraud.payment import indian_hour
from pipelines.upi_fraud.rows import ATTEMPTS, DEVICES, PAYEES, Payment
from pipelines.upi_fraud.state import LEARNED, SETTLED, PayerState

Label = tuple[int, bool]
"""Moment of ingest from which it holds, and whether the payment was fraud."""


def settle(state: PayerState, labels: Mapping[int, Label], ingest_ms: int) -> PayerState:
    """Apply the labels of the payments that are kept one by one, each once.

    Args:
        state: of a payer.
        labels: by hash of the transaction id.
        ingest_ms: of the payment that is about to be decided.
    """
    recent, is_changed = ATTEMPTS.read(state.recent), False
    for place, payment in enumerate(recent):
        label = labels.get(payment.id_hash)
        if label is None or payment.digest & SETTLED or label[0] > ingest_ms:
            continue
        was_learned = bool(payment.digest & LEARNED)
        if label[1] and was_learned:
            state = _forget(state, payment)
        elif not label[1] and not was_learned:
            state = learn_amount(state, payment.paise, indian_hour(payment.time_ms))
        recent[place] = payment._replace(digest=payment.digest | SETTLED)
        is_changed = True
    return state._replace(recent=ATTEMPTS.write(recent)) if is_changed else state


def _forget(state: PayerState, payment: Payment) -> PayerState:
    """Unlearn a payment: its amount and hour, and what it was the first to bring."""
    second = payment.time_ms // 1000
    state = unlearn_amount(state, payment.paise, indian_hour(payment.time_ms))
    last = state.last_place
    devices, payees = DEVICES.read(state.devices), PAYEES.read(state.payees)
    return state._replace(
        devices=DEVICES.write(one for one in devices if one.first_s != second),
        payees=PAYEES.write(one for one in payees if one.uses > 1 or one.last_s != second),
        last_place=None if last is not None and last.time_ms == payment.time_ms else last,
    )
