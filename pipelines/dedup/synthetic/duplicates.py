"""Later enrolments: who comes again, in which way, and what changes on the form."""

import numpy as np

from pipelines.dedup.synthetic.addresses import (
    ADDRESS_FIELDS,
    Columns,
    draw_addresses,
    draw_other_states,
    draw_states,
)
from pipelines.dedup.synthetic.config import LaterModel, SyntheticConfig
from pipelines.dedup.synthetic.gazetteer import Gazetteer
from pipelines.dedup.synthetic.names import NameBook
from pipelines.dedup.synthetic.people import MALE, Block, draw_phones, move_new_year
from pipelines.dedup.synthetic.streams import I64, Bool, Purpose, apportion

KINDS = ("first", "exact", "noisy", "moved", "identity_change")
FIRST, EXACT, NOISY, MOVED, IDENTITY_CHANGE = range(len(KINDS))

_AGE_SLIP_DAYS = (400, 2200)
"""Over a year, so that even two 1 January birth dates differ."""


def make_rows(
    block: Block,
    config: SyntheticConfig,
    names: NameBook,
    gazetteer: Gazetteer,
    people: Columns,
) -> Columns:
    """All records of a block: every person once, then the later enrolments.

    Returns:
        The columns of `make_people` per record, and person (row in people), ordinal (0 first,
        1 or 2 later) and kind (index into KINDS). Names are not yet misspelt.
    """
    rng = block.stream(Purpose.LATER)
    model = config.later
    person, ordinal = _pick_people(rng, model, block)
    kind = _pick_kinds(rng, model, person)
    index = np.concatenate([np.arange(block.people), person])
    rows = {name: values[index] for name, values in people.items()}
    rows["person"] = index
    rows["ordinal"] = np.concatenate([np.zeros(block.people, dtype=np.int64), ordinal])
    rows["kind"] = np.concatenate([np.zeros(block.people, dtype=np.int64), kind])
    _move_homes(rng, model, gazetteer, people, rows)
    _change_identities(rng, config, names, gazetteer, rows)
    return rows


def _pick_people(rng: np.random.Generator, model: LaterModel, block: Block) -> tuple[I64, I64]:
    """People who come again, once or twice, and the ordinal of each such enrolment."""
    again = min(int(np.ceil(block.later / (1 + model.second))), block.people)
    chosen = rng.choice(block.people, again, replace=False)
    twice = chosen[: block.later - again]
    person = np.concatenate([chosen, twice])
    return person, np.repeat([1, 2], [len(chosen), len(twice)])


def _pick_kinds(rng: np.random.Generator, model: LaterModel, person: I64) -> I64:
    """Kinds in their exact shares; people with a changed identity have two records in all.

    So each changed identity costs a demographic run one pair that it cannot see, never two.
    """
    shares = [model.exact, model.noisy, model.moved, model.identity_change]
    counts = apportion(shares, len(person))
    is_single = np.bincount(person, minlength=1)[person] == 1
    order = rng.permutation(len(person))
    order = order[np.argsort(~is_single[order], kind="stable")]
    kind = np.empty(len(person), dtype=np.int64)
    kind[order[: counts[-1]]] = IDENTITY_CHANGE
    rest = rng.permutation(order[counts[-1] :])
    kind[rest] = np.repeat([EXACT, NOISY, MOVED], counts[:-1])
    return kind


def _move_homes(
    rng: np.random.Generator,
    model: LaterModel,
    gazetteer: Gazetteer,
    people: Columns,
    rows: Columns,
) -> None:
    """New addresses of those who moved, some of them in a house where others live."""
    movers = np.flatnonzero(rows["kind"] == MOVED)
    to_other = rng.permutation(len(movers)) < np.rint(model.other_state * len(movers))
    own = rows["state"][movers]
    wanted = np.where(to_other, draw_other_states(rng, gazetteer, own), own)
    address = draw_addresses(rng, gazetteer, wanted)
    to_occupied = rng.permutation(len(movers)) < np.rint(model.occupied * len(movers))
    host, is_found = _find_hosts(rng, people, own, rows["household"][movers], to_other)
    joins = to_occupied & is_found
    for field in ADDRESS_FIELDS:
        rows[field][movers] = np.where(joins, people[field][host], address[field])


def _find_hosts(
    rng: np.random.Generator, people: Columns, state: I64, household: I64, to_other: Bool
) -> tuple[I64, Bool]:
    """A person of another household, in the same state or outside it as wanted.

    People are put in the order of their states; a host is then a random place inside the own
    state's stretch or, for the others, outside it.
    """
    count = len(people["state"])
    by_state = np.argsort(people["state"], kind="stable")
    ordered = people["state"][by_state]
    low, high = (np.searchsorted(ordered, state, side) for side in ("left", "right"))
    inside = low + (rng.random(len(state)) * (high - low)).astype(np.int64)
    outside = (rng.random(len(state)) * (count - (high - low))).astype(np.int64)
    outside += np.where(outside >= low, high - low, 0)
    is_possible = ~to_other | (high - low < count)
    place = np.where(to_other & is_possible, outside, inside)
    host = by_state[np.minimum(place, count - 1)]
    return host, is_possible & (people["household"][host] != household)


def _change_identities(
    rng: np.random.Generator,
    config: SyntheticConfig,
    names: NameBook,
    gazetteer: Gazetteer,
    rows: Columns,
) -> None:
    """New names, relation, birth date, phone and address; only the body stays the same."""
    changed = np.flatnonzero(rows["kind"] == IDENTITY_CHANGE)
    count = len(changed)
    community, gender = rows["community"][changed], rows["gender"][changed]
    surname = names.spell(rng, names.draw_surnames(rng, community))
    fresh: Columns = {
        "surname": surname,
        "relation_surname": surname,
        "given": names.spell(rng, names.draw_given(rng, community, gender)),
        "relation_given": names.spell(rng, names.draw_given(rng, community, np.full(count, MALE))),
        "phone": draw_phones(rng, count),
        **draw_addresses(rng, gazetteer, draw_states(rng, gazetteer, count)),
    }
    slip = rng.integers(*_AGE_SLIP_DAYS, count) * rng.choice([-1, 1], count)
    start = np.datetime64(config.start, "D").astype(np.int64)
    slip = np.where(rows["born"][changed] + slip < start, slip, -np.abs(slip))
    born = rows["born"][changed] + slip
    is_new_year = rng.random(count) < config.people.new_year_birthday
    fresh["born"] = move_new_year(born, is_new_year)
    fresh["is_estimated"] = is_new_year.astype(np.int64)
    for name, values in fresh.items():
        rows[name][changed] = values
