"""The sample run with another name in it."""

import dataclasses

from pipelines.dedup.report import DedupReport, FieldValue, RecordView


def with_name(data: DedupReport, clear: str | None, masked: str) -> DedupReport:
    """Give the first record of every pair, and of the first cluster, this given name."""
    name = FieldValue("given_name", clear, masked)
    view = RecordView("t0_AAAAAAAAAAAAAAAAAAAAAAAAAA", [name, *data.pairs[0].left.fields[1:]])
    pairs = [dataclasses.replace(pair, left=view) for pair in data.pairs]
    first, *others = data.clusters
    first = dataclasses.replace(first, members=[view, *first.members[1:]])
    return dataclasses.replace(data, pairs=pairs, clusters=[first, *others])
