"""`python -m pipelines produce <domain>`: send records of a domain to its topic."""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.core import endpoints
from pipelines.core.catalogue import Topic, load_catalogue
from pipelines.core.config import PROJECT_ROOT, load_config
from pipelines.core.errors import DependencyError
from pipelines.core.wire import Wire
from pipelines.produce.config import ProduceConfig
from pipelines.produce.domains import DOMAINS
from pipelines.produce.sources import open_records, topics_of
from pipelines.produce.spool import Message

if TYPE_CHECKING:
    from pipelines.produce.sender import Sent

SPOOL = PROJECT_ROOT / ".sangam" / "spool"


def main(argv: Sequence[str]) -> int:
    """Send, then say what became of it; 5 = some records still wait on disk.

    Raises:
        SangamError: see the exit codes of the README.
    """
    given = _parse(argv)
    config = load_config(ProduceConfig, "produce", given.config, given.sets)
    known = load_catalogue().topics
    topics = topics_of(given.domain, known)
    from pipelines.produce.sender import Sender  # loads the client of Kafka, half a second

    servers, waiting = endpoints.kafka_servers(), 0
    with tempfile.TemporaryDirectory(prefix="sangam-") as scratch:
        made = open_records(topics, known, given.records, given.seed, given.input, Path(scratch))
        for topic, records in made.items():
            began = time.monotonic()
            sender = Sender(servers, topic, given.spool, config)
            for message in _messages(_paced(_shown(records, topic), given.rate), known[topic]):
                sender.send(message)
            sent = sender.finish()
            _tell(sent, topic, time.monotonic() - began)
            waiting += sent.waiting
    if waiting:
        raise DependencyError(
            f"Kafka is away: {waiting:,} records wait in {given.spool}. Run the same command with"
            " --records 0 once it is back."
        )
    return 0


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m pipelines produce", description=__doc__)
    add = parser.add_argument
    add("domain", help=f"{', '.join(DOMAINS)}, or a topic of conf/stack/topics.yaml")
    add(
        "--records",
        type=int,
        default=10_000,
        metavar="N",
        help="how many, of the largest topic (%(default)s)",
    )
    add("--input", type=Path, metavar="FILE", help="Parquet or Avro file with the records")
    add("--seed", type=int, default=7, help="of the generator (%(default)s)")
    add("--rate", type=float, metavar="N", help="records a second at most (as fast as it goes)")
    add("--spool", type=Path, default=SPOOL, metavar="DIR", help="where records wait (%(default)s)")
    add("--config", type=Path, metavar="FILE", help="takes the place of conf/produce.yaml")
    add("--set", dest="sets", action="append", default=[], metavar="KEY=VALUE", help="one setting")
    return parser.parse_args(argv)


def _messages(records: Iterable[Any], topic: Topic) -> Iterator[Message]:
    wire, key = Wire(topic.record), key_maker(topic.key)
    for record in records:
        yield Message(key(record), wire.encode(record), record["event_time"])


def key_maker(declared: str) -> Callable[[Any], bytes]:
    """Function that makes the message key of a record: the key fields, joined by `|`."""
    names = declared.split("+")
    return lambda record: "|".join(str(record[name]) for name in names).encode()


def _paced(records: Iterable[Any], rate: float | None) -> Iterator[Any]:
    """Hold records back so that no more than `rate` a second pass."""
    began = time.monotonic()
    for place, record in enumerate(records):
        if rate and (early := began + place / rate - time.monotonic()) > 0:
            time.sleep(early)
        yield record


def _shown(records: Iterable[Any], topic: str) -> Iterable[Any]:
    """With a progress line where someone watches."""
    if not sys.stderr.isatty():
        return records
    from rich.console import Console
    from rich.progress import track

    return track(records, f"sending to {topic}", console=Console(stderr=True))


def _tell(sent: "Sent", topic: str, seconds: float) -> None:
    rate = sent.acknowledged / seconds if seconds else 0.0
    print(f"topic         {topic}")
    print(f"acknowledged  {sent.acknowledged:,} ({rate:,.0f}/s)")
    print(f"spooled       {sent.spooled:,}")
    if sent.refused:
        print(f"refused       {sent.refused:,} (now in {topic}.dlq)")
