"""Made-up persons of the sample report: records, later enrolments, evidence read off the values."""

import math
from difflib import SequenceMatcher
from functools import cache
from random import Random

import pandas as pd

from pipelines.dedup.comparators import LABELS
from pipelines.dedup.report import Evidence, FieldValue, PairExplanation, RecordView

PRIOR_BITS = -17.13
TEXT = ("given_name", "surname", "relation_name", "street", "locality", "town")
ADDRESS = ("house", "street", "locality", "town", "pincode")
CAPTURES = ("right_thumb", "left_iris")
# Share of each level among matches (m) and among other pairs (u).
SHARES = {
    "given_name": ((0.031, 0.055, 0.173, 0.139, 0.602), (0.9612, 0.0217, 0.0093, 0.0021, 0.0057)),
    "surname": ((0.024, 0.041, 0.148, 0.121, 0.666), (0.9468, 0.0241, 0.0122, 0.0035, 0.0134)),
    "relation_name": (
        (0.043, 0.052, 0.161, 0.133, 0.611),
        (0.9633, 0.0209, 0.0091, 0.0019, 0.0048),
    ),
    "date_of_birth": (
        (0.021, 0.044, 0.031, 0.082, 0.118, 0.704),
        (0.9641, 0.0262, 0.0085, 0.00069, 0.00042, 0.00006),
    ),
    "gender": ((0.004, 0.996), (0.4979, 0.5021)),
    "phone": ((0.213, 0.048, 0.739), (0.99997, 0.00001, 0.00002)),
    "house": ((0.252, 0.093, 0.655), (0.9912, 0.0061, 0.0027)),
    "street": ((0.233, 0.006, 0.117, 0.094, 0.550), (0.9846, 0.0031, 0.0058, 0.0012, 0.0053)),
    "locality": ((0.229, 0.005, 0.106, 0.091, 0.569), (0.9874, 0.0024, 0.0047, 0.0011, 0.0044)),
    "town": ((0.187, 0.003, 0.061, 0.052, 0.697), (0.9701, 0.0028, 0.0069, 0.0014, 0.0188)),
    "pincode": ((0.219, 0.057, 0.724), (0.99783, 0.00164, 0.00053)),
    "right_thumb": (
        (0.011, 0.038, 0.171, 0.402, 0.378),
        (0.9923, 0.0074, 0.00028, 0.00001, 0.00001),
    ),
    "left_iris": (
        (0.006, 0.004, 0.011, 0.092, 0.887),
        (0.9991, 0.00087, 0.00001, 0.00001, 0.00001),
    ),
}
GIVEN = ("Lakshmi", "Ramesh", "Priya", "Suresh", "Mohammad", "Pooja", "Vikas", "Krishna", "Kavita")
SURNAMES = ("Patil", "Yadav", "Iyer", "Chaudhary", "Khan", "Sharma", "Banerjee", "Fernandes")
STREETS = ("Station Road", "MG Road", "Gandhi Nagar Main", "Temple Street", "Canal Road")
LOCALITIES = ("Shivaji Nagar", "Ashok Vihar", "Rajendra Nagar", "Mohalla Qazi", "Lake Gardens")
TOWNS = ("Pune", "Lucknow", "Madurai", "Howrah", "Guntur", "Mysuru", "Jaipur")
SPELLINGS = (("ksh", "x"), ("oo", "u"), ("i", "ee"), ("a", "aa"), ("v", "w"), ("h", ""))
Person = dict[str, str | None]


def label_of(field: str, level: int) -> str:
    """Return the words of a level."""
    if field in TEXT:
        return LABELS["text"][level]
    if field in CAPTURES:
        return LABELS["capture"][level]
    return LABELS.get(field, LABELS["exact"])[level]


def weights_frame() -> pd.DataFrame:
    """Return the weights of the sample model in the form `DedupReport.weights` documents."""
    rows = [
        (field, level, label_of(field, level), m, u, math.log2(m / u))
        for field, (ms, us) in SHARES.items()
        for level, (m, u) in enumerate(zip(ms, us, strict=True))
    ]
    return pd.DataFrame(rows, columns=["comparator", "level", "label", "m", "u", "bits"])


def make_person(rng: Random) -> Person:
    """Return one person; captures are held as made-up template ids."""
    year, month, day = rng.randint(1941, 2006), rng.randint(1, 12), rng.randint(1, 28)
    return {
        "given_name": rng.choice(GIVEN),
        "surname": rng.choice(SURNAMES),
        "relation_name": rng.choice(GIVEN),
        "date_of_birth": f"{year}-{month:02d}-{day:02d}",
        "gender": rng.choice(("FEMALE", "MALE")),
        "phone": f"98{rng.randint(10_000_000, 99_999_999)}",
        "house": str(rng.randint(1, 220)),
        "street": rng.choice(STREETS),
        "locality": rng.choice(LOCALITIES),
        "town": rng.choice(TOWNS),
        "pincode": str(rng.randint(110_001, 799_999)),
        "right_thumb": f"{rng.getrandbits(40):x}",
        "left_iris": f"{rng.getrandbits(40):x}",
    }


def enrol_again(person: Person, rng: Random) -> Person:
    """Return a later enrolment: respelt, shortened, moved, or with fields left out."""
    again = dict(person)
    for field in ("given_name", "surname", "relation_name"):
        value = str(person[field])
        draw = rng.random()
        fitting = [(old, new) for old, new in SPELLINGS if old in value]
        if draw < 0.3 and fitting:
            again[field] = value.replace(*rng.choice(fitting), 1)
        elif draw < 0.36:
            again[field] = value[0]
    if rng.random() < 0.3:
        again |= {field: make_person(rng)[field] for field in (*ADDRESS, "phone")}
    for field in rng.sample(["relation_name", "phone", *CAPTURES], rng.randint(0, 3)):
        again[field] = None
    return again


def level_of(field: str, a: str | None, b: str | None) -> int | None:
    """Return a plausible level for two values, None where one is missing."""
    if a is None or b is None:
        return None
    top = len(SHARES[field][0]) - 1
    if a == b:
        return top - 1 if field in CAPTURES and int(a, 16) % 3 else top
    if field in TEXT:
        if len(a) == 1 or len(b) == 1:
            return int(a[0] == b[0])
        alike = _alike(a, b)
        return 3 if alike > 0.9 else 2 if alike > 0.75 else 0
    same = sum(x == y for x, y in zip(a, b, strict=False))
    return int(field not in ("gender", *CAPTURES) and len(a) == len(b) and len(a) - same <= 1)


@cache
def _alike(a: str, b: str) -> float:
    return SequenceMatcher(None, a, b).ratio()


def weigh(a: Person, b: Person) -> list[Evidence]:
    """Return the evidence of a pair: prior, comparators, address limit, rarity, captures."""
    steps, captures, rarity, address = [Evidence("prior", "prior", PRIOR_BITS)], [], [], 0.0
    for field, (ms, us) in SHARES.items():
        level = level_of(field, a[field], b[field])
        if level is None:
            continue
        bits = math.log2(ms[level] / us[level])
        kind = "biometric" if field in CAPTURES else "comparator"
        step = Evidence(field, kind, round(bits, 3), label_of(field, level))
        (captures if field in CAPTURES else steps).append(step)
        address += step.bits if field in ADDRESS else 0.0
        if field in ("given_name", "surname") and level >= 2:
            rarity.append(Evidence(field, "frequency", round(len(str(a[field])) / 4 - 1.6, 3)))
    limited = min(max(address, -4.6), 13.9)
    if limited != address:
        steps.append(Evidence("address", "clamp", round(limited - address, 3)))
    return [*steps, *rarity, *captures]


def show(person: Person, token: str) -> RecordView:
    """Return a record with clear and masked values; captures are never shown."""
    fields = [name for name in person if name not in CAPTURES and person[name] is not None]
    return RecordView(token, [FieldValue(n, str(person[n]), mask(str(person[n]))) for n in fields])


def mask(value: str) -> str:
    """Return the first letter and stars, as the sample stands in for the masks of the job."""
    return value[0] + "•" * min(len(value), 6)


def explain(a: Person, b: Person, tokens: tuple[str, str]) -> PairExplanation:
    """Return a scored pair with its band by the default thresholds."""
    evidence = weigh(a, b)
    score = sum(step.bits for step in evidence)
    posterior = 1 / (1 + 2.0**-score)
    band = "MATCH" if posterior >= 0.95 else "REVIEW" if posterior >= 0.5 else "NO_MATCH"
    views = show(a, tokens[0]), show(b, tokens[1])
    return PairExplanation(*views, band, score, posterior, evidence, ("SCORE",))
