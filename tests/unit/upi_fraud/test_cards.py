"""The model on card payments: no look ahead, the metrics, the split."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.core.errors import ContractError
from pipelines.upi_fraud.cards.config import CardConfig
from pipelines.upi_fraud.cards.features import FEATURES, Cards, make_features, read_cards
from pipelines.upi_fraud.cards.protocol import (
    area_under_roc,
    average_precision,
    card_precision,
    split_week,
)
from tests.unit.upi_fraud import oracle

CONFIG = CardConfig()
DAY = 86_400


def draw_cards(seed=1, number=4_000, days=60):
    rng = np.random.default_rng(seed)
    fraud = (rng.random(number) < 0.05).astype(np.int64)
    return Cards(
        np.sort(rng.integers(0, days * DAY, number)), rng.integers(0, 40, number),
        rng.integers(0, 60, number), np.round(rng.lognormal(3.5, 0.8, number), 2), fraud,
    )  # fmt: skip


def head(cards, number):
    return Cards(
        *(
            getattr(cards, name)[:number]
            for name in ("seconds", "customer", "terminal", "amount", "fraud")
        )
    )


def test_later_rows_change_no_feature():
    cards = draw_cards()
    whole, part = make_features(cards, CONFIG), make_features(head(cards, 2_500), CONFIG)
    assert np.array_equal(whole[:2_500], part)


def test_labels_younger_than_the_delay_change_no_feature():
    cards = draw_cards()
    row = 3_000
    hidden = (cards.seconds > cards.seconds[row] - 7 * DAY) & (cards.seconds <= cards.seconds[row])
    turned = Cards(
        cards.seconds,
        cards.customer,
        cards.terminal,
        cards.amount,
        np.where(hidden, 1 - cards.fraud, cards.fraud),
    )
    assert np.array_equal(make_features(cards, CONFIG)[row], make_features(turned, CONFIG)[row])


def test_a_known_fraud_raises_its_terminal_and_a_known_genuine_payment_clears_it():
    def terminal(labels):
        seconds = np.array([day * DAY for day in (1, 10, 11, 12, 20)])
        cards = Cards(
            seconds, np.arange(5), np.zeros(5, np.int64), np.full(5, 40.0), np.array([*labels, 0])
        )
        return make_features(cards, CONFIG)[4, FEATURES.index("terminal_logit")]

    assert terminal([0, 1, 1, 1]) > 5
    assert terminal([0, 1, 1, 0]) < -5
    assert terminal([0, 0, 0, 0]) < -5


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32), st.integers(2, 40), st.integers(1, 7))
def test_areas_equal_the_slow_ones(seed, rows, values):
    """Drawn from a seed; few values give many ties."""
    rng = np.random.default_rng(seed)
    labels, scores = rng.integers(0, 2, rows), rng.integers(0, values, rows).astype(float)
    labels[:2] = 0, 1
    assert area_under_roc(labels, scores) == pytest.approx(oracle.area_under_roc(labels, scores))
    assert average_precision(labels, scores) == pytest.approx(
        oracle.average_precision(labels, scores)
    )


def test_cards_found_are_removed_on_later_days():
    day, customer = np.array([0, 0, 1, 1]), np.array([1, 2, 1, 3])
    fraud, score = np.array([1, 0, 1, 1]), np.array([0.9, 0.1, 0.9, 0.2])
    assert (
        card_precision(day, customer, fraud, score, 1) == 1.0
    )  # day 1: card 1 is gone, 3 is found
    assert card_precision(day, customer, fraud, score, 2) == 0.5


def test_the_split_leaves_out_customers_known_by_then():
    first = (CONFIG.split.train_from - CONFIG.split.origin).days
    days = np.array([first, first + 6, first + 7, first + 14, first + 14, first + 16, first + 16])
    customer = np.array([1, 2, 3, 1, 3, 3, 4])
    fraud = np.array([1, 0, 1, 0, 0, 0, 1])
    cards = Cards(days * DAY, customer, customer, np.ones(7), fraud)
    train, test = split_week(cards, CONFIG.split, 0)
    assert train.tolist() == [True, True, False, False, False, False, False]
    assert test.tolist() == [False, False, False, False, True, False, True]


def test_a_table_without_a_column_is_refused():
    with pytest.raises(ContractError, match="terminal_id"):
        read_cards(pa.table({"transaction_id": [1]}))
