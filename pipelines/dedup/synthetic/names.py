"""Indian names: ranked lists per community, compound names for the long tail, respellings."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from rapidfuzz import process
from rapidfuzz.distance import OSA

from pipelines.dedup.synthetic.config import NameModel
from pipelines.dedup.synthetic.respelling import respell_by_rule
from pipelines.dedup.synthetic.streams import F64, I64
from pipelines.dedup.synthetic.tables import read_rows, split_list, stack_pools, zipf

GENDERS = ("FEMALE", "MALE")
_NO_COMMON = ("muslim", "christian")

Entries = list[tuple[str, list[str]]]


@dataclass(frozen=True)
class Pool:
    """Names a community draws from: entries (usual spelling, respellings), weights, look-alikes."""

    entries: Entries
    weights: F64
    lookalike: I64


@dataclass(frozen=True)
class NameBook:
    """All names as integers. A name has spellings first_spelling .. + spellings_of - 1.

    Attributes:
        communities: their names; a community's given names are pools 2c (women) and 2c + 1 (men).
        texts: all spellings.
        name_of: int64 [spellings], the name each belongs to.
        first_spelling, spellings_of: int64 [names]; the usual spelling comes first; at least two.
        given, surnames: cumulative weights of the pools end to end (`stack_pools`).
        given_names, surname_names: int64, the name at each place of a stack.
        lookalike: int64 [names], a similar given name (itself for surnames).
        usual: share of people who use the first spelling.
    """

    communities: tuple[str, ...]
    texts: pa.StringArray
    name_of: I64
    first_spelling: I64
    spellings_of: I64
    given: F64
    given_names: I64
    surnames: F64
    surname_names: I64
    lookalike: I64
    usual: float

    def draw_given(self, rng: np.random.Generator, community: I64, gender: I64) -> I64:
        """Given names by community and gender (index into GENDERS)."""
        at = np.searchsorted(self.given, 2 * community + gender + _unit(rng, community), "right")
        return self.given_names[at]

    def draw_surnames(self, rng: np.random.Generator, community: I64) -> I64:
        """Surnames by community."""
        at = np.searchsorted(self.surnames, community + _unit(rng, community), "right")
        return self.surname_names[at]

    def spell(self, rng: np.random.Generator, names: I64) -> I64:
        """A spelling of each name, most often the usual one."""
        other = 1 + rng.integers(0, self.spellings_of[names] - 1)
        is_usual = rng.random(len(names)) < self.usual
        found: I64 = self.first_spelling[names] + np.where(is_usual, 0, other)
        return found

    def respell(self, rng: np.random.Generator, spellings: I64) -> I64:
        """Another spelling of the same name, never the given one."""
        names = self.name_of[spellings]
        first, count = self.first_spelling[names], self.spellings_of[names]
        step = 1 + rng.integers(0, count - 1)
        found: I64 = first + (spellings - first + step) % count
        return found


def _unit(rng: np.random.Generator, like: npt.NDArray[np.int64]) -> F64:
    return rng.random(len(like))


@lru_cache(maxsize=2)
def load_names(model: NameModel) -> NameBook:
    """Build the name book from the bundled tables."""
    lists = _read_lists("given_names.csv")
    parts = _read_lists("name_parts.csv")
    surnames = _read_lists("surnames.csv")
    communities = tuple(surnames)
    given = [
        _given_pool(model, community, gender, lists, parts)
        for community in communities
        for gender in GENDERS
    ]
    families = [
        Pool(entries, zipf(len(entries), model.exponent), np.arange(len(entries)))
        for entries in surnames.values()
    ]
    return _number(communities, given, families, model.usual_spelling)


def _read_lists(table: str) -> dict[str, Entries]:
    """Entries by the leading columns of a table (community, gender, part), joined by a space."""
    lists: dict[str, Entries] = {}
    for row in read_rows(table):
        *key, name, others = row.values()
        lists.setdefault(" ".join(key), []).append((name, split_list(others)))
    return lists


def _given_pool(
    model: NameModel,
    community: str,
    gender: str,
    lists: dict[str, Entries],
    parts: dict[str, Entries],
) -> Pool:
    """Own list, all-India list and compounds of one community and gender, with their weights."""
    key = f"{community} {gender}"
    own = lists[key]
    common = [] if community in _NO_COMMON else lists[f"common {gender}"]
    heads, tails = parts[f"{key} head"], parts[f"{key} tail"]
    compounds = [_compound(head, tail) for head in heads for tail in tails]
    weights = [
        model.own * zipf(len(own), model.exponent),
        model.common * zipf(len(common), model.exponent) if common else np.zeros(0),
        model.compound * np.outer(zipf(len(heads), 0.5), zipf(len(tails), 0.5)).ravel(),
    ]
    simple = own + common
    rhyming = np.arange(len(compounds)) + len(tails)  # the next head with the same tail
    lookalike = np.append(_most_similar(simple), len(simple) + rhyming % len(compounds))
    return Pool(simple + compounds, np.concatenate(weights), lookalike)


def _compound(head: tuple[str, list[str]], tail: tuple[str, list[str]]) -> tuple[str, list[str]]:
    """One name of two parts; a tail that starts with a blank stays a word of its own."""
    others = [head[0] + other for other in tail[1]] + [other + tail[0] for other in head[1]]
    return head[0] + tail[0], others


def _most_similar(entries: Entries) -> I64:
    """Index of the most similar other name of a list, by optimal string alignment."""
    texts = [name for name, _ in entries]
    distances = process.cdist(texts, texts, scorer=OSA.distance)
    same = np.array(texts)[:, None] == np.array(texts)[None, :]
    return np.asarray(np.where(same, 99, distances).argmin(axis=1), dtype=np.int64)


def _number(
    communities: tuple[str, ...], given: list[Pool], families: list[Pool], usual: float
) -> NameBook:
    """Give every distinct name and spelling its integer; equal names of two pools are one name."""
    spellings: dict[str, list[str]] = {}
    for pool in (*given, *families):
        for name, others in pool.entries:
            known = spellings.setdefault(name, [name])
            known.extend(other for other in others if other not in known)
    for name, known in spellings.items():
        if len(known) == 1:
            known.append(respell_by_rule(name))
    names = {name: number for number, name in enumerate(spellings)}
    counts = np.array([len(known) for known in spellings.values()])
    lookalike = np.arange(len(names))
    numbered = [np.array([names[name] for name, _ in pool.entries]) for pool in (*given, *families)]
    for pool, numbers in zip(given, numbered, strict=False):
        lookalike[numbers] = numbers[pool.lookalike]
    return NameBook(
        communities=communities,
        texts=pa.array([text for known in spellings.values() for text in known]),
        name_of=np.repeat(np.arange(len(names)), counts),
        first_spelling=np.cumsum(counts) - counts,
        spellings_of=counts,
        given=stack_pools([pool.weights for pool in given]),
        given_names=np.concatenate(numbered[: len(given)]),
        surnames=stack_pools([pool.weights for pool in families]),
        surname_names=np.concatenate(numbered[len(given) :]),
        lookalike=lookalike,
        usual=usual,
    )
