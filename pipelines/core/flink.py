"""Owner of the Flink environment: checkpoints, restarts and interpreter as the house has them.

`flink_tables.py` has the DDL of topics, `flink_types.py` that of contracts. Importing this module
loads no engine.
"""

import os
import sys
import sysconfig
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from pipelines.core.config import JobConfig
from pipelines.core.endpoints import ObjectStore
from pipelines.core.errors import DependencyError
from pipelines.core.flink_classes import use_recorded_classes
from pipelines.core.flink_gateway import keep_own_connections
from pipelines.core.flink_jvm import generated_classes, share_rpc
from pipelines.core.jars import spark_home
from pipelines.core.machine import LIBRARY_REMEDY, find_java, python_library

if TYPE_CHECKING:
    from pyflink.table import StreamTableEnvironment


class FlinkSettings(JobConfig):
    """Settings that every Flink job has."""

    parallelism: int = Field(2, ge=1, description="parallel instances of an operator (chosen)")
    max_parallelism: int = Field(128, ge=1, description="key groups (chosen)")
    checkpoint_seconds: float = Field(30, gt=0, description="checkpoint interval (given)")
    checkpoint_timeout_seconds: float = Field(600, gt=0, description="of one checkpoint (chosen)")
    tolerable_failures: int = Field(3, ge=0, description="checkpoints that may fail (chosen)")
    restart_initial_seconds: float = Field(1, gt=0, description="first restart delay (given)")
    restart_max_seconds: float = Field(60, gt=0, description="longest restart delay (given)")
    restart_attempts: int = Field(10, ge=1, description="restarts before the job fails (chosen)")
    execution_mode: Literal["process", "thread"] = Field(
        "process", description="where Python operators run (chosen)"
    )
    buffer_timeout_ms: int = Field(100, ge=0, description="wait of a network buffer (chosen)")
    watermark_interval_ms: int = Field(200, ge=1, description="between watermarks (chosen)")
    idle_seconds: float = Field(60, gt=0, description="silent partitions are left out (given)")
    transaction_minutes: int = Field(15, ge=1, description="of an exact sink (chosen)")


def flink_options(
    job: str, settings: FlinkSettings, state: str | None = None, store: ObjectStore | None = None
) -> dict[str, str]:
    """Configuration of a job as Flink's own keys.

    Args:
        job: name of the job.
        settings: the settings.
        state: URI for checkpoints and savepoints, such as `s3://bucket/job`; None keeps
            checkpoints in memory, unless `checkpoints_in` names a folder.
        store: end point of `s3://` URIs.
    """
    options = {
        "pipeline.name": job,
        "parallelism.default": str(settings.parallelism),
        "pipeline.max-parallelism": str(settings.max_parallelism),
        "pipeline.object-reuse": "true",
        "pipeline.auto-watermark-interval": f"{settings.watermark_interval_ms} ms",
        "table.local-time-zone": "UTC",
        "table.exec.source.idle-timeout": f"{settings.idle_seconds:g} s",
        "execution.buffer-timeout.interval": f"{settings.buffer_timeout_ms} ms",
        "python.execution-mode": settings.execution_mode,
        "python.executable": sys.executable,
        "python.client.executable": sys.executable,
        **_recovery(settings),
    }
    if state:
        options |= {
            "state.backend.type": "rocksdb",
            "execution.checkpointing.storage": "filesystem",
            "execution.checkpointing.incremental": "true",
            "execution.checkpointing.dir": f"{state}/checkpoints",
            "execution.checkpointing.savepoint-dir": f"{state}/savepoints",
        }
    return options | (s3_options(store) if store else {})


def checkpoints_in(folder: Path) -> dict[str, str]:
    """Options that keep checkpoints in a folder; state itself stays in memory.

    Without them Flink keeps checkpoints in memory and refuses more than 5 MiB of a task's state.
    """
    return {
        "execution.checkpointing.storage": "filesystem",
        "execution.checkpointing.dir": folder.as_uri(),
    }


def _recovery(settings: FlinkSettings) -> dict[str, str]:
    checkpoint = {
        "mode": "EXACTLY_ONCE",
        "interval": f"{settings.checkpoint_seconds * 1000:.0f} ms",
        "min-pause": f"{settings.checkpoint_seconds * 500:.0f} ms",
        "timeout": f"{settings.checkpoint_timeout_seconds:g} s",
        "tolerable-failed-checkpoints": str(settings.tolerable_failures),
        "externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        "unaligned.enabled": "true",
        "aligned-checkpoint-timeout": "30 s",
    }
    delay = {
        "initial-backoff": f"{settings.restart_initial_seconds * 1000:.0f} ms",
        "max-backoff": f"{settings.restart_max_seconds * 1000:.0f} ms",
        "backoff-multiplier": "2.0",
        "jitter-factor": "0.5",
        "reset-backoff-threshold": "10 min",
        "attempts-before-reset-backoff": str(settings.restart_attempts),
    }
    return {
        **{f"execution.checkpointing.{key}": value for key, value in checkpoint.items()},
        "restart-strategy.type": "exponential-delay",
        **{f"restart-strategy.exponential-delay.{key}": value for key, value in delay.items()},
    }


def s3_options(store: ObjectStore) -> dict[str, str]:
    """Where `s3://` URIs lead, for the file system plugin."""
    return {
        "s3.endpoint": store.url,
        "s3.access-key": store.access_key,
        "s3.secret-key": store.secret_key,
        "s3.path.style.access": "true",
    }


@cache
def require_java() -> None:
    """Look once for the Java that starts with the first environment.

    Raises:
        DependencyError: there is none, or it is of another version.
    """
    find_java()


def build_environment(
    options: Mapping[str, str], is_batch: bool = False
) -> "StreamTableEnvironment":
    """A table environment, in this process or, under `flink run`, on the cluster.

    Raises:
        DependencyError: no fitting Java; or thread mode, and Python has no shared library: Flink
            would only try again.
    """
    if options.get("python.execution-mode") == "thread" and python_library() is None:
        raise DependencyError(
            "Flink's thread mode loads Python's shared library, and this Python has none."
            f" {LIBRARY_REMEDY}"
        )
    prepare_jvm()
    from pyflink.common import Configuration
    from pyflink.datastream import RuntimeExecutionMode, StreamExecutionEnvironment
    from pyflink.java_gateway import get_gateway
    from pyflink.table import EnvironmentSettings, StreamTableEnvironment

    keep_own_connections(get_gateway()._gateway_client)
    configuration = Configuration()
    for key, value in {**generated_classes(), **options}.items():
        configuration.set_string(key, value)
    stream = StreamExecutionEnvironment.get_execution_environment(configuration)
    settings = EnvironmentSettings.new_instance().in_streaming_mode()
    if is_batch:
        stream.set_runtime_mode(RuntimeExecutionMode.BATCH)
        settings = EnvironmentSettings.new_instance().in_batch_mode()
    return StreamTableEnvironment.create(
        stream, environment_settings=settings.with_configuration(configuration).build()
    )


def stop_with_savepoint(job: Any, folder: str) -> str:
    """Stop a running job with a savepoint; returns where it is.

    PyFlink 2.3 has a call of this name, which asks for a method that Flink 2 has no more.

    Args:
        job: result of a submitted job.
        folder: URI of a folder that takes the savepoint.
    """
    from pyflink.java_gateway import get_gateway

    kind = get_gateway().jvm.org.apache.flink.core.execution.SavepointFormatType.CANONICAL
    client = job.get_job_client()._j_job_client
    return str(client.stopWithSavepoint(False, folder, kind).get())


def prepare_jvm() -> None:
    """Set what Flink's JVM and its workers look at when they start.

    Raises:
        DependencyError: no fitting Java.
    """
    prepare_interpreter()
    if "PYFLINK_GATEWAY_PORT" in os.environ:  # `flink run` has started the JVM
        return
    require_java()
    use_recorded_classes()
    share_rpc()


def prepare_interpreter(env: "os._Environ[str] | None" = None) -> None:
    """Let Flink's JVM and its Python workers find this environment; before the JVM starts.

    Workers in thread mode look at PYTHONPATH only. PySpark brings what Flink's artefacts come
    without: Hadoop's classes for Parquet, and the codec of topics that are compressed with zstd.
    """
    target = os.environ if env is None else env
    scripts, packages = str(Path(sys.executable).parent), sysconfig.get_paths()["purelib"]
    _put_first(target, "PATH", scripts)
    _put_first(target, "PYTHONPATH", packages)
    folder = spark_home() / "jars"
    jars = [jar for name in ("hadoop-client-*", "zstd-jni-*") for jar in folder.glob(f"{name}.jar")]
    target.setdefault("HADOOP_CLASSPATH", os.pathsep.join(sorted(map(str, jars))))


def _put_first(env: "os._Environ[str]", name: str, entry: str) -> None:
    entries = [one for one in env.get(name, "").split(os.pathsep) if one]
    if entry not in entries:
        env[name] = os.pathsep.join([entry, *entries])
