"""Each test finds the topics of this job empty."""

import pytest

from pipelines.core.kafka import delete_records
from pipelines.upi_fraud.decider import TOPIC
from pipelines.upi_fraud.stack import SINKS


@pytest.fixture(autouse=True)
def empty_topics(servers: str) -> None:
    for topic in (TOPIC, *(one[1] for one in SINKS)):
        delete_records(servers, topic)
