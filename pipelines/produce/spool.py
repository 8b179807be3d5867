"""Records on disk while the broker is away, in the order in which they came.

One file, appended: length, checksum and content of each message. A process that dies while it
writes leaves a torn last message, which is cut off when the spool is opened again.
"""

import os
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.core.errors import SangamError

_HEAD = struct.Struct(">II")
_PARTS = struct.Struct(">qII")


@dataclass(frozen=True)
class Message:
    """What goes to a topic.

    Attributes:
        key: key bytes; the partition follows from them.
        value: framed record.
        timestamp_ms: record timestamp, its event_time.
    """

    key: bytes
    value: bytes
    timestamp_ms: int

    def pack(self) -> bytes:
        """Bytes for the spool."""
        return (
            _PARTS.pack(self.timestamp_ms, len(self.key), len(self.value)) + self.key + self.value
        )


def unpack_message(content: bytes) -> Message:
    """The inverse of `Message.pack`."""
    moment, key, value = _PARTS.unpack_from(content)
    start = _PARTS.size
    return Message(content[start : start + key], content[start + key : start + key + value], moment)


class Spool:
    """The spool of one topic.

    Args:
        file: where it lies.
        max_bytes: size at which it takes no more.
    """

    def __init__(self, file: Path, max_bytes: int) -> None:
        self._file, self._max = file, max_bytes
        file.parent.mkdir(parents=True, exist_ok=True)
        self._size = self._repair()

    def __len__(self) -> int:
        return sum(1 for _ in self.read())

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return self._size == 0

    def extend(self, messages: Sequence[Message]) -> None:
        """Add messages; they are on disk when this returns.

        Raises:
            SangamError: the spool is full; says what to do.
        """
        packed = [message.pack() for message in messages]
        content = b"".join(_HEAD.pack(len(one), zlib.crc32(one)) + one for one in packed)
        if self._size + len(content) > self._max:
            raise SangamError(
                f"The spool {self._file} is full ({self._size:,} bytes) and Kafka is still away."
                " Bring Kafka back and run the same command, or raise spool_mib."
            )
        with self._file.open("ab") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        self._size += len(content)

    def read(self) -> Iterator[Message]:
        """All messages, oldest first."""
        if self._file.exists():
            with self._file.open("rb") as source:
                while (content := _read_one(source.read)) is not None:
                    yield unpack_message(content)

    def replace(self, messages: Sequence[Message]) -> None:
        """Hold these messages instead; a crash leaves the ones before or these, never a part."""
        draft = Spool(self._file.with_suffix(".draft"), self._max)
        draft.clear()
        draft.extend(messages)
        draft._file.replace(self._file)
        self._size = draft._size

    def clear(self) -> None:
        """Forget all; after Kafka has acknowledged every one of them."""
        self._file.unlink(missing_ok=True)
        self._size = 0

    def _repair(self) -> int:
        """Cut a torn message off the end; returns the size that is left."""
        whole = sum(_HEAD.size + len(message.pack()) for message in self.read())
        if self._file.exists() and self._file.stat().st_size > whole:
            with self._file.open("r+b") as content:
                content.truncate(whole)
        return whole


def _read_one(read: Callable[[int], bytes]) -> bytes | None:
    head = read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    length, checksum = _HEAD.unpack(head)
    content = read(length)
    return content if len(content) == length and zlib.crc32(content) == checksum else None
