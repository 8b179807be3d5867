"""The data dictionary: one Markdown page per domain, written from the contracts alone."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pipelines.core.contract_store import SCHEMAS, Contract, load_contracts
from pipelines.core.contract_tree import Node, walk

FOLDER = SCHEMAS.parent / "docs" / "data_dictionary"
NOTE = "Written by `make dictionary` from `schemas/`; change the contracts, not this page."


def dictionary_pages(root: Path = SCHEMAS) -> Mapping[str, str]:
    """Text of each page by file name; the newest version of every record."""
    domains: dict[str, list[Contract]] = {}
    for subject, versions in sorted(load_contracts(root).items()):
        domains.setdefault(subject.partition(".")[0], []).append(versions[max(versions)])
    return {
        f"{domain}.md": "\n".join(_page(domain, contracts)) for domain, contracts in domains.items()
    }


def write_dictionary(folder: Path = FOLDER, root: Path = SCHEMAS) -> list[Path]:
    """Write the pages; pages of domains that are gone are removed."""
    pages = dictionary_pages(root)
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.md"):
        if old.name not in pages:
            old.unlink()
    for name, text in pages.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in pages]


def _page(domain: str, contracts: list[Contract]) -> Iterator[str]:
    yield from (f"# {domain}", "", NOTE, "")
    for contract in contracts:
        tree = contract.tree
        yield from (f"## {contract.key}", "", f"{tree['doc']} ({tree['kind']})", "")
        yield from ("| field | type | personal | meaning |", "| --- | --- | --- | --- |")
        yield from (_row(node) for node in walk(tree))
        yield ""


def _row(node: Node) -> str:
    personal = node.field["pii"]
    if treatment := node.field.get("treatment"):
        personal = f"{personal}, {treatment}"
    meaning = str(node.field["doc"]).replace("|", "\\|")
    return f"| {node.path} | {_type(node)} | {personal} | {meaning} |"


def _type(node: Node) -> str:
    return _name(node.avro) + (", may be null" if node.is_nullable else "")


def _name(avro: Any) -> str:
    if isinstance(avro, str):
        return avro
    kind = avro["type"]
    if kind == "enum":
        return "one of " + ", ".join(avro["symbols"])
    if kind == "array":
        return f"list of {_name(avro['items'])}"
    if kind == "map":
        return f"map of {_name(avro['values'])}"
    if kind == "record":
        return str(avro["name"])
    return {"timestamp-millis": "UTC timestamp", "date": "date"}.get(
        avro.get("logicalType"), str(avro.get("logicalType", kind))
    )
