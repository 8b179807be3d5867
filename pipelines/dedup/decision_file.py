"""The file of decisions that reviewers hand in.

People edit it: it may have been through a spreadsheet, list a pair in either order, or name it by
its review id only. A row that cannot be used is set aside with a reason; two rows that contradict
each other stop the run. No cell is ever repeated in a message.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from pipelines.core.errors import ConfigError
from pipelines.core.privacy import Tokeniser
from pipelines.dedup.decisions import DECISION_SCHEMA, Decisions, review_ids

DECISIONS = ("SAME", "DIFFERENT", "UNSURE")
TOKEN_PATTERN = r"t[0-9]+_[A-Z2-7]{26}"
REVIEW_PATTERN = r"r[0-9a-f]{20}"

_COLUMNS = ("review_id", "token_a", "token_b", "decision", "reviewer", "decided_at")


def read_decisions(path: Path | str, tokeniser: Tokeniser) -> Decisions:
    """Read a CSV of decisions; rows without a decision are still open and skipped.

    Args:
        path: columns decision (SAME, DIFFERENT, UNSURE), reviewer, decided_at (ISO 8601, UTC where
            no zone is given), and review_id or token_a and token_b; others are ignored.
        tokeniser: pseudonym of the reviewer.

    Returns:
        The newest row of each pair, and the rows that cannot be used.

    Raises:
        ConfigError: no such file, no CSV, a column missing, or SAME and DIFFERENT for one pair.
    """
    rows = _read_csv(Path(path))
    rows = rows[rows["decision"] != ""]
    moments = pd.to_datetime(rows["decided_at"], utc=True, errors="coerce", format="ISO8601")
    rows = rows.assign(decided_at=moments.dt.floor("ms"))
    reasons = _row_reasons(rows)
    rejected = pd.DataFrame({"row": rows["row"], "reason": reasons})[reasons != ""]
    rows = _name_pairs(rows[reasons == ""])
    _refuse_contradictions(rows, path)
    rows["reviewer_token"] = rows["reviewer"].map(tokeniser.token)
    rows["applied_run_id"] = None
    rows = rows.sort_values(["decided_at", "row"]).drop_duplicates("review_id", keep="last")
    columns = [*DECISION_SCHEMA.names, "row"]
    return Decisions(rows[columns].sort_values("row", ignore_index=True), rejected)


def _read_csv(path: Path) -> pd.DataFrame:
    """All cells as trimmed text, with the line number."""
    try:
        rows = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise ConfigError(f"--decisions {path}: no such file") from error
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise ConfigError(f"--decisions {path}: not a CSV file in UTF-8") from error
    needed = {"decision", "reviewer", "decided_at"} - set(rows.columns)
    if needed or not ({"review_id"} <= set(rows) or {"token_a", "token_b"} <= set(rows)):
        raise ConfigError(
            f"--decisions {path}: columns decision, reviewer, decided_at and review_id (or token_a"
            f" and token_b) are needed; the file has {', '.join(map(str, rows.columns))}"
        )
    rows = rows.reindex(columns=list(_COLUMNS), fill_value="").apply(
        lambda cells: cells.str.strip()
    )
    rows["decision"] = rows["decision"].str.upper()
    return rows.assign(row=np.arange(2, len(rows) + 2))


def _row_reasons(rows: pd.DataFrame) -> pd.Series:
    """Why each row cannot be used, or an empty text."""
    has_tokens = (rows["token_a"] != "") | (rows["token_b"] != "")
    is_token = rows["token_a"].str.fullmatch(TOKEN_PATTERN)
    is_token &= rows["token_b"].str.fullmatch(TOKEN_PATTERN)
    is_token &= rows["token_a"] != rows["token_b"]
    is_named = rows["review_id"].str.fullmatch(REVIEW_PATTERN)
    is_same = review_ids(rows) == rows["review_id"]
    checks = {
        "BAD_DECISION": ~rows["decision"].isin(DECISIONS),
        "MISSING_REVIEWER": rows["reviewer"] == "",
        "BAD_DECIDED_AT": rows["decided_at"].isna(),
        "BAD_TOKEN": has_tokens & ~is_token,
        "BAD_REVIEW_ID": ~is_named & ((rows["review_id"] != "") | ~has_tokens),
        "PAIR_MISMATCH": has_tokens & is_named & ~is_same,
    }
    reasons = np.select([np.asarray(c, dtype=bool) for c in checks.values()], list(checks), "")
    return pd.Series(reasons, index=rows.index, dtype=object)


def _name_pairs(rows: pd.DataFrame) -> pd.DataFrame:
    """Review ids for all rows, tokens with the smaller one first."""
    has_tokens = rows["token_a"] != ""
    swapped = rows["token_a"] > rows["token_b"]
    low, high = rows["token_b"].where(swapped, rows["token_a"]), rows["token_a"]
    high = high.where(swapped, rows["token_b"])
    names = rows["review_id"].where(~has_tokens, review_ids(rows))
    return rows.assign(token_a=low, token_b=high, review_id=names)


def _refuse_contradictions(rows: pd.DataFrame, path: Path | str) -> None:
    firm = rows[rows["decision"] != "UNSURE"]
    same = firm[firm["decision"] == "SAME"].groupby("review_id")["row"].min()
    different = firm[firm["decision"] == "DIFFERENT"].groupby("review_id")["row"].min()
    both = same.to_frame("same").join(different.to_frame("different"), how="inner")
    if len(both):
        name, first = both.index[0], both.iloc[0]
        raise ConfigError(
            f"--decisions {path}: row {first['same']} says SAME and row {first['different']} says"
            f" DIFFERENT for the pair {name} ({len(both)} such pairs); keep one row of each"
        )
