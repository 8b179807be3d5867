"""The lane of tastes on Kafka: interactions in, the viewer's preference out, kept by key (PyFlink).

Interactions are a thousandth of the events, so Python decides here, with one keyed state a viewer.
What cannot be decoded becomes a dead letter, and nothing stops.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from pyflink.common import Row, Time, Types
from pyflink.datastream import KeyedBroadcastProcessFunction, RuntimeContext
from pyflink.datastream.state import MapStateDescriptor, StateTtlConfig, ValueStateDescriptor

from pipelines.core import endpoints
from pipelines.core.config import PROJECT_ROOT
from pipelines.core.dead_letters import ENVELOPE, Judge, letter_key, make_letter
from pipelines.core.errors import ContractError
from pipelines.core.flink import build_environment, flink_options
from pipelines.core.flink_tables import guarded_source, raw_sink
from pipelines.core.machine import git_state
from pipelines.core.wire import Wire
from pipelines.viewers import engine, topics
from pipelines.viewers.config import ViewersConfig
from pipelines.viewers.profile import Profile

JOB = "viewer_analytics-taste"
_BYTES = Types.PRIMITIVE_ARRAY(Types.BYTE())
OUTCOME = Types.ROW_NAMED(
    ["is_dead", "message_key", "message_value", "time_ms"],
    [Types.BOOLEAN(), _BYTES, _BYTES, Types.LONG()],
)
TIME_MS = (
    "1000 * CAST(TIMESTAMPDIFF(SECOND, TO_TIMESTAMP_LTZ(0, 3), kafka_time) AS BIGINT)"
    " + EXTRACT(MILLISECOND FROM kafka_time)"
)

ACTORS = MapStateDescriptor("actors", Types.STRING(), Types.STRING())
"""Actors of each content, as a JSON list; every worker holds all of them."""


class Taste(KeyedBroadcastProcessFunction):  # type: ignore[misc]
    """Counts an interaction into its viewer's profile and passes on the preference that holds now.

    Args:
        days: a profile is kept so long after its last interaction.
        judge: who gives messages up.
    """

    def __init__(self, days: int, judge: Judge) -> None:
        self._days, self._judge = days, judge

    def open(self, runtime_context: RuntimeContext) -> None:
        """Open the state."""
        described = ValueStateDescriptor("taste", _BYTES)
        described.enable_time_to_live(state_ttl(self._days))
        self._state = runtime_context.get_state(described)
        self._read, self._write = Wire("viewer.Interaction"), Wire("viewer.Preference")
        self._letters, self._content = Wire(ENVELOPE), Wire("viewer.Content")

    def process_broadcast_element(self, value: Row, context: Any) -> Iterator[Row]:
        """A content: its actors hold from now on. One that cannot be decoded says nothing."""
        with suppress(ContractError):
            record = self._content.decode(bytes(value[1]))
            actors = json.dumps(record["actors"])
            context.get_broadcast_state(ACTORS).put(record["content_id"], actors)
        yield from ()

    def process_element(self, value: Row, context: Any) -> Iterator[Row]:
        """One message: a preference, or a dead letter."""
        key, data, partition, offset, at_ms = (value[place] for place in range(5))
        try:
            record = self._read.decode(bytes(data or b""), at_ms)
        except ContractError as error:
            row = {"topic": topics.INTERACTIONS, "partition": partition, "offset": offset,
                   "time": at_ms, "key": key, "value": data, "headers": None}  # fmt: skip
            code = str(error).partition(":")[0]
            letter = make_letter(row, code, str(error), self._judge)
            name = letter_key(topics.INTERACTIONS, partition, offset)
            yield Row(True, name, self._letters.encode(letter), at_ms)
            return
        kept = self._state.value()
        profile = Profile() if kept is None else Profile.unpacked(bytes(kept))
        known = context.get_broadcast_state(ACTORS).get(record["content_id"])
        profile.take(record, json.loads(known or "[]"))
        self._state.update(profile.packed())
        told = profile.preference(record["user_id"])
        yield Row(False, record["user_id"].encode(), self._write.encode(told), told["event_time"])


def state_ttl(days: int) -> StateTtlConfig:
    """Idle profiles go after so long, without a look at the others at each access."""
    span = Time.days(days)
    return (
        StateTtlConfig.new_builder(span)
        .disable_cleanup_in_background()
        .cleanup_full_snapshot()
        .cleanup_in_rocksdb_compact_filter(10_000, span)
        .build()
    )


def start_tastes(config: ViewersConfig, checkpoints: Path, is_bounded: bool = False) -> engine.Job:
    """Start the lane on the topics.

    Args:
        config: settings.
        checkpoints: folder for checkpoints, unless `state_uri` says where.
        is_bounded: end at the offsets that are last now.
    """
    servers = endpoints.kafka_servers()
    options = flink_options(JOB, config.flink) | engine.kept_state(config, checkpoints)
    opened = build_environment(options)
    for table, topic in (("interactions", topics.INTERACTIONS), ("contents", topics.CONTENTS)):
        opened.execute_sql(guarded_source(table, topic, servers, JOB, 0, is_bounded))
    contents = opened.sql_query(
        "SELECT message_key, message_value FROM contents WHERE message_value IS NOT NULL"
    )
    messages = opened.sql_query(
        "SELECT COALESCE(message_key, CAST('' AS BYTES)) AS message_key, message_value,"  # noqa: S608
        f" kafka_partition, kafka_offset, {TIME_MS} AS time_ms FROM interactions"
    )
    judge = Judge(JOB, str(git_state(PROJECT_ROOT).get("git_sha", "unknown")))
    decided = (
        opened.to_data_stream(messages)
        .key_by(lambda row: bytes(row[0]).hex(), Types.STRING())
        .connect(opened.to_data_stream(contents).broadcast(ACTORS))
        .process(Taste(config.taste_days, judge), OUTCOME)
        .name("taste")
        .uid("taste")
    )
    opened.create_temporary_view("outcomes", opened.from_data_stream(decided))
    inserts = []
    for table, topic, is_dead in (
        ("tastes", topics.PREFERENCES, False), ("dead_tastes", topics.DEAD_INTERACTIONS, True),
    ):  # fmt: skip
        opened.execute_sql(raw_sink(table, topic, servers, "prompt", JOB, config.flink))
        inserts.append(
            f"INSERT INTO {table} SELECT message_key, message_value, TO_TIMESTAMP_LTZ(time_ms, 3),"  # noqa: S608
            f" CAST(NULL AS MAP<STRING, BYTES>) FROM outcomes WHERE is_dead = {is_dead}"
        )
    return engine.start_together(opened, inserts)
