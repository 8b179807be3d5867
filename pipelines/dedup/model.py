"""The trained model as a JSON file with its tables beside it: saved, loaded, bit-identical."""

import hashlib
import json
import math
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.core.errors import ConfigError
from pipelines.dedup.comparators import LABELS, Comparator
from pipelines.dedup.config import DedupConfig, ScoreSettings
from pipelines.dedup.dependence import Dependence
from pipelines.dedup.key_source import Plan
from pipelines.dedup.mapping import Mapping
from pipelines.dedup.score import Clamp, Household, Weights

SCHEMA_VERSION = 2
SUM_TOLERANCE = 1e-9

F64 = npt.NDArray[np.float64]
U64 = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class TermFrequencies:
    """Values of a field seen more than once, with their shares; any other value is `unseen`."""

    shares: MappingOf[str, float]
    unseen: float
    expected: float


@dataclass(frozen=True)
class Model:
    """What scoring needs: weights, term frequencies, the plan of the candidate buckets.

    Attributes:
        weights: m, u, prior and clamps.
        records: size of the file it was trained on.
        plan: start depth, split size and cut bucket nodes.
        frequencies: per field the value shares.
        layout: hash settings and keys, as plain data; equal layouts make equal buckets.
    """

    weights: Weights
    records: int
    plan: Plan
    frequencies: MappingOf[str, TermFrequencies]
    layout: MappingOf[str, Any]

    @cached_property
    def model_id(self) -> str:
        """SHA-256 of the canonical form, 16 hex digits."""
        return _digest(json.dumps(self._plain(), sort_keys=True).encode())[:16]

    @property
    def plan_id(self) -> str:
        """Digest of the plan alone."""
        return self.plan.plan_id

    def with_plan(self, plan: Plan) -> "Model":
        """The model with a plan, itself where it has it: its digests take a while."""
        return self if plan.cuts is self.plan.cuts else replace(self, plan=plan)

    def _plain(self) -> dict[str, Any]:
        w = self.weights
        return {
            "schema_version": SCHEMA_VERSION,
            "records": self.records,
            "prior": w.prior,
            "comparators": [
                {"name": c.name, "kind": c.kind, "group": c.group, "household": c.household,
                 "m": m.tolist(), "u": u.tolist()}
                for c, m, u in zip(w.comparators, w.m, w.u, strict=True)
            ],
            "household": w.household and {
                "prior": w.household.prior,
                "m": [shares.tolist() for shares in w.household.m],
                "groups": {name: vars(c) for name, c in sorted(w.household.clamps.items())},
            },
            "dependence": [vars(edge) for edge in w.dependence],
            "groups": {name: vars(clamp) for name, clamp in sorted(w.clamps.items())},
            "thresholds": w.settings.model_dump(),
            "layout": dict(self.layout),
            "plan": {
                "depth": self.plan.depth,
                "split_size": self.plan.split_size,
                "plan_id": self.plan_id,
            },
            "frequencies": {
                name: {
                    "unseen": tf.unseen,
                    "expected": tf.expected,
                    "digest": _digest(json.dumps(dict(tf.shares), sort_keys=True).encode()),
                }
                for name, tf in sorted(self.frequencies.items())
            },
        }  # fmt: skip

    def save(self, path: Path) -> None:
        """Write the frequency table and the cut nodes (Parquet), and last `path` (JSON)."""
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = [
            (n, v, s) for n, tf in sorted(self.frequencies.items()) for v, s in tf.shares.items()
        ]
        fields, values, shares = zip(*rows, strict=True) if rows else ((), (), ())
        table = pa.table(
            {"field": pa.array(fields, pa.string()), "value": pa.array(values, pa.string()),
             "share": pa.array(shares, pa.float64())}
        )  # fmt: skip
        pq.write_table(table, _beside(path, "frequencies"))
        cuts = pa.table({"key": self.plan.cuts})  # hashes: nothing repeats, nothing compresses
        pq.write_table(cuts, _beside(path, "cuts"), use_dictionary=False, compression="none")
        plain = {"model_id": self.model_id, **self._plain()}
        path.write_text(json.dumps(plain, indent=2, sort_keys=True) + "\n", "utf-8")


def layout_of(mapping: Mapping, config: DedupConfig) -> dict[str, Any]:
    """Hash settings and keys as a model file has them."""
    return {
        "signatures": config.signatures.model_dump(mode="json"),
        "keys": [key.model_dump(mode="json") for key in mapping.keys],
        "seed": config.seed,
    }


def load_model(path: Path) -> Model:
    """Read a saved model and check it.

    Raises:
        ConfigError: the file is missing, of another version, not numeric where it must be, its m or
            u do not sum to 1, or its tables were changed.
    """
    try:
        plain = json.loads(path.read_text("utf-8"))
        table = pq.read_table(_beside(path, "frequencies"))
        frequencies = {name: table[name].to_numpy().tolist() for name in table.column_names}
        cuts = pq.read_table(_beside(path, "cuts")).column("key").to_numpy()
    except (FileNotFoundError, json.JSONDecodeError) as error:
        raise ConfigError(f"model {path}: cannot be read: {error}") from None
    if plain.get("schema_version") != SCHEMA_VERSION:
        raise ConfigError(
            f"model {path}: schema_version {plain.get('schema_version')!r} is unknown"
        )
    try:
        model = _parse(plain, frequencies, cuts, path)
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"model {path}: key {error} is missing or of a wrong type") from None
    if model.model_id != plain["model_id"]:
        raise ConfigError(f"model {path}: model_id does not match its content or its tables")
    return model


def check_model(
    model: Model,
    path: Path | None,
    comparators: tuple[Comparator, ...],
    layout: MappingOf[str, Any],
) -> None:
    """Hold a model that was loaded to what a run compares.

    Raises:
        ConfigError: it compares other fields, or was made with other keys, so its plan cuts other
            buckets.
    """
    if comparators != model.weights.comparators:
        trained = ", ".join(c.name for c in model.weights.comparators)
        raise ConfigError(f"model {path}: compares {trained}, not the fields of the mapping")
    if model.layout != layout:
        raise ConfigError(
            f"model {path}: made with other keys, signature settings or seed than this run's"
        )


def _parse(plain: Any, frequencies: dict[str, list[Any]], cuts: U64, path: Path) -> Model:
    comparators: list[Comparator] = []
    m: list[F64] = []
    u: list[F64] = []
    for entry in plain["comparators"]:
        comparators.append(
            Comparator(entry["name"], entry["kind"], entry["group"], entry["household"])
        )
        for side, shares in (("m", m), ("u", u)):
            values = np.array(entry[side], dtype=np.float64)
            _check_shares(values, len(LABELS[entry["kind"]]), f"{path}: {entry['name']}.{side}")
            shares.append(values)
    if not (math.isfinite(plain["prior"]) and 0 < plain["prior"] < 1):
        raise ConfigError(f"model {path}: prior {plain['prior']} must lie between 0 and 1")
    by_field: dict[str, dict[str, float]] = {name: {} for name in plain["frequencies"]}
    columns = (frequencies[name] for name in ("field", "value", "share"))
    for field, value, share in zip(*columns, strict=True):
        by_field[field][value] = share
    return Model(
        Weights(
            tuple(comparators), tuple(m), tuple(u), plain["prior"],
            {name: Clamp(**clamp) for name, clamp in plain["groups"].items()},
            ScoreSettings(**plain["thresholds"]),
            _parse_household(plain["household"]),
            tuple(Dependence(**edge) for edge in plain["dependence"]),
        ),
        plain["records"],
        Plan(plain["plan"]["depth"], plain["plan"]["split_size"], cuts),
        {
            name: TermFrequencies(by_field[name], tf["unseen"], tf["expected"])
            for name, tf in plain["frequencies"].items()
        },
        plain["layout"],
    )  # fmt: skip


def _parse_household(plain: Any) -> Household | None:
    if plain is None:
        return None
    shares = tuple(np.array(values, dtype=np.float64) for values in plain["m"])
    clamps = {name: Clamp(**clamp) for name, clamp in plain["groups"].items()}
    return Household(plain["prior"], shares, clamps)


def _check_shares(shares: npt.NDArray[np.float64], levels: int, where: str) -> None:
    if len(shares) != levels or not np.isfinite(shares).all() or (shares <= 0).any():
        raise ConfigError(f"model {where}: {levels} positive numbers expected")
    # u is floored level by level, so it may exceed 1 by the floors.
    if abs(shares.sum() - 1) > SUM_TOLERANCE + 1e-8 * levels:
        raise ConfigError(f"model {where}: sums to {shares.sum():.6f}, not 1")


def _beside(path: Path, what: str) -> Path:
    return path.with_name(f"{path.stem}.{what}.parquet")


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
