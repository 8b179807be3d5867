"""Figures of a finished run, for `run.json`, the closing table and the report."""

from pipelines.ingest.compaction import Compaction
from pipelines.ingest.result import Tally

Metrics = dict[str, float | int | None]


def measure(tally: Tally, files: Compaction, seconds: float) -> Metrics:
    """All metrics of `run.json`; a rate is None where nothing was read.

    Args:
        tally: what the batches counted.
        files: of the table, after its last compaction.
        seconds: of the query, its start included.
    """
    return {
        "records_per_second": tally.read / seconds if tally.read else None,
        "megabytes_per_second": tally.bytes / 1e6 / seconds if tally.read else None,
        "batches": tally.batches,
        "repeated_batches": tally.repeated,
        "files": files.files,
        "small_files": files.small,
        "compacted_files": files.removed,
        **{f"dlq_{code.lower()}": number for code, number in sorted(tally.dead.items())},
        **{f"rejected_{code.lower()}": number for code, number in sorted(tally.aside.items())},
    }
