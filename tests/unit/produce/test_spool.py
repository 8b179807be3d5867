"""The spool: what was put in comes out, in order, also after a crash."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.core.errors import SangamError
from pipelines.produce.spool import Message, Spool, unpack_message

MESSAGES = st.builds(Message, st.binary(max_size=20), st.binary(max_size=60), st.integers(0, 2**62))
LIMIT = 1 << 20


@settings(max_examples=50, deadline=None)
@given(st.lists(MESSAGES, max_size=20), st.integers(1, 200))
def test_a_torn_end_costs_the_last_message_only(
    tmp_path_factory: pytest.TempPathFactory, messages: list[Message], cut: int
) -> None:
    file = tmp_path_factory.mktemp("spool") / "t.spool"
    Spool(file, LIMIT).extend(messages)
    assert list(Spool(file, LIMIT).read()) == messages
    if not messages:
        return
    content = file.read_bytes()
    last = len(messages[-1].pack()) + 8
    file.write_bytes(content[: len(content) - min(cut, last)])
    reopened = Spool(file, LIMIT)
    assert list(reopened.read()) == messages[:-1]
    reopened.extend(messages[-1:])
    assert list(Spool(file, LIMIT).read()) == messages


def test_a_full_spool_says_what_to_do(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "t.spool", 100)
    with pytest.raises(SangamError, match="is full"):
        spool.extend([Message(b"k", b"v" * 100, 0)])
    assert spool.is_empty


def test_clear_forgets_all(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "t.spool", LIMIT)
    spool.extend([Message(b"k", b"v", 1)])
    assert len(spool) == 1
    spool.clear()
    assert spool.is_empty
    assert list(spool.read()) == []


@given(MESSAGES)
def test_a_message_survives_packing(message: Message) -> None:
    assert unpack_message(message.pack()) == message


def test_a_replaced_spool_holds_the_new_messages_only(tmp_path: Path) -> None:
    old, new = ([Message(b"k", text, 0)] for text in (b"old", b"new"))
    spool = Spool(tmp_path / "t.spool", LIMIT)
    spool.extend(old)
    spool.replace(new)
    assert list(Spool(tmp_path / "t.spool", LIMIT).read()) == new
    assert not spool.is_empty
    spool.replace([])
    assert spool.is_empty
    assert list(spool.read()) == []
