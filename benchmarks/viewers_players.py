"""Players of the viewer benchmark: heartbeats of many sessions, each stamped as it is sent.

    python benchmarks/viewers_players.py SERVERS FOLDER RATE SECONDS

Messages of a recorded match are encoded once; at a send only the digits of the id and the bytes of
the moment are put in, so that the load costs little beside the job. Prints a line of JSON.
"""

import json
import sys
import time
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import pyarrow.parquet as pq  # noqa: E402

from pipelines.core.errors import ContractError  # noqa: E402
from pipelines.core.kafka import make_producer  # noqa: E402
from pipelines.core.wire import Wire  # noqa: E402

TOPIC = "viewer.events.v1"
LOOKED_AT = 100_000
"""Messages of the match whose sessions play; they take turns."""

TICK_SECONDS = 0.02
PREFIX, DIGITS = "live-", 12
FRAME = 5

Template = tuple[bytes, bytes, bytes]
"""Key of a session, what stands before the digits of its messages' ids, what after their moment."""


def main() -> None:
    """Send until the time is over."""
    servers, folder, rate, seconds = sys.argv[1:]
    players = templates(Path(folder))
    start = time.monotonic()
    sent, late = 0, 0.0
    with closing(make_producer(servers, linger_ms=5)) as producer:
        while (spent := time.monotonic() - start) < float(seconds):
            now, due = int(time.time() * 1000), int(spent * int(rate))
            moment = varint(now)
            late = max(late, (due - sent) / int(rate))
            for number in range(sent, due):
                key, head, tail = players[number % len(players)]
                value = b"%s%0*d%s%s" % (head, DIGITS, number, moment, tail)
                producer.send(TOPIC, key=key, value=value, timestamp_ms=now)
            sent = due
            time.sleep(TICK_SECONDS)
        producer.flush(30)
    print(json.dumps({"sent": sent, "cpu_seconds": time.process_time(), "latest_seconds": late}))


def templates(folder: Path) -> list[Template]:
    """A heartbeat of each session that sends one in the beginning of the match."""
    wire, found = Wire("viewer.Event"), {}
    batch = next(pq.ParquetFile(folder / "part-0.parquet").iter_batches(LOOKED_AT))
    columns = (batch[name].to_pylist() for name in ("message_key", "message_value"))
    for key, value in zip(*columns, strict=True):
        if key not in found and (made := template(wire, key, value)):
            found[key] = made
    return list(found.values())


def template(wire: Wire, key: bytes, value: bytes) -> Template | None:
    """Bytes around the id and the moment of a heartbeat; None for another message."""
    try:
        record = wire.decode(value)
    except ContractError:
        return None
    if record["event_type"] != "HEARTBEAT":
        return None
    now = int(time.time() * 1000)
    name = PREFIX + "0" * DIGITS
    made = wire.encode(record | {"event_id": name, "event_time": now})
    before = FRAME + 1 + len(PREFIX)
    after = before + DIGITS + len(varint(now))
    assert made[before + DIGITS : after] == varint(now)
    return key, made[:before], made[after:]


def varint(number: int) -> bytes:
    """A whole number as Avro writes it."""
    rest, found = number << 1, bytearray()
    while rest > 127:
        found.append(rest & 127 | 128)
        rest >>= 7
    return bytes([*found, rest])


if __name__ == "__main__":
    main()
