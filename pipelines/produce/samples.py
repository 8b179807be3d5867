"""Plausible records of any contract from a seed: for load tests, and until a domain has better.

Equal arguments give equal records. Identifiers are made up and cannot belong to anyone.
"""

from collections.abc import Iterator
from random import Random
from typing import Any

from pipelines.core.contract_store import get_contract
from pipelines.core.contract_tree import split_null

Json = Any

FIRST_MS = 1_767_225_600_000
"""2026-01-01T00:00:00Z; sample events begin here."""

_WORDS = ("delhi", "mumbai", "chennai", "kolkata", "pune", "jaipur", "surat", "kochi")


def sample_records(
    subject: str, number: int, seed: int = 7, step_ms: int = 10, entities: int = 10_000
) -> Iterator[Json]:
    """Records of a contract's newest version, one after the other in event time.

    Args:
        subject: contract.
        number: how many.
        seed: equal seed, equal records.
        step_ms: event time between two records, ms.
        entities: different values that an identifier takes.
    """
    contract = get_contract(subject)
    random = Random(seed)
    for place in range(number):
        record = {
            field["name"]: _value(field["name"], field["type"], random, entities)
            for field in contract.tree["fields"]
        }
        moment = FIRST_MS + place * step_ms
        known = {
            "event_id": f"{subject}-{seed}-{place}",
            "event_time": moment,
            "ingest_time": None,
            "source": "sample",
            "schema_version": contract.version,
            "region": random.choice(_WORDS),
            "priority": 5,
            "transaction_id": f"t{seed}-{place}",
        }
        yield {**record, **{name: value for name, value in known.items() if name in record}}


def _value(name: str, avro: Json, random: Random, entities: int) -> Any:
    avro, is_nullable = split_null(avro)
    if is_nullable and random.random() < 0.2:
        return None
    kind = avro if isinstance(avro, str) else avro["type"]
    if kind == "enum":
        return random.choice(avro["symbols"][1:])
    if kind == "array":
        return [_value(name, avro["items"], random, entities) for _ in range(random.randrange(3))]
    if kind == "map":
        return {word: _value(name, avro["values"], random, entities) for word in _WORDS[:2]}
    if kind == "record":
        return {f["name"]: _value(f["name"], f["type"], random, entities) for f in avro["fields"]}
    return _scalar(name, kind, avro, random, entities)


def _scalar(name: str, kind: str, avro: Json, random: Random, entities: int) -> Any:
    if kind == "string":
        if name.endswith("_vpa"):
            return f"user{random.randrange(entities)}@{random.choice(('ybl', 'okaxis', 'ibl'))}"
        if name.endswith("_id"):
            return f"{name.removesuffix('_id')}-{random.randrange(entities)}"
        return "INR" if name == "currency" else random.choice(_WORDS)
    if kind == "boolean":
        return random.random() < 0.5
    if kind == "double":
        return round(random.uniform(0, 80), 3)
    if kind == "bytes":
        return random.randbytes(8)
    if not isinstance(avro, str) and avro.get("logicalType") == "timestamp-millis":
        return FIRST_MS + random.randrange(86_400_000)
    if not isinstance(avro, str) and avro.get("logicalType") == "date":
        return 20_454 + random.randrange(365)
    return random.randrange(100, 100_000)
