"""Genuine traffic, and the harmless things that look like fraud."""

import numpy as np

from pipelines.upi_fraud.arrays import FloatArray, IntArray
from pipelines.upi_fraud.config import GeneratorSettings
from pipelines.upi_fraud.geo import distance_km
from pipelines.upi_fraud.state import DAY_MS, HOUR_MS
from pipelines.upi_fraud.synthetic.drafts import NOT_A_MERCHANT, Drafts, join, make_drafts
from pipelines.upi_fraud.synthetic.people import START_MS, People, city_centres

DAY_SHAPE = np.array(
    [0.6, 0.3, 0.2, 0.15, 0.2, 0.5, 1.5, 3, 5, 6, 6.5, 6.5,
     7, 6.5, 5.5, 5, 5.5, 6.5, 8, 8.5, 7.5, 5, 3, 1.5]
)  # fmt: skip
"""Share of payments by hour of the Indian day, not normalised."""

FLIGHT_KMH = 574.0


def draw_times(rng: np.random.Generator, number: int, days: int) -> IntArray:
    """Moments spread over days by the shape of a day, epoch ms."""
    hours = rng.choice(24, number, p=DAY_SHAPE / DAY_SHAPE.sum())
    day = rng.integers(0, days, number)
    return START_MS + day * DAY_MS + hours * HOUR_MS + rng.integers(0, HOUR_MS, number)


def everyday(
    people: People, rng: np.random.Generator, settings: GeneratorSettings, number: int
) -> Drafts:
    """Payments to people one knows and to shops."""
    weights = people.activity / people.activity.sum()
    payers = rng.choice(settings.payers, number, p=weights)
    payees = people.usual[payers, rng.integers(0, people.usual.shape[1], number)]
    payees = np.where(rng.random(number) < 0.1, rng.integers(0, settings.payers, number), payees)
    payees = np.where(payees == payers, (payees + 1) % settings.payers, payees)
    is_shop = rng.random(number) < settings.merchant_share
    shops = np.where(is_shop, rng.integers(0, settings.merchants, number), NOT_A_MERCHANT)
    tickets = people.ticket_rs[shops] * np.exp(rng.normal(0, 0.6, number))
    rupees = np.where(is_shop, np.round(tickets, 2), people.draw_rs(rng, payers))
    times = draw_times(rng, number, settings.days)
    drafts = make_drafts(people, rng, times, payers, payees, rupees, merchant=shops)
    return _share_devices(people, rng, _switch_phones(people, rng, drafts, settings))


def _share_devices(people: People, rng: np.random.Generator, drafts: Drafts) -> Drafts:
    """Families: two or three accounts on one phone."""
    number = len(people.vpas)
    members = rng.permutation(number)[: number // 20]
    owner = np.arange(number)
    owner[members] = members[(np.arange(len(members)) // 3) * 3]
    is_usual = drafts.device < number
    drafts.device = np.where(is_usual, owner[np.minimum(drafts.device, number - 1)], drafts.device)
    return drafts


def _switch_phones(
    people: People, rng: np.random.Generator, drafts: Drafts, settings: GeneratorSettings
) -> Drafts:
    """Some buy a new phone during the days and use it from then on."""
    number = len(people.vpas)
    buyers = rng.permutation(number)[: number // 50]
    moment = np.full(number, np.iinfo(np.int64).max)
    moment[buyers] = START_MS + rng.integers(0, settings.days * DAY_MS, len(buyers))
    is_new = drafts.time_ms >= moment[drafts.payer]
    drafts.device = np.where(is_new, number + drafts.payer, drafts.device)
    return drafts


def look_alikes(
    people: People, rng: np.random.Generator, settings: GeneratorSettings, drafts: Drafts
) -> Drafts:
    """Everyday payments with collections, bursts, split bills, rent and flights among them."""
    scale = max(1, settings.transactions // 20_000)
    parts = [
        *(_collection(people, rng, settings) for _ in range(scale)),
        *(_festival(people, rng, settings) for _ in range(scale)),
        *(_split_bill(people, rng, settings) for _ in range(2 * scale)),
        _rent(people, rng, settings, 10 * scale),
    ]
    joined = join([drafts, *parts])
    for _ in range(2 * scale):
        joined = _flight(people, rng, settings, joined)
    return joined


def _moment(rng: np.random.Generator, settings: GeneratorSettings) -> int:
    """A moment in the waking hours of some day."""
    day = int(rng.integers(0, settings.days))
    return START_MS + day * DAY_MS + int(rng.integers(9 * HOUR_MS, 19 * HOUR_MS))


def _collection(people: People, rng: np.random.Generator, settings: GeneratorSettings) -> Drafts:
    """Colleagues collect for a gift: 20 to 50 payers to one person within three hours."""
    number = int(rng.integers(20, 51))
    chosen = rng.permutation(settings.payers)[: number + 1]
    times = _moment(rng, settings) + rng.integers(0, 3 * HOUR_MS, number)
    rupees = rng.choice([101.0, 201.0, 251.0, 501.0], number)
    return make_drafts(people, rng, times, chosen[1:], np.full(number, chosen[0]), rupees)


def _festival(people: People, rng: np.random.Generator, settings: GeneratorSettings) -> Drafts:
    """Gifts on a feast day: 8 to 14 payments of one payer within an hour."""
    number = int(rng.integers(8, 15))
    payer = int(rng.integers(0, settings.payers))
    payees = (payer + 1 + rng.permutation(settings.payers - 1)[:number]) % settings.payers
    times = _moment(rng, settings) + rng.integers(0, HOUR_MS, number)
    rupees = rng.choice([51.0, 101.0, 151.0, 251.0, 501.0], number)
    return make_drafts(people, rng, times, np.full(number, payer), payees, rupees)


def _split_bill(people: People, rng: np.random.Generator, settings: GeneratorSettings) -> Drafts:
    """Friends pay their equal part of a bill to one of them within half an hour."""
    number = int(rng.integers(3, 8))
    chosen = rng.permutation(settings.payers)[: number + 1]
    times = _moment(rng, settings) + rng.integers(0, HOUR_MS // 2, number)
    part = float(np.round(rng.uniform(150, 900), 0))
    return make_drafts(
        people, rng, times, chosen[1:], np.full(number, chosen[0]), np.full(number, part)
    )


def _rent(
    people: People, rng: np.random.Generator, settings: GeneratorSettings, number: int
) -> Drafts:
    """Rent and school fees: a few thousand to tens of thousands, once."""
    payers = rng.integers(0, settings.payers, number)
    payees = (payers + 1 + rng.integers(0, settings.payers - 1, number)) % settings.payers
    rupees = rng.choice([6000.0, 8000.0, 9500.0, 12000.0, 15000.0, 22000.0], number)
    return make_drafts(people, rng, draw_times(rng, number, settings.days), payers, payees, rupees)


def _flight(
    people: People, rng: np.random.Generator, settings: GeneratorSettings, drafts: Drafts
) -> Drafts:
    """One traveller: a payment before take-off, one on landing, the rest of the day away."""
    payer = int(rng.integers(0, settings.payers))
    home = int(people.home[payer])
    away = int((home + 1 + rng.integers(0, len(city_centres()) - 1)) % len(city_centres()))
    start, there = _moment(rng, settings), flight_ms(home, away)
    back = start + there + int(rng.integers(4 * HOUR_MS, 30 * HOUR_MS))
    own = drafts.payer == payer
    is_away = own & (drafts.time_ms > start) & (drafts.time_ms < back + there)
    times = [start, start + there, back, back + there]
    payees = people.usual[payer][:4]
    payees = np.where(payees == payer, (payees + 1) % settings.payers, payees)
    rupees: FloatArray = people.draw_rs(rng, np.full(4, payer)).clip(20, 2_000)
    trip = make_drafts(
        people, rng, times, np.full(4, payer), payees, rupees, city=[home, away, away, home]
    )
    return join([drafts.take(~is_away), trip])


def flight_ms(start: int, end: int) -> int:
    """Duration of a flight between two cities, ms; short ways take the train's time."""
    centre = city_centres()
    km = distance_km(*centre[start], *centre[end])
    return int(km / FLIGHT_KMH * HOUR_MS) if km > 300 else 4 * HOUR_MS
