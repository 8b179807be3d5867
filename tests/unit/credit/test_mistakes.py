"""Known mistakes of other scoring software that need no engine: each naive form fails here."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import pipelines.credit
from pipelines.credit.catalog import FeatureSpec
from pipelines.credit.challenger import train_challenger
from pipelines.credit.config import ChallengerSettings, CreditConfig, SyntheticSettings
from pipelines.credit.drift import compare
from pipelines.credit.fairness import compare_groups
from pipelines.credit.generate import AS_OF
from pipelines.credit.samples import Sample
from pipelines.credit.scorer import score_row
from pipelines.credit.synthetic.people import GROUPS, HARMED, make_people, stream
from tests.unit.credit.example_card import example_card, row

CONFIG = CreditConfig()
SOURCES = sorted(Path(pipelines.credit.__path__[0]).rglob("*.py"))
WALL_CLOCK = re.compile(r"\bnow\(|\btoday\(|time\.time\(|current_(date|timestamp)")


def test_k3_no_feature_and_no_score_knows_the_wall_clock():
    assert WALL_CLOCK.search('days.where(F.col("day") < F.current_date())'), "the naive form"
    told = {file.name for file in SOURCES if WALL_CLOCK.search(file.read_text("utf-8"))}
    assert told == set(), "only the `runs` row says when it was written, and core writes it"


def test_k9_points_alone_make_a_score_whatever_the_bins_were_measured_with():
    """optbinning #412: scores changed with the metric the table was shown in."""
    card = example_card()
    bins = [replace(b, woe=-b.woe - 1, iv=0.5, good=1, bad=9) for b in card.features[0].bins]
    measured = replace(card.features[0], bins=tuple(bins), coefficient=3.0)
    other = example_card(features=(measured, *card.features[1:]))
    assert score_row(card, row()) == score_row(other, row())
    assert card.sha256 != other.sha256, "but it is another scorecard"
    by_rate = max(b.bad / (b.good + b.bad) for b in bins)
    assert by_rate != max(b.bad / (b.good + b.bad) for b in card.features[0].bins), "the naive form"


def test_k14_missing_is_not_zero_for_the_challenger():
    """xgboost #6489: sparse vectors turn missing into zero."""
    rng = np.random.default_rng(0)
    absent = rng.random(2_000) < 0.5
    values = np.where(absent, np.nan, 0.0)
    is_bad = (rng.random(2_000) < np.where(absent, 0.8, 0.1)).astype(np.int64)
    specs = (FeatureSpec("used", "number", ("t.used",), "Use"),)
    settings = ChallengerSettings(trees=20)
    made = train_challenger(Sample({"used": values}, is_bad), specs, settings, seed=0)
    missing, zero = made.predict(Sample({"used": np.array([np.nan, 0.0])}, np.zeros(2, np.int64)))
    assert missing > zero + 0.2
    naive = Sample({"used": np.nan_to_num(values)}, is_bad)
    flat = train_challenger(naive, specs, settings, seed=0).predict(naive)
    assert np.ptp(flat) < 1e-6


def test_k19_the_challenger_trains_on_the_driver():
    """xgboost #11380: barrier stages hang where executors come and go."""
    distributed = re.compile(r"xgboost\.spark|\.barrier\(")
    assert distributed.search("from xgboost.spark import SparkXGBClassifier"), "the naive form"
    assert not [file for file in SOURCES if distributed.search(file.read_text("utf-8"))]


def test_c11_a_shift_raises_an_alarm_and_twenty_rows_do_not():
    rng = np.random.default_rng(3)
    edges = np.quantile(rng.normal(size=20_000), np.linspace(0.1, 0.9, 9))

    def counts(shift, rows):
        places = np.searchsorted(edges, rng.normal(shift, 1, rows))
        return np.bincount(places, minlength=10).tolist()

    training = counts(0.0, 20_000)
    assert compare("score", training, counts(1.0, 5_000), CONFIG.drift).flag == "ALARM"
    assert compare("score", training, counts(0.0, 5_000), CONFIG.drift).flag == "OK"
    few = [compare("score", training, counts(0.0, 20), CONFIG.drift) for _ in range(30)]
    assert max(one.psi for one in few) > CONFIG.drift.warn, "the naive form raises an alarm"
    assert {one.flag for one in few} <= {"OK", "UNDECIDED"}


@pytest.mark.parametrize(("disparity", "is_flagged"), [(0.0, False), (1.0, True)])
def test_c20_four_fifths_on_a_planted_and_on_no_disparity(disparity, is_flagged):
    settings = SyntheticSettings(disparity=disparity)
    day = (AS_OF - AS_OF.replace(year=1970, month=1, day=1)).days
    people = make_people(stream(7, 0), np.arange(20_000), day, settings)
    name, harmed = HARMED
    is_selected = people.risk < 0.5
    groups = {
        group: (int((people.groups[name] == n).sum()), int(is_selected[people.groups[name] == n].sum()))
        for n, group in enumerate(GROUPS[name])
    }  # fmt: skip
    rates = {rate.group: rate.is_fair for rate in compare_groups(name, groups, CONFIG.fairness)}
    assert rates.pop(GROUPS[name][harmed]) is not is_flagged
    assert all(rates.values())
