"""Each test finds the topics of this job empty."""

import pytest

from pipelines.core.kafka import delete_records
from pipelines.upi_fraud.decider import TOPIC
from pipelines.upi_fraud.stack import ANSWERS, BOOKS


@pytest.fixture(autouse=True)
def empty_topics(servers: str) -> None:
    for topic in (TOPIC, *BOOKS, *(topic for _, topic, _ in ANSWERS)):
        delete_records(servers, topic)
