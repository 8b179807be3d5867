"""`python -m pipelines dlq` on a real topic: shown without a byte of payload, replayed once, purged."""

import time
from collections.abc import Iterator

import pytest

from pipelines.core.dead_letters import ATTEMPT_HEADER, ENVELOPE, Judge, letter_key, make_letter
from pipelines.core.errors import ConfigError, DependencyError
from pipelines.core.kafka import admin, create_topic, read_all
from pipelines.core.wire import Wire
from pipelines.ingest.dlq_cli import main
from tests.stack.tools import publish_keyed

TOPIC = "tests.letters.v1"
BASE_MS, HOUR_MS = 1_767_225_600_000, 3_600_000
LETTERS = [
    ("E_MAGIC", 0, b"\1asha@ybl"), ("E_SHORT", 0, b""), ("E_BODY", 2, b"\0asha@ybl"),
    ("E_BODY", 3, b"\0bela@ybl"),
]  # fmt: skip
"""Code, earlier attempts and bytes; one an hour."""


@pytest.fixture
def topic(servers: str) -> Iterator[str]:
    """A topic whose twin holds the letters, one of them twice as after a crash."""
    names = (TOPIC, f"{TOPIC}.dlq")
    with admin(servers) as client:
        for name in names:
            create_topic(client, name, 1, 1, {"retention.ms": "-1"})  # the records are old
    wire = Wire(ENVELOPE)
    sent = []
    for place, (code, attempts, payload) in enumerate(LETTERS):
        row = {
            "topic": TOPIC, "partition": 0, "offset": place, "time": BASE_MS + place * HOUR_MS,
            "key": b"asha@ybl", "value": payload,
            "headers": [{"key": ATTEMPT_HEADER, "value": b"%d" % attempts}],
        }  # fmt: skip
        letter = make_letter(row, code, f"{code}: of a test", Judge("tests", "unknown"))
        sent.append((letter_key(TOPIC, 0, place), wire.encode(letter), row["time"]))
    publish_keyed(servers, names[1], [*sent, sent[0]])
    yield TOPIC
    with admin(servers) as client:
        client.delete_topics(list(names))


def test_letters_are_shown_without_what_they_hold(
    topic: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["list", "--topic", topic]) == 0
    told = capsys.readouterr().out
    assert f"4 dead letters of {topic}: E_BODY 2, E_MAGIC 1, E_SHORT 1" in told
    assert "0/2  2026-01-01T02:00:00+00:00  E_BODY  2  of a test" in told
    assert main(["show", "--topic", topic, "--code", "E_MAGIC"]) == 0
    shown = capsys.readouterr().out
    assert "payload             9 bytes, not shown" in shown
    assert "@ybl" not in told + shown


@pytest.mark.parametrize(
    ("flags", "number"),
    [
        (["--code", "E_BODY"], 2),
        (["--since", "2026-01-01T01:00"], 3),
        (["--until", "2026-01-01T01:00"], 1),
        (["--limit", "3"], 3),
    ],
)
def test_letters_are_chosen(
    topic: str, flags: list[str], number: int, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["list", "--topic", topic, *flags])
    assert f"{number} dead letters" in capsys.readouterr().out


def test_a_replay_sends_once_and_gives_up_after_the_last_attempt(
    topic: str, servers: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def replay(*flags: str) -> str:
        assert main(["replay", "--topic", topic, *flags]) == 0
        return capsys.readouterr().out

    assert replay("--dry-run") == "3 would be sent, 0 sent before, 1 parked\n"
    assert not list(read_all(servers, topic)), "a dry run sends nothing"
    began = time.monotonic()
    assert replay("--rate", "4") == "3 sent, 0 sent before, 1 parked\n"
    assert time.monotonic() - began >= 0.5, "three messages at four a second"
    assert replay() == "0 sent, 3 sent before, 1 parked\n"
    again = list(read_all(servers, topic))
    assert [one.value for one in again] == [payload for _, _, payload in LETTERS[:3]]
    assert [dict(one.headers)[ATTEMPT_HEADER] for one in again] == [b"1", b"1", b"3"]
    assert {one.key for one in again} == {b"asha@ybl"}


def test_a_purge_asks_twice(topic: str, servers: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigError, match=f"--confirm {topic}"):
        main(["purge", "--topic", topic])
    assert main(["purge", "--topic", topic, "--confirm", topic]) == 0
    assert capsys.readouterr().out == "5 records deleted\n"
    assert not list(read_all(servers, f"{topic}.dlq"))


def test_an_unknown_topic_is_one_sentence(servers: str) -> None:
    with pytest.raises(DependencyError, match="no topic tests.nothing.v1.dlq"):
        main(["list", "--topic", "tests.nothing.v1"])
