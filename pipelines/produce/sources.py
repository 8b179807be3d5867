"""Where records to send come from: a domain's own generator, a file, or samples."""

from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from pipelines.core.catalogue import Topic
from pipelines.core.errors import ConfigError
from pipelines.produce.domains import DOMAINS, Domain
from pipelines.produce.files import read_records
from pipelines.produce.samples import sample_records

Json = Any


def topics_of(name: str, known: Mapping[str, Topic]) -> tuple[str, ...]:
    """Topics that a name on the command line stands for: a domain's, or the one it is.

    Raises:
        ConfigError: it is neither.
    """
    if name in DOMAINS:
        return DOMAINS[name].topics
    if name in known:
        return (name,)
    told = ", ".join([*DOMAINS, *known])
    raise ConfigError(f"There is no domain or topic {name!r}. There are: {told}.")


def open_records(
    topics: tuple[str, ...], known: Mapping[str, Topic], number: int, seed: int,
    file: Path | None, folder: Path,
) -> Mapping[str, Iterable[Json]]:  # fmt: skip
    """Records by topic as dictionaries, timestamps as epoch ms.

    Args:
        topics: of one domain.
        known: topics of the catalogue.
        number: how many to make, of the domain's largest topic; a file is sent as far as that.
        seed: of the generator.
        file: Parquet file or folder, or an Avro container file, with the contract's fields.
        folder: scratch space of the generator.

    Raises:
        ConfigError: the file is not there, lacks a column, or there are several topics for it.
    """
    if number == 0:
        return dict.fromkeys(topics, ())
    if file is not None:
        if len(topics) > 1:
            raise ConfigError(f"--input {file}: say which topic it is for: {', '.join(topics)}")
        return {topics[0]: islice(read_records(file, known[topics[0]].record), number)}
    domain = DOMAINS.get(topics[0].partition(".")[0], Domain(()))
    maker = domain.load()
    if maker is None or not set(topics) <= set(domain.topics):
        return {topic: sample_records(known[topic].record, number, seed) for topic in topics}
    made = maker(number, seed, folder)
    return {topic: made[topic] for topic in topics}
