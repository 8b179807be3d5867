"""How good the decisions are against the truth of the generator; the figures of the report."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

from pipelines.upi_fraud.config import CostSettings
from pipelines.upi_fraud.facts import Facts
from pipelines.upi_fraud.profile import load_profile
from pipelines.upi_fraud.scorer import action_of

Json = Mapping[str, Any]


@dataclass
class KindFigures:
    """What became of one kind of fraud.

    Attributes:
        episodes, caught: episodes, and those with at least half of their value not approved.
        payments, stopped: payments, and those not approved.
        paise, stopped_paise: their value.
        first_flag_ms: from the first payment of a caught episode to the first one stopped.
    """

    episodes: int = 0
    caught: int = 0
    payments: int = 0
    stopped: int = 0
    paise: int = 0
    stopped_paise: int = 0
    first_flag_ms: list[int] = field(default_factory=list)

    @property
    def recall(self) -> float | None:
        """Share of the episodes caught."""
        return self.caught / self.episodes if self.episodes else None


@dataclass
class Quality:
    """Figures of one run.

    Attributes:
        kinds: by kind of fraud.
        genuine, false_positives: genuine payments, and those not approved.
        cost_rs: expected cost of the mistakes.
    """

    kinds: dict[str, KindFigures]
    genuine: int
    false_positives: int
    cost_rs: float

    @property
    def false_positive_rate(self) -> float | None:
        """Share of the genuine payments not approved."""
        return self.false_positives / self.genuine if self.genuine else None

    def metrics(self) -> dict[str, float | int | None]:
        """Flat figures for run.json."""
        payments = sum(one.payments for one in self.kinds.values())
        stopped = sum(one.stopped for one in self.kinds.values())
        flagged = stopped + self.false_positives
        return {
            **{f"recall_{name}": one.recall for name, one in self.kinds.items()},
            "false_positive_rate": self.false_positive_rate,
            "payment_recall": stopped / payments if payments else None,
            "precision": stopped / flagged if flagged else None,
            "expected_cost_rupees": self.cost_rs,
        }


def evaluate(
    decisions: Iterable[Json], truth: Mapping[str, tuple[str, int]], costs: CostSettings
) -> Quality:
    """Hold decisions to the truth.

    Args:
        decisions: records of `upi.Decision`; only event_time, transaction_id, amount_paise and
            recommended_action are read.
        truth: kind and episode of each fraudulent transaction id.
        costs: what mistakes cost.
    """
    episodes: dict[tuple[str, int], list[Json]] = defaultdict(list)
    tally: Counter[str] = Counter()
    for decision in decisions:
        found = truth.get(decision["transaction_id"])
        if found is not None:
            episodes[found].append(decision)
        else:
            tally["genuine"] += 1
            tally["false"] += decision["recommended_action"] != "APPROVE"
    kinds: dict[str, KindFigures] = defaultdict(KindFigures)
    for (kind, _), payments in sorted(episodes.items()):
        _add_episode(kinds[kind], payments)
    missed = sum(one.payments - one.stopped for one in kinds.values())
    cost = costs.false_positive_rs * tally["false"] + costs.missed_fraud_rs * missed
    return Quality(dict(kinds), tally["genuine"], tally["false"], cost)


def amounts_only(decisions: Iterable[Json]) -> Iterator[Json]:
    """The same payments as the baseline `tiers` decides them, which looks at the amount alone."""
    profile = load_profile("tiers")
    for one in decisions:
        facts = cast(Facts, SimpleNamespace(paise=one["amount_paise"]))
        hits = (rule.check(facts) for rule in profile.rules)
        action = action_of(sum(hit[0] for hit in hits if hit is not None), profile.levels)
        yield {**one, "recommended_action": action}


def _add_episode(figures: KindFigures, payments: Sequence[Json]) -> None:
    stopped = [one for one in payments if one["recommended_action"] != "APPROVE"]
    paise = sum(one["amount_paise"] for one in payments)
    stopped_paise = sum(one["amount_paise"] for one in stopped)
    figures.episodes += 1
    figures.caught += 2 * stopped_paise >= paise
    figures.payments += len(payments)
    figures.stopped += len(stopped)
    figures.paise += paise
    figures.stopped_paise += stopped_paise
    if stopped:
        first = min(one["event_time"] for one in payments)
        figures.first_flag_ms.append(min(one["event_time"] for one in stopped) - first)
