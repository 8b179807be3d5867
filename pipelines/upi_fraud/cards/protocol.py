"""Split and figures of the Fraud-Detection-Handbook: labels a week late, found cards removed."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from pipelines.upi_fraud.arrays import BoolArray, FloatArray, IntArray
from pipelines.upi_fraud.cards.config import SplitSettings
from pipelines.upi_fraud.cards.features import Cards


@dataclass(frozen=True)
class Figures:
    """Quality of a ranking: areas under ROC and precision-recall, and precision among cards."""

    auc: float
    average_precision: float
    card_precision: float


def split_week(cards: Cards, settings: SplitSettings, week: int) -> tuple[BoolArray, BoolArray]:
    """Masks of training and test payments, `week` weeks after the first.

    On a test day customers are left out whose fraud is known by then: of the training days, and of
    the days after them that are more than the delay ago.
    """
    begin = settings.train_from + timedelta(days=week * settings.test_days)
    start, day = (begin - settings.origin).days, cards.day
    stop = start + settings.train_days
    train = (day >= start) & (day < stop)
    known = np.unique(cards.customer[train & (cards.fraud == 1)])
    test = np.zeros(len(day), bool)
    for number in range(settings.test_days):
        newly = (day == stop + number - 1) & (cards.fraud == 1)
        known = np.union1d(known, cards.customer[newly])
        today = day == stop + settings.delay_days + number
        test |= today & ~np.isin(cards.customer, known)
    return train, test


def measure(cards: Cards, test: BoolArray, score: FloatArray, top: int) -> Figures:
    """Figures of the scores of test payments (`score` has one value per test payment)."""
    fraud = cards.fraud[test]
    return Figures(
        area_under_roc(fraud, score), average_precision(fraud, score),
        card_precision(cards.day[test], cards.customer[test], fraud, score, top),
    )  # fmt: skip


def area_under_roc(fraud: IntArray, score: FloatArray) -> float:
    """Probability that a fraud ranks above a genuine payment; ties count half."""
    order = np.argsort(score, kind="stable")
    values = score[order]
    first = np.searchsorted(values, score, "left")
    last = np.searchsorted(values, score, "right")
    ranks = (first + last + 1) / 2
    positives = int(fraud.sum())
    negatives = len(fraud) - positives
    return float(
        (ranks[fraud == 1].sum() - positives * (positives + 1) / 2) / positives / negatives
    )


def average_precision(fraud: IntArray, score: FloatArray) -> float:
    """Mean precision over the recall steps; equal scores are one step."""
    order = np.argsort(-score, kind="stable")
    found, values = np.cumsum(fraud[order]), score[order]
    ends = np.append(values[1:] != values[:-1], True)
    recall = found[ends] / found[-1]
    precision = found[ends] / (np.flatnonzero(ends) + 1)
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def card_precision(
    day: IntArray, customer: IntArray, fraud: IntArray, score: FloatArray, top: int
) -> float:
    """Share of defrauded cards among the `top` a day, mean over the days.

    A card has the largest score of its payments of the day; cards found are removed on later days.
    """
    found, shares = np.zeros(0, np.int64), []
    for one in np.unique(day):
        rows = (day == one) & ~np.isin(customer, found)
        ids, place = np.unique(customer[rows], return_inverse=True)
        highest, is_fraud = np.full(len(ids), -np.inf), np.zeros(len(ids), np.int64)
        np.maximum.at(highest, place, score[rows])
        np.maximum.at(is_fraud, place, fraud[rows])
        chosen = np.argsort(-highest, kind="stable")[:top]
        shares.append(is_fraud[chosen].sum() / top)
        found = np.union1d(found, ids[chosen][is_fraud[chosen] == 1])
    return float(np.mean(shares))
