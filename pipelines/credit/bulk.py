"""Whole tables of finished features scored in Arrow: tasks read the files, the JVM gets integers.

A task sends the raw score and the greatest packed integers; what follows from them is left to the
expressions, so both ways of scoring give the same columns and the same values.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from pipelines.credit.arrow_scorer import I32, ArrowScorer
from pipelines.credit.errors import ScoringError
from pipelines.credit.expressions import INVALID, RAW_SCORE, finish_scores, worst_names
from pipelines.credit.packing import CODES, told_codes
from pipelines.credit.scorecard import Scorecard
from pipelines.credit.stored_features import StoredFeatures

_TASKS_PER_CORE = 4


def score_stored(
    session: SparkSession, stored: StoredFeatures, card: Scorecard, keep: Sequence[str] = (),
    with_reasons: bool = True,
) -> DataFrame:  # fmt: skip
    """Score all rows of a table; a value without a bin stops it with its code and feature.

    Returns:
        The kept columns and those of `expressions.score_frame`.
    """
    found = _Task(stored, card, tuple(keep), with_reasons, tells=False).frame(session)
    return finish_scores(found, card, keep, with_reasons)


def find_points(
    session: SparkSession, stored: StoredFeatures, card: Scorecard, keep: Sequence[str]
) -> DataFrame:
    """What `finish_scores` needs of every row of a table, with reasons, and `invalid`.

    Returns:
        Kept columns, `raw_score`, `worst_names`, and `invalid`: null, or the first reason why the
        row has no score, as `CODE feature`.
    """
    return _Task(stored, card, tuple(keep), with_reasons=True, tells=True).frame(session)


@dataclass(frozen=True)
class _Task:
    """Scores row groups: `raw_score`, `worst_names` for reasons, and `invalid` if it tells.

    Attributes:
        stored: the table.
        card: the scorecard.
        keep: columns that are passed on.
        with_reasons: the greatest packed integers are wanted.
        tells: rows without a bin are told; otherwise the first one is an error.
    """

    stored: StoredFeatures
    card: Scorecard
    keep: tuple[str, ...]
    with_reasons: bool
    tells: bool

    def frame(self, session: SparkSession) -> DataFrame:
        """The rows of all row groups, a few tasks for each core."""
        worst = worst_names(self.card) if self.with_reasons else []
        kinds = dict.fromkeys(self.keep, "string") | dict.fromkeys([RAW_SCORE, *worst], "int")
        if self.tells:
            kinds[INVALID] = "string"
        count = len(self.stored.groups)
        tasks = min(count, session.sparkContext.defaultParallelism * _TASKS_PER_CORE)
        schema = ", ".join(f"`{name}` {kind}" for name, kind in kinds.items())
        return session.range(0, count, 1, max(tasks, 1)).mapInArrow(self, schema)

    def __call__(self, parts: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Score the row groups whose places are the ids of `parts`."""
        scorer = ArrowScorer(self.card, self.with_reasons)
        for part in parts:
            for number in part.column("id").to_pylist():
                for rows in self.stored.read(number):
                    yield self._score(scorer, rows)

    def _score(self, scorer: ArrowScorer, rows: pa.RecordBatch) -> pa.RecordBatch:
        points = scorer.score(rows)
        is_bad = points.code < 0
        has_bad = is_bad.any()
        if has_bad and not self.tells:
            raise self._error(rows, int(is_bad.argmax()), points.code)
        columns = {name: rows.column(name).cast(pa.string()) for name in self.keep}
        columns[RAW_SCORE] = pa.array(points.raw_score, mask=is_bad if has_bad else None)
        if self.with_reasons:
            columns |= dict(zip(worst_names(self.card), map(pa.array, points.worst), strict=True))
        if self.tells:
            texts = pa.array(told_codes(self.card))
            columns[INVALID] = texts.take(pa.array(-1 - points.code, mask=~is_bad))
        return pa.RecordBatch.from_pydict(columns)

    def _error(self, rows: pa.RecordBatch, row: int, code: I32) -> ScoringError:
        place, kind = divmod(-1 - int(code[row]), len(CODES))
        name = self.card.features[place].name
        return ScoringError(CODES[kind], name, rows.column(name)[row].as_py())
