"""Who pays and who is paid: accounts with home, device and habits; merchants with a ticket."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pipelines.upi_fraud.arrays import FloatArray, IntArray
from pipelines.upi_fraud.config import GeneratorSettings
from pipelines.upi_fraud.geo import gazetteer
from pipelines.upi_fraud.state import DAY_MS

START_MS = 1_767_205_800_000
"""2026-01-01 00:00 in India; the first day of the traffic."""

CITIES = ("mumbai", "delhi", "bengaluru", "hyderabad", "chennai", "kolkata", "pune")
AREAS = ("", "_central", "_east", "_west", "_market")
HANDLES = ("ybl", "okaxis", "paytm", "upi")
HANDLE_SHARES = (0.47, 0.36, 0.15, 0.02)
CATEGORIES = ("GROCERY", "FOOD", "FUEL", "UTILITY", "TRAVEL", "FASHION", "JEWELLERY", "GAMBLING")
CATEGORY_SHARES = (0.3, 0.25, 0.12, 0.12, 0.08, 0.09, 0.03, 0.01)

MEDIAN_RS, SPREAD_BETWEEN, SPREAD_WITHIN = 500.0, 0.9, 1.2
MOST_RS = 100_000.0
USUAL_PAYEES = 6


@dataclass
class People:
    """The population.

    Attributes:
        vpas, devices: address and usual device of each account.
        home: place in `CITIES`; `lat`, `lon` of the home.
        log_median: logarithm of the account's usual amount, rupees.
        activity: relative number of payments.
        usual: accounts that each account pays again and again, one row each.
        merchant_vpas, ticket_rs: address and usual ticket of each merchant.
        merchants: records of `upi.Merchant`.
    """

    vpas: list[str]
    devices: list[str]
    home: IntArray
    lat: FloatArray
    lon: FloatArray
    log_median: FloatArray
    activity: FloatArray
    usual: IntArray
    merchant_vpas: list[str]
    ticket_rs: FloatArray
    merchants: list[dict[str, Any]]

    def draw_rs(self, rng: np.random.Generator, payers: IntArray) -> FloatArray:
        """Amounts as these accounts pay them, rupees."""
        drawn = np.exp(rng.normal(self.log_median[payers], SPREAD_WITHIN))
        rounded: FloatArray = np.clip(np.round(drawn, 2), 1.0, MOST_RS)
        return rounded


def make_people(rng: np.random.Generator, settings: GeneratorSettings) -> People:
    """Draw accounts and merchants. Ids are made up and belong to nobody."""
    number = settings.payers
    handles = rng.choice(HANDLES, number, p=HANDLE_SHARES)
    home = rng.integers(0, len(CITIES), number)
    centre = city_centres()
    tickets = np.exp(rng.normal(np.log(MEDIAN_RS), SPREAD_BETWEEN, settings.merchants))
    return People(
        vpas=[f"person{i:06d}@{handle}" for i, handle in enumerate(handles)],
        devices=[f"phone-{value:016x}" for value in rng.integers(0, 2**63, number)],
        home=home,
        lat=centre[home, 0] + rng.normal(0, 0.03, number),
        lon=centre[home, 1] + rng.normal(0, 0.03, number),
        log_median=rng.normal(np.log(MEDIAN_RS), SPREAD_BETWEEN, number),
        activity=rng.gamma(2.0, 1.0, number),
        usual=rng.integers(0, number, (number, USUAL_PAYEES)),
        merchant_vpas=[f"shop{i:05d}@icici" for i in range(settings.merchants)],
        ticket_rs=np.round(tickets, 2),
        merchants=_merchant_records(rng, tickets),
    )


def _merchant_records(rng: np.random.Generator, tickets: FloatArray) -> list[dict[str, Any]]:
    number = len(tickets)
    categories = rng.choice(CATEGORIES, number, p=CATEGORY_SHARES)
    reputations = np.clip(rng.beta(1.5, 8, number) * 100, 0, 100).astype(int)
    first_day = START_MS // DAY_MS - rng.integers(20, 2_000, number)
    return [
        {
            "event_id": f"merchant-{place}",
            "event_time": START_MS - DAY_MS,
            "merchant_id": merchant_id(place),
            "reputation": int(reputations[place]),
            "category": str(categories[place]),
            "typical_ticket_paise": round(float(tickets[place]) * 100),
            "first_seen_date": int(first_day[place]),
        }
        for place in range(number)
    ]


def merchant_id(place: int) -> str:
    """Id of a merchant by its place."""
    return f"M{place:05d}"


def city_centres() -> FloatArray:
    """Latitude and longitude of each of `CITIES`."""
    return np.array([gazetteer()[name] for name in CITIES])
