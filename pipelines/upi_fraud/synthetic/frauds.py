"""Six kinds of fraud, one episode a call; shapes and sizes as in the specification, section 13."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipelines.upi_fraud.arrays import FloatArray, IntArray
from pipelines.upi_fraud.config import GeneratorSettings
from pipelines.upi_fraud.geo import distance_km
from pipelines.upi_fraud.state import DAY_MS, HOUR_MS
from pipelines.upi_fraud.synthetic.drafts import Drafts, join, make_drafts
from pipelines.upi_fraud.synthetic.people import CITIES, START_MS, People, city_centres

MINUTE_MS = 60_000
FAR_KM = 500
LEARNED = 10


@dataclass
class Scene:
    """What an episode is drawn from.

    Attributes:
        people, settings: the population.
        rng: source of chance.
        genuine: genuine traffic, in order of time.
        counts, mean_rs: genuine payments and mean amount of each account.
    """

    people: People
    settings: GeneratorSettings
    rng: np.random.Generator
    genuine: Drafts
    counts: IntArray
    mean_rs: FloatArray

    def moment(self) -> int:
        """A moment in the second half of the days, when people have a history."""
        days = self.settings.days
        day = int(self.rng.integers(days // 2, days)) if days > 1 else 0
        return START_MS + day * DAY_MS + int(self.rng.integers(8 * HOUR_MS, 22 * HOUR_MS))

    def accounts(self, number: int) -> IntArray:
        """Different accounts."""
        return self.rng.choice(self.settings.payers, number, replace=False)

    def new_phones(self, number: int) -> IntArray:
        """Devices nobody has used."""
        return self.settings.payers * 3 + self.rng.integers(0, 2**40, number)


def make_scene(
    people: People, settings: GeneratorSettings, rng: np.random.Generator, genuine: Drafts
) -> Scene:
    """Sum up the genuine traffic."""
    counts = np.bincount(genuine.payer, minlength=settings.payers)
    sums = np.bincount(genuine.payer, genuine.paise / 100, minlength=settings.payers)
    ordered = genuine.take(np.argsort(genuine.time_ms, kind="stable"))
    return Scene(people, settings, rng, ordered, counts, sums / np.maximum(counts, 1))


def takeover(scene: Scene, episode: int) -> Drafts:
    """An account in foreign hands: a new device, new payees, 5 to 40 times the usual amount."""
    rng = scene.rng
    payer, when = _victim_with_history(scene)
    number = int(rng.integers(1, 7))
    times = when + np.sort(rng.integers(0, 30 * MINUTE_MS, number))
    is_elsewhere = rng.random() < 0.5
    home = int(scene.people.home[payer])
    cities = np.full(number, _far_city(rng, home) if is_elsewhere else home)
    rupees = np.clip(scene.mean_rs[payer] * rng.uniform(5, 40, number), 500, 99_000)
    return make_drafts(
        scene.people, rng, times, np.full(number, payer), scene.accounts(number), np.round(rupees),
        device=np.full(number, scene.new_phones(1)[0]), city=cities, kind="takeover",
        episode=episode,
    )  # fmt: skip


def _victim_with_history(scene: Scene) -> tuple[int, int]:
    """An account with enough payments behind it, and a moment after them."""
    rng = scene.rng
    known = np.flatnonzero(scene.counts >= LEARNED + 2)
    payer = int(rng.choice(known)) if len(known) else int(np.argmax(scene.counts))
    times = scene.genuine.time_ms[scene.genuine.payer == payer]
    place = min(LEARNED + 1, len(times) - 1)
    last = START_MS + scene.settings.days * DAY_MS - HOUR_MS
    return payer, int(rng.integers(times[place], max(times[place] + 1, last)))


def mule_ring(scene: Scene, episode: int) -> Drafts:
    """20 to 40 victims pay one account in 10 to 20 minutes; it pays out at once."""
    rng = scene.rng
    number, outs = int(rng.integers(20, 41)), int(rng.integers(6, 13))
    chosen = scene.accounts(number + outs + 3)
    mule, victims, receivers = chosen[0], chosen[3 : number + 3], chosen[number + 3 :]
    when, span = scene.moment(), int(rng.integers(10, 21)) * MINUTE_MS
    rupees = np.round(rng.uniform(1_500, 8_000, number))
    paid_in = make_drafts(
        scene.people, rng, when + np.sort(rng.integers(0, span, number)), victims,
        np.full(number, mule), rupees, kind="mule_ring", episode=episode,
    )  # fmt: skip
    shares = rng.dirichlet(np.full(outs, 8.0)) * rupees.sum() * rng.uniform(0.82, 0.97)
    times = when + span + np.sort(rng.integers(2 * MINUTE_MS, 30 * MINUTE_MS, outs))
    payers, payees = np.full(outs, mule), receivers.copy()
    if episode % 3 == 0:  # the first leg goes on from A over B and C back to A
        payees[0] = chosen[1]
        payers, payees = np.append(payers, chosen[1:3]), np.append(payees, [chosen[2], mule])
        shares = np.append(shares, [shares[0] * 0.95, shares[0] * 0.9])
        times = np.append(times, times[0] + np.array([4, 9]) * MINUTE_MS)
    paid_out = make_drafts(
        scene.people, rng, times, payers, payees, np.round(np.minimum(shares, 99_000)),
        kind="mule_ring", episode=episode,
    )  # fmt: skip
    return join([paid_in, paid_out])


def velocity_burst(scene: Scene, episode: int) -> Drafts:
    """40 to 120 payments in 20 minutes on the known device."""
    rng = scene.rng
    payer, when = _victim_with_history(scene)
    number = int(rng.integers(40, 121))
    times = when + np.sort(rng.integers(0, 20 * MINUTE_MS, number))
    payees = (payer + 1 + rng.integers(0, scene.settings.payers - 1, number)) % len(scene.counts)
    return make_drafts(
        scene.people, rng, times, np.full(number, payer), payees,
        np.round(rng.uniform(50, 2_000, number)), kind="velocity_burst", episode=episode,
    )  # fmt: skip


def impossible_travel(scene: Scene, episode: int) -> Drafts:
    """Payments from a far city within 30 minutes of a genuine one."""
    rng = scene.rng
    row = int(rng.integers(len(scene.genuine) // 2, len(scene.genuine)))
    payer, when = int(scene.genuine.payer[row]), int(scene.genuine.time_ms[row])
    number = int(rng.integers(1, 5))
    times = when + np.sort(rng.integers(2 * MINUTE_MS, 30 * MINUTE_MS, number))
    far = _far_city(rng, int(scene.genuine.city[row]))
    return make_drafts(
        scene.people, rng, times, np.full(number, payer), scene.accounts(number),
        np.round(rng.uniform(500, 9_000, number)), city=np.full(number, far),
        kind="impossible_travel", episode=episode,
    )  # fmt: skip


def structuring(scene: Scene, episode: int) -> Drafts:
    """8 to 14 payments just below a limit to one payee within a day."""
    rng = scene.rng
    payer, payee = scene.accounts(2)
    number, limit = int(rng.integers(8, 15)), int(rng.choice([10_000, 50_000]))
    low = 9_000 if limit == 10_000 else 49_000
    times = scene.moment() + np.sort(rng.integers(0, 22 * HOUR_MS, number))
    return make_drafts(
        scene.people, rng, times, np.full(number, payer), np.full(number, payee),
        rng.integers(low, limit, number).astype(np.float64), kind="structuring", episode=episode,
    )  # fmt: skip


def merchant_collusion(scene: Scene, episode: int) -> Drafts:
    """Forty payments and more, far above the usual ticket of a small shop, within an hour."""
    rng = scene.rng
    number = int(rng.integers(40, 61))
    payers = rng.choice(scene.accounts(int(rng.integers(25, number + 1))), number)
    small = np.argsort(np.abs(scene.people.ticket_rs - 300))[: max(10, len(scene.counts) // 500)]
    times = scene.moment() + np.sort(rng.integers(0, HOUR_MS, number))
    return make_drafts(
        scene.people, rng, times, payers, payers, np.round(rng.uniform(15_000, 45_000, number)),
        merchant=np.full(number, rng.choice(small)), kind="merchant_collusion", episode=episode,
    )  # fmt: skip


EPISODES: dict[str, Callable[[Scene, int], Drafts]] = {
    "takeover": takeover,
    "mule_ring": mule_ring,
    "velocity_burst": velocity_burst,
    "impossible_travel": impossible_travel,
    "structuring": structuring,
    "merchant_collusion": merchant_collusion,
}


def draw_frauds(scene: Scene) -> list[Drafts]:
    """Episodes of all kinds in turn, until the share or the number of the settings is reached."""
    settings = scene.settings
    wanted = settings.transactions * settings.fraud_share
    parts: list[Drafts] = []
    while settings.episodes_per_kind * len(EPISODES) > len(parts) or (
        not settings.episodes_per_kind and sum(map(len, parts)) < wanted
    ):
        kind = list(EPISODES)[len(parts) % len(EPISODES)]
        parts.append(EPISODES[kind](scene, len(parts)))
    return parts


def _far_city(rng: np.random.Generator, home: int) -> int:
    """A city more than 500 km away."""
    centre = city_centres()
    far = [n for n in range(len(CITIES)) if distance_km(*centre[home], *centre[n]) > FAR_KM]
    return int(rng.choice(far))
