"""What a run leaves for the figures and the report."""

from collections import Counter
from dataclasses import dataclass, field

from pipelines.ingest.checks import Found


@dataclass
class Tally:
    """What a run has done so far.

    Attributes:
        read: messages taken from the topic.
        stored: rows in the table.
        dead: dead letters by code.
        aside: rows set aside, by the rule they broke first.
        warned: rows that broke a rule of policy `warn`, by rule.
        bytes: size of all values, bytes.
        batches: finished batches.
        repeated: batches that an earlier run had stored already.
        stopped: what the quality gate stopped the run for; empty = nothing.
    """

    read: int = 0
    stored: int = 0
    dead: Counter[str] = field(default_factory=Counter)
    aside: Counter[str] = field(default_factory=Counter)
    warned: Counter[str] = field(default_factory=Counter)
    bytes: int = 0
    batches: int = 0
    repeated: int = 0
    stopped: str = ""

    def counts(self) -> dict[str, int]:
        """Counts of the run manifest."""
        aside, dead = self.aside.total(), self.dead.total()
        return {"in": self.read, "out": self.stored, "rejected": aside, "dlq": dead}

    def found(self) -> Found:
        """What the quality gate judges."""
        decoded = self.read - self.dead.total()
        return Found(decoded, self.aside + self.warned, self.aside.total())
