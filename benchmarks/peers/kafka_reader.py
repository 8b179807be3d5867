"""Reads a topic with kafka-python and does nothing with it; prints the seconds it took.

python benchmarks/peers/kafka_reader.py TOPIC RECORDS
"""

import json
import os
import sys
import time

from kafka import KafkaConsumer, TopicPartition

topic, wanted = sys.argv[1], int(sys.argv[2])
began, seen = time.perf_counter(), 0
consumer = KafkaConsumer(
    bootstrap_servers=os.environ["SANGAM_KAFKA"], enable_auto_commit=False,
    auto_offset_reset="earliest", max_poll_records=5_000, fetch_max_bytes=52_428_800,
    max_partition_fetch_bytes=10_485_760,
)  # fmt: skip
consumer.assign([TopicPartition(topic, n) for n in consumer.partitions_for_topic(topic)])
while seen < wanted:
    seen += sum(len(records) for records in consumer.poll(timeout_ms=1_000).values())
print(json.dumps(time.perf_counter() - began))
