"""`python -m pipelines dlq`: list, show, replay and purge the dead letters of a topic."""

import argparse
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from pipelines.core import endpoints
from pipelines.core.config import load_config
from pipelines.core.errors import ConfigError
from pipelines.ingest.config import IngestConfig
from pipelines.ingest.dlq import Filter, count_codes, describe, purge, read_letters, replay


def main(argv: Sequence[str]) -> int:
    """Run one command.

    Raises:
        SangamError: see the exit codes of the README.
    """
    given = _parse(argv)
    servers = endpoints.kafka_servers()
    if given.command == "purge":
        return _purge(servers, given)
    wanted = Filter(given.code, given.since, given.until, given.limit)
    letters = list(read_letters(servers, given.topic, wanted))
    if given.command == "replay":
        return _replay(servers, given, letters)
    for letter in letters:
        print("  ".join(describe(letter)) if given.command == "list" else _full(letter))
    told = ", ".join(f"{code} {number}" for code, number in sorted(count_codes(letters).items()))
    print(f"{len(letters)} dead letters of {given.topic}{': ' if told else ''}{told}")
    return 0


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m pipelines dlq", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    helps = {
        "list": "one line a letter, no payload",
        "show": "sizes and origin of each letter, no payload",
        "replay": "send letters to the topic they came from",
        "purge": "delete all letters of a topic",
    }
    for name, told in helps.items():
        command = commands.add_parser(name, help=told)
        command.add_argument("--topic", required=True, help="topic the messages came from")
        if name == "purge":
            command.add_argument("--confirm", metavar="TOPIC", help="the topic again")
            continue
        command.add_argument("--code", help="only this error code")
        command.add_argument("--since", type=_moment, help="record time, such as 2026-01-31T12:00")
        command.add_argument("--until", type=_moment, help="record time before which")
        command.add_argument("--limit", type=int, metavar="N", help="at most N letters")
        if name == "replay":
            command.add_argument(
                "--rate", type=float, metavar="N", help="messages a second at most"
            )
            command.add_argument("--dry-run", action="store_true", help="count, send nothing")
    return parser.parse_args(argv)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        told = f"{text!r} is no moment of the form YYYY-MM-DDTHH:MM"
        raise argparse.ArgumentTypeError(told) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _full(letter: dict[str, object]) -> str:
    hidden = ("payload", "original_key", "original_headers")
    shown = [f"{name:<20}{value}" for name, value in letter.items() if name not in hidden]
    payload = letter["payload"]
    size = len(payload) if isinstance(payload, bytes) else 0
    return "\n".join([*shown, f"{'payload':<20}{size} bytes, not shown", ""])


def _replay(servers: str, given: argparse.Namespace, letters: list[dict[str, object]]) -> int:
    config = load_config(IngestConfig, "ingest")
    done = replay(
        servers, given.topic, letters, config.max_attempts, given.dry_run, _pacer(given.rate)
    )
    verb = "would be sent" if given.dry_run else "sent"
    print(f"{done.sent} {verb}, {done.skipped} sent before, {done.parked} parked")
    return 0


def _pacer(rate: float | None) -> Callable[[], None]:
    """A function that waits so that it returns at most `rate` times a second."""
    if not rate:
        return lambda: None
    due = time.monotonic()

    def pause() -> None:
        nonlocal due
        time.sleep(max(0.0, due - time.monotonic()))
        due += 1 / rate

    return pause


def _purge(servers: str, given: argparse.Namespace) -> int:
    if given.confirm != given.topic:
        raise ConfigError(
            f"purge deletes every dead letter of {given.topic} for good: say so with"
            f" --confirm {given.topic}"
        )
    print(f"{purge(servers, given.topic)} records deleted")
    return 0
