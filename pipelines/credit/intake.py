"""Accept or set aside every input row: rules, then copies of one key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pyspark.sql import Column, DataFrame, Observation
from pyspark.sql import functions as F

from pipelines.core.contracts import check_type, conform, spark_schema
from pipelines.core.errors import ContractError, GateError
from pipelines.core.quality import REASON, Rule, apply_rules
from pipelines.credit.checks import CONFLICT, IDENTITY_NUMBER

COPIES, IS_CONFLICT = "_copies", "_is_conflict"


@dataclass(frozen=True)
class Tally:
    """What became of the rows of one input; `in` has no exact copies.

    Attributes:
        name: name of the input.
        read: rows read.
        duplicates: exact copies beyond the first.
        out: rows accepted.
        reasons: rows set aside, by reason.
    """

    name: str
    read: int
    duplicates: int
    out: int
    reasons: Mapping[str, int] = field(default_factory=dict)

    @property
    def rejected(self) -> int:
        """Rows set aside."""
        return sum(self.reasons.values())

    def require(self, limit: float) -> None:
        """Check that no row was lost and that few were set aside.

        Args:
            limit: largest share set aside.

        Raises:
            GateError: a row was lost or doubled, or too many were set aside.
        """
        if self.read != self.duplicates + self.out + self.rejected:
            raise GateError(
                f"{self.name}: {self.read:,} rows read, but {self.out:,} out + {self.rejected:,}"
                f" rejected + {self.duplicates:,} duplicates; nothing is published"
            )
        if self.rejected > limit * max(self.read, 1):
            told = ", ".join(f"{code} {n:,}" for code, n in sorted(self.reasons.items()) if n)
            raise GateError(
                f"{self.name}: {self.rejected:,} of {self.read:,} rows are set aside ({told});"
                f" max_reject_share is {limit:g}. Mend the input, or raise it"
            )


def pick_columns(df: DataFrame, subject: str, columns: Sequence[str], origin: str) -> DataFrame:
    """Select the columns the job uses and hold their types to the contract.

    Args:
        df: an input table.
        subject: its contract.
        columns: columns needed; others, such as those of the envelope, may be absent.
        origin: what the table is called in messages.

    Raises:
        ContractError: a column is missing or has another type.
    """
    expected, present = spark_schema(subject), {one.name: one.dataType for one in df.schema}
    chosen = []
    for name in columns:
        if name not in present:
            raise ContractError(
                f"{origin}: the column {name} is missing; there are"
                f" {', '.join(sorted(present))}. Add it, or give one of these that name"
            )
        check_type(f"{origin}.{name}", present[name], expected[name].dataType)
        column = F.col(f"`{name}`")
        if present[name].simpleString() != expected[name].dataType.simpleString():
            column = column.cast(expected[name].dataType)
        chosen.append(column.alias(name))
    return df.select(*chosen)


def content_hash(columns: Sequence[str]) -> Column:
    """Hash of the content of a row; nulls count by their place."""
    return F.xxhash64(*(part for name in columns for part in (F.col(name), F.col(name).isNull())))


def fold_copies(df: DataFrame, keys: Sequence[str]) -> DataFrame:
    """One row per key, with the number of its copies and whether they differ.

    Rows of a key come together by the whole key, so a customer with very many transactions is
    spread over all tasks.
    """
    content = content_hash(df.columns)
    grouped = df.withColumn("_content", content).groupBy(*keys).agg(
        F.count(F.lit(1)).alias(COPIES),
        (F.min("_content") != F.max("_content")).alias(IS_CONFLICT),
        F.first(F.struct(*(name for name in df.columns if name not in keys))).alias("_first"),
    )  # fmt: skip
    return grouped.select(*keys, "_first.*", COPIES, IS_CONFLICT).select(
        *df.columns, COPIES, IS_CONFLICT
    )


def safe_token(reason: str) -> Column:
    """The customer's token; null where it looks like an identity number: no token, never repeated.

    Args:
        reason: column with the code of the rule.
    """
    return F.when(F.col(reason) != IDENTITY_NUMBER, F.col("customer_id"))


class Gate:
    """One input on its way through rules and copies; counts while the rows pass."""

    def __init__(self, name: str, df: DataFrame, rules: Sequence[Rule], keys: Sequence[str]):
        self.name, self._rules, self._columns = name, rules, df.columns
        self._read, self._folded = Observation(f"{name} read"), Observation(f"{name} folded")
        by_code = [F.count_if(F.col(REASON) == rule.code).alias(rule.code) for rule in rules]
        self._tagged = apply_rules(df, rules)
        passed = self._tagged.observe(self._read, F.count(F.lit(1)).alias("rows"), *by_code)
        self._copies = fold_copies(passed.where(f"{REASON} IS NULL").select(*df.columns), keys)
        is_good = ~F.col(IS_CONFLICT)
        counted = self._copies.observe(
            self._folded,
            F.count_if(is_good).alias("out"),
            F.sum(F.when(is_good, F.col(COPIES) - 1)).alias("duplicates"),
            F.sum(F.when(~is_good, F.col(COPIES))).alias("conflicts"),
        )
        self.accepted = counted.where(is_good).select(*df.columns)

    def tally(self) -> Tally:
        """Counts; call it after an action on `accepted` has ended."""
        read, folded = dict(self._read.get), dict(self._folded.get)
        reasons = {rule.code: int(read.get(rule.code) or 0) for rule in self._rules}
        reasons[CONFLICT] = int(folded.get("conflicts") or 0)
        return Tally(
            self.name, int(read["rows"]), int(folded.get("duplicates") or 0),
            int(folded.get("out") or 0), {code: n for code, n in reasons.items() if n},
        )  # fmt: skip

    def quarantined(self, run_id: str) -> DataFrame:
        """Rows set aside, as `ops.QuarantinedRecord`: reason, token, input, and no values."""
        broken = self._tagged.where(f"{REASON} IS NOT NULL").select(
            F.col(REASON).alias("reason"), safe_token(REASON).alias("record_token")
        )
        copies = self._copies.where(IS_CONFLICT).select(
            F.lit(CONFLICT).alias("reason"),
            F.col("customer_id").alias("record_token"),
            F.explode(F.sequence(F.lit(1), F.col(COPIES).cast("int"))).alias("_copy"),
        )
        rows = broken.unionByName(copies.drop("_copy"))
        origin = {"dataset": F.lit(self.name), "location": F.lit(None).cast("string")}
        rows = rows.withColumns(origin | {"run_id": F.lit(run_id)})
        return conform(rows, "ops.QuarantinedRecord")
