"""Compatibility gate: the newest contract must read every older one, judged from git alone.

Avro's own rule (BACKWARD_TRANSITIVE) would let a field vanish, so the house rules are stricter;
both are applied, and the golden bytes of every version are decoded with the newest reader.
"""

import argparse
import io
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

from pipelines.core import avro_codec
from pipelines.core.contract_changes import compare
from pipelines.core.contract_rules import lint_all
from pipelines.core.contract_store import SCHEMAS, Contract, read_contract
from pipelines.core.contract_tree import Violation
from pipelines.core.dictionary import write_dictionary
from pipelines.core.errors import ConfigError, ContractError
from pipelines.core.schema_lock import (
    GOLDEN,
    all_contracts,
    check_lock,
    golden_bodies,
    read_lock,
    write_lock,
)
from pipelines.core.yaml_text import read_yaml


def read_at(ref: str, root: Path = SCHEMAS) -> dict[str, Contract]:
    """Contracts as a git commit holds them, by file; empty where it has none.

    Raises:
        ConfigError: git does not know the reference, or there is no repository.
    """
    listed = _git(root, "ls-tree", "-r", ref, "--", ".", ref=ref).decode()
    blobs = {}
    for line in listed.splitlines():  # mode, kind, hash, then the name behind a tab
        about, _, name = line.partition("\t")
        if name.endswith(".avsc"):
            blobs[name] = about.split()[2]
    texts = _texts(_git(root, "cat-file", "--batch", ref=ref, given="\n".join(blobs.values())))
    return {name: read_contract(name, text) for name, text in zip(blobs, texts, strict=True)}


def _texts(batch: bytes) -> Iterator[str]:
    """Contents of files as `git cat-file --batch` gives them: a line with their size, the bytes."""
    stream = io.BytesIO(batch)
    while head := stream.readline():
        yield stream.read(int(head.split()[-1])).decode()
        stream.readline()


def _git(root: Path, *arguments: str, ref: str, given: str = "") -> bytes:
    command = ["git", "-C", str(root), *arguments]
    done = subprocess.run(command, input=given.encode(), capture_output=True, check=False)
    if done.returncode:
        told = done.stderr.decode(errors="replace").strip().splitlines()
        reason = (told or ["no reason given"])[-1]
        raise ConfigError(f"--against {ref}: git says {reason!r}; name a commit that is here")
    return done.stdout


def check(
    published: Mapping[str, Contract], root: Path = SCHEMAS, golden: Path = GOLDEN
) -> list[Violation]:
    """Everything that must hold before a change of contracts is merged.

    Args:
        published: contracts by file, as `read_at` gives them.
        root: schema folder of the working tree.
        golden: folder of the golden bytes.
    """
    contracts = all_contracts(root)
    retired = read_yaml((root / "retired.yaml").read_text("utf-8"), "retired.yaml")
    found = chain(
        lint_all(contracts, retired),
        _check_published(published, {one.file: one for one in contracts}),
        _check_history(published, contracts, retired["fields"]),
        check_lock(contracts, read_lock(root)),
        _check_golden(contracts, golden),
    )
    return sorted(set(found))


def _check_published(
    published: Mapping[str, Contract], here: Mapping[str, Contract]
) -> Iterator[Violation]:
    for file, old in published.items():
        new = here.get(file)
        if new is None:
            yield Violation(file, old.subject, "removed", "a published contract is gone")
        elif new.schema != old.schema:
            message = f"a published file never changes; make it {old.subject} v{old.version + 1}"
            yield Violation(file, old.subject, "R1", message)


def _newest(contracts: Sequence[Contract]) -> dict[str, Contract]:
    return {one.subject: one for one in sorted(contracts, key=lambda one: one.version)}


def _check_history(
    published: Mapping[str, Contract], contracts: Sequence[Contract], retired: Sequence[str]
) -> Iterator[Violation]:
    newest = _newest(contracts)
    for old in (*published.values(), *contracts):
        new = newest.get(old.subject)
        if new is not None and new.schema != old.schema:
            yield from compare(old, new, retired)


def _check_golden(contracts: Sequence[Contract], golden: Path) -> Iterator[Violation]:
    newest = _newest(contracts)
    for contract in contracts:
        bodies = golden_bodies(contract, golden)
        if not bodies:
            yield Violation(contract.file, contract.subject, "golden", "has no golden bytes")
        for problem in _undecodable(bodies, contract, newest[contract.subject]):
            yield Violation(contract.file, contract.subject, "golden", problem)


def _undecodable(bodies: Sequence[bytes], writer: Contract, reader: Contract) -> Iterator[str]:
    for line, body in enumerate(bodies, 1):
        try:
            avro_codec.decode(writer.schema, body, reader.schema)
        except ContractError as error:
            yield f"line {line} cannot be read as {reader.key}: {error}"


def find_unready_readers(root: Path = SCHEMAS, golden: Path = GOLDEN) -> list[str]:
    """Warnings: records of the newest version that the version before cannot read."""
    contracts = sorted(all_contracts(root), key=lambda one: one.version)
    warnings = []
    for new in _newest(contracts).values():
        older = [one for one in contracts if one.subject == new.subject and one is not new]
        if older and any(_undecodable(golden_bodies(new, golden), new, older[-1])):
            warnings.append(f"{older[-1].key} cannot read {new.key}: roll consumers out first")
    return warnings


def main(argv: Sequence[str]) -> int:
    """`python -m pipelines schemas check|lock|docs`; 0 = holds, 4 = violations, one a line.

    Raises:
        ConfigError: unknown git reference.
        ContractError: a file is no contract at all.
    """
    parser = argparse.ArgumentParser(prog="python -m pipelines schemas", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    checking = commands.add_parser("check", help="rules, compatibility, lock and golden bytes")
    checking.add_argument("--against", default="origin/main", metavar="REF", help="%(default)s")
    commands.add_parser("lock", help="add new contracts to lock.json and the golden bytes")
    commands.add_parser("docs", help="write the data dictionary into docs/")
    arguments = parser.parse_args(argv)
    if arguments.command == "docs":
        for page in write_dictionary():
            print(page.relative_to(SCHEMAS.parent))
        return 0
    if arguments.command == "lock":
        for key, number in write_lock().items():
            print(f"{number:>4}  {key}")
        return 0
    return _report(check(read_at(arguments.against)), find_unready_readers())


def _report(violations: Sequence[Violation], warnings: Sequence[str]) -> int:
    for warning in warnings:
        print(f"warning: {warning}", file=sys.stderr)
    for violation in violations:
        print(violation)
    print(f"{len(violations)} violations in {len(all_contracts())} contracts")
    return ContractError.exit_code if violations else 0
