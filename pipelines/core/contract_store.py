"""Record contracts as files: finds and reads the `.avsc` below `schemas/`; no engine is needed.

A contract is named by domain and record, such as `identity.Enrolment`; without a version the newest
is meant. `contracts.py` makes Spark types of them, `flink_types.py` Flink's, `wire.py` messages.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pipelines.core import avro_codec
from pipelines.core.contract_tree import expand
from pipelines.core.errors import ContractError

SCHEMAS = Path(__file__).parents[2] / "schemas"

Json = Any

_FILE = re.compile(r"(?P<record>[a-z][a-z0-9_]*)\.v(?P<version>[1-9][0-9]*)\.avsc")


@dataclass(frozen=True)
class Contract:
    """One version of one record.

    Attributes:
        subject: domain and record, such as `identity.Enrolment`.
        version: N of the file name.
        file: path below the schema folder, with forward slashes.
        schema: the parsed JSON of the file.
        tree: the same with every name of a nested type replaced by its definition.
    """

    subject: str
    version: int
    file: str
    schema: Json
    tree: Json

    @property
    def key(self) -> str:
        """Subject and version, such as `identity.Enrolment.v1`."""
        return f"{self.subject}.v{self.version}"


def read_contract(file: str, text: str) -> Contract:
    """Make a contract of the text of one file.

    Args:
        file: `<domain>/<record>.v<N>.avsc`.
        text: its JSON.

    Raises:
        ContractError: the name of the file, the JSON or the Avro schema is wrong.
    """
    match = _FILE.fullmatch(Path(file).name)
    if not match or len(Path(file).parts) != 2:
        raise ContractError(f"{file}: must be <domain>/<record>.v<N>.avsc in snake_case (R1)")
    try:
        schema = json.loads(text)
        avro_codec.parse(schema)
        tree = expand(schema, {}, ())
        subject = f"{Path(file).parent}.{schema['name']}"
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ContractError(f"{file}: no valid Avro record: {error}") from error
    return Contract(subject, int(match["version"]), Path(file).as_posix(), schema, tree)


@cache
def load_contracts(root: Path = SCHEMAS) -> Mapping[str, Mapping[int, Contract]]:
    """All contracts below a schema folder, by subject and version.

    Raises:
        ContractError: a file is no contract, or two files claim one record and version.
    """
    found: dict[str, dict[int, Contract]] = {}
    for path in sorted(root.glob("**/*.avsc")):
        contract = read_contract(path.relative_to(root).as_posix(), path.read_text("utf-8"))
        versions = found.setdefault(contract.subject, {})
        if contract.version in versions:
            raise ContractError(f"{contract.file}: {contract.key} is also in another file")
        versions[contract.version] = contract
    return found


def get_contract(subject: str, version: int | None = None, root: Path = SCHEMAS) -> Contract:
    """Look one contract up; no version means the newest.

    Raises:
        ContractError: no such contract; lists those there are.
    """
    versions = load_contracts(root).get(subject)
    if not versions:
        known = ", ".join(sorted(load_contracts(root)))
        raise ContractError(f"no contract {subject!r} in {root.name}/; known: {known}")
    wanted = max(versions) if version is None else version
    if wanted not in versions:
        raise ContractError(f"{subject} has no version {wanted}; it has {sorted(versions)}")
    return versions[wanted]
