"""What a validator asks first: purpose, data and limits of a scorecard, and who is not in it."""

from pipelines.core.report import Block, Bullets, Section, Table
from pipelines.core.report_parts import show_count, show_percent
from pipelines.credit.result import Run
from pipelines.credit.scorecard import Scorecard
from pipelines.credit.training import Training

_LIMITS = (
    (
        "Refused as features, whatever they are called: gender, religion, caste, age, marital"
        " status, dependents; and as proxies state, pincode, language and surname."
    ),
    "Thin files get no score and no probability, only their reason.",
    "Generated data says nothing about real people or real groups.",
)
_ADVICE = (
    (
        "Scores of applicants unlike those once accepted rest on extrapolation; watch the drift of"
        " each feature before trusting them."
    ),
    (
        "To learn about them, accept a small random share below the line and train on its outcomes;"
        " a guessed label only repeats the old decision."
    ),
)


def model_card_section(card: Scorecard | None) -> Section:
    """Purpose, data, limits."""
    training = card.training if card else {}
    facts = [
        (
            "Purpose: rank and price applications by probability of default within 365 days; the"
            " decision to lend is not made here."
        ),
        (
            f"Fitted on {show_count(training.get('rows'))} outcomes,"
            f" {show_count(training.get('bads'))} defaults, of"
            f" {', '.join(training.get('as_of_dates', ())) or 'the given table'}."
        ),
        *_LIMITS,
    ]
    if card and card.is_benchmark_only:
        facts.append(
            "BENCHMARK_ONLY: made with protected attributes to compare methods; it cannot be"
            " registered and scores nobody."
        )
    return Section("card", "Model card", "What this model is for, and what not", [Bullets(facts)])


def reject_inference_section(state: Run) -> Section:
    """Who has no say in the scorecard: counted, never labelled."""
    blocks: list[Block] = []
    if state.training:
        rows = _known_and_unknown(state.training)
        total = sum(n for _, n in rows)
        told = [(name, show_count(n), show_percent(n / total, 1)) for name, n in rows]
        blocks.append(Table(("outcomes of earlier applications", "rows", "share"), told, "lrr"))
    lead = (
        "Whoever was refused a loan never had the chance to repay it. Nothing is inferred for them:"
        " no label is made up, and no row is weighted in their place."
    )
    blocks.append(Bullets(list(_ADVICE)))
    return Section("rejects", "Reject inference", "Who is not in training", blocks, lead)


def _known_and_unknown(training: Training) -> list[tuple[str, int]]:
    bads = int(training.sample.is_bad.sum())
    return [
        ("trained on, repaid", len(training.sample) - bads),
        ("trained on, defaulted", bads),
        ("indeterminate, left out", training.indeterminate),
        ("thin file, left out", training.thin),
    ]
