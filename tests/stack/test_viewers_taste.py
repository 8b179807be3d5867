"""Interactions on a real Kafka become one preference a viewer; broken ones become dead letters."""

from contextlib import closing

import pytest

from pipelines.core.kafka import delete_records, make_producer, read_all
from pipelines.core.wire import Wire
from pipelines.produce.samples import sample_records
from pipelines.viewers import topics
from pipelines.viewers.config import ViewersConfig
from pipelines.viewers.profile import profiles_of
from pipelines.viewers.taste_flink import start_tastes
from tests.flink.viewers.conftest import SETTINGS

VIEWERS = 5


@pytest.mark.timeout(200)
def test_the_newest_preference_of_a_viewer_holds_all_interactions(servers, tmp_path):
    for topic in (topics.INTERACTIONS, topics.DEAD_INTERACTIONS):
        delete_records(servers, topic)
    sent = list(sample_records("viewer.Interaction", 300, seed=3, entities=VIEWERS))
    wire = Wire("viewer.Interaction")
    with closing(make_producer(servers)) as producer:
        for one in sent:
            producer.send(topics.INTERACTIONS, key=one["user_id"].encode(),
                          value=wire.encode(one), timestamp_ms=one["event_time"])  # fmt: skip
        producer.send(topics.INTERACTIONS, key=b"x", value=b"nonsense", timestamp_ms=1000)
        producer.flush()
    start_tastes(ViewersConfig(flink=SETTINGS), tmp_path, is_bounded=True).wait()
    read = Wire("viewer.Preference")
    found = {one.key.decode(): read.decode(one.value, one.timestamp) | {"top_actors": []}
             for one in read_all(servers, topics.PREFERENCES)}  # fmt: skip
    wanted = profiles_of(sent, {})
    assert len(wanted) == VIEWERS
    assert found == {user: profile.preference(user) for user, profile in wanted.items()}
    (letter,) = read_all(servers, topics.DEAD_INTERACTIONS)
    told = Wire("ops.DlqEnvelope").decode(letter.value)
    assert (told["payload"], told["original_topic"]) == (b"nonsense", topics.INTERACTIONS)
