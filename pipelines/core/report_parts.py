"""The sections of every report: counts, quality gate, times, caveats, configuration, manifest."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.core import charts
from pipelines.core.report import (
    Badge,
    Block,
    Bullets,
    Cell,
    Chart,
    Check,
    Columns,
    Details,
    Section,
    Table,
)
from pipelines.core.summary import RunSummary

IDENTITY_PARTS = ("out", "rejected", "dlq", "late")
ABSENT = "–"


@dataclass(frozen=True)
class RunPage:
    """What a page takes over from the run; the page of a job adds its own.

    Attributes:
        source: the input in words.
        run_id, as_of: which run.
        metrics, counts, seconds, total_seconds, config: as in `run.json`.
        reasons: records set aside by reason.
        manifest: what was read and what was published.
    """

    source: str
    run_id: str
    as_of: str
    metrics: Mapping[str, float | int | None]
    counts: Mapping[str, int]
    reasons: Mapping[str, int]
    seconds: Mapping[str, float]
    total_seconds: float | None
    config: Mapping[str, Any]
    manifest: Mapping[str, Any]


def run_page(summary: RunSummary, source: str, reasons: Mapping[str, int]) -> dict[str, Any]:
    """The fields of `RunPage`."""
    return {
        "source": source,
        "run_id": summary.run_id,
        "as_of": summary.as_of.isoformat(),
        "metrics": summary.metrics,
        "counts": summary.counts,
        "reasons": reasons,
        "seconds": summary.seconds,
        "total_seconds": summary.total_seconds,
        "config": summary.config,
        "manifest": manifest_of(summary),
    }


def manifest_of(summary: RunSummary) -> dict[str, Any]:
    """What names a run, what it read and what it published."""
    return {
        "run_id": summary.run_id,
        "config_hash": summary.config_hash,
        "inputs": summary.inputs,
        "tables": summary.tables,
    }


def show_count(value: float | None) -> str:
    """Return 1,234,567; a dash where there is no value."""
    return ABSENT if value is None else f"{value:,.0f}"


def show_percent(share: float | None, digits: int = 2) -> str:
    """Return a share in 0..1 as a percentage; a dash where there is no value."""
    return ABSENT if share is None else f"{100 * share:.{digits}f} %"


def show_seconds(seconds: float | None) -> str:
    """Return a duration as `740 ms`, `12.3 s` or `4 min 05 s`."""
    if seconds is None:
        return ABSENT
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds // 60:.0f} min {seconds % 60:02.0f} s"


def counts_section(
    counts: Mapping[str, int],
    reasons: Mapping[str, int],
    previous: Mapping[str, int] | None = None,
) -> Section:
    """Show in = out + rejected + dlq + late, why records were rejected, and the last run.

    Args:
        counts: records by outcome; a missing outcome is 0.
        reasons: rejected and quarantined records by reason.
        previous: the same counts of the previous run, if there was one.
    """
    accounted = sum(counts.get(part, 0) for part in IDENTITY_PARTS)
    lost = counts.get("in", 0) - accounted
    title = "Every record read is accounted for"
    if lost:
        where = "missing from" if lost > 0 else "extra in"
        title = f"{show_count(abs(lost))} records are {where} the counts"
    sums = " + ".join(f"{show_count(counts.get(part, 0))} {part}" for part in IDENTITY_PARTS)
    tables: list[Block] = [_counts_table(counts, previous)]
    if reasons:
        rows = [(name, show_count(n)) for name, n in sorted(reasons.items(), key=_largest_first)]
        tables.append(Table(("reason", "records"), rows, "lr", title="Why records were set aside"))
    sign = "=" if lost == 0 else "≠"
    lead = f"{show_count(counts.get('in', 0))} in {sign} {sums}."
    return Section("counts", "Counts", title, [Columns(tables)], lead)


def _largest_first(item: tuple[str, int]) -> tuple[int, str]:
    return -item[1], item[0]


def _counts_table(counts: Mapping[str, int], previous: Mapping[str, int] | None) -> Table:
    names = ("in", *IDENTITY_PARTS)
    if previous is None:
        rows = [(name, show_count(counts.get(name, 0))) for name in names]
        return Table(("outcome", "records"), rows, "lr", title="Records by outcome")
    changes = []
    for name in names:
        now, before = counts.get(name, 0), previous.get(name, 0)
        change = f"{100 * (now / before - 1):+.1f} %" if before else ABSENT
        changes.append((name, show_count(now), show_count(before), change))
    columns = ("outcome", "records", "previous run", "change")
    return Table(columns, changes, "lrrr", title="Records by outcome")


def steps_section(seconds: Mapping[str, float]) -> Section:
    """Show the seconds of each step in the order of the run."""
    total = sum(seconds.values())
    slowest = max(seconds, key=lambda name: seconds[name])
    share = seconds[slowest] / total if total else 0.0
    labels = [show_seconds(value) for value in seconds.values()]
    names = [name.replace("_", " ") for name in seconds]
    figure = charts.draw_bars(names, list(seconds.values()), labels, x_label="seconds")
    name = slowest.replace("_", " ")
    title = f"{show_seconds(total)} in all; {name} took {show_percent(share, 0)} of it"
    caption = "Measured with a monotonic clock from the start of a step to its last written row."
    return Section("steps", "Time", title, [Chart("steps", "Seconds by step", figure, caption)])


def verdicts(rows: Iterable[Mapping[str, Any]]) -> list[Check]:
    """Rows of a `QualityReport`: a share with its limit, or a number of rows with its least."""
    made = []
    for row in rows:
        evaluated, failed = row["evaluated"], row["failed"]
        if row["minimum"] is not None:
            observed, allowed = show_count(evaluated), f"{row['minimum']} or more"
        else:
            observed = show_percent(failed / evaluated if evaluated else 0.0, 3)
            allowed = f"up to {show_percent(row['tolerance'])}"
        said = (row["expectation"], row["severity"], observed, allowed)
        made.append(Check(*said, failed, row["success"]))
    return made


def quality_section(checks: Sequence[Check]) -> Section:
    """Show every rule of the quality gate with its verdict."""
    failed = [check for check in checks if not check.is_passed]
    title = (
        f"All {len(checks)} quality checks passed"
        if not failed
        else f"{len(failed)} of {len(checks)} quality checks failed"
    )
    rows = [_check_row(check) for check in sorted(checks, key=lambda check: check.is_passed)]
    columns = ("check", "severity", "observed", "allowed", "failed rows", "verdict")
    return Section("quality", "Quality", title, [Table(columns, rows, "llrrrl")])


def _check_row(check: Check) -> tuple[Cell, ...]:
    tone = "bad" if check.severity.upper() == "ERROR" else "warn"
    verdict = Badge("passed", "good") if check.is_passed else Badge("failed", tone)
    cells = (check.name, check.severity.lower(), check.observed, check.allowed)
    return (*cells, show_count(check.failed_rows), verdict)


def caveats_section(items: Sequence[str]) -> Section:
    """Say what the figures do not say."""
    return Section("caveats", "Caveats", "What these figures do not say", [Bullets(items)])


def setup_section(config: Mapping[str, Any], manifest: Mapping[str, Any]) -> Section:
    """Show the effective configuration (without secrets) and the manifest, both folded."""
    blocks = [
        Details(f"Effective configuration, {len(flatten(config))} keys", [_key_table(config)]),
        Details("Manifest of the run", [_key_table(manifest)]),
    ]
    lead = "With these values and the same input the run gives the same tables again."
    return Section("setup", "Setup", "Everything needed to repeat this run", blocks, lead)


def _key_table(values: Mapping[str, Any]) -> Table:
    return Table(("key", "value"), list(flatten(values).items()), "ll")


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return nested mappings as dotted keys with values as text."""
    flat: dict[str, str] = {}
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            flat.update(flatten(value, f"{name}."))
        elif isinstance(value, list | tuple):
            flat[name] = ", ".join(str(item) for item in value)
        else:
            flat[name] = str(value)
    return flat
