"""Owner of the Spark session, and of what Spark says when it cannot read."""

import atexit
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Thread

from py4j.java_gateway import java_import  # type: ignore[import-untyped]
from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
from pyspark import SparkContext, inheritable_thread_target
from pyspark.errors import AnalysisException, PySparkException
from pyspark.sql import SparkSession

from pipelines.core.endpoints import S3_ENDPOINT, object_store, secret_name, stack_environment

READ_ERRORS = (AnalysisException, Py4JJavaError)
"""What opening a table raises: Spark's own error, or that of a file broken in the JVM."""

RUN_ERRORS = (PySparkException, Py4JJavaError)
"""What a query that runs raises, and what looking at a file through the JVM does."""

DEFAULTS = {
    "spark.ui.enabled": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "50000",
    "spark.driver.maxResultSize": "0",
    # By default a task opens a file for each of up to 200 partitions: slower than to sort its rows.
    "spark.shuffle.sort.bypassMergeThreshold": "8",
    "spark.python.daemon.module": "pipelines.core.daemon",
    # Over TCP every task of Python waits 40 ms for an acknowledgement that is held back.
    "spark.python.unix.domain.socket.enabled": "true",
    # To tell the JVM the line in Python of each column takes longer than to make the column.
    "spark.python.sql.dataFrameDebugging.enabled": "false",
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.databricks.delta.stats.skipping": "true",
}

_HELPERS = ("PythonUtils", "PythonRDD", "SerDeUtil", "SimplePythonFunction")
"""Java classes that PySpark asks for by these names all the time."""


def build_session(
    app: str, options: Mapping[str, str] | None = None, master: str | None = None
) -> SparkSession:
    """Get or create the session of a job; `options` win over the defaults.

    Where the environment names an object store and holds the key of the user `app`, `s3a://` paths
    lead there.
    """
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # workers run this environment
    builder = SparkSession.builder.appName(app)
    if master:
        builder = builder.master(master)
    for key, value in {**DEFAULTS, **s3a_options(app), **(options or {})}.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    _name_helpers(session.sparkContext)
    _end_quietly(session.sparkContext)
    return session


@cache
def _name_helpers(context: SparkContext) -> None:
    """Say where the helpers are; else each time they are looked for in many packages and jars."""
    for name in _HELPERS:
        java_import(context._jvm, f"org.apache.spark.api.python.{name}")


@cache
def _end_quietly(context: SparkContext) -> None:
    """At exit, let Spark say nothing of tasks that the end cuts short, and leave no file behind.

    The file is the socket by which the JVM tells counts; only a session that is stopped removes it.
    """
    address = context._accumulatorServer.server_address

    def end() -> None:
        with suppress(Exception):  # a session that was stopped, or a JVM that is gone
            context.setLogLevel("OFF")
        if isinstance(address, str):
            Path(address).unlink(missing_ok=True)

    atexit.register(end)


def start_workers(session: SparkSession) -> Thread:
    """Start the Python workers beside other work, in one task: their imports take seconds.

    A plain task needs no SQL, so it starts while the session still makes its catalogue. Spark has a
    daemon for each environment of workers: this one is that of SQL, which names one variable more.
    A run that ends before them takes the session away, and then their failure means nothing.
    """

    def start() -> None:
        with suppress(Exception):
            context = session.sparkContext
            context.environment["SPARK_SIMPLIFIED_TRACEBACK"] = "1"
            context.parallelize([0], 1).mapPartitions(_pass_on).collect()

    thread = Thread(target=inheritable_thread_target(session)(start), daemon=True)
    thread.start()
    return thread


def _pass_on(rows: Iterable[int]) -> Iterator[int]:
    yield from rows


_JAVA_CLASS = r"(?:[\w$]+\.)+[\w$]+: "


def read_failure(error: Exception) -> str:
    """What one of `READ_ERRORS` says of its cause, without the names of Java's classes.

    That is the last cause; without one the first line, or the second of an error of the JVM.
    """
    text = str(error)
    if causes := re.findall(rf"Caused by: {_JAVA_CLASS}(\S[^\n]*)", text):
        return str(causes[-1])
    line = text.splitlines()[isinstance(error, Py4JJavaError)]
    return re.sub(rf"^: {_JAVA_CLASS}", "", line)


def s3a_options(job: str) -> dict[str, str]:
    """Settings with which `s3a://` paths lead to the object store, as the user of a job."""
    env = stack_environment()
    if not (env.get(S3_ENDPOINT) and env.get(secret_name(job))):
        return {}
    store = object_store(job, env)
    settings = {
        "endpoint": store.url,
        "access.key": store.access_key,
        "secret.key": store.secret_key,
        "endpoint.region": "us-east-1",
        "path.style.access": "true",
        "connection.ssl.enabled": str(store.is_secure).lower(),
        "aws.credentials.provider": "org.apache.hadoop.fs.s3a.SimpleAWSCredentialsProvider",
        # A store that is away is told within half a minute instead of after several.
        "attempts.maximum": "3",
        "retry.limit": "4",
        "connection.establish.timeout": "5s",
        "connection.timeout": "20s",
    }
    return {f"spark.hadoop.fs.s3a.{key}": value for key, value in settings.items()}
