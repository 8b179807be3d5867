"""The generated population: equal bytes for equal seeds, its defects, and no real identifier."""

import hashlib
import re

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from pipelines.credit.config import CreditConfig
from pipelines.credit.generate import AS_OF, TABLES, TRUTH, make_block, write_population

CONFIG = CreditConfig()


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return write_population(1500, tmp_path_factory.mktemp("population"), CONFIG)


def digest(folder):
    return {
        f.parent.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in folder.rglob("*.parquet")
    }


def test_equal_seeds_give_equal_bytes(place, tmp_path):
    again = write_population(1500, tmp_path, CONFIG)
    assert digest(again) == digest(place)
    other = write_population(1500, tmp_path, CONFIG.model_copy(update={"seed": 8}))
    assert digest(other)["transactions"] != digest(place)["transactions"]


def test_a_block_depends_on_no_other(place):
    whole = pq.read_table(place / "applications")
    alone = dict(make_block(1, np.arange(1000, 1500), AS_OF, CONFIG))["applications"]
    assert whole.slice(len(whole) - len(alone)).equals(alone)


def test_it_has_the_defects_it_promises(place):
    rows = pq.read_table(place / "transactions")
    amounts, used = rows["transaction_amount_paise"], rows["credit_utilization"]
    assert pc.sum(pc.less_equal(amounts, 0)).as_py() > 0
    assert pc.sum(pc.greater(used, 10)).as_py() > 0
    keys = pc.binary_join_element_wise(rows["customer_id"], rows["transaction_id"], ":")
    assert len(keys) > len(pc.unique(keys))


def test_identifiers_are_tokens(place):
    tokens = pq.read_table(place / "applications")["customer_id"].to_pylist()
    assert all(re.fullmatch(r"t0_[A-Z2-7]{26}", one) for one in tokens)


def test_every_application_has_a_probability_and_outcomes_follow_it(place):
    truth, outcomes = (pq.read_table(place / name).to_pandas() for name in (TRUTH, "outcomes"))
    assert truth["probability"].between(0, 1).all()
    assert set(truth["application_id"]) == set(outcomes["application_id"])
    both = truth.merge(outcomes.dropna(subset=["is_default"]), on="application_id")
    gap = both["is_default"].astype(float).mean() - both["probability"].mean()
    assert abs(gap) < 4 * np.sqrt(both["probability"].mean() / len(both))
    assert sorted(p.name for p in place.iterdir()) == sorted([*TABLES, TRUTH])


def test_hot_rows_and_shift():
    settings = CONFIG.synthetic.model_copy(update={"hot_rows": 500, "shift": 0.5})
    changed = CONFIG.model_copy(update={"synthetic": settings})
    plain = dict(make_block(0, np.arange(1000), AS_OF, CONFIG))["transactions"]
    hot = dict(make_block(0, np.arange(1000), AS_OF, changed))["transactions"]
    assert len(hot) == len(plain) + 500
    assert pc.mean(hot["credit_utilization"]).as_py() > pc.mean(plain["credit_utilization"]).as_py()
