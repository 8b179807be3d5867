"""Notes when each record of a topic is read; the number behind its key's last hyphen names it.

Prints `ready` when it waits, and reads until a line comes on its input; then for the given seconds
more, or until it has seen all. librdkafka does the reading, so that it takes little from the cores.

SANGAM_KAFKA=host:port python benchmarks/peers/kafka_clock.py TOPIC WANTED SECONDS OUT.npy
"""

import os
import select
import sys
import time

import numpy as np
from confluent_kafka import OFFSET_END, Consumer, TopicPartition

topic, wanted, wait, out = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
numbers: list[int] = []
moments: list[float] = []
consumer = Consumer({
    "bootstrap.servers": os.environ["SANGAM_KAFKA"], "group.id": "sangam-bench-clock",
    "enable.auto.commit": False, "isolation.level": "read_uncommitted",
    "fetch.min.bytes": 1, "fetch.wait.max.ms": 100,
})  # fmt: skip
parts = list(consumer.list_topics(topic).topics[topic].partitions)
consumer.assign([TopicPartition(topic, one, OFFSET_END) for one in parts])
consumer.poll(2)
print("ready", flush=True)
deadline = None
while deadline is None or time.monotonic() < deadline:
    first = consumer.poll(0.02)
    moment = time.monotonic()
    records = [first, *consumer.consume(10_000, 0)] if first is not None else []
    numbers += [int(one.key().rpartition(b"-")[2]) for one in records if not one.error()]
    moments += [moment] * (len(numbers) - len(moments))
    if deadline is None and select.select([sys.stdin], [], [], 0)[0]:
        deadline = moment + wait
    if deadline is not None and len(numbers) >= wanted:
        deadline = min(deadline, moment + 2)
consumer.close()
np.save(out, np.array([numbers, moments]))
