"""Takes reference messages in from topics, files or restored state: a tag byte, the message."""

import logging
from dataclasses import dataclass, field

from pipelines.core.errors import SangamError
from pipelines.core.wire import Wire
from pipelines.upi_fraud.reference import Reference
from pipelines.upi_fraud.timeline import Timeline

SUBJECTS = ("upi.Merchant", "upi.Flag", "upi.RuleSet", "upi.Label")
TOPICS = ("upi.ref-merchants.v1", "upi.ref-flags.v1", "upi.ref-rule-sets.v1", "upi.labels.v1")
"""Contract and topic of each tag."""

LABEL = 3
"""Tag of labels: an operator reads their topic when it starts, and keeps no other copy."""


@dataclass
class Follower:
    """Adds what comes to the reference and the profiles of an operator.

    Attributes:
        reference, profiles: what decisions look up.
        refused: messages that could not be read or hold a wrong rule.
    """

    reference: Reference
    profiles: Timeline
    refused: int = 0
    _wires: tuple[Wire, ...] = field(default_factory=lambda: tuple(map(Wire, SUBJECTS)))

    def take(self, tagged: bytes) -> bool:
        """Take one message in; False for one that cannot be used, which never stops the job."""
        tag = tagged[0]
        try:
            record = self._wires[tag].decode(tagged[1:])
            if tag == 0:
                self.reference.add_merchant(record)
            elif tag == 1:
                self.reference.add_flag(record)
            elif tag == LABEL:
                self.reference.add_label(record)
            else:
                self.profiles.add(record)
        except SangamError as error:
            self.refused += 1
            logging.getLogger(__name__).warning("%s is left out: %s", SUBJECTS[tag], error)
            return False
        return True
