"""Raw messages in, outcomes out: the work of the keyed operator, of the backtest and of the tests.

Each message has exactly one outcome: a decision, a rejection, late, or a dead letter. The engine
brings the states and takes the outcomes; nothing here knows which engine it is.
"""

from collections.abc import Iterable, MutableMapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

from pipelines.core.dead_letters import Judge, letter_key, make_letter
from pipelines.core.errors import ContractError
from pipelines.core.wire import Wire, error_code
from pipelines.upi_fraud.intake import BadTime, Intake, Refusal, TooLate
from pipelines.upi_fraud.messages import Messages
from pipelines.upi_fraud.payment import CheckedPayment
from pipelines.upi_fraud.reference import Reference
from pipelines.upi_fraud.scorer import BLOCK, REVIEW, ModelSlot, Settings, decide, find_copy
from pipelines.upi_fraud.state import EMPTY, PayerState
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


class Raw(NamedTuple):
    """A message of the topic."""

    partition: int
    offset: int
    time_ms: int
    key: bytes | None
    value: bytes | None
    attempt: bytes | None = None


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


States = MutableMapping[str, PayerState]


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

    def handle(self, raws: Iterable[Raw], states: States) -> list[Outcome]:
        """Outcomes of messages in their order; `states` is read and written by payer token."""
        return [self.handle_one(raw, states) for raw in raws]

    def handle_one(self, raw: Raw, states: States) -> Outcome:
        """Outcome of one message."""
        try:
            record = self._wire.decode(raw.value, raw.time_ms)
        except ContractError as error:
            return self._dead(raw, error_code(error), str(error))
        at = (raw.partition, raw.offset)
        checked = self.intake.check(record, raw.key, at)
        if isinstance(checked, CheckedPayment):
            state = states.get(checked.payer) or EMPTY
            copy = find_copy(state, checked)
            if copy is None:
                return self._decide(checked, state, states)
            checked = Refusal(copy, "transaction_id", None, checked.payer)
        if isinstance(checked, Refusal):
            kind = Kind.COPY if checked.reason == "DUPLICATE" else Kind.REJECTED
            value = self.messages.rejection(record, checked, at)
            return Outcome(kind, record["transaction_id"].encode(), value, raw.time_ms)
        if isinstance(checked, TooLate):
            lateness = checked.lateness_ms
            return Outcome(Kind.LATE, raw.key or b"", raw.value or b"", raw.time_ms, lateness)
        assert isinstance(checked, BadTime)  # noqa: S101 (the last of the four)
        return self._dead(raw, "E_TIME", f"E_TIME: {checked.message}")

    def _decide(self, payment: CheckedPayment, state: PayerState, states: States) -> Outcome:
        profile = self.profiles.at(payment.ingest_time)
        after, decision = decide(state, payment, self.reference, profile, self.model, self.settings)
        if after is not state:
            states[payment.payer] = after
        action = decision.action
        if action in (BLOCK, REVIEW):
            kind = Kind.ALERT
        else:
            kind = Kind.APPROVED if action == "APPROVE" else Kind.VERIFY
        value = self.messages.decision(payment, decision)
        return Outcome(kind, payment.transaction_id.encode(), value, payment.event_time)

    def _dead(self, raw: Raw, code: str, message: str) -> Outcome:
        headers = [] if raw.attempt is None else [{"key": "sangam-attempt", "value": raw.attempt}]
        row = {
            "topic": self.topic, "partition": raw.partition, "offset": raw.offset,
            "time": raw.time_ms, "key": raw.key, "value": raw.value, "headers": headers,
        }  # fmt: skip
        letter = self._letters.encode(make_letter(row, code, message, self.judge))
        key = letter_key(self.topic, raw.partition, raw.offset)
        return Outcome(Kind.DEAD, key, letter, raw.time_ms)
