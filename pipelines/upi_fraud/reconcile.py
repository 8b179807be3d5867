"""Counts of a run on Kafka, from the topics themselves: process counters restart, topics do not."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from pipelines.core.errors import GateError
from pipelines.core.kafka import Spans, read_all
from pipelines.core.wire import Wire
from pipelines.upi_fraud.decider import TOPIC


@dataclass
class Reconciled:
    """Outcomes in the exact topics, by coordinates of the input.

    Attributes:
        places: how often each coordinate has an outcome.
        kinds: outcomes by kind.
        actions: decisions by action.
        reasons: payments that were not decided, by reason.
    """

    places: Counter[tuple[int, int]] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    actions: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)

    def is_whole(self, spans: Spans) -> bool:
        """Whether every message has an outcome (late ones carry none of their coordinates)."""
        return sum(self.kinds.values()) >= number_in(spans)

    def counts(self, read: int) -> dict[str, int]:
        """Counts of the run.

        Raises:
            GateError: a message has two outcomes.
        """
        twice = [place for place, number in self.places.items() if number > 1]
        if twice:
            raise GateError(f"{len(twice)} messages have two outcomes, such as {twice[0]}.")
        copies = self.kinds["copy"]
        return {
            "read": read, "duplicates": copies, "in": read - copies, "out": self.kinds["out"],
            "rejected": self.kinds["rejected"], "dlq": self.kinds["dlq"],
            "late": self.kinds["late"],
        }  # fmt: skip

    def metrics(self) -> dict[str, float | int | None]:
        """Decisions by action."""
        names = {"APPROVE": "approved", "ADDITIONAL_VERIFICATION": "verified",
                 "MANUAL_REVIEW": "reviewed", "BLOCK": "blocked"}  # fmt: skip
        return {told: self.actions[name] for name, told in names.items()}


def number_in(spans: Spans) -> int:
    """Messages in a topic."""
    return sum(end - start for start, end in spans.values())


def reconcile(servers: str, spans: Spans) -> Reconciled:
    """Read the exact topics and count the outcomes of the messages in `spans`."""
    found = Reconciled()
    decision, rejection, letter = map(Wire, ("upi.Decision", "upi.Rejection", "ops.DlqEnvelope"))

    def add(kind: str, partition: int, offset: int) -> None:
        start, end = spans.get(partition, (0, 0))
        if start <= offset < end:
            found.places[partition, offset] += 1
            found.kinds[kind] += 1

    for one in read_all(servers, "upi.ledger.v1"):
        record = decision.decode(one.value)
        add("out", record["source_partition"], record["source_offset"])
        found.actions[record["recommended_action"]] += 1
    for one in read_all(servers, "upi.rejections.v1"):
        record = rejection.decode(one.value)
        kind = "copy" if record["reason"] == "DUPLICATE" else "rejected"
        add(kind, record["source_partition"], record["source_offset"])
        found.reasons[record["reason"]] += 1
    for one in read_all(servers, f"{TOPIC}.dlq"):
        record = letter.decode(one.value)
        found.reasons[record["error_code"]] += 1
        add("dlq", record["original_partition"], record["original_offset"])
    found.kinds["late"] = sum(1 for _ in read_all(servers, f"{TOPIC}.late"))
    return found


def read_records(servers: str, topic: str, subject: str) -> list[dict[str, Any]]:
    """All records of a topic, decoded; tombstones are left out."""
    wire = Wire(subject)
    values = (one.value for one in read_all(servers, topic))
    return [wire.decode(value) for value in values if value is not None]
