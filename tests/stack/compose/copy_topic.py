"""Copies a topic byte for byte, exactly once, its checkpoints on MinIO. Runs under `flink run -py`.

flink run -py copy_topic.py TOPIC COPY SERVERS STATE
"""

import sys

from pipelines.core.flink import FlinkSettings, build_environment, flink_options
from pipelines.core.flink_tables import guarded_source, raw_sink

topic, copy, servers, state = sys.argv[1:]
settings = FlinkSettings(parallelism=1, checkpoint_seconds=2)
environment = build_environment(flink_options("copy", settings, state=state))
environment.execute_sql(guarded_source("source", topic, servers, "copy", 5, is_bounded=True))
environment.execute_sql(raw_sink("target", copy, servers, "exact", "copy", settings))
environment.execute_sql(
    "INSERT INTO target SELECT message_key, message_value, kafka_time, kafka_headers FROM source"
).wait()
