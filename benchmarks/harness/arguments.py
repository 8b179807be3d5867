"""Command line of a benchmark: the flags that all have, those that some have, and lists."""

import argparse
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from harness.results import progress

RESULTS = Path(__file__).resolve().parents[1] / "results"
PEERS_PYTHON = os.environ.get("SANGAM_BENCH_PYTHON", "")
"""Interpreter of the environment in which the peers are installed; make sets it."""


def bench_parser(
    job: str, doc: str | None, rounds: int, sections: Sequence[str] = (), first: int | None = None
) -> argparse.ArgumentParser:
    """Parser with `--rounds`, `--out` and, if there are sections, `--sections`.

    Args:
        job: name of the file of results.
        doc: docstring of the script, shown by `--help`.
        rounds: of a run that does not say how many.
        sections: what can be measured.
        first: so many of them are measured when none is named; None measures all.
    """
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    if sections:
        chosen = list(sections[:first])
        add("--sections", type=some_of(sections), default=chosen, help=", ".join(sections))
    add("--rounds", type=int, default=rounds, help="counted runs of each program (%(default)s)")
    add("--out", type=Path, default=RESULTS / f"{job}.json", help="file of the results")
    return parser


def add_data(parser: argparse.ArgumentParser) -> None:
    """`--data`: inputs are drawn once and used by later runs."""
    place = Path(tempfile.gettempdir(), "sangam-bench-data")
    parser.add_argument("--data", type=Path, default=place, help="folder of inputs (%(default)s)")


def add_cores(parser: argparse.ArgumentParser) -> None:
    """`--cores`: every program is held to them."""
    cores = sorted(os.sched_getaffinity(0))
    parser.add_argument("--cores", type=numbers, default=cores, help="their numbers (%(default)s)")


def add_peers(parser: argparse.ArgumentParser, target: str) -> None:
    """`--peers-python`, without which there is nothing to compare with.

    Args:
        target: of make, which installs the peers.
    """

    def interpreter(text: str) -> str:
        if not text:
            raise argparse.ArgumentTypeError(f"give the peers' interpreter, or run make {target}")
        return text

    parser.add_argument(
        "--peers-python", type=interpreter, default=PEERS_PYTHON, help="the peers' interpreter"
    )


def settings_of(given: argparse.Namespace) -> dict[str, Any]:
    """What the results say of a run: its flags but those that name places, and the load."""
    named = {key: value for key, value in vars(given).items() if not _is_place(value)}
    load = os.getloadavg()[0]
    if load > len(os.sched_getaffinity(0)) / 4:
        progress(f"Others use this machine (load {load:.1f}): times below will be too long.")
    return named | {"load_at_start": load}


def some_of(known: Sequence[str]) -> Callable[[str], list[str]]:
    """Reads known names, split at commas."""

    def read(text: str) -> list[str]:
        found = [word for word in text.split(",") if word]
        if unknown := sorted(set(found) - set(known)):
            raise argparse.ArgumentTypeError(f"{unknown[0]!r} is not of {', '.join(known)}")
        return found

    return read


def numbers(text: str) -> list[int]:
    """Whole numbers, split at commas."""
    return [int(word) for word in text.split(",") if word]


def _is_place(value: object) -> bool:
    return isinstance(value, Path) or os.sep in str(value)
