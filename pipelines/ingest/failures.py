"""Failures of a running query: which of them may pass, and how they are told."""

from pipelines.core.errors import DependencyError, SangamError
from pipelines.ingest.places import Places

_KAFKA = (
    "org.apache.kafka.common.errors",
    "org.apache.kafka.clients",
    "Failed to construct kafka",
    "TimeoutException",
)
_AGAIN = "Once it answers, run the job again: it goes on behind the last stored message."
_STORE = (
    "fs.s3a",
    "S3AFileSystem",
    "AWSClientIOException",
    "SdkClientException",
    "NoHttpResponse",
    "Generic S3 error",  # Delta's own client
)
_NETWORK = ("java.net.ConnectException", "Connection refused", "SocketTimeoutException")
_LASTING = (
    "UnknownTopicOrPartition",
    "AccessDenied",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "OffsetOutOfRange",
    "data loss",
)


_AFTER_REPEAT = "scala.collection.IterableOps.map"
"""Spark 4.1's Kafka source reports a batch that it repeats after a crash with a null pointer, when
the batch is done and noted; the next start goes on behind it."""


def is_transient(error: Exception) -> bool:
    """Whether trying again may help: a server is away, not a wrong name, key or record."""
    text = str(error)
    if any(word in text for word in _LASTING):
        return False
    return any(word in text for word in (*_KAFKA, *_STORE, *_NETWORK, _AFTER_REPEAT))


def told_in_a_line(error: Exception) -> str:
    """The part of a failure's text that tells the cause: of a query, of the JVM, or of another."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    first = lines[0]
    if cause := first.partition("terminated with exception: ")[2]:
        return cause
    return lines[1].lstrip(": ") if first.startswith("An error occurred while") else first


def explain_failure(error: Exception, places: Places, servers: str) -> SangamError:
    """One sentence, and exit code 5 where a server is to blame."""
    text = str(error)
    if "data loss" in text or "OffsetOutOfRange" in text:
        return SangamError(
            f"Messages of {places.topic} were deleted before they were stored: the retention is"
            f" shorter than the pause of this job. To go on without them, remove"
            f" {places.checkpoint}; the table then says where to begin."
        )
    if any(word in text for word in _STORE):
        where = places.table.partition("://")[2].partition("/")[0]
        return DependencyError(
            f"The object store failed for {where} and did not recover in time. {_AGAIN}"
        )
    if is_transient(error) or "UnknownTopicOrPartition" in text:
        return DependencyError(
            f"Kafka at {servers} failed for {places.topic} and did not recover in time. {_AGAIN}"
        )
    return SangamError(text.partition("JVM stacktrace")[0].strip())
