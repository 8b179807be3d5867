"""Messages of the viewer benchmark: matches that are made once and kept."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from harness.results import progress  # noqa: E402

from pipelines.viewers.config import MatchSettings, Phase  # noqa: E402
from pipelines.viewers.generate import make_match, write_match  # noqa: E402

FILES = 2
"""Partitions of a match that Flink reads from files, one a core."""

SEED = 7


def make(data: Path, name: str, settings: MatchSettings, files: int = FILES) -> Path:
    """Folder with the messages of a match, one Parquet file a partition.

    Args:
        data: takes the matches.
        name: what is special about this one; its audience is added.
        settings: settings of the match.
        files: partitions; with one the messages lie in their order of arrival.
    """
    folder = data / f"viewers-{name}-{settings.viewers}"
    done = folder.with_suffix(".done")  # beside the folder, where Flink does not read it
    if not done.exists():
        number = write_match(make_match(settings, SEED), folder, settings, SEED, files)
        done.write_text(str(number))
        progress(f"{folder.name}: {number:,} messages")
    return folder


def steady(viewers: int, seconds: int) -> MatchSettings:
    """A match whose audience is as large at the end as in the beginning."""
    phase = Phase(name="steady", seconds=seconds, multiplier=1.0)
    return MatchSettings(viewers=viewers, phases=(phase,), time_scale=1)
