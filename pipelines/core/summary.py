"""What a run leaves behind: counts that add up, run.json and a closing table."""

import hashlib
import json
import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal, TextIO

from pipelines.core.config import JobConfig, config_hash
from pipelines.core.errors import GateError
from pipelines.core.machine import describe_machine, git_state, java_version, package_versions
from pipelines.core.masks import mask_text

OUTCOMES = ("in", "out", "rejected", "dlq", "late")
_PACKAGES = (
    "pyspark",
    "delta-spark",
    "apache-flink",
    "great-expectations",
    "numpy",
    "pandas",
    "pyarrow",
)


def make_run_id(job: str, config_hash: str, as_of: date, input_digest: str) -> str:
    """Name of a run; the same work on the same day has the same name."""
    parts = json.dumps([job, config_hash, as_of.isoformat(), input_digest])
    return f"{job}-{as_of:%Y%m%d}-{hashlib.sha256(parts.encode()).hexdigest()[:12]}"


@dataclass
class RunSummary:
    """Result of a run, as in `run.json`.

    Attributes:
        job, run_id, as_of: which run this is.
        status: `done`, `failed` or `dry_run`.
        counts: records by outcome; missing outcomes count 0, further keys are free.
        metrics: flat, snake_case, units in the name; None where a rate has no denominator.
        seconds: seconds per step, of a monotonic clock.
        total_seconds: the whole run.
        config, config_hash, provenance: effective configuration and where each key came from.
        inputs, tables: versions, offsets or digests read and published.
        warnings: what the run warned of.
    """

    job: str
    run_id: str
    as_of: date
    status: str = "done"
    counts: dict[str, int] = field(default_factory=dict)
    metrics: dict[str, float | int | None] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    total_seconds: float | None = None
    config: dict[str, Any] = field(default_factory=dict)
    config_hash: str = ""
    provenance: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)
    tables: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def check_accounting(self) -> None:
        """Check in = out + rejected + dlq + late.

        Raises:
            GateError: the sums differ, or a count is negative.
        """
        came, *went = (self.counts.get(name, 0) for name in OUTCOMES)
        if came != sum(went) or min(came, *went) < 0:
            told = ", ".join(f"{name} {self.counts.get(name, 0):,}" for name in OUTCOMES)
            raise GateError(
                f"Counts of {self.run_id} do not add up: {told}; in - (out + rejected + dlq +"
                f" late) = {came - sum(went):,}. Nothing is published; rows were lost or doubled"
                " between the steps, see `counts` in run.json."
            )

    def to_dict(self) -> dict[str, Any]:
        """All fields as JSON types; the five outcomes always present, NaN as None."""
        plain: dict[str, Any] = to_plain(dict(vars(self)))
        plain["counts"] = dict.fromkeys(OUTCOMES, 0) | plain["counts"]
        return plain

    def write_run_json(self, directory: Path | str) -> Path:
        """Write the manifest: this summary, commit, versions and machine.

        Args:
            directory: made when absent.

        Returns:
            Path of `run.json`, complete or not there at all.
        """
        root = Path(__file__).resolve().parents[2]
        versions = {"python": sys.version.split()[0], "java": java_version()}
        versions |= package_versions(_PACKAGES)
        manifest = {
            **self.to_dict(),
            **git_state(root),
            "versions": versions,
            "machine": describe_machine(),
        }
        target = Path(directory) / "run.json"
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_suffix(".json.tmp")
        draft.write_text(json.dumps(manifest, indent=2, allow_nan=False) + "\n", encoding="utf-8")
        draft.replace(target)
        return target


def begin_summary(
    job: str,
    config: JobConfig,
    as_of: date,
    digest: str,
    inputs: Mapping[str, Any],
    variant: str = "",
) -> RunSummary:
    """Summary of a run that begins: named, with its configuration and inputs.

    Args:
        job: name of the job.
        config: effective configuration, which knows where its keys came from.
        as_of: business date.
        digest: of everything the run reads; equal work has an equal run id.
        inputs: versions, offsets or digests of what is read, for `run.json`.
        variant: a word in the run id for the kind of run, such as a command of the job.
    """
    hashed = config_hash(config)
    name = f"{job}-{variant}" if variant else job
    return RunSummary(
        job,
        make_run_id(name, hashed, as_of, digest),
        as_of,
        config=config.model_dump(mode="json"),
        config_hash=hashed,
        provenance=dict(config.provenance),
        inputs=dict(inputs),
    )


def to_plain(value: Any, text: Callable[[str], str] = str) -> Any:
    """Turn numpy scalars, paths, dates and NaN into what JSON can hold.

    Args:
        value: any nesting of mappings and lists.
        text: applied to every text that is no key, such as `mask_text`.
    """
    if isinstance(value, Mapping):
        return {str(key): to_plain(item, text) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_plain(item, text) for item in value]
    if hasattr(value, "item") and not hasattr(value, "__len__"):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int) else text(str(value))


def print_table(
    summary: RunSummary, style: Literal["text", "json"] = "text", stream: TextIO | None = None
) -> None:
    """Print the result on standard output: JSON, a table on a terminal, else plain lines."""
    out = stream or sys.stdout
    if style == "json":
        print(json.dumps(to_plain(summary.to_dict(), mask_text), ensure_ascii=False), file=out)
        return
    rows = _table_rows(summary)
    if not out.isatty():
        width = max(len(name) for name, _ in rows)
        print("\n".join(f"{name:<{width}}  {text}" for name, text in rows), file=out)
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("", summary.run_id, title=f"{summary.job}: {summary.status}")
    table.columns[1].justify = "right"
    for name, text in rows:
        table.add_row(name, text)
    Console(file=out).print(table)


def _table_rows(summary: RunSummary) -> list[tuple[str, str]]:
    rows: list[tuple[str, Any]] = [("status", summary.status)]
    rows += summary.to_dict()["counts"].items()
    rows += summary.metrics.items()
    rows += [(f"{name} s", round(spent, 2)) for name, spent in summary.seconds.items()]
    if summary.total_seconds is not None:
        rows.append(("total s", round(summary.total_seconds, 2)))
    return [(name, mask_text(_cell(to_plain(value)))) for name, value in rows]


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.2f}" if abs(value) >= 100 else f"{value:.5g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
