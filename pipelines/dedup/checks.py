"""Row checks of person tables: what is emptied, what is quarantined, what is collapsed.

DataFrame in, DataFrame out; no action, no I/O. `tag_rows` marks each row once, the pipeline keeps
that frame and splits it; `gate.py` counts it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql import types as T

from pipelines.core.quality import REASON, Action, Rule, Severity, apply_rules
from pipelines.core.row_hash import row_hash

QUARANTINED = ("UNREADABLE_ROW", "MISSING_ID", "SUPERSEDED", "NO_EVIDENCE")
REJECTED = ("INACTIVE", *QUARANTINED)
COLLAPSED = "DUPLICATE_ROW"

ISO_DATE = "yyyy-MM-dd"
PATTERNS = {"pincode": "^[1-9][0-9]{5}$", "phone": "^[6-9][0-9]{9}$"}
REPLACEMENT_CHARACTER = "\ufffd"

_COPY = "_copy"


@dataclass(frozen=True)
class CheckPlan:
    """What the checks look at. Optional columns that the frame lacks are passed over.

    Attributes:
        fields: comparator by field; the fields are columns of the frame.
        id_column: unique id of a record.
        as_of: business day; later birth dates are impossible.
        formats: Spark date pattern of a text date, regular expression of a code or phone.
        time_column: moment of enrolment, decides which of two rows with one id is newer.
        status_column: only rows with `active` in it are compared.
        captures_column: packed or nested captures; unusable ones are already dropped.
        corrupt_column: what a reader could not parse.
        active: status that is compared.
        max_age_years: older birth dates are impossible.
        quarantine_limit: largest share of quarantined rows, 0 to 1.
        flag_limit: largest share of emptied values per rule that passes without a warning.
    """

    fields: Mapping[str, str]
    id_column: str
    as_of: date
    formats: Mapping[str, str] = field(default_factory=dict)
    time_column: str = "enrolled_at"
    status_column: str = "status"
    captures_column: str = "captures"
    corrupt_column: str = "_corrupt_record"
    active: str = "ACTIVE"
    max_age_years: int = 130
    quarantine_limit: float = 0.05
    flag_limit: float = 0.2

    @property
    def dates(self) -> list[str]:
        """Fields that hold dates."""
        return [name for name, kind in self.fields.items() if kind == "date_of_birth"]

    @property
    def texts(self) -> list[str]:
        """Compared fields that hold text."""
        return [name for name in self.fields if name not in (*self.dates, self.captures_column)]

    def pattern(self, name: str) -> str | None:
        """Regular expression a text field must match, if any."""
        kind = self.fields[name]
        default = PATTERNS.get(name) if kind == "code" else PATTERNS.get(kind)
        return self.formats.get(name, default) if kind in ("code", "phone") else None


def check_rows(
    df: DataFrame, mapping_fields: Mapping[str, str], id_column: str, as_of: date
) -> tuple[DataFrame, DataFrame]:
    """Check a frame with the default plan: good rows with `dq_flags`, and the others.

    The others keep `reject_reason`; only reasons in QUARANTINED belong into the quarantine table.
    """
    return split_rows(tag_rows(df, CheckPlan(mapping_fields, id_column, as_of)))


def split_rows(tagged: DataFrame) -> tuple[DataFrame, DataFrame]:
    """Good rows without the reason column, and all others."""
    good = tagged.where(F.col(REASON).isNull()).drop(REASON)
    return good, tagged.where(F.col(REASON).isNotNull())


def tag_rows(df: DataFrame, plan: CheckPlan, ids_repeat: bool = True) -> DataFrame:
    """Mark every row with `reject_reason` (null = good) and `dq_flags`.

    Text is trimmed and blank text becomes null; birth dates become dates.

    Args:
        df: one row per input row.
        plan: what to look at.
        ids_repeat: False, if `count_ids` showed that no id occurs twice, saves a shuffle.
    """
    clean = _clean(df, plan)
    copies = _mark_copies(clean, plan) if ids_repeat else clean
    tagged = apply_rules(copies, row_rules(copies, plan))
    return tagged.drop(_COPY, *(_given(name) for name in plan.dates))


def count_ids(df: DataFrame, plan: CheckPlan) -> DataFrame:
    """One row with `rows` (those with an id) and `ids` (different ones, by 64-bit hash).

    Equal numbers prove that no id repeats: a collision of hashes can only lower `ids`.
    """
    key = F.xxhash64(_text(plan.id_column))
    with_id = df.where(_text(plan.id_column).isNotNull())
    return with_id.agg(F.count(F.lit(1)).alias("rows"), F.count_distinct(key).alias("ids"))


def _clean(df: DataFrame, plan: CheckPlan) -> DataFrame:
    columns = {name: _text(name) for name in (plan.id_column, *plan.texts)}
    for name, kind in plan.fields.items():
        if kind == "gender":
            columns[name] = F.nullif(F.upper(_text(name)), F.lit("UNKNOWN"))
    for name in plan.dates:
        columns[name] = _as_date(name, df.schema[name].dataType, plan.formats.get(name, ISO_DATE))
        columns[_given(name)] = _text(name).isNotNull()
    return df.withColumns(columns)


def _text(name: str) -> Column:
    return F.nullif(F.trim(F.col(f"`{name}`").cast("string")), F.lit(""))


def _given(name: str) -> str:
    return f"_given_{name}"


def _as_date(name: str, data_type: T.DataType, pattern: str) -> Column:
    if isinstance(data_type, T.DateType | T.TimestampType | T.TimestampNTZType):
        return F.col(f"`{name}`").cast("date")
    return F.try_to_timestamp(_text(name), F.lit(pattern)).cast("date")


def _mark_copies(df: DataFrame, plan: CheckPlan) -> DataFrame:
    """Among rows of one id the newest stays; others are the same again, or superseded."""
    watched = [*plan.fields, plan.status_column, plan.captures_column]
    content = row_hash(df, [name for name in dict.fromkeys(watched) if name in df.columns])
    marked = df.withColumn("_content", content)
    has_time = plan.time_column in df.columns
    newest = [F.col(f"`{plan.time_column}`").desc_nulls_last()] if has_time else []
    # Rows without id must not gather in one partition: they are spread by content.
    spread = F.when(F.col(f"`{plan.id_column}`").isNull(), F.col("_content"))
    order = Window.partitionBy(f"`{plan.id_column}`", spread).orderBy(*newest, "_content")
    is_same = F.col("_content") == F.first("_content").over(order)
    copy = F.when(is_same, F.lit(COLLAPSED)).otherwise(F.lit("SUPERSEDED"))
    return marked.withColumn(_COPY, F.when(F.row_number().over(order) > 1, copy)).drop("_content")


def rule_limit(code: str, plan: CheckPlan) -> tuple[Severity, float]:
    """What a share of broken rows means, and the largest share that is accepted."""
    if code in QUARANTINED:
        return "ERROR", plan.quarantine_limit
    return "WARN", plan.flag_limit if code.startswith("BAD_") else 1.0


def row_rules(df: DataFrame, plan: CheckPlan) -> list[Rule]:
    """The rules as data, most important reason first; only for columns the frame has."""
    return [*field_rules(plan), *_reject_rules(df, plan)]


def _rule(plan: CheckPlan, code: str, condition: str, action: Action, column: str | None) -> Rule:
    severity, tolerance = rule_limit(code, plan)
    return Rule(code, condition, action, column, severity, tolerance)


def field_rules(plan: CheckPlan) -> list[Rule]:
    """The rules that empty a field and flag the row."""
    day, rules = f"DATE'{plan.as_of}'", []
    oldest = f"add_months({day}, {-12 * plan.max_age_years})"
    for name in plan.dates:
        impossible = f"`{name}` IS NULL OR `{name}` > {day} OR `{name}` < {oldest}"
        condition = f"`{_given(name)}` AND ({impossible})"
        rules.append(_rule(plan, "BAD_DOB", condition, "null_field", name))
    for name in plan.texts:
        pattern = plan.pattern(name)
        if pattern:
            code = "BAD_PHONE" if plan.fields[name] == "phone" else f"BAD_{name.upper()}"
            condition = f"NOT `{name}` RLIKE {_quote(pattern)}"
            rules.append(_rule(plan, code, condition, "null_field", name))
    return rules


def _quote(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _reject_rules(df: DataFrame, plan: CheckPlan) -> list[Rule]:
    def reject(code: str, *conditions: str) -> Rule:
        return _rule(plan, code, " OR ".join(conditions) or "false", "reject", None)

    broken = [f"contains(`{name}`, '{REPLACEMENT_CHARACTER}')" for name in plan.texts]
    if plan.corrupt_column in df.columns:
        broken.append(f"`{plan.corrupt_column}` IS NOT NULL")
    rules = [
        reject("UNREADABLE_ROW", *broken),
        reject("MISSING_ID", f"`{plan.id_column}` IS NULL"),
    ]
    if _COPY in df.columns:
        rules += [reject(code, f"{_COPY} = '{code}'") for code in (COLLAPSED, "SUPERSEDED")]
    if plan.status_column in df.columns:
        status = f"upper(trim(`{plan.status_column}`))"
        rules.append(reject("INACTIVE", f"{status} IS DISTINCT FROM '{plan.active}'"))
    empty = [f"`{name}` IS NULL" for name in (*plan.texts, *plan.dates)]
    if plan.captures_column in df.columns:
        empty.append(_no_captures(plan.captures_column, df.schema[plan.captures_column].dataType))
    return [*rules, reject("NO_EVIDENCE", " AND ".join(f"({one})" for one in empty))]


def _no_captures(name: str, data_type: T.DataType) -> str:
    measure = "size" if isinstance(data_type, T.ArrayType) else "octet_length"
    return f"`{name}` IS NULL OR {measure}(`{name}`) = 0"
