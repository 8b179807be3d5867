"""One batch: good messages to the table in one commit, the others set aside or to the dead letters.

A batch that is repeated after a crash changes nothing: the commit carries the number of the batch,
which Delta refuses to take twice; rows set aside take the place of those of the same number; and a
dead letter has the same key and bytes again.
"""

from dataclasses import dataclass

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines.core.dead_letters import Judge
from pipelines.core.errors import GateError
from pipelines.core.judging import judge, rescue, send_letters
from pipelines.core.messages import DOUBTFUL, tag_messages
from pipelines.ingest.checks import STOP
from pipelines.ingest.config import IngestConfig
from pipelines.ingest.places import JOB, Places
from pipelines.ingest.progress import batch_offsets, stamp
from pipelines.ingest.result import Tally
from pipelines.ingest.row_store import RowStore, Stored


@dataclass(frozen=True)
class BatchWriter:
    """Stores the batches of a run.

    Attributes:
        rows: where rows go.
        servers: bootstrap servers for dead letters.
        config: settings of the job.
        job_version: commit of the code.
        tally: counts up what is done.
    """

    rows: RowStore
    servers: str
    config: IngestConfig
    job_version: str
    tally: Tally

    @property
    def session(self) -> SparkSession:
        """The session of the run."""
        return self.rows.session

    @property
    def places(self) -> Places:
        """Topic and table of the run."""
        return self.rows.places

    def write(self, raw: DataFrame, batch_id: int) -> None:
        """Store one batch; called by Spark, which repeats it until it succeeds.

        Raises:
            GateError: a row breaks a rule that stops the run, or too many are set aside.
        """
        number = stamp(batch_offsets(self.session, self.places, batch_id))
        tagged = tag_messages(raw, self.places.subject)
        stored = self._store(tagged, "good", number)
        self.tally.read += stored.read
        self.tally.bytes += stored.bytes
        if stored.doubtful:
            self._settle_doubtful(tagged, number)
        self.tally.batches += 1
        self.tally.repeated += not stored.is_new
        self._hold_limit()

    def _store(self, tagged: DataFrame, part: str, number: int) -> Stored:
        try:
            stored = self.rows.store(tagged, part, number)
        except Exception as error:
            if (where := str(error).find(STOP)) < 0:
                raise
            code = str(error)[where + len(STOP) :].split()[0].strip("'\".,;")
            self._stop(f"a row breaks {code}, whose policy is fail; its batch is not stored")
            raise
        self.tally.stored += stored.rows
        self.tally.aside += stored.aside
        self.tally.warned += stored.warned
        return stored

    def _settle_doubtful(self, tagged: DataFrame, number: int) -> None:
        """Send dead letters; a row that was good after all is stored."""
        by = Judge(JOB, self.job_version)
        verdicts = judge(tagged, self.places.subject, by, self.config.doubtful_partitions).persist()
        try:
            dead = send_letters(verdicts, self.servers)
            self.tally.dead += dead
            if verdicts.count() > dead.total():
                rescued = rescue(tagged, verdicts).withColumn(DOUBTFUL, F.lit(False))
                self._store(rescued, "rescued", number)
        finally:
            verdicts.unpersist()

    def _hold_limit(self) -> None:
        found, config = self.tally.found(), self.config
        if found.decoded < config.gate_rows or not found.quarantined:
            return
        if found.quarantined > config.quarantine_limit * found.decoded:
            told = ", ".join(f"{code} {n}" for code, n in sorted(self.tally.aside.items()))
            self._stop(f"{found.quarantined} of {found.decoded} rows are set aside ({told})")
            raise GateError(self.tally.stopped)

    def _stop(self, told: str) -> None:
        self.tally.stopped = (
            f"quality gate of {self.places.table}: {told}. Mend what the producer sends, or raise"
            " quarantine_limit; the rules are in conf/stack/quality.yaml."
        )
