"""`python -m pipelines produce <domain>`: send records of a domain to its topic."""

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pipelines.core import endpoints
from pipelines.core.catalogue import Topic, load_catalogue
from pipelines.core.config import PROJECT_ROOT, load_config
from pipelines.core.errors import ConfigError, DependencyError
from pipelines.core.wire import Wire
from pipelines.produce.config import ProduceConfig
from pipelines.produce.sender import Sender, Sent
from pipelines.produce.sources import TOPICS, open_records
from pipelines.produce.spool import Message

SPOOL = PROJECT_ROOT / ".sangam" / "spool"


def main(argv: Sequence[str]) -> int:
    """Send, then say what became of it; 5 = some records still wait on disk.

    Raises:
        SangamError: see the exit codes of the README.
    """
    given = _parse(argv)
    config, _ = load_config(ProduceConfig, "produce", given.config, given.sets)
    catalogue = load_catalogue()
    topic = TOPICS.get(given.domain, given.domain)
    if topic not in catalogue.topics:
        known = ", ".join([*TOPICS, *catalogue.topics])
        raise ConfigError(f"There is no domain or topic {given.domain!r}. There are: {known}.")
    declared = catalogue.topics[topic]
    records = open_records(given.domain, declared.record, given.records, given.seed, given.input)
    sender = Sender(endpoints.kafka_servers(), topic, given.spool, config)
    began = time.monotonic()
    for message in _messages(_paced(_shown(records, given.records), given.rate), declared):
        sender.send(message)
    return _tell(sender.finish(), topic, time.monotonic() - began, given.spool)


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m pipelines produce", description=__doc__)
    add = parser.add_argument
    add("domain", help=f"{', '.join(TOPICS)}, or a topic of conf/stack/topics.yaml")
    add("--records", type=int, default=10_000, metavar="N", help="how many (%(default)s)")
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


def _shown(records: Iterable[Any], total: int) -> Iterable[Any]:
    """With a progress bar where someone watches."""
    if not sys.stderr.isatty():
        return records
    from rich.console import Console
    from rich.progress import track

    return track(records, "sending", total, console=Console(stderr=True))


def _tell(sent: Sent, topic: str, seconds: float, spool: Path) -> int:
    rate = sent.acknowledged / seconds if seconds else 0.0
    print(f"topic         {topic}")
    print(f"acknowledged  {sent.acknowledged:,} ({rate:,.0f}/s)")
    print(f"spooled       {sent.spooled:,}")
    if sent.waiting:
        raise DependencyError(
            f"Kafka is away: {sent.waiting:,} records wait in {spool}. Run the same command with"
            " --records 0 once it is back."
        )
    return 0
