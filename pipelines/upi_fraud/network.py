"""The slow path: who pays whom, as Flink SQL over windows of event time; it ends in flags."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.core.errors import ContractError
from pipelines.core.wire import Wire
from pipelines.upi_fraud.config import NetworkSettings
from pipelines.upi_fraud.decider import Raw
from pipelines.upi_fraud.dense import MARKS, mark_edges
from pipelines.upi_fraud.intake import Intake
from pipelines.upi_fraud.payment import CheckedPayment
from pipelines.upi_fraud.state import HOUR_MS

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
_MERCHANTS = """
CREATE TEMPORARY TABLE merchants (merchant_id STRING, typical_paise BIGINT)
WITH ('connector' = 'filesystem', 'path' = '{path}', 'format' = 'parquet')
"""


class Finding(NamedTuple):
    """A window, or a payment, at which a pattern was seen."""

    kind: str
    subject_kind: str
    subject: str
    measure: int
    found_ms: int


def read_edges(raws: Iterable[Raw], intake: Intake) -> pa.Table:
    """Valid payments as edges, tokenised; the same door as the hot path, without the copies."""
    wire, seen, rows = Wire("upi.Transaction"), set(), []
    for raw in raws:
        try:
            record = wire.decode(raw.value, raw.time_ms)
        except ContractError:  # the hot path makes a dead letter of it
            continue
        one = intake.check(record, raw.key, (raw.partition, raw.offset))
        if isinstance(one, CheckedPayment) and one.transaction_id not in seen:
            seen.add(one.transaction_id)
            rows.append(
                (one.event_time, one.payer, one.payee, one.paise, one.device, one.merchant_id)
            )
    columns: list[Any] = list(zip(*rows, strict=True)) or [[]] * len(EDGE_COLUMNS)
    arrays = [pa.array(c, f.type) for c, f in zip(columns, EDGE_COLUMNS, strict=True)]
    return pa.Table.from_arrays(arrays, schema=EDGE_COLUMNS)


def find_patterns(
    tables: "Tables", edges: pa.Table,
    merchants: Iterable[Mapping[str, Any]],
    settings: NetworkSettings, folder: Path,
) -> list[Finding]:  # fmt: skip
    """Run all queries over a bounded input, as one job.

    Args:
        tables: environment of a stream; a trailing count of different payers is not to be had in a
            batch.
        edges: as `read_edges` gives them.
        merchants: records of `upi.Merchant`.
        settings: limits and windows.
        folder: scratch folder for the input.
    """
    pq.write_table(mark_edges(edges.sort_by("time_ms"), settings), folder / "edges.parquet")
    known = [(one["merchant_id"], one["typical_ticket_paise"]) for one in merchants]
    columns = {
        "merchant_id": pa.array([one[0] for one in known], pa.string()),
        "typical_paise": pa.array([one[1] for one in known], pa.int64()),
    }
    pq.write_table(pa.table(columns), folder / "merchants.parquet")
    tables.execute_sql(_EDGES.format(path=(folder / "edges.parquet").as_uri()))
    tables.execute_sql(_MERCHANTS.format(path=(folder / "merchants.parquet").as_uri()))
    tables.execute_sql(
        "CREATE TEMPORARY VIEW transfers AS SELECT payer, payee, event_at FROM edges WHERE"  # noqa: S608
        f" merchant_id IS NULL AND paise >= {settings.cycle_rs * 100}"
    )
    for mark in MARKS:
        tables.execute_sql(
            f"CREATE TEMPORARY VIEW {mark.removeprefix('is_')}_edges AS"  # noqa: S608 (our own names)
            f" SELECT * FROM edges WHERE {mark}"
        )
    query = " UNION ALL ".join(_query(name, settings) for name in QUERIES)
    return list(_collect(tables, query))


def _query(name: str, settings: NetworkSettings) -> str:
    text = (FOLDER / f"{name}.sql").read_text(encoding="utf-8").format(**settings.model_dump())
    return (
        "SELECT kind, subject_kind, subject, measure, 1000 * CAST(TIMESTAMPDIFF(SECOND,"  # noqa: S608
        " TIMESTAMP '1970-01-01 00:00:00', CAST(found_at AS TIMESTAMP(3))) AS BIGINT)"
        f" + EXTRACT(MILLISECOND FROM CAST(found_at AS TIMESTAMP(3))) AS found_ms FROM ({text})"
    )


def _collect(tables: "Tables", query: str) -> Iterator[Finding]:
    with tables.execute_sql(query).collect() as rows:
        for row in rows:
            yield Finding(*row)


def make_flags(findings: Iterable[Finding], settings: NetworkSettings) -> list[dict[str, Any]]:
    """Flags of the findings: one when a pattern begins, and again after it lapsed.

    A shared device gets one whenever more people share it. A flag's event time is that of the
    finding plus the disorder the window waits for.
    """
    flags: list[dict[str, Any]] = []
    standing: dict[tuple[str, str, str], tuple[int, int]] = {}
    for one in sorted(findings, key=lambda found: (found.found_ms, *found[:4])):
        subject = (one.kind, one.subject_kind, one.subject)
        before = standing.get(subject)
        grows = one.kind == "DEVICE_SHARED" and before is not None and one.measure > before[1]
        if before is not None and one.found_ms < before[0] and not grows:
            continue
        is_account = one.subject_kind == "VPA" and one.kind != "DEVICE_SHARED"
        hours = settings.account_flag_hours if is_account else settings.other_flag_hours
        event_time = one.found_ms + settings.disorder_s * 1000
        expires = event_time + hours * HOUR_MS
        standing[subject] = (expires, one.measure)
        flags.append(
            {
                "event_id": "/".join((*subject, str(event_time))),
                "event_time": event_time,
                "kind": one.kind,
                "subject_kind": one.subject_kind,
                "subject": one.subject,
                "value": one.measure,
                "evidence": f"{one.kind}: measure {one.measure}",
                "expires_at": expires,
            }
        )
    return flags
