"""Rules of bronze tables: row conditions for Spark, and the suite that judges their counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.core.catalogue import CATALOGUE
from pipelines.core.config import JobConfig
from pipelines.core.contract_store import get_contract, load_contracts
from pipelines.core.errors import ConfigError
from pipelines.core.quality import Check, Rule
from pipelines.core.yaml_text import read_yaml

Policy = Literal["fail", "quarantine", "warn"]
RULES_FILE = CATALOGUE / "quality.yaml"
STOP = "quality gate stops at "
"""Begins the error that a row raises which breaks a rule of policy `fail`."""


class BronzeRule(JobConfig):
    """One rule on the rows of a table."""

    field: str = Field(description="column it is about")
    when: str = Field(min_length=1, description="Spark SQL, true for a bad row")
    policy: Policy = Field(description="what happens to a bad row")
    tolerance: float = Field(0, ge=0, le=1, description="largest share that passes a warning")


class BronzeRules(JobConfig):
    """All rules: those of every table, and those of one."""

    every: dict[str, BronzeRule] = Field({}, description="by code, where the field exists")
    tables: dict[str, dict[str, BronzeRule]] = Field({}, description="by contract and code")


def load_rules(subject: str, given: Path | None = None) -> dict[str, BronzeRule]:
    """Rules of a table by code.

    Args:
        subject: contract of its records.
        given: file with the rules; `RULES_FILE` when None.

    Raises:
        ConfigError: unreadable, an unknown key, contract or field; names it.
    """
    file = given or RULES_FILE
    try:
        rules = BronzeRules.model_validate(read_yaml(file.read_text("utf-8"), str(file)))
    except (OSError, ValidationError) as error:
        raise ConfigError(f"{file}: {error}") from error
    if unknown := sorted(set(rules.tables) - set(load_contracts())):
        raise ConfigError(f"{file}: tables.{unknown[0]}: there is no such contract")
    fields = {field["name"] for field in get_contract(subject).tree["fields"]}
    own = rules.tables.get(subject, {})
    for code, rule in own.items():
        if rule.field not in fields:
            raise ConfigError(f"{file}: tables.{subject}.{code}: no field {rule.field!r}")
    return {code: rule for code, rule in rules.every.items() if rule.field in fields} | own


def row_rules(rules: Mapping[str, BronzeRule]) -> list[Rule]:
    """The rules that mark rows, for `apply_rules`."""
    actions: dict[Policy, Literal["reject", "flag"]] = {"quarantine": "reject", "warn": "flag"}
    return [
        Rule(code, rule.when, actions[rule.policy])
        for code, rule in rules.items()
        if rule.policy in actions
    ]


def stop_at_bad_rows(
    frame: DataFrame, rules: Mapping[str, BronzeRule], is_looked_at: Column
) -> DataFrame:
    """The same rows; reading one that breaks a rule of policy `fail` raises `STOP` and its code."""
    for code, rule in rules.items():
        if rule.policy == "fail":
            broken = is_looked_at & F.coalesce(F.expr(rule.when), F.lit(False))
            stop = F.raise_error(F.lit(f"{STOP}{code}")).cast("boolean")
            frame = frame.where(F.when(broken, stop).otherwise(F.lit(True)))
    return frame


@dataclass(frozen=True)
class Found:
    """Counts that the suite judges.

    Attributes:
        decoded: messages that could be decoded.
        by_code: of these, rows that broke a rule, by its code.
        quarantined: rows set aside, each once.
    """

    decoded: int
    by_code: Mapping[str, int]
    quarantined: int


def suite(rules: Mapping[str, BronzeRule], found: Found, limit: float) -> Sequence[Check]:
    """What must hold for the rows of a run.

    Args:
        rules: rules of the table.
        found: what the run has counted.
        limit: largest share of rows set aside.
    """
    checks = [
        Check("row_count", found.decoded, minimum=1),
        Check("quarantine", found.decoded, found.quarantined, tolerance=limit),
    ]
    for code, rule in rules.items():
        failed = found.by_code.get(code, 0)
        tolerance = limit if rule.policy == "quarantine" else rule.tolerance
        checks.append(Check(code, found.decoded, failed, tolerance=tolerance, severity="WARN"))
    return checks
