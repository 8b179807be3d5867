"""Applications from a real Kafka get the scores that the same rows get from files."""

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame, SparkSession

from pipelines.core.catalogue import load_catalogue
from pipelines.core.errors import ConfigError
from pipelines.core.kafka import delete_records
from pipelines.core.runlog import RunLog
from pipelines.core.wire import Wire
from pipelines.credit.config import CreditConfig
from pipelines.credit.generate import AS_OF, write_population
from pipelines.credit.lake import SCORES, CreditLake
from pipelines.credit.pipeline import run
from pipelines.credit.request import Request
from pipelines.credit.topics import TOPICS
from pipelines.ingest.dlq import Filter, read_letters
from pipelines.produce.files import read_records
from tests.stack.tools import publish

INPUT = "kafka://credit.applications.v1"
CONFIG = CreditConfig().model_copy(
    update={
        "fit": CreditConfig().fit.model_copy(update={"min_class_rows": 20, "folds": 2}),
        "challenger": CreditConfig().challenger.model_copy(update={"is_trained": False}),
        "synthetic": CreditConfig().synthetic.model_copy(update={"monthly_transactions": 0.5}),
    }
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = write_population(1000, tmp_path_factory.mktemp("credit"), CONFIG)
    shutil.rmtree(made / "fairness")  # is on no topic
    observed = ds.dataset(made / "outcomes").to_table(filter=ds.field("observed_date") <= AS_OF)
    shutil.rmtree(made / "outcomes")
    (made / "outcomes").mkdir()
    pq.write_table(observed, made / "outcomes" / "part-0.parquet")  # later ones have not happened
    return made


def send_tables(servers: str, folder: Path) -> dict[str, int]:
    """Every table on its topic, and two broken messages beside the applications."""
    sent = {}
    for table, topic in TOPICS.items():
        declared = load_catalogue().topics[topic]
        if declared.kind != "ref":  # a compacted topic gives up no records
            delete_records(servers, topic)
        subject = declared.record
        wire, records = Wire(subject), read_records(folder / table, subject)
        messages = [(wire.encode(one), one["event_time"]) for one in records]
        sent[table] = len(messages)
        if table == "applications":
            good, moment = messages[0]
            messages += [(b"", moment), (good + b"!", moment)]
        publish(servers, topic, messages)
    return sent


def score(spark: SparkSession, given: str, lake: Path, as_of: date = AS_OF) -> dict[str, Any]:
    """One whole run; returns its counts."""
    request = Request("run", given, str(lake), as_of=as_of)
    return dict(run(spark, CONFIG, request, RunLog("credit_score", "", as_of)).counts)


def scores(spark: SparkSession, lake: Path) -> DataFrame:
    return CreditLake(spark, str(lake)).read(SCORES).drop("run_id")


@pytest.mark.timeout(600)
def test_a_topic_scores_like_the_files(
    spark: SparkSession, servers: str, folder: Path, tmp_path: Path
) -> None:
    sent = send_tables(servers, folder)
    from_topic = score(spark, INPUT, tmp_path / "topic")
    from_files = score(spark, str(folder), tmp_path / "files")
    assert from_topic["in"] == from_topic["out"] + from_topic["rejected"] + from_topic["dlq"]
    assert (from_topic["dlq"], from_files["dlq"]) == (2, 0)
    assert sent["applications"] + 2 == from_topic["in"] + from_topic["duplicates"]
    assert {n: c for n, c in from_topic.items() if n not in ("in", "dlq")} == {
        n: c for n, c in from_files.items() if n not in ("in", "dlq")
    }
    found, wanted = (scores(spark, tmp_path / name) for name in ("topic", "files"))
    assert found.count() == wanted.count() > 0
    assert found.exceptAll(wanted).count() == 0
    letters = list(read_letters(servers, TOPICS["applications"], Filter()))
    assert sorted(one["error_code"] for one in letters) == ["E_SHORT", "E_TRAILING"]
    assert {one["job"] for one in letters} == {"credit_score"}


def test_another_topic_is_refused(spark: SparkSession, servers: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"give kafka://credit\.applications\.v1"):
        score(spark, "kafka://credit.outcomes.v1", tmp_path / "none")
