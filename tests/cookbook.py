"""Reads the pages of docs/: commands in `sh` blocks, and files that stand under their path."""

import re
import shlex
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = [
    ROOT / "README.md",
    ROOT / "benchmarks" / "README.md",
    *sorted((ROOT / "docs" / "cookbook").glob("*.md")),
    *sorted((ROOT / "pipelines").glob("*/README.md")),
]


def read_commands(page: Path) -> list[list[str]]:
    """Command lines of a page as words, comments left out."""
    blocks = re.findall(r"^```sh\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [words for line in lines if (words := shlex.split(re.sub(r"(^|\s)#.*", "", line)))]


def write_files(page: Path, folder: Path) -> list[Path]:
    """Write what stands under a line with a path and a colon; returns the files."""
    text = page.read_text(encoding="utf-8")
    found = re.findall(r"^`([\w./]+)`:\n\n```\w+\n(.*?)^```", text, re.M | re.S)
    for name, content in found:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    return [folder / name for name, _ in found]
