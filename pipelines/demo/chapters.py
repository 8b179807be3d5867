"""The jobs of the demo: what each is asked, with which flags, and which figures are shown."""

from collections.abc import Callable
from dataclasses import dataclass

from pipelines.core.report_parts import show_count, show_percent

Show = Callable[[float | None], str]


@dataclass(frozen=True)
class Figure:
    """A metric of `run.json`, its name for readers, and how it is written."""

    metric: str
    label: str
    show: Show = show_count


@dataclass(frozen=True)
class OnStack:
    """The same job with Kafka and MinIO.

    Attributes:
        domain: of `python -m pipelines produce`, which sends `records` of it first.
        records: of the domain's largest topic.
        flags: of the job; tables are on MinIO where the job writes tables.
        bronze: topic that `jobs/ingest.py` stores for the job; None = it reads topics itself.
    """

    domain: str
    records: int
    flags: tuple[str, ...]
    bronze: str | None = None


@dataclass(frozen=True)
class Chapter:
    """One job of the demo.

    Attributes:
        job: its entry point is `jobs/<job>.py`.
        question: what it answers.
        about: its data, in one sentence.
        flags: of its command line, without services.
        figures: what the index shows; the first leads.
        on_stack: the same with Kafka and MinIO.
    """

    job: str
    question: str
    about: str
    flags: tuple[str, ...]
    figures: tuple[Figure, ...]
    on_stack: OnStack


def show_tenths(share: float | None) -> str:
    """A share as a percentage with one digit."""
    return show_percent(share, 1)


CHAPTERS = (
    Chapter(
        "dedup",
        "Who is enrolled twice?",
        "FEBRL 3: 5,000 records of 2,000 persons, found without labels and then held to them.",
        ("--input", "febrl3"),
        (
            Figure("duplicates_found", "duplicates found"),
            Figure("precision", "precision", show_percent),
            Figure("recall", "recall", show_percent),
            Figure("review_pairs", "pairs left to a reviewer"),
        ),
        OnStack(
            "identity",
            1000,
            (
                "--input",
                "s3a://sangam-bronze/identity/enrolments_v1",
                "--lake",
                "s3a://sangam-silver/identity",
            ),
            bronze="identity.enrolments.v1",
        ),
    ),
    Chapter(
        "credit_score",
        "Who will pay back?",
        "A generated population with two years of account history: trained, scored and watched.",
        ("--input", "synthetic:4000"),
        (
            Figure("auc", "AUC of later applications", show_tenths),
            Figure("ks", "Kolmogorov-Smirnov distance", show_tenths),
            Figure("scored", "applications scored"),
            Figure("four_fifths_min", "least ratio of approval rates", show_percent),
        ),
        OnStack(
            "credit",
            200_000,
            (
                "--input",
                "kafka://credit.applications.v1",
                "--as-of",
                "2026-03-01",
                "--lake",
                "s3a://sangam-silver/credit",
            ),
        ),
    ),
    Chapter(
        "seat_allocation",
        "Who gets which berth?",
        "A generated railway day under quotas, RAC and waitlists, compared with the optimum.",
        ("--input", "synthetic:10000"),
        (
            Figure("confirmed", "passengers with a berth"),
            Figure("utilisation", "demand on the seats", show_tenths),
            Figure("optimum_gap", "passengers below the optimum", show_percent),
            Figure("double_sold", "seats sold twice"),
        ),
        OnStack(
            "rail",
            10_000,
            (
                "--input",
                "kafka://rail.booking_requests.v1",
                "--lake",
                "s3a://sangam-silver/rail",
            ),
        ),
    ),
    Chapter(
        "upi_fraud",
        "Which payment is a fraud?",
        "Generated payments with planted frauds, decided one by one in Flink.",
        ("--input", "synthetic:20000"),
        (
            Figure("payment_recall", "fraudulent payments stopped", show_percent),
            Figure("false_positive_rate", "good payments questioned", show_percent),
            Figure("blocked", "payments blocked"),
            Figure("decisions_per_second", "decisions a second"),
        ),
        OnStack("upi", 20_000, ("--stack", "--once")),
    ),
    Chapter(
        "viewer_analytics",
        "Who is watching, and how well?",
        "A generated match in Flink, corrected as late events arrive.",
        ("--viewers", "500"),
        (
            Figure("peak_concurrent_viewers", "most viewers at a time"),
            Figure("rebuffering_ratio", "share of the time spent stalled", show_percent),
            Figure("startup_p95_ms", "start-up of the slowest twentieth, ms"),
            Figure("sessions", "sessions"),
        ),
        OnStack("viewer", 40_000, ("--stack", "--seconds", "60")),
    ),
)
