"""Compare a finished run with the truth; the figures that the README quotes come from here.

    python -m pipelines.dedup.evaluate --lake ./lake --truth truth.csv

Reads the tables of the newest published run and prints precision, recall and F1 on the closure of
the clusters, B-cubed, FPIR and FNIR with 95 % intervals, and the same per state. Records without
truth are left out and counted.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.core.cli import main_guard
from pipelines.dedup.evaluation_metrics import (
    PairCounts,
    Rate,
    bcubed,
    count_pairs,
    identify,
    pairs_by_slice,
    rates_by_slice,
)
from pipelines.dedup.evaluation_pairs import FamilyCompleteness, family_completeness
from pipelines.dedup.labelled import Labelled

I64 = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Evaluation:
    """Figures of a run; `slices` has a row per slice as the report shows it."""

    records: int
    clusters: int
    pairs: PairCounts
    bcubed: tuple[float | None, float | None, float | None]
    rates: Mapping[str, Rate]
    families: Mapping[str, FamilyCompleteness]
    slices: Sequence[Mapping[str, Any]]

    def metrics(self) -> dict[str, float | None]:
        """Flat figures for `run.json`; `_low` and `_high` are 95 % intervals, None is 0/0."""
        names = ("bcubed_precision", "bcubed_recall", "bcubed_f1")
        reviewed = self.rates["reviewed"].value
        figures: dict[str, float | None] = {
            "labelled_records": self.records,
            "clusters": self.clusters,
            "true_pairs": self.pairs.recall.trials,
            "found_pairs": self.pairs.precision.trials,
            "f1": self.pairs.f1,
            **dict(zip(names, self.bcubed, strict=True)),
            "reviews_per_million": None if reviewed is None else 1e6 * reviewed,
        }
        rates = {"precision": self.pairs.precision, "recall": self.pairs.recall}
        rates |= {name: rate for name, rate in self.rates.items() if name != "reviewed"}
        rates["pair_completeness"] = self.families["all"].completeness
        for name, rate in rates.items():
            low, high = rate.interval() or (None, None)
            figures |= {name: rate.value, f"{name}_low": low, f"{name}_high": high}
        return figures


def evaluate(run: Labelled) -> Evaluation:
    """Compute all figures of a run; arrays only, no engine."""
    outcome = identify(run.cluster, run.entity, run.order, run.reviews)
    pairs = count_pairs(run.cluster, run.entity)
    is_true = run.entity[run.edges[0]] == run.entity[run.edges[1]]
    slices: list[dict[str, Any]] = []
    for kind, labels in run.slices.items():
        counts = pairs_by_slice(run.cluster, run.entity, run.order, labels)
        for name, rates in rates_by_slice(outcome, labels).items():
            slices.append({"kind": kind, "name": name, **_slice_row(counts[name], rates)})
    return Evaluation(
        records=len(run.cluster),
        clusters=len(np.unique(run.cluster)),
        pairs=pairs,
        bcubed=bcubed(run.cluster, run.entity),
        rates=outcome.rates(),
        families=family_completeness(is_true, run.families, pairs.recall.trials),
        slices=slices,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; exit codes as for every job."""
    parser = argparse.ArgumentParser(
        prog="python -m pipelines.dedup.evaluate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--lake", default="./lake", help="lake root (default %(default)s)")
    parser.add_argument(
        "--truth", required=True, type=Path, help="CSV or Parquet: record_id, entity_id"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args(arguments)
    return main_guard(lambda: _run(options.lake, options.truth, options.json))


def _run(lake: str, truth: Path, as_json: bool) -> None:
    from pipelines.dedup.evaluation_input import label_run, read_run

    run, unlabelled = label_run(read_run(lake), truth)
    evaluation = evaluate(run)
    figures = {"unlabelled_records": unlabelled, **evaluation.metrics()}
    if as_json:
        print(json.dumps({"metrics": figures, "slices": evaluation.slices}))
    else:
        _print_tables(figures, evaluation)


def _slice_row(pairs: PairCounts, rates: Mapping[str, Rate]) -> dict[str, float | None]:
    return {
        "records": rates["reviewed"].trials,
        "true_pairs": pairs.recall.trials,
        "precision": pairs.precision.value,
        "recall": pairs.recall.value,
        "fpir": rates["fpir"].value,
        "fnir": rates["fnir"].value,
    }


def _print_tables(figures: Mapping[str, float | None], evaluation: Evaluation) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    head = Table("figure", "value", title="Run against truth")
    for name, value in figures.items():
        head.add_row(name, _show(value))
    families = Table("key family", "pairs", "completeness", "found by it only", title="Keys")
    for name, family in evaluation.families.items():
        share = _show(family.completeness.value)
        families.add_row(name, _show(family.pairs), share, _show(family.only))
    console.print(head, families)
    if evaluation.slices:
        slices = Table(*evaluation.slices[0], title="Slices")
        for row in evaluation.slices:
            slices.add_row(*(_show(value) for value in row.values()))
        console.print(slices)


def _show(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:.5f}"


if __name__ == "__main__":
    sys.exit(main())
