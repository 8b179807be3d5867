"""Names of the domain and the small integers the kernel works with; the order is the code.

Records are numpy structures, so that one argument carries a whole table into compiled code.
"""

from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

I64 = npt.NDArray[np.int64]
I32 = npt.NDArray[np.int32]
F64 = npt.NDArray[np.float64]
Records = npt.NDArray[np.void]
Row = Any
"""One row of a record array; compiled code reads its fields as attributes."""

Floats = npt.NDArray[np.floating[Any]]
Integers = npt.NDArray[np.integer[Any]]
Bools = npt.NDArray[np.bool_]
Int = int | np.int64

CLASSES = ("A1", "A2", "A3", "E3", "SL", "CC", "S2")
AC_CLASSES = ("A1", "A2", "A3", "E3", "CC")
QUOTAS = ("GN", "TQ", "LD", "SS", "DF", "HP")
POOLS = (*QUOTAS, "RAC", "MERGED", "WAITLIST")
CHARGES = (*QUOTAS, "RELEASED")
STATUSES = ("UNKNOWN", "CONFIRMED", "RAC", "WAITLISTED", "REJECTED", "CANCELLED")
BERTH_TYPES = ("LB", "MB", "UB", "SL", "SU", "SEAT")
WISHES = ("NONE", "LOWER", "MIDDLE", "UPPER", "SIDE_LOWER", "SIDE_UPPER")
GENDERS = ("F", "M", "X")
CATEGORIES = ("SENIOR", "LADIES", "MILITARY", "DISABILITY", "REGULAR")
GN, TQ, LD, SS, DF, HP = range(6)
RAC_POOL, MERGED, WAITLIST = 6, 7, 8
RELEASED_CHARGE = 6
UNKNOWN, CONFIRMED, RAC, WAITLISTED, REJECTED, CANCELLED = range(6)
LOWER_BERTH = 0
NONE = -1

SENIOR, FEMALE, CHILD, MILITARY, DISABLED, ENTITLED = (1 << bit for bit in range(6))
"""Traits of a passenger, one bit each."""


class Why(IntEnum):
    """Reason of a status."""

    UNKNOWN = 0
    FITS_QUOTA = 1  # confirmed when booked
    FITS_RAC = 2  # RAC when booked; the segment named is where the quota was full
    QUOTA_FULL = 3  # waitlisted when booked
    PROMOTED = 4  # confirmed after a cancellation
    PROMOTED_RAC = 5
    RELEASED = 6  # confirmed at charting, from berths no quota used
    RELEASED_RAC = 7
    NOT_CLEARED = 8  # charting found no place either
    CANCELLED = 9
    WL_FULL = 10
    QUOTA_NOT_ELIGIBLE = 11
    TATKAL_GROUP_SIZE = 12
    TOO_EARLY = 13
    TATKAL_NOT_OPEN = 14
    AFTER_CHART = 15


class Verdict(IntEnum):
    """What became of an event; all but APPLIED set a cancellation aside."""

    APPLIED = 0
    UNKNOWN_PNR = 1
    UNKNOWN_PASSENGER = 2
    CANCEL_BEFORE_BOOKING = 3
    ALREADY_CANCELLED = 4
    NOTHING_TO_CANCEL = 5
    AFTER_CHART = 6


REQUEST = np.dtype(
    [
        ("at", "<i8"),  # booked at, ms UTC
        ("first", "<i8"),  # row of its first passenger
        ("from_seq", "<i4"),
        ("to_seq", "<i4"),
        ("quota", "<i4"),
        ("size", "<i4"),  # passengers asked for
    ]
)
PASSENGER = np.dtype([("traits", "<i4"), ("wish", "<i4")])
EVENT = np.dtype(
    [
        ("at", "<i8"),
        ("request", "<i4"),  # row of the request; -1 for an event refused before the kernel
        ("mask", "<i4"),  # passengers who cancel, one bit each; 0 books
        ("verdict", "<i4"),  # given when refused before, else filled in
    ]
)
STATE = np.dtype(
    [
        ("status", "<i4"),
        ("alive", "<i4"),  # passengers who have not cancelled, one bit each
        ("size", "<i4"),  # how many
        ("charge", "<i4"),  # quota whose berth is held, else -1
        ("position", "<i4"),  # of its first passenger in a list, else 0
        ("first_position", "<i4"),
        ("category", "<i4"),  # release category at charting
    ]
)
REASON = np.dtype(
    [
        ("code", "<i4"),
        ("pool", "<i4"),
        ("segment", "<i4"),
        ("free", "<i4"),
        ("need", "<i4"),
        ("cause", "<i4"),  # row of the event that caused it, else -1
    ]
)
BERTH = np.dtype(
    [
        ("coach", "<i4"),  # index into the coach names of the class
        ("bay", "<i4"),  # bays counted through the class, from 0
        ("bay_no", "<i4"),  # as the coach numbers them
        ("berth_no", "<i4"),
        ("kind", "<i4"),  # code of BERTH_TYPES
    ]
)


class ClassPlan(NamedTuple):
    """What the kernel must know of one train, date and class.

    Attributes:
        segments: stations less one.
        capacity: berths per quota [6], then RAC places, then the waitlist cap, int64.
        times: ms UTC at which booking opens, Tatkal opens, the chart is made, and `as_of` ends.
        tatkal_limit: largest group in TQ.
        priority: rank of each release category [5].
        berths: all berths not kept for RAC, ordered by coach, bay, berth number.
        rac_berths: the others, two places each.
    """

    segments: int
    capacity: I64
    times: I64
    tatkal_limit: int
    priority: I64
    berths: Records
    rac_berths: Records


CAP = 7
OPENS, TATKAL_OPENS, CHARTS, AS_OF = range(4)
