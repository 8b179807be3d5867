"""A model file: saved, loaded, bit-identical; anything changed by hand is refused."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.core.errors import ConfigError
from pipelines.dedup.comparators import Comparator
from pipelines.dedup.config import ScoreSettings
from pipelines.dedup.dependence import Dependence
from pipelines.dedup.key_source import Plan
from pipelines.dedup.model import Model, TermFrequencies, check_model, load_model
from pipelines.dedup.score import Clamp, Household, Weights

COMPARATORS = (Comparator("name", "text"), Comparator("sex", "gender", "g", True))


@pytest.fixture
def model() -> Model:
    rng = np.random.default_rng(1)
    shares = [rng.dirichlet(np.ones(c.levels)) for c in (*COMPARATORS, *COMPARATORS)]
    household = Household(0.001, tuple(shares[:2]), {"g": Clamp(0.4, 0.1, 0.2, 0.7)})
    weights = Weights(
        COMPARATORS, tuple(shares[:2]), tuple(shares[2:]), 1 / 3000,
        {"g": Clamp(0.543, 1.35e-6, 0.27, 0.88)}, ScoreSettings(), household,
        (Dependence("name", "sex", 1 / 3),),
    )  # fmt: skip
    frequencies = {"name": TermFrequencies({"asha": 0.1, "रवि": 1 / 3}, 0.001, 0.02)}
    cuts = np.array([5, 2**64 - 1], dtype=np.uint64)
    return Model(weights, 1000, Plan(2, 50, cuts), frequencies, {"seed": 7})


@pytest.fixture
def saved(model: Model, tmp_path: Path) -> Path:
    model.save(tmp_path / "deep" / "model.json")
    return tmp_path / "deep" / "model.json"


def rewrite(path: Path, change: Any) -> None:
    plain = json.loads(path.read_text())
    change(plain)
    path.write_text(json.dumps(plain))


def test_round_trip_is_bit_identical(model: Model, saved: Path) -> None:
    again = load_model(saved)
    assert (again.model_id, again.plan_id) == (model.model_id, model.plan_id)
    patterns = np.array([[a, b] for a in range(-1, 5) for b in range(-1, 2)], dtype=np.int8)
    scores = [m.weights.score_bits(patterns).tobytes() for m in (model, again)]
    assert scores[0] == scores[1]
    assert again.plan.cuts.tolist() == model.plan.cuts.tolist()
    assert again.frequencies == model.frequencies
    again.save(saved.with_name("again.json"))
    assert saved.with_name("again.json").read_bytes() == saved.read_bytes()


def test_the_id_covers_weights_plan_and_frequencies(model: Model) -> None:
    weights, plan = model.weights, model.plan
    others = [
        replace(model, weights=replace(weights, prior=0.5)),
        replace(model, weights=replace(weights, household=None)),
        replace(model, weights=replace(weights, dependence=())),
        replace(model, plan=replace(plan, split_size=20)),
        replace(model, plan=replace(plan, cuts=plan.cuts[:1])),
        replace(model, frequencies={"name": TermFrequencies({"asha": 0.2}, 0.001, 0.02)}),
        replace(model, layout={"seed": 8}),
    ]
    assert len({one.model_id for one in [model, *others]}) == 8


def set_first(side: str, value: Any) -> Any:
    def change(plain: Any) -> None:
        plain["comparators"][0][side][0] = value

    return change


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda p: p.update(schema_version=99), "schema_version 99"),
        (set_first("m", 0.9999), "name.m: sums to"),
        (set_first("u", 0.9999), "name.u: sums to"),
        (set_first("u", float("nan")), "name.u: 5 positive numbers"),
        (set_first("m", -0.1), "name.m: 5 positive numbers"),
        (set_first("m", "much"), "wrong type"),
        (lambda p: p["comparators"][0]["m"].pop(), "name.m: 5 positive numbers"),
        (lambda p: p.update(prior=float("nan")), "prior nan"),
        (lambda p: p.update(prior=1.5), "prior 1.5"),
        (lambda p: p.pop("groups"), "'groups' is missing"),
        (lambda p: p["plan"].pop("depth"), "'depth' is missing"),
        (lambda p: p.update(records=7), "model_id does not match"),
        (lambda p: p["plan"].update(split_size=7), "model_id does not match"),
    ],
)
def test_changed_files_are_refused(saved: Path, change: Any, told: str) -> None:
    rewrite(saved, change)
    with pytest.raises(ConfigError, match=told) as caught:
        load_model(saved)
    assert str(saved) in str(caught.value)


def test_other_fields_are_refused(saved: Path) -> None:
    with pytest.raises(ConfigError, match="compares name, sex, not the fields of the mapping"):
        check_model(load_model(saved), saved, COMPARATORS[:1], {})


def test_missing_and_broken_files(saved: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_model(saved.with_name("other.json"))
    saved.with_name("model.cuts.parquet").unlink()
    with pytest.raises(ConfigError, match="cannot be read"):
        load_model(saved)
    saved.write_text("{")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_model(saved)


def test_exchanged_tables_are_noticed(saved: Path) -> None:
    cuts = pa.table({"key": pa.array([1], pa.uint64())})
    pq.write_table(cuts, saved.with_name("model.cuts.parquet"))
    with pytest.raises(ConfigError, match="model_id does not match"):
        load_model(saved)
