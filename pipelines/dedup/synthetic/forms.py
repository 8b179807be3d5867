"""Records as an agency writes them down: names as text, with mistakes, and the envelope."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.dedup.synthetic.addresses import Columns
from pipelines.dedup.synthetic.config import LaterModel, SyntheticConfig
from pipelines.dedup.synthetic.duplicates import EXACT, NOISY
from pipelines.dedup.synthetic.gazetteer import Gazetteer
from pipelines.dedup.synthetic.identifiers import encode_words, make_identity_numbers, to_strings
from pipelines.dedup.synthetic.names import GENDERS, NameBook
from pipelines.dedup.synthetic.people import RELATIONS, UNKNOWN, Block
from pipelines.dedup.synthetic.respelling import mistype
from pipelines.dedup.synthetic.streams import I64, U64, Bool, Purpose, mark

_SCHEMA_VERSION, _PRIORITY = 1, 5
_DAY_MS = 86_400_000
_DELAY_MS = (60_000, 2 * _DAY_MS)

Arrays = dict[str, pa.Array]


def write_names(
    rng: np.random.Generator, model: LaterModel, names: NameBook, rows: Columns
) -> Arrays:
    """full_name, given_name, surname, relation_type and relation_name with their mistakes."""
    noisy = np.flatnonzero(rows["kind"] == NOISY)
    given = _write_name(rng, model, names, rows["given"], noisy)
    surname = _write_name(rng, model, names, rows["surname"], noisy)
    relation = _write_name(rng, model, names, rows["relation_given"], noisy)
    is_initial = _choose(rng, noisy, model.initial, len(given))
    given = pc.if_else(is_initial, pc.utf8_slice_codeunits(given, 0, 1), given)
    is_exchanged = _choose(rng, noisy, model.exchanged, len(given))
    first, last = pc.if_else(is_exchanged, surname, given), pc.if_else(is_exchanged, given, surname)
    has_none = _choose(rng, noisy, model.no_relation, len(given))
    family = names.texts.take(pa.array(rows["relation_surname"]))
    types = np.where(np.asarray(has_none), UNKNOWN, rows["relation_type"])
    return {
        "full_name": pc.binary_join_element_wise(first, last, " "),
        "given_name": first,
        "surname": last,
        "relation_type": pa.array(RELATIONS).take(pa.array(types)),
        "relation_name": pc.if_else(
            has_none, None, pc.binary_join_element_wise(relation, family, " ")
        ),
    }


def write_addresses(gazetteer: Gazetteer, rows: Columns) -> Arrays:
    """The address fields as text; the district follows from the town."""
    district = gazetteer.town_district[rows["town"]]
    return {
        "house": gazetteer.houses.take(pa.array(rows["house"])),
        "street": gazetteer.streets.take(pa.array(rows["street"])),
        "locality": gazetteer.localities.take(pa.array(rows["locality"])),
        "town": gazetteer.towns.take(pa.array(rows["town"])),
        "district": gazetteer.districts.take(pa.array(district)),
        "state": gazetteer.states.take(pa.array(rows["state"])),
        "pincode": pa.array(rows["pincode"]).cast(pa.string()),
    }


def write_person(rows: Columns, enrolled_at: I64) -> Arrays:
    """gender, age in whole years at enrolment, date_of_birth, is_dob_estimated, phone.

    An exact duplicate is a form sent twice: its age is that of the first time.
    """
    asked_at = np.where(rows["kind"] == EXACT, enrolled_at[rows["person"]], enrolled_at)
    return {
        "gender": pa.array(GENDERS).take(pa.array(rows["gender"])),
        "age": pa.array(_count_years(rows["born"], asked_at // _DAY_MS), pa.int32()),
        "date_of_birth": pa.array(rows["born"].astype(np.int32)).cast(pa.date32()),
        "is_dob_estimated": pa.array(rows["is_estimated"] == 1),
        "phone": pa.array(rows["phone"]).cast(pa.string()),
    }


def write_envelope(
    block: Block, config: SyntheticConfig, gazetteer: Gazetteer, rows: Columns, records: U64
) -> tuple[Arrays, I64]:
    """Envelope, ids and status; also the moments of enrolment (ms since 1970).

    A later enrolment of a person has a later moment. Ids are bijections of the record number, which
    are opaque and cannot collide.
    """
    rng = block.stream(Purpose.ENVELOPE)
    count = len(records)
    enrolled_at = _draw_moments(rng, config, rows)
    delay = rng.integers(*_DELAY_MS, count)
    agencies = pa.array([f"agency-{k:03d}" for k in range(1, config.agencies + 1)])
    regions = pa.array([f"IN-{code}" for code in gazetteer.state_codes.to_pylist()])
    order = mark(block.seed, Purpose.RECORD_ID, records)
    events = mark(block.seed, Purpose.EVENT_ID, records)
    arrays = {
        "event_id": to_strings(encode_words("V", events)),
        "event_time": _to_timestamps(enrolled_at),
        "ingest_time": _to_timestamps(enrolled_at + delay),
        "source": agencies.take(pa.array(rng.integers(0, config.agencies, count))),
        "schema_version": pa.array(np.full(count, _SCHEMA_VERSION, dtype=np.int32)),
        "region": regions.take(pa.array(rows["state"])),
        "priority": pa.array(np.full(count, _PRIORITY, dtype=np.int32)),
        "enrolment_id": to_strings(encode_words("E", order)),
        "identity_number": to_strings(make_identity_numbers(block.seed, records)),
        "status": pa.array(["ACTIVE"]).take(pa.array(np.zeros(count, dtype=np.int8))),
    }
    return arrays, enrolled_at


def _write_name(
    rng: np.random.Generator, model: LaterModel, names: NameBook, spellings: I64, noisy: I64
) -> pa.StringArray:
    """Names as text; of the noisy ones some are respelt and others have a typing slip."""
    chance = rng.random(len(noisy))
    respelt = noisy[chance < model.respelt]
    typed = noisy[(chance >= model.respelt) & (chance < model.respelt + model.mistyped)]
    written = spellings.copy()
    written[respelt] = names.respell(rng, spellings[respelt])
    texts = names.texts.take(pa.array(written))
    if not len(typed):
        return texts
    slips = mistype(rng, np.array(texts.take(pa.array(typed)).to_pylist(), dtype=np.bytes_))
    return pc.replace_with_mask(texts, _to_mask(typed, len(texts)), pa.array(slips.astype(np.str_)))


def _choose(rng: np.random.Generator, members: I64, share: float, count: int) -> pa.BooleanArray:
    """Mark a random share of the members among count rows."""
    return _to_mask(members[rng.random(len(members)) < share], count)


def _to_mask(members: I64, count: int) -> pa.BooleanArray:
    marked: Bool = np.zeros(count, dtype=np.bool_)
    marked[members] = True
    return pa.array(marked)


def _draw_moments(rng: np.random.Generator, config: SyntheticConfig, rows: Columns) -> I64:
    """Moments over the whole period; those of one person rise with the ordinal."""
    start, end = (
        np.datetime64(moment, "ms").astype(np.int64) for moment in (config.start, config.end)
    )
    drawn = rng.integers(start, end, len(rows["person"]))
    moments = np.empty_like(drawn)
    by_ordinal = np.lexsort((rows["ordinal"], rows["person"]))
    by_moment = np.lexsort((drawn, rows["person"]))
    moments[by_ordinal] = drawn[by_moment] + rows["ordinal"][by_ordinal]
    return moments


def _to_timestamps(moments: I64) -> pa.TimestampArray:
    return pa.array(moments * 1000, pa.timestamp("us", tz="UTC"))


def _count_years(born: I64, on_day: I64) -> I64:
    """Whole years between two days (days since 1970)."""
    dates = [days.astype("datetime64[D]") for days in (born, on_day)]
    years = [date.astype("datetime64[Y]").astype(np.int64) for date in dates]
    months = [date.astype("datetime64[M]") for date in dates]
    passed = [
        (month.astype(np.int64) % 12) * 31 + (date - month.astype("datetime64[D]")).astype(np.int64)
        for date, month in zip(dates, months, strict=True)
    ]
    return np.asarray(years[1] - years[0] - (passed[1] < passed[0]), dtype=np.int64)
