"""Row checks of person tables: what is trimmed, what is emptied, which rows are set aside.

Arrow batch in, marks out; no I/O. Rows of one id are told apart afterwards, in `copies.py`, when
all rows have been seen.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache, cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.core.quality import Severity
from pipelines.dedup.normalise import Normaliser

Bool = npt.NDArray[np.bool_]
I8 = npt.NDArray[np.int8]

COLLAPSED, SUPERSEDED = "DUPLICATE_ROW", "SUPERSEDED"
QUARANTINED = ("UNREADABLE_ROW", "MISSING_ID", SUPERSEDED, "NO_EVIDENCE")
REJECTED = ("INACTIVE", *QUARANTINED)
# The first reason that fits a row counts.
REASONS = ("UNREADABLE_ROW", "MISSING_ID", "INACTIVE", "NO_EVIDENCE")
GOOD = np.int8(-1)

ISO_DATE = "yyyy-MM-dd"
PATTERNS = {"pincode": "^[1-9][0-9]{5}$", "phone": "^[6-9][0-9]{9}$"}
REPLACEMENT_CHARACTER = "\ufffd"


@dataclass(frozen=True)
class CheckPlan:
    """What the checks look at. Optional columns that a batch lacks are passed over.

    Attributes:
        fields: comparator by field; the fields are columns of the batch.
        id_column: unique id of a record.
        as_of: business day; later birth dates are impossible.
        formats: Java date pattern of a text date, regular expression (RE2) of a code or phone.
        status_column: only rows with `active` in it are compared.
        captures_column: captures of a row.
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

    @property
    def flags(self) -> list[str]:
        """Flags that the checks can raise."""
        codes = ["BAD_DOB"] * bool(self.dates)
        codes += [self.flag_of(name) for name in self.texts if self.pattern(name)]
        return sorted(set(codes))

    def flag_of(self, name: str) -> str:
        """Flag of a field whose value was emptied."""
        by_kind = {"date_of_birth": "BAD_DOB", "phone": "BAD_PHONE"}
        return by_kind.get(self.fields[name], f"BAD_{name.upper()}")

    def pattern(self, name: str) -> str | None:
        """Regular expression a text field must match, if any."""
        kind = self.fields[name]
        default = PATTERNS.get(name) if kind == "code" else PATTERNS.get(kind)
        return self.formats.get(name, default) if kind in ("code", "phone") else None

    @cached_property
    def birth_dates(self) -> tuple[str, str]:
        """Earliest and latest possible birth date, yyyymmdd."""
        year, day = self.as_of.year - self.max_age_years, f"{self.as_of:%m%d}"
        return f"{year:04}{day}", f"{self.as_of:%Y%m%d}"


@dataclass(frozen=True)
class Checked:
    """A batch after its checks.

    Attributes:
        columns: all columns; ids and fields trimmed, blank and bad values null, dates yyyymmdd.
        reason: position in REASONS of why a row is set aside, GOOD otherwise; [rows].
        flags: by flag, the rows that carry it.
    """

    columns: dict[str, pa.Array]
    reason: I8
    flags: dict[str, Bool]

    @property
    def is_good(self) -> Bool:
        """Rows without a reason."""
        return np.equal(self.reason, GOOD)

    def count(self, plan: CheckPlan) -> Counter[str]:
        """Figures of the batch: `rows`, `good`, `reason:<CODE>`; of good rows `flag:`, `null:`."""
        good = self.is_good
        figures = Counter({"rows": len(good), "good": int(good.sum())})
        for place, code in enumerate(REASONS):
            figures[f"reason:{code}"] = int((self.reason == place).sum())
        for code, rows in self.flags.items():
            figures[f"flag:{code}"] = int((rows & good).sum())
        for name in (*plan.texts, *plan.dates):
            figures[f"null:{name}"] = int((_is_null(self.columns[name]) & good).sum())
        return figures


def check_batch(batch: pa.RecordBatch, plan: CheckPlan) -> Checked:
    """Check the rows of a batch."""
    columns = dict(zip(batch.schema.names, batch.columns, strict=True))
    columns[plan.id_column] = trim(columns[plan.id_column])
    for name in plan.texts:
        columns[name] = trim(columns[name])
        if plan.fields[name] == "gender":
            upper = pc.utf8_upper(columns[name])
            columns[name] = nullify(upper, pc.equal(upper, "UNKNOWN"))
    flags = {code: np.zeros(batch.num_rows, dtype=bool) for code in plan.flags}
    unreadable = _unreadable(columns, plan)
    for name in plan.dates:
        columns[name], bad = _check_date(columns[name], plan, name)
        flags[plan.flag_of(name)] |= bad
    for name in plan.texts:
        if pattern := plan.pattern(name):
            columns[name], bad = _check_pattern(columns[name], pattern)
            flags[plan.flag_of(name)] |= bad
    return Checked(columns, _reasons(columns, plan, unreadable), flags)


def rule_limit(code: str, plan: CheckPlan) -> tuple[Severity, float]:
    """What a share of broken rows means, and the largest share that is accepted."""
    if code in QUARANTINED:
        return "ERROR", plan.quarantine_limit
    return "WARN", plan.flag_limit if code.startswith("BAD_") else 1.0


def trim(column: pa.Array) -> pa.Array:
    """Text without blanks at its ends; nothing left means null."""
    text = pc.utf8_trim(column.cast(pa.string()), " ")
    return nullify(text, pc.equal(text, ""))


def nullify(column: pa.Array, where: pa.Array | Bool) -> pa.Array:
    """The column, null in some rows."""
    mask = where if isinstance(where, pa.Array) else pa.array(where)
    return pc.if_else(mask.fill_null(False), pa.scalar(None, column.type), column)


def _is_null(column: pa.Array) -> Bool:
    return np.asarray(column.is_null())


@cache
def _date_reader(date_format: str) -> Normaliser:
    """Reads dates, and remembers them from batch to batch."""
    return Normaliser("date_of_birth", date_format=date_format)


def _check_date(column: pa.Array, plan: CheckPlan, name: str) -> tuple[pa.Array, Bool]:
    given = trim(column) if pa.types.is_string(column.type) else column
    digits = _date_reader(plan.formats.get(name, ISO_DATE)).apply(given)
    first, last = plan.birth_dates
    is_possible = pc.and_(pc.greater_equal(digits, first), pc.less_equal(digits, last))
    bad = ~_is_null(given) & ~np.asarray(is_possible.fill_null(False))
    return nullify(digits, bad), bad


def _check_pattern(column: pa.Array, pattern: str) -> tuple[pa.Array, Bool]:
    matches = pc.match_substring_regex(column, pattern)
    bad = ~np.asarray(matches.fill_null(True))
    return nullify(column, bad), bad


def _unreadable(columns: Mapping[str, pa.Array], plan: CheckPlan) -> Bool:
    broken = np.zeros(len(columns[plan.id_column]), dtype=bool)
    for name in plan.texts:
        found = pc.match_substring(columns[name], REPLACEMENT_CHARACTER)
        broken |= np.asarray(found.fill_null(False))
    if plan.corrupt_column in columns:
        broken |= ~_is_null(columns[plan.corrupt_column])
    return broken


def _reasons(columns: Mapping[str, pa.Array], plan: CheckPlan, unreadable: Bool) -> I8:
    found = {"UNREADABLE_ROW": unreadable, "MISSING_ID": _is_null(columns[plan.id_column])}
    if plan.status_column in columns:
        status = pc.utf8_upper(trim(columns[plan.status_column]))
        found["INACTIVE"] = ~np.asarray(pc.equal(status, plan.active).fill_null(False))
    empty = np.ones(len(unreadable), dtype=bool)
    for name in (*plan.texts, *plan.dates):
        empty &= _is_null(columns[name])
    if plan.captures_column in columns:
        empty &= _without_captures(columns[plan.captures_column])
    found["NO_EVIDENCE"] = empty
    reason = np.full(len(unreadable), GOOD)
    for place in reversed(range(len(REASONS))):
        if REASONS[place] in found:
            reason[found[REASONS[place]]] = place
    return reason


def _without_captures(column: pa.Array) -> Bool:
    is_list = pa.types.is_list(column.type) or pa.types.is_large_list(column.type)
    size = pc.list_value_length(column) if is_list else pc.binary_length(column)
    return np.asarray(pc.equal(size, 0).fill_null(True))
