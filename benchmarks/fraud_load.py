"""The load of the latency measurement: produce requests made beforehand, sent by the clock.

A generator on the same machine takes its time from what is measured. So kafka-python encodes all
requests before the first is sent, and what runs beside the job only writes them to a socket. A
request is what a producer with five milliseconds of linger sends, Kafka's default since 4.0.
"""

import socket
import time
from collections.abc import Sequence
from itertools import count, groupby

from kafka.protocol.producer import ProduceRequest
from kafka.record import MemoryRecordsBuilder

Row = tuple[bytes, bytes, int, int]
"""Key, value, record time, partition."""
Request = tuple[float, bytes]
"""When it is sent, in seconds behind the begin, and its bytes."""
LINGER_SECONDS = 0.005
_VERSION, _MAGIC, _LZ4, _ROOM = 9, 2, 3, 1 << 20
_TIMEOUT_MS, _ANSWER_BYTES = 30_000, 1 << 16


def make_requests(topic: str, rows: Sequence[Row], rate: int) -> list[Request]:
    """Requests that send row k when k / rate seconds have passed, or up to a linger later."""
    numbers, made = count(1), []
    planned = groupby(enumerate(rows), key=lambda one: int(one[0] / rate / LINGER_SECONDS))
    for tick, chosen in planned:
        parts: dict[int, MemoryRecordsBuilder] = {}
        for _, (key, value, time_ms, partition) in chosen:
            if partition not in parts:
                parts[partition] = MemoryRecordsBuilder(_MAGIC, _LZ4, _ROOM)
            if parts[partition].append(time_ms, key, value) is None:
                raise ValueError(f"payments of a tick do not fit in {_ROOM} bytes: lower the rate")
        made.append(((tick + 1) * LINGER_SECONDS, _encode(topic, parts, next(numbers))))
    return made


def _encode(topic: str, parts: dict[int, MemoryRecordsBuilder], number: int) -> bytes:
    kind = ProduceRequest.TopicProduceData
    data = []
    for partition, records in sorted(parts.items()):
        records.close()
        data.append(kind.PartitionProduceData(index=partition, records=records.buffer()))
    request = ProduceRequest(
        transactional_id=None, acks=1, timeout_ms=_TIMEOUT_MS,
        topic_data=[kind(name=topic, partition_data=data)],
    )  # fmt: skip
    request.API_VERSION = _VERSION
    request.with_header(correlation_id=number, client_id="sangam-bench")
    return bytes(request.encode(header=True, framed=True))


def send(servers: str, requests: Sequence[Request], begin: float) -> None:
    """Send each request when it is due; `begin` is of the monotonic clock.

    Answers are read and dropped: whether a payment came in is seen from its decision.
    """
    host, port = servers.split(",")[0].rsplit(":", 1)
    with socket.create_connection((host, int(port))) as broker:
        broker.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for due, data in requests:
            early = begin + due - time.monotonic()
            if early > 0:
                time.sleep(early)
            broker.sendall(data)
            _drop_answers(broker)
        time.sleep(1)
        _drop_answers(broker)


def _drop_answers(broker: socket.socket) -> None:
    try:
        while broker.recv(_ANSWER_BYTES, socket.MSG_DONTWAIT):
            pass
    except BlockingIOError:
        return
    raise ConnectionError("the broker closed the generator's connection")
