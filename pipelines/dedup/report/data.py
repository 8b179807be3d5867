"""What the dedup report shows, as plain Python and pandas: no Spark, no job types.

The job collects these small tables at the end of a run. Frames may be empty; a figure that needs
labels is None without them. All weights and scores are bits (log2).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pipelines.core.report import Check
from pipelines.core.report_parts import RunPage

if TYPE_CHECKING:
    import pandas as pd

Band = Literal["MATCH", "REVIEW", "NO_MATCH"]
BANDS: tuple[Band, ...] = ("MATCH", "REVIEW", "NO_MATCH")
EvidenceKind = Literal["prior", "comparator", "clamp", "frequency", "biometric"]


@dataclass(frozen=True)
class FieldValue:
    """One field of a record; `clear` is None where the job must not hand it out."""

    name: str
    clear: str | None
    masked: str


@dataclass(frozen=True)
class RecordView:
    """A record as a reader sees it: its token and its fields in the order to show them."""

    token: str
    fields: Sequence[FieldValue]


@dataclass(frozen=True)
class Evidence:
    """One step of a waterfall.

    Attributes:
        name: what is compared, such as `surname`, `address` (a group) or `right thumb`; distinct
            within its kind, and no capture is named like a field.
        kind: `prior`; `comparator` (one weight); `clamp` (what a cap, floor or limit adds or
            takes); `frequency` (rarity of the value); `biometric` (a finger or an iris).
        bits: signed weight.
        level: the agreement in words, such as "same sound or two edits"; empty where there is none.
    """

    name: str
    kind: EvidenceKind
    bits: float
    level: str = ""


@dataclass(frozen=True)
class PairExplanation:
    """A scored pair. The evidence adds up to `score_bits`; `posterior` is in 0..1.

    `reasons` are names of `pipelines.dedup.decide.Reason`, or sentences.
    """

    left: RecordView
    right: RecordView
    band: Band
    score_bits: float
    posterior: float
    evidence: Sequence[Evidence]
    reasons: Sequence[str] = ()


@dataclass(frozen=True)
class ClusterEdge:
    """A match edge between two members, given by their places in `ClusterGraph.members`.

    `score_bits` is NaN for a decision of a reviewer on a pair that was never scored.
    """

    a: int
    b: int
    score_bits: float
    posterior: float
    evidence: Sequence[Evidence] = ()


@dataclass(frozen=True)
class ClusterGraph:
    """A cluster of at least two records with the match edges that hold it together."""

    cluster_id: str
    members: Sequence[RecordView]
    edges: Sequence[ClusterEdge]


@dataclass(frozen=True)
class DedupReport(RunPage):
    """Everything on the page.

    Attributes:
        model_id, plan: of the run; plan such as `depth 4, split 10`.
        is_public: bundled or synthetic data; only then are clear values shown.
        is_labelled: truth was given; else precision and recall are expected values under the model.
        match_posterior, review_posterior: the thresholds of the run, 0..1.
        metrics: the head line by the names of `run.json`: records, quarantined, candidate_pairs,
            clusters, duplicates_found, duplicates_estimated, precision, recall, f1, fpir, fnir,
            reviews_per_million, seconds; optional pair_completeness, reduction_ratio, and the
            95 % intervals `<name>_low`, `<name>_high` of precision, recall, fpir, fnir. None or
            absent shows a dash. Shares are 0..1.
        pairs: sampled pairs, shown up to `max_pairs` a band.
        clusters: sampled clusters, shown up to `max_clusters`, members up to `max_members`.
        weights: comparator, level (int), label, m, u, bits; one row per comparator level.
        thresholds: threshold (bits), precision, recall, f1; ascending, NaN for 0/0.
        histogram: low_bits, high_bits, band, pairs; one row per bin and band.
        buckets: low, high (records in a bucket, inclusive), buckets_before, buckets_after,
            pairs_before, pairs_after (splitting).
        pairs_skipped: pairs that no window made, counted by the split.
        families: family, pairs, completeness, only_completeness; the last two are the shares of
            the true pairs that the family saw, and that no other family saw; null without labels.
        completeness: field, share (0..1 of the records with a value).
        slices: kind (`state`, `duplicate kind`, ...), name, records, true_pairs, precision,
            recall, fpir, fnir; null where there is nothing to count.
        checks: the quality gate.
        previous: `counts` of the last run, if there was one.
        caveats: sentences on what the figures do not say.
    """

    model_id: str
    plan: str
    is_public: bool
    is_labelled: bool
    match_posterior: float
    review_posterior: float
    pairs: Sequence[PairExplanation]
    clusters: Sequence[ClusterGraph]
    weights: "pd.DataFrame"
    thresholds: "pd.DataFrame"
    histogram: "pd.DataFrame"
    buckets: "pd.DataFrame"
    pairs_skipped: int
    families: "pd.DataFrame"
    completeness: "pd.DataFrame"
    slices: "pd.DataFrame"
    checks: Sequence[Check]
    caveats: Sequence[str]
    previous: Mapping[str, int] | None = None
    max_pairs: int = 20
    max_clusters: int = 60
    max_members: int = 40
