"""Precedence, refusals and the hash of configurations."""

from pathlib import Path

import pytest
from pydantic import Field, ValidationError, model_validator

from pipelines.core.config import JobConfig, config_hash, describe, load_config
from pipelines.core.errors import ConfigError


class Bands(JobConfig):
    review: float = Field(0.5, description="posterior from which a human looks", gt=0, lt=1)
    match: float = Field(0.95, description="posterior from which a pair is one person", gt=0, lt=1)

    @model_validator(mode="after")
    def _ordered(self) -> "Bands":
        if self.review >= self.match:
            raise ValueError(f"review {self.review} must be below match {self.match}")
        return self


class Demo(JobConfig):
    rows: int = Field(4, description="hash values per band", json_schema_extra={"unit": "hashes"})
    name: str = "demo"
    sizes: list[int] = Field(default_factory=lambda: [100, 50])
    weights: dict[str, float] = Field(default_factory=lambda: {"finger": 0.5, "iris": 0.35})
    bands: Bands = Bands(review=0.6)


def load(tmp_path: Path, text: str = "", sets=(), env=None):
    file = tmp_path / "demo.yaml"
    file.write_text(text)
    return load_config(Demo, "demo", file, sets, env or {})


def test_defaults_need_no_file():
    config = load_config(Demo, "no-such-job", env={})
    assert config == Demo()
    assert config.provenance == {}


def test_each_level_wins_over_the_one_before(tmp_path):
    text = "rows: 5\nname: file\nbands: {match: 0.9}\n"
    env = {"SANGAM_DEMO__ROWS": "6", "SANGAM_DEMO__BANDS__MATCH": "0.91", "SANGAM_OTHER__ROWS": "1"}
    assert load(tmp_path).rows == 4
    assert load(tmp_path, text).rows == 5
    assert load(tmp_path, text, env=env).rows == 6
    config = load(tmp_path, text, ["rows=7", "rows=8"], env)
    assert (config.rows, config.name, config.bands.match) == (8, "file", 0.91)
    assert config.provenance == {
        "bands.match": "environment variable SANGAM_DEMO__BANDS__MATCH",
        "name": str(tmp_path / "demo.yaml"),
        "rows": "--set rows=8",
    }


def test_the_file_of_the_job_is_found_without_a_path(tmp_path, monkeypatch):
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "demo.yaml").write_text("rows: 9")
    monkeypatch.setattr("pipelines.core.config.PROJECT_ROOT", tmp_path)
    assert load_config(Demo, "demo", env={}).rows == 9


def test_a_file_that_was_asked_for_must_exist():
    with pytest.raises(ConfigError, match="no_such_file"):
        load_config(Demo, "demo", "no_such_file.yaml", env={})


def test_values_are_read_as_yaml(tmp_path):
    config = load(tmp_path, sets=["sizes=[3, 2]", "name='12'", "weights.iris=1e-5"])
    assert config.sizes == [3, 2]
    assert config.name == "12"
    assert config.weights == {"finger": 0.5, "iris": 1e-5}


def test_one_key_of_a_section_keeps_the_rest_of_its_default(tmp_path):
    assert load(tmp_path, sets=["bands.match=0.8"]).bands == Bands(review=0.6, match=0.8)


@pytest.mark.parametrize(
    ("text", "sets", "env", "told"),
    [
        ("rowz: 5", [], {}, ["demo.yaml", "'rowz'", "Did you mean 'rows'"]),
        ("bands: {macth: 0.9}", [], {}, ["demo.yaml", "'bands.macth'", "'bands.match'"]),
        ("", ["zzz=1"], {}, ["--set zzz=1", "'zzz'", "rows, name, sizes"]),
        ("", [], {"SANGAM_DEMO__ROWX": "1"}, ["SANGAM_DEMO__ROWX", "'rowx'", "'rows'"]),
        ("rows: many", [], {}, ["demo.yaml", "'rows'", "'many'", "integer"]),
        ("", ["rows=2.5"], {}, ["--set rows=2.5", "'rows'", "2.5"]),
        ("", [], {"SANGAM_DEMO__SIZES": "[1, x]"}, ["SANGAM_DEMO__SIZES", "'sizes.1'", "'x'"]),
        ("bands: {match: 2}", [], {}, ["demo.yaml", "'bands.match'", "2", "less than 1"]),
        ("bands: {match: 0.3}", [], {}, ["demo.yaml", "'bands'", "review 0.6 must be below"]),
        ("bands: 3", [], {}, ["demo.yaml", "'bands'", "section", "bands.review, bands.match"]),
        ("- rows", [], {}, ["demo.yaml", "key: value"]),
        ("rows: 1\nrows: 2", [], {}, ["demo.yaml, line 2", "'rows' appears twice"]),
        ("rows: [1", [], {}, ["demo.yaml", "not valid YAML"]),
        ("", ["rows"], {}, ["--set rows", "section.key=value"]),
        ("", ["rows=[1"], {}, ["--set rows=[1", "not valid YAML"]),
    ],
)
def test_a_refusal_names_place_key_and_value(tmp_path, text, sets, env, told):
    with pytest.raises(ConfigError) as refusal:
        load(tmp_path, text, sets, env)
    assert [part for part in told if part not in str(refusal.value)] == []
    assert refusal.value.exit_code == 2


def test_all_refused_keys_are_told_at_once(tmp_path):
    with pytest.raises(ConfigError) as refusal:
        load(tmp_path, "rows: a\nname: [1]")
    assert "'rows'" in str(refusal.value)
    assert "'name'" in str(refusal.value)


def test_an_unreadable_file_is_told(tmp_path):
    (tmp_path / "demo.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_config(Demo, "demo", tmp_path / "demo.yaml", env={})


def test_hash_depends_on_values_only(tmp_path):
    one = load(tmp_path, "rows: 5\nname: x")
    two = load(tmp_path, "name: x", ["rows=5"])
    assert config_hash(one) == config_hash(two)
    assert config_hash(one) != config_hash(Demo())
    assert len(config_hash(one)) == 64


def test_a_configuration_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        Demo().rows = 3


def test_describe_tells_key_default_unit_and_text():
    text = describe(Demo)
    assert "rows = 4  [hashes]\n    hash values per band" in text
    assert "bands.match = 0.95\n" in text
