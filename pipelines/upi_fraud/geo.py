"""Places: labels become coordinates, coordinates become kilometres and speeds."""

import csv
import math
from functools import cache, lru_cache
from pathlib import Path

EARTH_KM = 6371.0
"""Mean radius (IUGG)."""

_FILE = Path(__file__).parent / "data" / "places.csv"
_MS_PER_HOUR = 3_600_000


@cache
def gazetteer() -> dict[str, tuple[float, float]]:
    """Latitude and longitude of each known city, by name and alias."""
    found: dict[str, tuple[float, float]] = {}
    with _FILE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            for name in (row["place"], *filter(None, row["aliases"].split("|"))):
                found[name] = (float(row["lat"]), float(row["lon"]))
    return found


@lru_cache(maxsize=65_536)
def place_of(label: str) -> tuple[float, float] | None:
    """Coordinates of a label such as `mumbai_bandra`; None where the city is not known.

    An unknown place never becomes some default city: the payment then has no place.
    """
    known, text = gazetteer(), label.strip().lower()
    while text:
        if text in known:
            return known[text]
        text = text.rpartition("_")[0]
    return None


def square_of(lat_e5: int, lon_e5: int) -> str:
    """Name of the tenth of a degree that a place without a label lies in."""
    return f"{lat_e5 // 10_000},{lon_e5 // 10_000}"


def distance_km(lat: float, lon: float, other_lat: float, other_lon: float) -> float:
    """Great-circle distance (haversine, Sinnott 1984), km."""
    phi, other_phi = math.radians(lat), math.radians(other_lat)
    half_turn = math.radians(other_lon - lon) / 2
    square = (
        math.sin((other_phi - phi) / 2) ** 2
        + math.cos(phi) * math.cos(other_phi) * math.sin(half_turn) ** 2
    )
    return 2 * EARTH_KM * math.asin(min(1.0, math.sqrt(square)))


def speed_kmh(km: float, elapsed_ms: int) -> float:
    """Speed of a journey; two places in one millisecond are infinitely fast."""
    return km * _MS_PER_HOUR / abs(elapsed_ms) if elapsed_ms else math.inf
