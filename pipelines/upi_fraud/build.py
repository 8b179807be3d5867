"""Builds what decides from a configuration, on whatever worker needs one."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from pipelines.core.dead_letters import Judge
from pipelines.core.kafka import read_all
from pipelines.core.privacy import Tokeniser
from pipelines.upi_fraud.config import UpiConfig
from pipelines.upi_fraud.decider import Decider
from pipelines.upi_fraud.follow import TOPICS, Follower
from pipelines.upi_fraud.intake import Intake
from pipelines.upi_fraud.messages import Messages
from pipelines.upi_fraud.model import open_model
from pipelines.upi_fraud.profile import load_profile
from pipelines.upi_fraud.reference import Reference
from pipelines.upi_fraud.timeline import Timeline

JOB = "upi_fraud"


@dataclass(frozen=True)
class DeciderPlan:
    """What a decider is made of; travels to the workers.

    Attributes:
        config: settings.
        profile: name of the rule profile.
        tokeniser: key of the run.
        version: commit of the code, for dead letters.
        snapshot: Parquet file of reference messages to begin with; None without one.
        model: folder of a model; None decides by rules alone.
        servers: Kafka, whose reference topics are read to begin with; None without one.
    """

    config: UpiConfig
    profile: str
    tokeniser: Tokeniser
    version: str
    snapshot: str | None = None
    servers: str | None = None
    model: str | None = None

    def __call__(self) -> Decider:
        """Build one, with the snapshot loaded."""
        activation = self.config.reference.activation_ms
        reference = Reference(activation, self.config.reference.versions)
        profiles = Timeline(load_profile(self.profile), activation)
        follower = Follower(reference, profiles)
        for message in reference_messages(self.snapshot, self.servers):
            follower.take(message)
        settings = self.config.model
        model = open_model(
            Path(self.model) if self.model else None, settings.budget_ms, settings.failures,
            settings.pause_s, time.monotonic,
        )  # fmt: skip
        return Decider(
            Intake(self.config.intake_limits(), self.tokeniser), profiles, reference,
            self.config.scoring(), Messages(self.profile), Judge(JOB, self.version), model,
        )  # fmt: skip


def reference_messages(snapshot: str | None, servers: str | None) -> Iterator[bytes]:
    """Messages of a snapshot file and of the topics as they are now, each behind its tag."""
    if snapshot is not None:
        rows = pq.read_table(snapshot, columns=["tag", "message_value"]).to_pylist()
        yield from (bytes((row["tag"],)) + row["message_value"] for row in rows)
    for tag, topic in enumerate(TOPICS if servers is not None else ()):
        for message in read_all(str(servers), topic):
            if message.value is not None:
                yield bytes((tag,)) + message.value
