"""People of one block: households with a common surname, relation and address; twins."""

from dataclasses import dataclass

import numpy as np

from pipelines.dedup.synthetic.addresses import (
    Columns,
    draw_addresses,
    draw_communities,
    draw_states,
)
from pipelines.dedup.synthetic.config import PeopleModel, SyntheticConfig
from pipelines.dedup.synthetic.gazetteer import Gazetteer
from pipelines.dedup.synthetic.names import GENDERS, NameBook
from pipelines.dedup.synthetic.streams import I64, Bool, Purpose, open_stream

RELATIONS = ("UNKNOWN", "SON_OF", "DAUGHTER_OF", "WIFE_OF", "CARE_OF")
UNKNOWN, SON_OF, DAUGHTER_OF, WIFE_OF, CARE_OF = range(len(RELATIONS))
FEMALE, MALE = range(len(GENDERS))

_HEAD_DAYS, _PARENT_DAYS, _WIFE_DAYS = (28 * 365, 88 * 365), 19 * 365, (-365, 7 * 365)
_REDRAWS = 3


@dataclass(frozen=True)
class Block:
    """One seed's worth of people and where their numbers start.

    Attributes:
        seed, number: seed of the whole set and number of the block.
        first_person, people: people are numbered through all blocks.
        first_record, later: records are numbered through all blocks; people + later in this one.
    """

    seed: int
    number: int
    first_person: int
    people: int
    first_record: int
    later: int

    def stream(self, purpose: Purpose) -> np.random.Generator:
        """Generator of this block for one purpose."""
        return open_stream(self.seed, purpose, self.number)


def make_people(
    block: Block, config: SyntheticConfig, names: NameBook, gazetteer: Gazetteer
) -> Columns:
    """All people of a block.

    Returns:
        int64 columns of one length: household, community, given, surname, relation_given,
        relation_surname (spellings), relation_type, gender, born (days since 1970), is_estimated,
        phone, and the address fields.
    """
    homes = _make_households(block, config.people, names, gazetteer)
    rng = block.stream(Purpose.PEOPLE)
    size = homes.pop("size")
    household = np.repeat(np.arange(len(size)), size)[: block.people]
    place = np.arange(block.people) - (np.cumsum(size) - size)[household]
    people = {name: values[household] for name, values in homes.items()}
    people["household"] = household
    count = block.people
    people["gender"] = np.where(rng.random(count) < config.people.male, MALE, FEMALE)
    given = _draw_distinct_given(rng, names, people)
    people["given"] = names.spell(rng, given)
    people["relation_type"] = _draw_relations(rng, config.people, people["gender"], place)
    age = _draw_ages(rng, people.pop("head_days"), people["relation_type"] == WIFE_OF)
    start = np.datetime64(config.start, "D").astype(np.int64)
    born = start - 1 - age
    is_new_year = rng.random(count) < config.people.new_year_birthday
    people["born"] = move_new_year(born, is_new_year)
    people["is_estimated"] = is_new_year.astype(np.int64)
    people["phone"] = draw_phones(rng, count)
    _make_twins(rng, config.people, names, people, given)
    return people


def draw_phones(rng: np.random.Generator, count: int) -> I64:
    """Ten-digit mobile numbers that start with 6..9."""
    return rng.integers(6 * 10**9, 10**10, count)


def move_new_year(born: I64, is_new_year: Bool) -> I64:
    """Birth dates marked go to 1 January of their year; a chance 1 January moves to the 2nd."""
    days = born.astype("datetime64[D]")
    new_year = days.astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64)
    return np.where(is_new_year, new_year, np.where(born == new_year, born + 1, born))


def _make_households(
    block: Block, model: PeopleModel, names: NameBook, gazetteer: Gazetteer
) -> Columns:
    """Enough households for the block: size, head and address of each."""
    rng = block.stream(Purpose.HOUSEHOLDS)
    size = 1 + rng.poisson(model.household_mean - 1, block.people)
    size = size[: int(np.searchsorted(np.cumsum(size), block.people)) + 1]
    count = len(size)
    states = draw_states(rng, gazetteer, count)
    community = draw_communities(rng, gazetteer, states)
    surname = names.spell(rng, names.draw_surnames(rng, community))
    head = names.spell(rng, names.draw_given(rng, community, np.full(count, MALE)))
    head_days = rng.integers(*_HEAD_DAYS, count)
    return {
        "size": size,
        "community": community,
        "surname": surname,
        "relation_given": head,
        "relation_surname": surname,
        "head_days": head_days,
        **draw_addresses(rng, gazetteer, states),
    }


def _draw_distinct_given(rng: np.random.Generator, names: NameBook, people: Columns) -> I64:
    """Given names; two people of a household are not called the same (as families see to it)."""
    community, gender = people["community"], people["gender"]
    given = names.draw_given(rng, community, gender)
    for _ in range(_REDRAWS):
        key = people["household"] * len(names.first_spelling) + given
        order = np.argsort(key, kind="stable")
        again = order[1:][np.diff(key[order]) == 0]
        given[again] = names.draw_given(rng, community[again], gender[again])
    return given


def _draw_relations(rng: np.random.Generator, model: PeopleModel, gender: I64, place: I64) -> I64:
    """How each person is related to the head: the first woman is the wife, the rest children."""
    relation = np.where(gender == MALE, SON_OF, DAUGHTER_OF)
    relation = np.where((place == 0) & (gender == FEMALE), WIFE_OF, relation)
    return np.where(rng.random(len(gender)) < model.care_of, CARE_OF, relation)


def _draw_ages(rng: np.random.Generator, head: I64, is_wife: Bool) -> I64:
    """Ages in days at the first enrolment day: wives near the head's, children well below."""
    child = rng.integers(0, head - _PARENT_DAYS)
    wife = head - rng.integers(*_WIFE_DAYS, len(head))
    return np.where(is_wife, wife, child)


def _make_twins(
    rng: np.random.Generator, model: PeopleModel, names: NameBook, people: Columns, given: I64
) -> None:
    """Turn neighbours of one household into twins: same birth date, relation, address, phone."""
    household = people["household"]
    older = np.flatnonzero(household[1:] == household[:-1])
    is_last = np.append(np.diff(household[older]) != 0, True)[: len(older)]
    older = older[is_last]
    wanted = int(np.rint(model.twin * len(household) / 2))
    older = rng.choice(older, min(wanted, len(older)), replace=False)
    younger = older + 1
    for column in ("born", "is_estimated", "phone"):
        people[column][younger] = people[column][older]
    parted = people["relation_type"]
    for twin in (older, younger):
        parted[twin] = np.where(people["gender"][twin] == MALE, SON_OF, DAUGHTER_OF)
    alike = rng.random(len(older)) < model.twin_lookalike
    people["gender"][younger] = np.where(alike, people["gender"][older], people["gender"][younger])
    parted[younger] = np.where(people["gender"][younger] == MALE, SON_OF, DAUGHTER_OF)
    similar = names.spell(rng, names.lookalike[given[older]])
    people["given"][younger] = np.where(alike, similar, people["given"][younger])
