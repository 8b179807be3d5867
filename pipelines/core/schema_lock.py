"""`schemas/lock.json` and the golden bytes: what was published stays as it was.

The lock holds per contract a wire id (assigned once, rising, never reused) and two fingerprints;
the golden files hold sample records as JSON and the bytes they must always have. A map in a sample
has one entry at most, because Avro does not say in which order entries are written.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.core import avro_codec
from pipelines.core.contract_store import SCHEMAS, Contract, load_contracts
from pipelines.core.contract_tree import Violation
from pipelines.core.errors import ContractError

Json = Any

GOLDEN = SCHEMAS.parent / "tests" / "golden" / "avro"
_REPAIR = "run `python -m pipelines schemas lock`"


def all_contracts(root: Path = SCHEMAS) -> list[Contract]:
    """Every version of every record, ordered by file."""
    found = [one for versions in load_contracts(root).values() for one in versions.values()]
    return sorted(found, key=lambda one: one.file)


def read_lock(root: Path = SCHEMAS) -> list[Json]:
    """Entries of the lock file; none yet is an empty list."""
    path = root / "lock.json"
    entries: list[Json] = json.loads(path.read_text("utf-8")) if path.exists() else []
    return entries


def updated_lock(contracts: Sequence[Contract], entries: Sequence[Json]) -> list[Json]:
    """The lock with an entry for each contract; those there are keep their wire ids."""
    known = {(entry["subject"], entry["version"]): entry for entry in entries}
    last = max((entry["wire_id"] for entry in entries), default=0)
    for contract in contracts:
        key = (contract.subject, contract.version)
        if key not in known:
            last += 1
            known[key] = {"subject": key[0], "version": key[1], "wire_id": last}
        sha, crc = avro_codec.fingerprints(contract.schema)
        known[key] = {**known[key], "sha256": sha, "crc64_avro": crc}
    return sorted(known.values(), key=lambda entry: int(entry["wire_id"]))


def check_lock(contracts: Sequence[Contract], entries: Sequence[Json]) -> Iterator[Violation]:
    """Compare the lock with the files: entries missing or different, wire ids used twice."""
    locked = {(entry["subject"], entry["version"]): entry for entry in entries}
    for contract in contracts:
        entry = locked.get((contract.subject, contract.version), {})
        if (entry.get("sha256"), entry.get("crc64_avro")) != avro_codec.fingerprints(
            contract.schema
        ):
            state = "differs from" if entry else "is missing in"
            message = f"{contract.key} {state} lock.json; {_REPAIR}"
            yield Violation(contract.file, contract.subject, "lock", message)
    ids = [entry["wire_id"] for entry in entries]
    for twice in sorted({one for one in ids if ids.count(one) > 1}):
        yield Violation("lock.json", str(twice), "lock", "the wire id is used twice")


def wire_id(contract: Contract, entries: Sequence[Json]) -> int:
    """Schema id of the frame.

    Raises:
        ContractError: the contract is not in the lock.
    """
    for entry in entries:
        if (entry["subject"], entry["version"]) == (contract.subject, contract.version):
            return int(entry["wire_id"])
    raise ContractError(f"{contract.key} has no wire id in lock.json; {_REPAIR}")


def golden_path(contract: Contract, suffix: str, golden: Path = GOLDEN) -> Path:
    """Where the samples of a contract are: `json` one record a line, `hex` one body a line."""
    return golden / Path(contract.file).with_suffix(f".{suffix}")


def golden_bodies(contract: Contract, golden: Path = GOLDEN) -> list[bytes]:
    """The golden bytes of a contract; none where the file is missing."""
    path = golden_path(contract, "hex", golden)
    return [bytes.fromhex(line) for line in path.read_text().split()] if path.exists() else []


def golden_records(contract: Contract, golden: Path = GOLDEN) -> list[Json]:
    """The sample records of a contract."""
    text = golden_path(contract, "json", golden).read_text("utf-8")
    return avro_codec.read_json(contract.schema, text)


def write_golden(contract: Contract, golden: Path = GOLDEN) -> None:
    """Write the bytes of the sample records; a file that is there is never changed.

    Raises:
        ContractError: there are no sample records.
    """
    bodies, samples = golden_path(contract, "hex", golden), golden_path(contract, "json", golden)
    if bodies.exists():
        return
    if not samples.exists():
        raise ContractError(f"{samples.name}: write sample records of {contract.key} first")
    lines = [
        avro_codec.encode(contract.schema, one).hex() for one in golden_records(contract, golden)
    ]
    bodies.write_text("\n".join(lines) + "\n")


def write_lock(root: Path = SCHEMAS, golden: Path = GOLDEN) -> Mapping[str, int]:
    """Add what is new to the lock and the golden files; returns wire id by contract."""
    contracts = all_contracts(root)
    entries = updated_lock(contracts, read_lock(root))
    (root / "lock.json").write_text(json.dumps(entries, indent=2) + "\n")
    for contract in contracts:
        write_golden(contract, golden)
    return {contract.key: wire_id(contract, entries) for contract in contracts}
