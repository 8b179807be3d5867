"""The dimensions of an audience, and how an event's values share one whole number, its cell.

Every dimension is a closed list with UNKNOWN first: what the list does not know is counted there
and never under a default, so each dimension sums to the total. Plain Python; both
engines and the tests use it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

UNKNOWN = "UNKNOWN"

REGION_OF_CITY: Mapping[str, str] = {
    "mumbai": "mumbai", "nashik": "mumbai", "pune": "pune", "delhi": "delhi", "gurgaon": "delhi",
    "noida": "delhi", "bangalore": "bangalore", "mysore": "bangalore", "mangalore": "bangalore",
    "hyderabad": "hyderabad", "vijayawada": "hyderabad", "chennai": "chennai",
    "coimbatore": "chennai", "kolkata": "kolkata", "bhubaneswar": "kolkata",
    "jaipur": "other_india", "lucknow": "other_india", "patna": "other_india",
    "ahmedabad": "other_india", "indore": "other_india", "kochi": "other_india",
    "guwahati": "other_india", "dubai": "international", "london": "international",
    "singapore": "international",
}  # fmt: skip
"""Cities and the region that serves them (given, with Chennai and Pune as regions of their own)."""

REGIONS = (
    UNKNOWN, "mumbai", "chennai", "delhi", "bangalore", "hyderabad", "kolkata", "pune",
    "other_india", "international",
)  # fmt: skip
CITIES = (UNKNOWN, *REGION_OF_CITY)
DEVICES = (UNKNOWN, "MOBILE", "SMART_TV", "TABLET", "LAPTOP")
NETWORKS = (UNKNOWN, "N4G", "N5G", "WIFI", "BROADBAND")
LANGUAGES = (
    UNKNOWN, "hindi", "english", "tamil", "telugu", "kannada", "bengali", "marathi", "malayalam",
    "gujarati", "punjabi", "bhojpuri",
)  # fmt: skip
QUALITIES = (UNKNOWN, "Q360", "Q480", "Q720", "Q1080", "Q4K")


@dataclass(frozen=True)
class Dimension:
    """One dimension inside a cell.

    Attributes:
        name: as in `viewer.Metrics.dimension`.
        column: column of the event.
        values: all values, UNKNOWN first; the place of a value is its code.
        shift: first bit of the code in the cell.
        bits: bits of the code.
    """

    name: str
    column: str
    values: Sequence[str]
    shift: int
    bits: int

    def code(self, value: str | None) -> int:
        """Code of a value; 0 for what the list does not have."""
        return self.values.index(value) if value in self.values else 0

    def of(self, cell: int) -> str:
        """Value that a cell holds."""
        return self.values[(cell >> self.shift) & ((1 << self.bits) - 1)]


DIMENSIONS = (
    Dimension("region", "region", REGIONS, 0, 4),
    Dimension("city", "city", CITIES, 4, 5),
    Dimension("device", "device_type", DEVICES, 9, 3),
    Dimension("network", "network", NETWORKS, 12, 3),
    Dimension("language", "language", LANGUAGES, 15, 4),
    Dimension("quality", "quality", QUALITIES, 19, 3),
)
CELL_BITS = 22
"""Bits of a cell; with a time stamp and one flag it has to fit into 63."""


def pack_cell(values: Mapping[str, str | None]) -> int:
    """Cell of an event, given by column name."""
    return sum(one.code(values.get(one.column)) << one.shift for one in DIMENSIONS)


def unpack_cell(cell: int) -> dict[str, str]:
    """Values of a cell by dimension name."""
    return {one.name: one.of(cell) for one in DIMENSIONS}
