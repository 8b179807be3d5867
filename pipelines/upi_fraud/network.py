"""The slow path: who pays whom, as Flink SQL over windows of event time; it ends in findings."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.core.errors import ContractError
from pipelines.core.wire import Wire
from pipelines.upi_fraud.config import NetworkSettings
from pipelines.upi_fraud.dense import MARKS, mark_edges
from pipelines.upi_fraud.flags import Finding
from pipelines.upi_fraud.intake import Intake
from pipelines.upi_fraud.payment import CheckedPayment, Raw

if TYPE_CHECKING:
    from pipelines.upi_fraud.flink import Tables

QUERIES = ("fan_in", "pass_through", "cycle", "device_shared", "shared_accounts", "collusion")

FOLDER = Path(__file__).parent / "slow_path"
EDGE_COLUMNS = pa.schema(
    [
        ("time_ms", pa.int64()), ("payer", pa.string()), ("payee", pa.string()),
        ("paise", pa.int64()), ("device", pa.string()), ("merchant_id", pa.string()),
    ]
)  # fmt: skip
_EDGES = """
CREATE TEMPORARY TABLE edges (
  time_ms BIGINT, payer STRING, payee STRING, paise BIGINT, device STRING, merchant_id STRING,
  is_fan_in BOOLEAN, is_pass_in BOOLEAN, is_pass_out BOOLEAN, is_shared BOOLEAN,
  is_collusion BOOLEAN,
  event_at AS TO_TIMESTAMP_LTZ(time_ms, 3), WATERMARK FOR event_at AS event_at
) WITH ('connector' = 'filesystem', 'path' = '{path}', 'format' = 'parquet')
"""
Edge = tuple[str, str, str, int, str | None, str | None]
"""Transaction id, payer, payee, paise, device, merchant."""


class EdgeReader:
    """Payments as edges, tokenised; the same door as the hot path."""

    def __init__(self, intake: Intake) -> None:
        self._intake, self._wire = intake, Wire("upi.Transaction")

    def read(self, raw: Raw) -> tuple[int, Edge] | None:
        """Event time and edge; None for what the hot path refuses, or finds late or damaged."""
        try:
            record = self._wire.decode(raw.value, raw.time_ms)
        except ContractError:
            return None
        one = self._intake.check(record, raw.key, (raw.partition, raw.offset))
        if not isinstance(one, CheckedPayment):
            return None
        edge = one.transaction_id, one.payer, one.payee, one.paise, one.device, one.merchant_id
        return one.event_time, edge


def read_edges(raws: Iterable[Raw], intake: Intake) -> pa.Table:
    """Edges of all payments, without the copies."""
    reader, seen, rows = EdgeReader(intake), set(), []
    for raw in raws:
        found = reader.read(raw)
        if found is not None and found[1][0] not in seen:
            seen.add(found[1][0])
            rows.append((found[0], *found[1][1:]))
    columns: list[Any] = list(zip(*rows, strict=True)) or [[]] * len(EDGE_COLUMNS)
    arrays = [pa.array(c, f.type) for c, f in zip(columns, EDGE_COLUMNS, strict=True)]
    return pa.Table.from_arrays(arrays, schema=EDGE_COLUMNS)


def find_patterns(
    tables: "Tables", edges: pa.Table, settings: NetworkSettings, folder: Path
) -> list[Finding]:
    """Run all queries over a bounded input, as one job.

    Args:
        tables: environment of a stream; a trailing count of different payers is not to be had in a
            batch.
        edges: as `read_edges` gives them.
        settings: limits and windows.
        folder: scratch folder for the input.
    """
    pq.write_table(mark_edges(edges.sort_by("time_ms"), settings), folder / "edges.parquet")
    tables.execute_sql(_EDGES.format(path=(folder / "edges.parquet").as_uri()))
    open_views(tables, settings, {mark: mark for mark in MARKS})
    with tables.execute_sql(findings_query(settings)).collect() as rows:
        return [Finding(*row) for row in rows]


def open_views(tables: "Tables", settings: NetworkSettings, filters: dict[str, str]) -> None:
    """Declare what the queries read of the table `edges`.

    Args:
        tables: environment; `edges` has the columns of `EDGE_COLUMNS` and `event_at`.
        settings: limits.
        filters: condition by mark; each becomes a view.
    """
    tables.execute_sql(
        "CREATE TEMPORARY VIEW transfers AS SELECT payer, payee, event_at FROM edges WHERE"  # noqa: S608
        f" merchant_id IS NULL AND paise >= {settings.cycle_rs * 100}"
    )
    for mark, condition in filters.items():
        tables.execute_sql(
            f"CREATE TEMPORARY VIEW {mark.removeprefix('is_')}_edges AS"  # noqa: S608 (our own names)
            f" SELECT * FROM edges WHERE {condition}"
        )


def findings_query(settings: NetworkSettings) -> str:
    """All queries as one, with the columns of `Finding`."""
    return " UNION ALL ".join(_queries(settings))


def _queries(settings: NetworkSettings) -> Iterator[str]:
    for name in QUERIES:
        text = (FOLDER / f"{name}.sql").read_text(encoding="utf-8").format(**settings.model_dump())
        ticket = "ticket" if name == "collusion" else "CAST(NULL AS DOUBLE)"
        yield (
            "SELECT kind, subject_kind, subject, measure, 1000 * CAST(TIMESTAMPDIFF(SECOND,"  # noqa: S608
            " TIMESTAMP '1970-01-01 00:00:00', CAST(found_at AS TIMESTAMP(3))) AS BIGINT)"
            f" + EXTRACT(MILLISECOND FROM CAST(found_at AS TIMESTAMP(3))) AS found_ms,"
            f" {ticket} AS ticket FROM ({text})"
        )
