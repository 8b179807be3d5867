"""Which version of a rule profile decides a payment: the newest in force when it entered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines.upi_fraud.profile import Profile, profile_of_rule_set


@dataclass
class Timeline:
    """Versions of one profile by the moment they take effect.

    Attributes:
        base: the profile of the file, in force from the beginning.
        activation_ms: least delay between a rule set's event time and its effect.
        changes: later versions with their moments, oldest first.
    """

    base: Profile
    activation_ms: int
    changes: list[tuple[int, Profile]] = field(default_factory=list)

    def at(self, ingest_ms: int) -> Profile:
        """Profile in force at a moment of ingest."""
        if self.changes:
            for moment, profile in reversed(self.changes):
                if moment <= ingest_ms:
                    return profile
        return self.base

    def add(self, record: Mapping[str, Any]) -> bool:
        """Take a `upi.RuleSet` of this profile in; returns whether it was of this profile.

        Raises:
            ProfileError: a rule of it is wrong; nothing is changed.
        """
        if record["profile"] != self.base.name:
            return False
        moment = max(record["event_time"] + self.activation_ms, record["valid_from_at"])
        profile = profile_of_rule_set(record)
        others = [one for one in self.changes if one[1].rule_version != profile.rule_version]
        self.changes = sorted([*others, (moment, profile)], key=lambda one: one[0])
        return True
