"""One batch: good messages to the table in one commit, the others to the dead-letter topic.

A batch that is repeated after a crash changes nothing: the commit carries the number of the batch,
which Delta refuses to take twice, and a dead letter has the same key and bytes again.
"""

from collections import Counter
from dataclasses import dataclass, field

from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from pipelines.core.delta_tables import version_of
from pipelines.core.privacy import Tokeniser
from pipelines.ingest.bronze import bronze_rows
from pipelines.ingest.config import IngestConfig
from pipelines.ingest.dead_letters import judge
from pipelines.ingest.decode import DOUBTFUL, tag_messages
from pipelines.ingest.places import Places
from pipelines.ingest.progress import batch_offsets, stamp

TABLE_PROPERTIES = {
    "delta.dataSkippingStatsColumns": "event_time,kafka_partition,kafka_offset",
    "delta.checkpointInterval": "25",
    "delta.deletedFileRetentionDuration": "interval 7 days",
    "delta.logRetentionDuration": "interval 365 days",
}


@dataclass
class Tally:
    """What a run has done so far.

    Attributes:
        read: messages taken from the topic.
        stored: rows in the table.
        dead: dead letters by code.
        bytes: size of all values, bytes.
        batches: finished batches.
        repeated: batches that an earlier run had stored already.
    """

    read: int = 0
    stored: int = 0
    dead: Counter[str] = field(default_factory=Counter)
    bytes: int = 0
    batches: int = 0
    repeated: int = 0

    def counts(self) -> dict[str, int]:
        """Counts of the run manifest."""
        return {"in": self.read, "out": self.stored, "dlq": self.dead.total()}


@dataclass(frozen=True)
class BatchWriter:
    """Stores the batches of a run.

    Attributes:
        session: a session with Delta and Kafka.
        places: topic and table.
        servers: bootstrap servers for dead letters.
        config: settings of the job.
        tokeniser: key of the tokens.
        job_version: commit of the code.
        tally: counts up what is done.
    """

    session: SparkSession
    places: Places
    servers: str
    config: IngestConfig
    tokeniser: Tokeniser
    job_version: str
    tally: Tally

    def write(self, raw: DataFrame, batch_id: int) -> None:
        """Store one batch; called by Spark, which repeats it until it succeeds."""
        number = stamp(batch_offsets(self.session, self.places, batch_id))
        tagged = tag_messages(raw, self.places.subject)
        read, doubtful, size, is_new = self._store_good(tagged, number)
        dead: Counter[str] = Counter()
        rescued = 0
        if doubtful:
            dead, rescued = self._settle_doubtful(tagged, number)
        self.tally.read += read
        self.tally.stored += read - doubtful + rescued
        self.tally.dead += dead
        self.tally.bytes += size
        self.tally.batches += 1
        self.tally.repeated += not is_new

    def _store_good(self, tagged: DataFrame, number: int) -> tuple[int, int, int, bool]:
        """Append what decoded cleanly; counts are seen while the rows pass."""
        figures = [
            F.count(F.lit(1)).alias("read"),
            F.count_if(F.col(DOUBTFUL)).alias("doubtful"),
            F.coalesce(F.sum(F.length("value")), F.lit(0)).alias("bytes"),
        ]
        seen, before = Observation("batch"), version_of(self.places.delta)
        observed = tagged.observe(seen, *figures).where(~F.col(DOUBTFUL))
        self._append(observed, "good", number)
        is_new = version_of(self.places.delta) != before
        # Delta runs nothing for a batch it has: then nothing was observed.
        row = seen.get if is_new else tagged.agg(*figures).collect()[0].asDict()
        return row["read"], row["doubtful"], row["bytes"], is_new

    def _append(self, tagged: DataFrame, part: str, number: int) -> None:
        cores = self.session.sparkContext.defaultParallelism  # few files, and no idle task
        rows = bronze_rows(tagged.coalesce(cores), self.places.subject, self.tokeniser)
        # Not partitioned: a register of 300 people had 254 days, and so 254 files. Statistics on
        # event_time let readers skip files as well.
        writer = rows.write.format("delta").mode("append")
        writer = writer.options(**TABLE_PROPERTIES).option("mergeSchema", "true")
        writer = writer.option("txnAppId", f"ingest/{self.places.topic}/{part}")
        writer.option("txnVersion", number).save(self.places.table)

    def _settle_doubtful(self, tagged: DataFrame, number: int) -> tuple[Counter[str], int]:
        """Dead letters by code, and rows that were good after all (and are appended)."""
        verdicts = judge(
            tagged, self.places.subject, self.job_version, self.config.doubtful_partitions
        ).persist()
        try:
            bad = verdicts.where("code IS NOT NULL")
            bad.select("topic", "key", "value").write.format("kafka").options(
                **{"kafka.bootstrap.servers": self.servers, "kafka.acks": "all"}
            ).save()
            found = verdicts.groupBy("code").count().collect()
            dead = Counter({row["code"]: row["count"] for row in found if row["code"]})
            rescued = sum(row["count"] for row in found if row["code"] is None)
            if rescued:
                keys = verdicts.where("code IS NULL").select("partition", "offset")
                good = tagged.join(F.broadcast(keys), ["partition", "offset"], how="left_semi")
                self._append(good, "rescued", number)
            return dead, rescued
        finally:
            verdicts.unpersist()
