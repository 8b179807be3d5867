"""What the scores of a business day say: performance, drift, fairness; one small table each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.credit.config import CreditConfig, FairnessSettings
from pipelines.credit.drift import Drift, compare
from pipelines.credit.expressions import bin_expression
from pipelines.credit.fairness import GroupRate, Proxy, compare_groups, find_proxies
from pipelines.credit.fitting import count_between
from pipelines.credit.metrics import ScoreCounts
from pipelines.credit.packing import CODES
from pipelines.credit.scorecard import Scorecard

UNTOLD = "not told"
"""Group of customers whose attribute is unknown."""


@dataclass(frozen=True)
class Fairness:
    """Selection rates by group, and features that give a group away."""

    rates: list[GroupRate]
    proxies: list[Proxy]

    @property
    def least_ratio(self) -> float | None:
        """Smallest ratio among the judged groups."""
        ratios = [rate.ratio for rate in self.rates if rate.ratio is not None]
        return min(ratios, default=None)


def score_counts(scores: DataFrame, outcomes: DataFrame) -> ScoreCounts:
    """Goods and bads by raw score of the scored applications whose outcome is known."""
    labels = outcomes.where("is_default IS NOT NULL").select("application_id", "is_default")
    rows = scores.where("raw_score IS NOT NULL").join(labels, "application_id", how="inner")
    found = rows.groupBy("raw_score").agg(
        F.count_if(~F.col("is_default")).alias("good"), F.count_if("is_default").alias("bad")
    )
    table: pd.DataFrame = found.orderBy("raw_score").toPandas()
    return ScoreCounts(*(table[name].to_numpy(dtype=np.int64) for name in table.columns))


def distribution(scores: DataFrame) -> dict[int, int]:
    """Applications by raw score."""
    rows = scores.where("raw_score IS NOT NULL").groupBy("raw_score").count().collect()
    return {row["raw_score"]: row["count"] for row in rows}


def bin_number(card: Scorecard, place: int) -> Column:
    """Number of the bin of one feature; -1 for a value without a bin."""
    feature = card.features[place]
    numbers = [str(i) for i in range(len(feature.bins))]
    return F.expr(bin_expression(feature, numbers, ["-1"] * len(CODES)))


def bin_pairs(rows: DataFrame, card: Scorecard, keep: Sequence[str] = ()) -> DataFrame:
    """A row per application and feature: place of the feature and number of its bin."""
    pairs = [
        F.struct(F.lit(place).alias("feature"), bin_number(card, place).alias("bin"))
        for place in range(len(card.features))
    ]
    spread = rows.select(*keep, F.explode(F.array(*pairs)).alias("pair"))
    return spread.select(*keep, "pair.feature", "pair.bin")


def find_drift(
    rows: DataFrame, scores: DataFrame, card: Scorecard, config: CreditConfig
) -> list[Drift]:
    """Drift of the score and of every feature against training.

    Args:
        rows: applications with features.
        scores: their scores.
        card: scorecard with the distributions of its training.
        config: limits.
    """
    by_score = distribution(scores)
    values = np.repeat(list(by_score), list(by_score.values())).astype(np.int64)
    found = [
        compare("score", card.score_counts, count_between(values, card.score_edges), config.drift)
    ]
    counts = {
        (row["feature"], row["bin"]): row["count"]
        for row in bin_pairs(rows, card).groupBy("feature", "bin").count().collect()
    }
    for place, feature in enumerate(card.features):
        expected = [one.good + one.bad for one in feature.bins]
        actual = [counts.get((place, i), 0) for i in range(len(feature.bins))]
        found.append(compare(feature.name, expected, actual, config.drift))
    return found


def find_unfairness(
    rows: DataFrame, scores: DataFrame, attributes: DataFrame, card: Scorecard,
    settings: FairnessSettings,
) -> Fairness:  # fmt: skip
    """Selection rates and proxies; attributes are joined here and nowhere else.

    Args:
        rows: applications with features.
        scores: their scores.
        attributes: `credit.FairnessAttribute` rows.
        card: the scorecard.
        settings: line, limits and attributes.
    """
    names = [name for name in settings.attributes if name in attributes.columns]
    told = attributes.groupBy("customer_id").agg(*(F.max(name).alias(name) for name in names))
    stacked = F.explode(
        F.array(*(
            F.struct(F.lit(n).alias("attribute"), F.coalesce(n, F.lit(UNTOLD)).alias("group"))
            for n in names
        ))
    )  # fmt: skip
    people = told.select("customer_id", stacked.alias("one")).select("customer_id", "one.*")
    rates = _rates(scores.where("score IS NOT NULL").join(people, "customer_id"), settings)
    proxies = _proxies(rows.join(people, "customer_id"), card, settings)
    return Fairness(rates, proxies)


def _rates(scored: DataFrame, settings: FairnessSettings) -> list[GroupRate]:
    is_selected = F.col("score") >= settings.approval_score
    found = scored.groupBy("attribute", "group").agg(
        F.count(F.lit(1)).alias("rows"), F.count_if(is_selected).alias("selected")
    )
    by_attribute: dict[str, dict[str, tuple[int, int]]] = {}
    for row in found.collect():
        groups = by_attribute.setdefault(row["attribute"], {})
        groups[row["group"]] = (row["rows"], row["selected"])
    return [
        rate
        for name in sorted(by_attribute)
        for rate in compare_groups(name, by_attribute[name], settings)
    ]


def _proxies(people: DataFrame, card: Scorecard, settings: FairnessSettings) -> list[Proxy]:
    keys = ["attribute", "group"]
    pairs: pd.DataFrame = (
        bin_pairs(people, card, keys).groupBy(*keys, "feature", "bin").count().toPandas()
    )
    found: list[Proxy] = []
    for (attribute, place), part in pairs.groupby(["attribute", "feature"], sort=True):
        table = part.pivot_table("count", "bin", "group", aggfunc="sum", fill_value=0)
        groups = [str(name) for name in table.columns]
        name = card.features[int(place)].name
        counts = table.to_numpy(dtype=np.int64)
        found += find_proxies(name, str(attribute), groups, counts, settings)
    return found
