"""Records this job writes, as framed bytes: decisions, rejections and dead letters.

No field holds processing time, so equal input gives equal bytes.
"""

from collections.abc import Mapping
from typing import Any

from pipelines.core.wire import Wire
from pipelines.upi_fraud.decision_codec import SOURCE, VERSION, DecisionCodec
from pipelines.upi_fraud.hashing import event_uuid
from pipelines.upi_fraud.intake import RULE_VERSION, Refusal


class Messages:
    """Makes the messages of one profile; holds the codecs of the contracts.

    Attributes:
        decision: makes a `upi.Decision` of a payment and what was decided.
        quiet_pieces: what the decisions of payments share that fire no rule.
    """

    def __init__(self, profile: str) -> None:
        self.profile = profile
        codec = DecisionCodec(profile)
        self.decision, self.quiet_pieces = codec.encode, codec.quiet_pieces
        self._rejection = Wire("upi.Rejection", VERSION).encode

    def rejection(self, record: Mapping[str, Any], refusal: Refusal, at: tuple[int, int]) -> bytes:
        """A `upi.Rejection`; its id holds the coordinates, for every copy is told."""
        identifier = record["transaction_id"]
        return self._rejection(
            {
                "event_id": event_uuid(record["event_id"], refusal.reason, f"{at[0]}:{at[1]}"),
                "event_time": record["event_time"],
                "ingest_time": record["ingest_time"],
                "source": SOURCE,
                "schema_version": VERSION,
                "region": record["region"],
                "priority": record["priority"],
                "transaction_id": None if refusal.reason == "INVALID_ID" else identifier,
                "reason": refusal.reason,
                "field": refusal.field,
                "observed": refusal.observed,
                "sender_vpa": refusal.sender,
                "rule_version": RULE_VERSION,
                "source_partition": at[0],
                "source_offset": at[1],
            }
        )
