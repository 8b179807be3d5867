"""Train and test the fraud model on a table of card transactions; writes run.json and report.html.

make fraud-model DATA=card_transactions.parquet REPORT=reports/fraud_model
python -m pipelines.upi_fraud.cards.train --data card_transactions.parquet
"""

import sys
from argparse import Namespace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.core.cli import job_parser, main_guard
from pipelines.core.errors import ConfigError

if TYPE_CHECKING:
    from pipelines.core.runlog import RunLog
    from pipelines.core.summary import RunSummary
    from pipelines.upi_fraud.arrays import BoolArray, FloatArray
    from pipelines.upi_fraud.cards.config import CardConfig
    from pipelines.upi_fraud.cards.features import Cards
    from pipelines.upi_fraud.cards.outcome import Week

JOB = "fraud_model"


def main() -> int:
    """Parse the arguments, train, test, print the figures."""
    parser = job_parser(JOB, __doc__, "pipelines.upi_fraud.cards.config:CardConfig")
    parser.prog = "python -m pipelines.upi_fraud.cards.train"
    parser.add_argument("--data", type=Path, required=True, metavar="FILE", help="Parquet table")
    given = parser.parse_args()
    return main_guard(lambda: _run(given), given.debug)


def _run(given: Namespace) -> None:
    from pipelines.core.config import load_config
    from pipelines.core.runlog import RunLog
    from pipelines.core.summary import print_table
    from pipelines.upi_fraud.cards.config import CardConfig
    from pipelines.upi_fraud.cards.outcome import write_model, write_report

    config = load_config(CardConfig, JOB, given.config, given.sets)
    if not given.data.is_file():
        raise ConfigError(f"--data {given.data}: no such file. Give the Parquet table of cards.")
    summary = _summary(config, given)
    log = RunLog(JOB, summary.run_id, summary.as_of, style=given.log)
    weeks = _train_and_test(config, given.data, given.dry_run, summary, log)
    log.close(summary)
    summary.check_accounting()
    if not given.dry_run:
        write_model(weeks, config, summary, given.report)
        write_report(weeks, summary, given.report / "report.html")
        summary.write_run_json(given.report)
    print_table(summary, given.log)


def _summary(config: "CardConfig", given: Namespace) -> "RunSummary":
    from pipelines.core.summary import begin_summary
    from pipelines.upi_fraud.cards.outcome import table_digest

    as_of, digest = given.as_of or datetime.now(UTC).date(), table_digest(given.data)
    return begin_summary(JOB, config, as_of, digest, {given.data.name: digest})


def _train_and_test(
    config: "CardConfig", data: Path, is_dry: bool, summary: "RunSummary", log: "RunLog"
) -> "list[Week]":
    """Train on each prequential week, test on the week two weeks later; fill the summary."""
    import pyarrow.parquet as pq

    from pipelines.upi_fraud.cards.features import make_features, read_cards
    from pipelines.upi_fraud.cards.outcome import metrics_of
    from pipelines.upi_fraud.cards.protocol import split_week

    with log.step("read"):
        cards = read_cards(pq.read_table(data))
    number = len(cards.fraud)
    summary.counts = {"read": number, "in": number, "out": number}
    splits = [split_week(cards, config.split, week) for week in range(config.split.weeks)]
    for week, (train, test) in enumerate(splits):
        if not cards.fraud[train].any() or not cards.fraud[test].any():
            raise ConfigError(
                f"{data.name}: week {week} has no fraud to learn from or to find; split.train_from"
                f" is {config.split.train_from}, the table has {cards.day.max() + 1} days."
            )
    if is_dry:
        summary.status = "dry_run"
        return []
    with log.step("features") as step:
        features, step.rows = make_features(cards, config), number
    with log.step("train"):
        weeks = [_train_week(cards, features, masks, config) for masks in splits]
    summary.metrics = metrics_of(weeks)
    summary.metrics["features_per_second"] = number / max(log.seconds["features"], 1e-9)
    return weeks


def _train_week(
    cards: "Cards", features: "FloatArray", masks: "tuple[BoolArray, BoolArray]",
    config: "CardConfig",
) -> "Week":  # fmt: skip
    """Train on one week, test on another."""
    from pipelines.upi_fraud.cards.boost import MARGIN, score, train_members
    from pipelines.upi_fraud.cards.outcome import Week
    from pipelines.upi_fraud.cards.protocol import measure

    train, test = masks
    top = config.split.top
    members = train_members(features[train], cards.fraud[train], config.boost, config.seed)
    found = score(members, features[test])
    return Week(
        int(train.sum()), int(cards.fraud[train].sum()), int(test.sum()),
        int(cards.fraud[test].sum()), measure(cards, test, found, top),
        measure(cards, test, features[test, MARGIN], top), members, found, cards.fraud[test],
        cards.amount[test],
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
