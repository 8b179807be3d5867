"""The aggregated planning input: `trainId|date|route|demand|availability`, route `A->B->C`.

A line is the demand of a train from the first to the last station of its route. A seat of one train
cannot serve another, so each train carries min(demand, availability), whatever the others have.
"""

import hashlib
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines.core.contracts import conform, spark_schema
from pipelines.core.errors import ConfigError
from pipelines.core.lake import Lake
from pipelines.core.lake_arrow import write_rows
from pipelines.core.quality import REASON, Rule, apply_rules, validate
from pipelines.core.runlog import RunLog
from pipelines.core.summary import RunSummary, begin_summary
from pipelines.seats.config import SeatsConfig
from pipelines.seats.measures import jain_index
from pipelines.seats.outcome import Metrics, gate_checks
from pipelines.seats.request import Request
from pipelines.seats.tables import publish, write_quarantine

SUFFIXES = (".psv", ".txt")
HEADER = "trainId|date|route|demand|availability"
FIELDS = 5


def is_plan_file(name: str) -> bool:
    """Whether an input is a file of planning lines."""
    return name.endswith(SUFFIXES)


def read_lines(session: SparkSession, name: str) -> DataFrame:
    """Lines with their numbers from 1; blank lines and the header are no records.

    Raises:
        ConfigError: there is no such file.
    """
    if "://" not in name and not Path(name).is_file():
        raise ConfigError(f"--input {name}: no such file of lines {HEADER}")
    whole = session.read.text(name, wholetext=True)
    lines = whole.select(F.posexplode(F.split("value", "\r?\n")).alias("at", "text"))
    numbered = lines.select((F.col("at") + 1).alias("line"), F.trim("text").alias("text"))
    return numbered.where((F.col("text") != "") & (F.col("text") != HEADER))


def tag_lines(lines: DataFrame) -> DataFrame:
    """Lines as typed columns with `reject_reason`, null for a good one."""
    part = F.split("text", r"\|")
    fields = lines.withColumns(
        {
            "parts": F.size(part),
            "train_id": F.trim(F.get(part, 0)),
            "day": F.trim(F.get(part, 1)),
            "route": F.transform(F.split(F.trim(F.get(part, 2)), "->"), F.trim),
            "asked": F.trim(F.get(part, 3)),
            "there": F.trim(F.get(part, 4)),
        }
    )
    typed = fields.withColumns(
        {
            "service_date": F.try_to_timestamp("day", F.lit("yyyy-MM-dd")).cast("date"),
            "demand": F.expr("try_cast(asked AS bigint)"),
            "availability": F.expr("try_cast(there AS bigint)"),
        }
    )
    return apply_rules(typed, line_rules())


def line_rules() -> list[Rule]:
    """Rules of a line in the order in which they speak."""
    day = "day NOT RLIKE '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' OR service_date IS NULL"
    repeats = "size(array_distinct(route)) < size(route)"
    route = f"size(route) < 2 OR array_contains(route, '') OR {repeats}"
    whole = "NOT {0} RLIKE '^[+-]?[0-9]+$' OR {1} IS NULL"
    pairs = (("asked", "demand"), ("there", "availability"))
    numbers = " OR ".join(whole.format(*pair) for pair in pairs)
    return [
        Rule("FIELD_COUNT", f"parts != {FIELDS}", "reject"),
        Rule("MISSING_ID", "train_id = ''", "reject"),
        Rule("BAD_DATE", day, "reject"),
        Rule("BAD_ROUTE", route, "reject"),
        Rule("BAD_NUMBER", numbers, "reject"),
        Rule("NEGATIVE", "demand < 0 OR availability < 0", "reject"),
    ]  # fmt: skip


def plan_rows(tagged: DataFrame, epsilon: float, run_id: str) -> DataFrame:
    """Good lines with what each train carries, rows of `rail.PlanRow`."""
    demand, places = F.col("demand"), F.col("availability")
    allocated = F.least(demand, places)
    utilisation = _share(demand, places)
    figures = {
        "run_id": F.lit(run_id),
        "allocated": allocated,
        "utilisation": utilisation,
        "efficiency_score": 1 / (utilisation + F.lit(epsilon)),
        "fill_rate": _share(allocated, demand),
        "is_zero_capacity": places == 0,
    }
    return conform(tagged.where(F.col(REASON).isNull()).withColumns(figures), "rail.PlanRow")


def _share(part: Column, whole: Column) -> Column:
    """A quotient, null where there is nothing to divide by."""
    return F.when(whole > 0, part.cast("double") / whole)


def run_planning(
    session: SparkSession, config: SeatsConfig, request: Request, lake_root: str, log: RunLog
) -> RunSummary:
    """Read, check and write planning lines.

    Raises:
        SangamError: see the exit codes of the job.
    """
    lake = Lake(session, lake_root)
    with log.step("open"):
        lines = read_lines(session, request.input)
        tagged = tag_lines(lines).persist()
        good, newest, reasons = _count_lines(tagged)
    as_of = request.as_of or newest or date(1970, 1, 1)
    summary = _summary(config, request.input, as_of)
    rejected = sum(reasons.values())
    summary.counts = {
        "read": good + rejected, "duplicates": 0, "in": good + rejected, "out": good,
        "rejected": rejected, "quarantined": rejected, "dlq": 0, "late": 0, **reasons,
    }  # fmt: skip
    summary.check_accounting()
    limit = 1.0  # lines come by hand: bad ones are told one by one and stop nobody else's
    validate(gate_checks(summary.counts, reasons, limit)).require(reasons)
    with log.step("tables"):
        rows = plan_rows(tagged, config.efficiency_epsilon, summary.run_id).toArrow()
        write_rows(lake, "rail_plan", rows, spark_schema("rail.PlanRow"))
        if rejected:
            write_quarantine(lake, _set_aside(tagged, request.input), "plan", summary.run_id)
        summary.metrics = measure_plan(rows)
        if not request.dry_run:
            publish(lake, summary)
    tagged.unpersist()
    summary.status = "dry_run" if request.dry_run else "done"
    log.close(summary)
    if request.report and not request.dry_run:
        summary.write_run_json(request.report)
    return summary


def _count_lines(tagged: DataFrame) -> tuple[int, date | None, dict[str, int]]:
    """Good lines and the newest date among them, and the bad lines by reason."""
    figures = F.count(F.lit(1)).alias("lines"), F.max("service_date").alias("newest")
    rows = {row[REASON]: row for row in tagged.groupBy(REASON).agg(*figures).collect()}
    good = rows.pop(None, None)
    bad = {reason: int(row["lines"]) for reason, row in rows.items()}
    return (0, None, bad) if good is None else (good["lines"], good["newest"], bad)


def _summary(config: SeatsConfig, name: str, as_of: date) -> RunSummary:
    path = Path(name)
    content = path.read_bytes() if path.is_file() else name.encode()
    digest = hashlib.sha256(content).hexdigest()[:16]
    return begin_summary("seat_allocation", config, as_of, digest, {path.name: digest})


def _set_aside(tagged: DataFrame, name: str) -> pa.Table:
    """Bad lines by file and number; a train is nobody's secret, but the line may hold anything."""
    place = F.concat(F.lit(f"{Path(name).name}:"), F.col("line"))
    bad = tagged.where(F.col(REASON).isNotNull())
    return bad.select(F.col(REASON).alias("reason"), place.alias("location")).toArrow()


def measure_plan(rows: pa.Table) -> Metrics:
    """Figures of the whole plan; trains without demand have no fill rate and count nowhere."""
    names = ("demand", "availability", "allocated")
    demand, places, allocated = (int(pc.sum(rows[name]).as_py() or 0) for name in names)
    fill = rows["fill_rate"].drop_null().to_numpy()
    return {
        "trains": rows.num_rows,
        "demand": demand,
        "availability": places,
        "allocated": allocated,
        "accepted_fraction": allocated / demand if demand else None,
        "utilisation": demand / places if places else None,
        "load": allocated / places if places else None,
        "jain": jain_index(len(fill), float(fill.sum()), float((fill**2).sum())),
    }
