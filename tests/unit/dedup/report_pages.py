"""The page that most tests of the report look at: the sample with a script for a name."""

import dataclasses

from pipelines.dedup.report import DedupReport, FieldValue, RecordView

EVIL = "<script>alert(1)</script>"
CHARTS = {
    "thresholds", "scores", "pair", "cluster", "link", "weights", "buckets", "recall", "families",
    "completeness", "steps",
}  # fmt: skip


def with_name(data: DedupReport, clear: str | None, masked: str) -> DedupReport:
    """Give the first record of every pair, and of the first cluster, this given name."""
    name = FieldValue("given_name", clear, masked)
    view = RecordView("t0_AAAAAAAAAAAAAAAAAAAAAAAAAA", [name, *data.pairs[0].left.fields[1:]])
    pairs = [dataclasses.replace(pair, left=view) for pair in data.pairs]
    first, *others = data.clusters
    first = dataclasses.replace(first, members=[view, *first.members[1:]])
    return dataclasses.replace(data, pairs=pairs, clusters=[first, *others])
