"""The dead letters of a topic: what is there, what may be sent again, and what is given up."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pipelines.core.dead_letters import ATTEMPT_HEADER, ENVELOPE, read_attempts
from pipelines.core.errors import ContractError
from pipelines.core.kafka import delete_records, make_producer, read_all
from pipelines.core.wire import Wire

Json = Any

ORIGIN_HEADER = "sangam-origin"
"""Header of a replayed message: topic/partition/offset of the message that was given up."""


@dataclass(frozen=True)
class Filter:
    """Which letters are meant; None means all.

    Attributes:
        code: error code.
        since, until: record timestamp, UTC; the end itself is not inside.
        limit: at most so many.
    """

    code: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int | None = None

    def takes(self, letter: Json) -> bool:
        """Whether a letter is meant, the limit aside."""
        moment = datetime.fromtimestamp(letter["original_time_at"] / 1000, UTC)
        return (
            (self.code is None or letter["error_code"] == self.code)
            and (self.since is None or moment >= self.since)
            and (self.until is None or moment < self.until)
        )


@dataclass(frozen=True)
class Replayed:
    """What a replay did: sent again, skipped as sent before, given up after too many attempts."""

    sent: int
    skipped: int
    parked: int


def read_letters(servers: str, topic: str, wanted: Filter) -> Iterator[Json]:
    """Letters of `<topic>.dlq`, each message once, oldest first.

    Raises:
        DependencyError: the broker is away, or there is no such topic.
    """
    wire, seen, given = Wire(ENVELOPE), set(), 0
    for record in read_all(servers, f"{topic}.dlq"):
        if record.key in seen or record.value is None:
            continue
        seen.add(record.key)
        letter = _decode(wire, record.value)
        if letter is None or not wanted.takes(letter):
            continue
        if wanted.limit is not None and given >= wanted.limit:
            return
        given += 1
        yield letter


def _decode(wire: Wire, value: bytes) -> Json | None:
    try:
        return wire.decode(value)
    except ContractError:
        return None


def describe(letter: Json) -> tuple[str, str, str, str, str]:
    """One row of a listing: where, when, code, attempts, message. No byte of the payload."""
    moment = datetime.fromtimestamp(letter["original_time_at"] / 1000, UTC)
    where = f"{letter['original_partition']}/{letter['original_offset']}"
    return (
        where, moment.isoformat(timespec="seconds"), letter["error_code"],
        str(letter["attempts"]), letter["error_message"],
    )  # fmt: skip


def replay(
    servers: str,
    topic: str,
    letters: Sequence[Json],
    max_attempts: int,
    is_dry_run: bool,
    pause: Callable[[], None] = lambda: None,
) -> Replayed:
    """Send letters to where they came from, byte for byte, with one attempt more in a header.

    A letter that was replayed before is skipped: its origin is found in the headers of the topic.

    Args:
        servers: bootstrap servers.
        topic: topic they came from.
        letters: letters, each message once.
        max_attempts: attempts after which a letter is left where it is.
        is_dry_run: count, send nothing.
        pause: called before each message, to bound the rate.
    """
    known = replayed_origins(servers, topic)
    wanted = [one for one in letters if one["event_id"].encode() not in known]
    parked = [one for one in wanted if one["attempts"] >= max_attempts]
    sending = [one for one in wanted if one["attempts"] < max_attempts]
    if sending and not is_dry_run:
        with closing(make_producer(servers)) as producer:
            futures = []
            for letter in sending:
                pause()
                futures.append(_send(producer, topic, letter))
            for future in futures:
                future.get(timeout=30)
    return Replayed(len(sending), len(letters) - len(wanted), len(parked))


def _send(producer: Any, topic: str, letter: Json) -> Any:
    headers = dict(letter["original_headers"])
    headers[ATTEMPT_HEADER] = str(read_attempts(headers) + 1).encode()
    headers[ORIGIN_HEADER] = letter["event_id"].encode()
    return producer.send(
        topic, key=letter["original_key"], value=letter["payload"],
        headers=list(headers.items()), timestamp_ms=letter["original_time_at"],
    )  # fmt: skip


def replayed_origins(servers: str, topic: str) -> set[bytes]:
    """Origins of messages in a topic that came from a replay."""
    found = set()
    for record in read_all(servers, topic):
        found |= {value for name, value in record.headers or () if name == ORIGIN_HEADER}
    return found


def purge(servers: str, topic: str) -> int:
    """Delete all dead letters of a topic; returns how many records went."""
    return delete_records(servers, f"{topic}.dlq")


def count_codes(letters: Sequence[Json]) -> Counter[str]:
    """Letters by code."""
    return Counter(letter["error_code"] for letter in letters)
