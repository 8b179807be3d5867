"""Codes, phones, genders and dates."""

import re
from datetime import date
from functools import lru_cache

from pipelines.core.errors import ConfigError
from pipelines.dedup.text.tables import invert, load_table

_GENDERS = invert(load_table("values")["gender"])
_NOT_WORD = re.compile(r"[\W_]+")
_NOT_DIGIT = re.compile(r"\D+")
_PHONE_FILLER = re.compile(r"[\s().-]+")
_MOBILE = re.compile(r"(?<![0-9])(?:(?:\+|00)?91|0)?([6-9][0-9]{9})(?![0-9])")
_DATE_PART = re.compile(r"yyyy|MM?|dd?|[A-Za-z]+|[^A-Za-z]+")
_DATE_PATTERNS = {
    "yyyy": r"(?P<year>\d{4})",
    "MM": r"(?P<month>\d{2})",
    "M": r"(?P<month>\d{1,2})",
    "dd": r"(?P<day>\d{2})",
    "d": r"(?P<day>\d{1,2})",
}


def clean_code(text: str) -> str:
    """Letters and digits of a folded code, nothing else."""
    return text if text.isalnum() else _NOT_WORD.sub("", text)


def clean_phone(text: str) -> str:
    """Digits of the first mobile number without +91, 0091 or 0; else all digits."""
    if len(text) == 10 and text.isdecimal():
        return text
    mobile = _MOBILE.search(_PHONE_FILLER.sub("", text))
    if mobile:
        return mobile[1]
    digits = _NOT_DIGIT.sub("", text).lstrip("0")
    return digits[2:] if len(digits) == 12 and digits.startswith("91") else digits


def clean_gender(text: str) -> str:
    """female, male or other by table; "" for unknown words."""
    return _GENDERS.get(_NOT_WORD.sub(" ", text).strip(), "")


def clean_date(text: str, pattern: re.Pattern[str], keep_impossible: bool = False) -> str:
    """Eight digits yyyymmdd of a folded date; "" where it does not fit or no such day exists."""
    found = pattern.fullmatch(text.strip())
    if found is None:
        return ""
    parts = found.groupdict("1")
    year, month, day = (int(parts.get(name, "1")) for name in ("year", "month", "day"))
    if not keep_impossible and not _is_calendar_date(year, month, day):
        return ""
    return f"{year:04}{month:02}{day:02}"


def is_estimated(digits: str) -> bool:
    """True for 1 January, which clerks write when only the year is known."""
    return digits[4:] == "0101"


@lru_cache(maxsize=64)
def date_pattern(date_format: str) -> re.Pattern[str]:
    """Regular expression of a Java date pattern made of yyyy, MM, M, dd, d and punctuation.

    A time of day after the date is allowed. Without day or month the date is 1 January or the
    first of the month, so it counts as estimated.

    Raises:
        ConfigError: another letter, a part twice, or no year.
    """
    pieces = _DATE_PART.findall(date_format)
    wrong = [p for p in pieces if p.isalpha() and p not in _DATE_PATTERNS]
    letters = [p[0] for p in pieces if p in _DATE_PATTERNS]
    if wrong or "y" not in letters or len(set(letters)) != len(letters):
        raise ConfigError(
            f"date format {date_format!r}: use yyyy, MM or M, dd or d once each, with punctuation"
            f"{', not ' + ' '.join(wrong) if wrong else ''}"
        )
    body = "".join(_DATE_PATTERNS.get(p, re.escape(p)) for p in pieces)
    return re.compile(rf"{body}(?:[t ]\d{{2}}:\d{{2}}.*)?")


def strftime_format(date_format: str) -> str:
    """The same format for Arrow's strftime, so that date columns take the way of text."""
    codes = {"y": "%Y", "M": "%m", "d": "%d"}
    return re.sub("yyyy|MM?|dd?", lambda part: codes[part[0][0]], date_format)


def _is_calendar_date(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True
