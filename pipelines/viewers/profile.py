"""What a viewer likes, as one small state that takes interactions in any order (rule A3).

Weights fade with event time: a sum is kept at the moment of its newest part, so a replay of the
next day gives the same values. Copies are not told apart; the producer's id makes them rare.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipelines.viewers.taste import HOUR_MS, TASTE_RATE, Fading, diversity, weight_of

INDIA_MS = 19_800_000
MOST = 5
VERSION = 1


@dataclass
class Profile:
    """Taste of one viewer.

    Attributes:
        genres, actors: fading sum of weights by name.
        hours: time watched by hour of day in India, ms.
        devices: interactions by device.
        stars: number and sum of ratings.
        newest_ms: newest interaction, epoch ms; 0 for none.
    """

    genres: dict[str, Fading] = field(default_factory=dict)
    actors: dict[str, Fading] = field(default_factory=dict)
    hours: Counter[int] = field(default_factory=Counter)
    devices: Counter[str] = field(default_factory=Counter)
    stars: tuple[int, int] = (0, 0)
    newest_ms: int = 0

    def take(self, record: Mapping[str, Any], actors: Sequence[str] = ()) -> None:
        """Count one interaction in.

        Args:
            record: `viewer.Interaction`.
            actors: of its content, as far as they are known.
        """
        at_ms = int(record["event_time"])
        weight = weight_of(record["interaction_type"], record["watch_ms"], record["content_ms"])
        one = Fading(weight, at_ms, TASTE_RATE)
        for sums, names in ((self.genres, record["content_genres"]), (self.actors, actors)):
            for name in names:
                sums[name] = sums[name].joined(one) if name in sums else one
        self.hours[(at_ms + INDIA_MS) // HOUR_MS % 24] += max(0, record["watch_ms"])
        self.devices[record["device_type"]] += 1
        if record["rating"] is not None:
            number, total = self.stars
            self.stars = number + 1, total + record["rating"]
        self.newest_ms = max(self.newest_ms, at_ms)

    def preference(self, user_id: str) -> dict[str, Any]:
        """The profile as `viewer.Preference`, as of its newest interaction."""
        liked, actors = (
            {name: one.at(self.newest_ms) for name, one in sums.items()}
            for sums in (self.genres, self.actors)
        )
        number, total = self.stars
        return {
            "event_id": f"{user_id}|{self.newest_ms}",
            "event_time": self.newest_ms,
            "user_id": user_id,
            "top_genres": _best(liked),
            "top_actors": _best(actors),
            "preferred_hours": _best({hour: ms for hour, ms in self.hours.items() if ms}),
            "average_rating": total / number if number else None,
            "primary_device": (_best(self.devices) or ["UNKNOWN"])[0],
            "diversity_score": diversity(liked),
            "updated_at": self.newest_ms,
        }

    def packed(self) -> bytes:
        """The state as versioned JSON."""
        sums = [
            {name: (one.value, one.at_ms) for name, one in kept.items()}
            for kept in (self.genres, self.actors)
        ]
        parts = [VERSION, *sums, self.hours, self.devices, self.stars, self.newest_ms]
        return json.dumps(parts, separators=(",", ":")).encode()

    @classmethod
    def unpacked(cls, data: bytes) -> "Profile":
        """A state made by `packed`.

        Raises:
            ValueError: another version wrote it.
        """
        version, *rest = json.loads(data)
        if version != VERSION:
            raise ValueError(f"state of a viewer's taste has version {version}, not {VERSION}")
        *sums, hours, devices, stars, newest = rest
        genres, actors = (
            {name: Fading(value, at_ms, TASTE_RATE) for name, (value, at_ms) in one.items()}
            for one in sums
        )
        return cls(
            genres, actors, Counter({int(hour): ms for hour, ms in hours.items()}),
            Counter(devices), (stars[0], stars[1]), newest,
        )  # fmt: skip


def profiles_of(
    interactions: Iterable[Mapping[str, Any]], actors: Mapping[str, Sequence[str]]
) -> dict[str, Profile]:
    """Profiles of all viewers by token.

    Args:
        interactions: records of `viewer.Interaction`, in any order.
        actors: of each content, as far as they are known.
    """
    found: dict[str, Profile] = {}
    for one in interactions:
        found.setdefault(one["user_id"], Profile()).take(one, actors.get(one["content_id"], ()))
    return found


def _best(scores: "dict[Any, float] | Counter[Any]") -> list[Any]:
    """Names of the largest values, ties by name."""
    return [name for name, _ in sorted(scores.items(), key=lambda one: (-one[1], one[0]))[:MOST]]
