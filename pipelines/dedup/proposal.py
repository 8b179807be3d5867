"""A first mapping for an unknown table: columns are profiled and guessed, and a person decides."""

import re

import pandas as pd
import yaml
from pyspark.sql import DataFrame

SAMPLE = 1000

_NAMES = (
    ("given_name", r"given|first|fname|forename"),
    ("surname", r"sur.?name|last|lname|family"),
    ("relation_name", r"father|mother|husband|relation|guardian|care.?of"),
    ("full_name", r"^name$|full.?name|person.?name"),
    ("date_of_birth", r"birth.*(dt|date)|dob|date.?of.?birth"),
    ("gender", r"gender|^sex$"),
    ("phone", r"phone|mobile|msisdn"),
    ("house", r"house|street.?n|door|flat"),
    ("street", r"street|road|addr"),
    ("locality", r"locality|area|suburb|colony"),
    ("town", r"town|city|village|district|birth.?place"),
    ("code", r"pin|post|zip"),
    ("free_text", r"occupation|employer|title"),
)
_DATE = {r"\d{8}": "yyyyMMdd", r"\d{4}-\d\d-\d\d": "yyyy-MM-dd", r"\d\d/\d\d/\d{4}": "dd/MM/yyyy"}
_ADDRESS = {"house", "street", "locality", "town", "code"}


def propose_mapping(frame: DataFrame) -> str:
    """A YAML mapping guessed from column names and a sample of the values, to be corrected."""
    sample: pd.DataFrame = frame.limit(SAMPLE).toPandas()
    fields: dict[str, dict[str, str]] = {}
    for column in sample.columns:
        comparator = _guess(column)
        if comparator is None:
            continue
        field: dict[str, str] = {"column": column, "comparator": comparator}
        if comparator == "date_of_birth" and (pattern := _date_format(sample[column])):
            field["format"] = pattern
        if comparator in _ADDRESS:
            field["group"] = "address"
        name = comparator if comparator not in fields else column
        fields[name] = field
    proposal = {"id": _guess_id(sample), "fields": fields, "keys": _guess_keys(fields)}
    profile = "\n".join(f"#   {column}: {_profile(sample[column])}" for column in sample.columns)
    text = yaml.safe_dump(proposal, sort_keys=False, default_flow_style=None, width=110)
    return f"# columns in the first {len(sample)} rows:\n{profile}\n{text}"


def _guess(column: str) -> str | None:
    for comparator, pattern in _NAMES:
        if re.search(pattern, column, re.IGNORECASE):
            return comparator
    return None


def _guess_id(sample: pd.DataFrame) -> str:
    unique = [c for c in sample.columns if sample[c].notna().all() and sample[c].is_unique]
    named = [c for c in unique if re.search(r"id|no|num|key", c, re.IGNORECASE)]
    return str((named or unique or list(sample.columns))[0])


def _guess_keys(fields: dict[str, dict[str, str]]) -> list[dict[str, object]]:
    names = {"given_name", "surname", "relation_name", "full_name", "date_of_birth"}
    person = [n for n, f in fields.items() if f["comparator"] in names]
    person = [p for n in person for p in (["given_name", "surname"] if n == "full_name" else [n])]
    address = [n for n, f in fields.items() if f.get("group") == "address"]
    keys: list[dict[str, object]] = []
    if person:
        keys.append({"signature": "person", "fields": person})
    if address:
        keys.append({"signature": "address", "fields": address})
    keys += [{"exact": [n]} for n, f in fields.items() if f["comparator"] == "phone"]
    if "date_of_birth" in person and "surname" in person:
        keys.append({"exact": ["date_of_birth", "sound(surname)"]})
    return keys


def _date_format(values: pd.Series) -> str | None:
    text = values.dropna().astype(str)
    for pattern, spelled in _DATE.items():
        if len(text) and text.str.fullmatch(pattern).mean() > 0.8:
            return spelled
    return None


def _profile(values: pd.Series) -> str:
    text = values.dropna().astype(str)
    digits = text.str.fullmatch(r"[\d\s+-]+").mean() if len(text) else 0.0
    return f"{values.notna().mean():.0%} filled, {text.nunique()} distinct, {digits:.0%} digits"
