"""Mapping files: what they say, what is refused, and what is proposed for an unknown table."""

from pathlib import Path

import pytest

from pipelines.core.errors import ConfigError
from pipelines.dedup.mapping import KeySpec, bundled_mapping, load_mapping, parse_mapping

RAW = {
    "id": "no",
    "fields": {
        "name": {"column": "n", "comparator": "full_name"},
        "dob": {"column": "b", "comparator": "date_of_birth", "format": "yyyyMMdd"},
        "pin": {"column": "p", "comparator": "code", "optional": True},
    },
    "keys": [
        {"signature": "person", "fields": ["given_name", "surname", "dob"]},
        {"exact": ["dob", "sound(surname)"]},
        {"exact": ["pin"]},
    ],
}


def changed(**parts: object) -> dict[str, object]:
    return RAW | parts


def test_a_full_name_becomes_two_fields_in_its_place() -> None:
    mapping = parse_mapping(RAW, "f.yaml").split_full_name()
    assert list(mapping.fields) == ["given_name", "surname", "dob", "pin"]
    assert mapping.fields["surname"].comparator == "surname"
    assert mapping.fields["surname"].column == "n"


def test_without_drops_the_keys_that_need_a_field() -> None:
    mapping = parse_mapping(RAW, "f.yaml").without({"pin"})
    assert "pin" not in mapping.fields
    assert [key.name for key in mapping.keys] == ["person", "dob+sound(surname)"]


def test_parts_of_an_exact_key() -> None:
    assert KeySpec(exact=("dob", "sound(surname)")).parts == (("dob", False), ("surname", True))


@pytest.mark.parametrize("name", ["febrl", "identity_in"])
def test_bundled_mappings_are_valid(name: str) -> None:
    assert bundled_mapping(name).keys


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (changed(fields={"a": {"column": "a", "comparator": "sirname"}}), r"fields\.a.*'surname'"),
        (changed(fields={}), "fields"),
        (changed(keys=[]), "keys"),
        (changed(keys=[{"exact": ["shoe"]}]), "'shoe'.*no field"),
        (changed(keys=[{"exact": ["sound(shoe)"]}]), "'shoe'.*no field"),
        (changed(keys=[{"signature": "person"}]), "names no fields"),
        (changed(keys=[{"signature": "x", "fields": ["dob"], "exact": ["dob"]}]), "either"),
        (changed(colour="red"), "colour"),
        ({}, "id"),
        (None, "top level"),
    ],
)
def test_wrong_mappings_are_refused(raw: object, told: str) -> None:
    with pytest.raises(ConfigError, match=rf"(?s)^f\.yaml: .*{told}") as caught:
        parse_mapping(raw, "f.yaml")
    assert caught.value.exit_code == 2


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--mapping .*nowhere.yaml: No such file"):
        load_mapping(tmp_path / "nowhere.yaml")
    (tmp_path / "bad.yaml").write_text("a: [1", "utf-8")
    with pytest.raises(ConfigError, match="bad.yaml.*: not valid YAML"):
        load_mapping(tmp_path / "bad.yaml")
