"""Topics that both jobs of the fraud pipeline read, as tables."""

from typing import TYPE_CHECKING

from pipelines.core.flink_tables import guarded_source
from pipelines.upi_fraud.follow import TOPICS

if TYPE_CHECKING:
    from pipelines.upi_fraud.flink import Tables

MILLIS = (
    "1000 * CAST(TIMESTAMPDIFF(SECOND, TO_TIMESTAMP_LTZ(0, 3), kafka_time) AS BIGINT)"
    " + EXTRACT(MILLISECOND FROM kafka_time)"
)
"""Record time as epoch milliseconds."""


def open_reference(tables: "Tables", servers: str, group: str, is_bounded: bool = False) -> None:
    """Declare `reference_messages`: merchants, flags, rule sets and labels behind their tags."""
    parts = []
    for tag, topic in enumerate(TOPICS):
        table = f"reference_{tag}"
        tables.execute_sql(guarded_source(table, topic, servers, group, 0, is_bounded))
        parts.append(
            f"SELECT {tag} AS tag, message_key, message_value FROM {table}"  # noqa: S608 (our own names)
            " WHERE message_value IS NOT NULL"
        )
    union = " UNION ALL ".join(parts)
    tables.execute_sql(f"CREATE TEMPORARY VIEW reference_messages AS {union}")
