"""Raw messages in, outcomes out: the work of the keyed operator, of the backtest and of the tests.

Each message has exactly one outcome: a decision, a rejection, late, or a dead letter. The engine
brings the states and takes the outcomes; nothing here knows which engine it is.
"""

from collections.abc import Iterable, MutableMapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import islice
from typing import Any, NamedTuple

from pipelines.core.dead_letters import Judge, letter_key, make_letter
from pipelines.core.errors import ContractError
from pipelines.core.wire import Wire, error_code
from pipelines.upi_fraud.intake import BadTime, Intake, Refusal, TooLate
from pipelines.upi_fraud.messages import Messages
from pipelines.upi_fraud.payment import CheckedPayment, Raw
from pipelines.upi_fraud.quiet.batch import QuietPayments
from pipelines.upi_fraud.reference import Reference
from pipelines.upi_fraud.rows import maker
from pipelines.upi_fraud.scorer import (
    APPROVE,
    BLOCK,
    REVIEW,
    VERIFY,
    ModelSlot,
    Settings,
    decide,
    find_copy,
)
from pipelines.upi_fraud.state_codec import decode_state, encode_state
from pipelines.upi_fraud.timeline import Timeline

TOPIC = "upi.transactions.v1"


class Kind(IntEnum):
    """What became of a message; the number travels with the outcome."""

    APPROVED = 0
    VERIFY = 1
    ALERT = 2
    REJECTED = 3
    COPY = 4
    LATE = 5
    DEAD = 6


class Outcome(NamedTuple):
    """One message to write.

    Attributes:
        kind: decides the topic.
        key, value, time_ms: the message.
        lateness_ms: of a late payment, for its header; 0 otherwise.
    """

    kind: Kind
    key: bytes
    value: bytes
    time_ms: int
    lateness_ms: int = 0


make_outcome = maker(Outcome)
States = MutableMapping[str, bytes]
"""Packed states (`state_codec.py`) by token of the payer."""
_AT_ONCE = 1_000
"""Messages taken apart at once."""
_KIND_OF = {APPROVE: Kind.APPROVED, VERIFY: Kind.VERIFY, REVIEW: Kind.ALERT, BLOCK: Kind.ALERT}


@dataclass
class Decider:
    """Everything one operator needs to decide.

    Attributes:
        intake: checks and tokens.
        profiles: rule sets over time.
        reference: merchants and flags.
        settings: numbers of a decision.
        messages: codecs of what is written.
        judge: who gives messages up.
        model: model slot, None without a model.
        topic: where the messages come from.
    """

    intake: Intake
    profiles: Timeline
    reference: Reference
    settings: Settings
    messages: Messages
    judge: Judge
    model: ModelSlot | None = None
    topic: str = TOPIC
    _wire: Wire = field(default_factory=lambda: Wire("upi.Transaction"))
    _letters: Wire = field(default_factory=lambda: Wire("ops.DlqEnvelope"))
    _quiet: QuietPayments = field(init=False)

    def __post_init__(self) -> None:
        self._quiet = QuietPayments(
            self.intake, self.profiles, self.reference, self.settings, self.messages.quiet_pieces
        )

    def handle(self, raws: Iterable[Raw], states: States) -> list[Outcome]:
        """Outcomes of messages in their order; `states` is read and written by payer token."""
        waiting, outcomes = iter(raws), list[Outcome]()
        while part := list(islice(waiting, _AT_ONCE)):
            outcomes += self._handle_part(part, states)
        return outcomes

    def _handle_part(self, raws: Sequence[Raw], states: States) -> list[Outcome]:
        """A model has a say in every decision, so nothing is quiet beside one."""
        if self.model is not None:
            return [self.handle_one(raw, states) for raw in raws]
        decided = self._quiet.decide(raws, states)
        return [
            self.handle_one(raw, states) if quiet is None
            else make_outcome((Kind.APPROVED, *quiet, 0))
            for raw, quiet in zip(raws, decided, strict=True)
        ]  # fmt: skip

    def handle_one(self, raw: Raw, states: States) -> Outcome:
        """Outcome of one message, however odd it is."""
        try:
            record = self._wire.decode(raw.value, raw.time_ms)
        except ContractError as error:
            return self._dead(raw, error_code(error), str(error))
        checked = self.intake.check(record, raw.key, (raw.partition, raw.offset))
        if isinstance(checked, CheckedPayment):
            return self._decide(raw, checked, states)
        if isinstance(checked, Refusal):
            return self._refuse(raw, record, checked)
        if isinstance(checked, TooLate):
            lateness = checked.lateness_ms
            return Outcome(Kind.LATE, raw.key or b"", raw.value or b"", raw.time_ms, lateness)
        assert isinstance(checked, BadTime)  # noqa: S101 (the last of the four)
        return self._dead(raw, "E_TIME", f"E_TIME: {checked.message}")

    def _decide(self, raw: Raw, payment: CheckedPayment, states: States) -> Outcome:
        state = decode_state(states.get(payment.payer))
        copy = find_copy(state, payment)
        if copy is not None:
            refusal = Refusal(copy, "transaction_id", None, payment.payer)
            return self._refuse(raw, self._wire.decode(raw.value), refusal)
        profile = self.profiles.at(payment.ingest_time)
        after, decision = decide(state, payment, self.reference, profile, self.model, self.settings)
        if after is not state:
            states[payment.payer] = encode_state(after)
        key, value = payment.transaction_id.encode(), self.messages.decision(payment, decision)
        return make_outcome((_KIND_OF[decision.action], key, value, payment.event_time, 0))

    def _refuse(self, raw: Raw, record: dict[str, Any], refusal: Refusal) -> Outcome:
        kind = Kind.COPY if refusal.reason == "DUPLICATE" else Kind.REJECTED
        value = self.messages.rejection(record, refusal, (raw.partition, raw.offset))
        return Outcome(kind, record["transaction_id"].encode(), value, raw.time_ms)

    def _dead(self, raw: Raw, code: str, message: str) -> Outcome:
        headers = [] if raw.attempt is None else [{"key": "sangam-attempt", "value": raw.attempt}]
        row = {
            "topic": self.topic, "partition": raw.partition, "offset": raw.offset,
            "time": raw.time_ms, "key": raw.key, "value": raw.value, "headers": headers,
        }  # fmt: skip
        letter = self._letters.encode(make_letter(row, code, message, self.judge))
        key = letter_key(self.topic, raw.partition, raw.offset)
        return Outcome(Kind.DEAD, key, letter, raw.time_ms)
