"""Configuration of the model on card transactions: every number, with its unit and its origin.

What a fraud of the simulation looks like (amounts, durations, shares) is documented with the data
and marked `given`; nothing of it is read from the labels of the weeks that are predicted.
"""

from datetime import date

from pydantic import Field

from pipelines.core.config import JobConfig


class SplitSettings(JobConfig):
    """Weeks of training, delay and test (Le Borgne and others 2022, chapter 5)."""

    origin: date = Field(date(2018, 4, 1), description="day 0 of the table's seconds (given)")
    train_from: date = Field(date(2018, 7, 25), description="first training day (given)")
    train_days: int = Field(7, ge=1, description="training days (given)")
    delay_days: int = Field(7, ge=1, description="a label is known so many days later (given)")
    test_days: int = Field(7, ge=1, description="days tested (given)")
    weeks: int = Field(4, ge=1, description="prequential weeks (given)")
    top: int = Field(100, ge=1, description="cards looked at a day (given)")


class PatternSettings(JobConfig):
    """How accounts and terminals are misused, for the posterior probabilities."""

    terminal_days: int = Field(28, ge=1, description="a terminal stays compromised (given)")
    terminal_rate: float = Field(2e-4, gt=0, lt=1, description="terminals a day (given)")
    customer_days: int = Field(14, ge=1, description="a customer stays compromised (given)")
    customer_rate: float = Field(6e-4, gt=0, lt=1, description="customers a day (given)")
    customer_share: float = Field(1 / 3, gt=0, lt=1, description="payments misused (given)")
    customer_times: float = Field(5.0, gt=1, description="their amounts are multiplied (given)")
    amount_over: float = Field(220.0, gt=0, description="always fraud above (given)")
    deviation_share: float = Field(0.5, gt=0, description="deviation over mean amount (given)")
    look_back_days: int = Field(64, ge=29, description="days of a terminal looked at (chosen)")
    other_fraud: float = Field(0.004, gt=0, lt=1, description="odds of another fraud (chosen)")
    history: int = Field(200, ge=10, description="payments behind a customer's mean (chosen)")
    trim: float = Field(2.2, gt=1, description="amounts over so many medians are left out (chosen)")
    prior_mean: float = Field(53.0, gt=0, description="mean of a new customer (chosen)")
    prior_payments: int = Field(3, ge=1, description="worth of that prior in payments (chosen)")


class BoostSettings(JobConfig):
    """Gradient boosting on top of the posterior; chosen on the weeks before the test weeks."""

    depth: int = Field(4, ge=1, description="depth of a tree (chosen)")
    rounds: int = Field(200, ge=1, description="trees (chosen)")
    rate: float = Field(0.03, gt=0, le=1, description="learning rate (chosen)")
    rows: float = Field(0.7, gt=0, le=1, description="share of the rows for a tree (chosen)")
    columns: float = Field(0.7, gt=0, le=1, description="share of the columns (chosen)")
    min_child_weight: float = Field(2.0, ge=0, description="least weight of a leaf (chosen)")
    l2: float = Field(5.0, ge=0, description="penalty of leaf values (chosen)")
    members: int = Field(2, ge=1, description="models of different seeds, averaged (chosen)")


class CardConfig(JobConfig):
    """All settings; `conf/fraud_model.yaml` and `--set section.key=value` change them."""

    seed: int = Field(0, ge=0, description="seed of the first model (chosen)")
    split: SplitSettings = SplitSettings()
    pattern: PatternSettings = PatternSettings()
    boost: BoostSettings = BoostSettings()
