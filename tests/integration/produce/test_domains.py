"""What each domain sends: all its topics, records of their contracts, the same for the same seed."""

from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.core.catalogue import load_catalogue
from pipelines.core.errors import ConfigError
from pipelines.core.wire import Wire
from pipelines.produce.cli import key_maker
from pipelines.produce.domains import DOMAINS
from pipelines.produce.sources import open_records, topics_of

TOPICS = load_catalogue().topics
NUMBER = 200


def made(domain: str, folder: Path, seed: int = 7) -> Mapping[str, list[Any]]:
    topics = topics_of(domain, TOPICS)
    return {
        topic: list(islice(records, NUMBER))
        for topic, records in open_records(topics, TOPICS, NUMBER, seed, None, folder).items()
    }


@pytest.mark.parametrize("domain", sorted(DOMAINS))
def test_every_record_fits_its_topic(domain: str, tmp_path: Path) -> None:
    found = made(domain, tmp_path / "a")
    assert tuple(found) == DOMAINS[domain].topics
    for topic, records in found.items():
        wire, key = Wire(TOPICS[topic].record), key_maker(TOPICS[topic].key)
        assert records, topic
        for record in records:
            value = wire.encode(record)
            assert wire.decode(value, record["event_time"])["event_id"] == record["event_id"]
            assert key(record)
    assert made(domain, tmp_path / "b") == found


def test_every_domain_of_events_has_a_producer() -> None:
    from_outside = {name for name, topic in TOPICS.items() if topic.owner == "source"}
    assert {name.partition(".")[0] for name in from_outside} == set(DOMAINS)
    for domain in DOMAINS.values():
        assert set(domain.topics) <= from_outside


def test_one_topic_of_a_domain_comes_from_its_generator(tmp_path: Path) -> None:
    (topic,) = topics_of("rail.trains.v1", TOPICS)
    found = open_records((topic,), TOPICS, 20, 7, None, tmp_path)
    records = list(found[topic])
    assert records
    assert all(record["stations"] for record in records)


def test_an_outcome_is_not_sent_before_it_is_observed(tmp_path: Path) -> None:
    from pipelines.credit.generate import AS_OF

    found = made("credit", tmp_path)["credit.outcomes.v1"]
    assert all(record["observed_date"] <= AS_OF for record in found)


def test_no_records_means_the_spool_alone(tmp_path: Path) -> None:
    found = open_records(DOMAINS["rail"].topics, TOPICS, 0, 7, None, tmp_path)
    assert tuple(found) == DOMAINS["rail"].topics
    assert not any(list(records) for records in found.values())


def test_a_file_needs_one_topic_its_columns_and_to_exist(tmp_path: Path) -> None:
    def read(topics: tuple[str, ...], file: Path) -> list[Any]:
        found = open_records(topics, TOPICS, 10, 7, file, tmp_path)
        return [record for records in found.values() for record in records]

    labels = ("upi.labels.v1",)
    with pytest.raises(ConfigError, match="no such file"):
        read(labels, tmp_path / "absent.parquet")
    pq.write_table(pa.table({"event_id": ["a"]}), tmp_path / "thin.parquet")
    with pytest.raises(ConfigError, match=r"has no column event_time, .* of upi\.Label"):
        read(labels, tmp_path / "thin.parquet")
    with pytest.raises(ConfigError, match="say which topic"):
        read(DOMAINS["rail"].topics, tmp_path / "thin.parquet")
    with pytest.raises(ConfigError, match="no domain or topic 'nothing'"):
        topics_of("nothing", TOPICS)
