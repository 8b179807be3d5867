"""Rows of one batch: the good ones to the table in one commit, the bad ones beside it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from pipelines.core.delta_tables import version_of
from pipelines.core.messages import DOUBTFUL
from pipelines.core.privacy import Tokeniser
from pipelines.core.quality import FLAGS, REASON, apply_rules
from pipelines.ingest.bronze import KAFKA, bronze_rows, open_records
from pipelines.ingest.checks import BronzeRule, Policy, row_rules, stop_at_bad_rows
from pipelines.ingest.places import Places

TABLE_PROPERTIES = {
    "delta.dataSkippingStatsColumns": "event_time,kafka_partition,kafka_offset",
    "delta.checkpointInterval": "25",
    "delta.deletedFileRetentionDuration": "interval 7 days",
    "delta.logRetentionDuration": "interval 365 days",
}


@dataclass(frozen=True)
class Stored:
    """What became of some messages.

    Attributes:
        read: messages looked at.
        doubtful: of these, messages that are neither stored nor set aside yet.
        bytes: size of all values, bytes.
        aside: rows set aside, by the rule they broke first.
        warned: rows that broke a rule of policy `warn`, by rule.
        is_new: the table did not have them before.
    """

    read: int
    doubtful: int
    bytes: int
    aside: Counter[str]
    warned: Counter[str]
    is_new: bool

    @property
    def rows(self) -> int:
        """Rows in the table."""
        return self.read - self.doubtful - self.aside.total()


@dataclass(frozen=True)
class RowStore:
    """Where rows go, and what is asked of them.

    Attributes:
        session: a session with Delta.
        places: topic and table.
        rules: rules of the rows by code.
        tokeniser: key of the tokens.
        run_id: the run, for rows set aside.
    """

    session: SparkSession
    places: Places
    rules: Mapping[str, BronzeRule]
    tokeniser: Tokeniser
    run_id: str

    def store(self, tagged: DataFrame, part: str, number: int) -> Stored:
        """Store the messages that are not doubtful; what is there already stays as it is.

        Counts are seen while the rows pass, so that nothing is read twice.

        Args:
            tagged: messages as `tag_messages` gives them.
            part: which messages of the batch these are.
            number: rises with every batch.
        """
        opened, is_clear = open_records(tagged, self.places.subject), ~F.col(DOUBTFUL)
        held = stop_at_bad_rows(opened, self.rules, is_clear)
        marked = apply_rules(held, row_rules(self.rules))
        figures = [*_figures(), *self._rule_figures(is_clear)]
        batch, before = Observation("batch"), version_of(self.places.delta)
        passing = marked.observe(batch, *figures)
        self._append(passing.where(is_clear & F.col(REASON).isNull()), part, number)
        is_new = version_of(self.places.delta) != before
        # Delta runs nothing for a batch it has: then nothing was observed.
        seen = batch.get if is_new else marked.agg(*figures).collect()[0].asDict()
        aside = self._count(seen, "quarantine")
        if aside:
            self._set_aside(marked.where(is_clear & F.col(REASON).isNotNull()), part, number)
        warned = self._count(seen, "warn")
        return Stored(seen["read"], seen["doubtful"], seen["bytes"], aside, warned, is_new)

    def _codes(self, policy: Policy) -> list[str]:
        return [code for code, rule in self.rules.items() if rule.policy == policy]

    def _rule_figures(self, is_clear: Column) -> list[Column]:
        aside = {code: F.col(REASON) == code for code in self._codes("quarantine")}
        warned = {code: F.array_contains(FLAGS, code) for code in self._codes("warn")}
        found = {**aside, **warned}
        return [F.count_if(is_clear & broken).alias(code) for code, broken in found.items()]

    def _count(self, seen: Mapping[str, int], policy: Policy) -> Counter[str]:
        return Counter({code: seen[code] for code in self._codes(policy) if seen[code]})

    def _append(self, good: DataFrame, part: str, number: int) -> None:
        cores = self.session.sparkContext.defaultParallelism  # few files, and no idle task
        rows = bronze_rows(good.coalesce(cores), self.places.subject, self.tokeniser)
        # Not partitioned: a register of 300 people had 254 days, and so 254 files. Statistics on
        # event_time let readers skip files as well.
        writer = rows.write.format("delta").mode("append")
        writer = writer.options(**TABLE_PROPERTIES).option("mergeSchema", "true")
        writer = writer.option("txnAppId", f"ingest/{self.places.topic}/{part}")
        writer.option("txnVersion", number).save(self.places.table)

    def _set_aside(self, bad: DataFrame, part: str, number: int) -> None:
        """Keep the rows with their reason, in a folder that a repeated batch replaces."""
        rows = bronze_rows(bad.coalesce(1), self.places.subject, self.tokeniser, [REASON])
        rows = rows.withColumn("run_id", F.lit(self.run_id))
        rows.write.mode("overwrite").parquet(f"{self.places.aside}/batch={number}-{part}")


def _figures() -> list[Column]:
    return [
        F.count(F.lit(1)).alias("read"),
        F.count_if(F.col(DOUBTFUL)).alias("doubtful"),
        F.coalesce(F.sum(F.col(KAFKA)["size"]), F.lit(0)).alias("bytes"),
    ]
