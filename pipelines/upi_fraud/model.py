"""A model as plain JSON: boosted trees, a calibration table, a manifest; and the guard around it.

No training library is needed to score, and nothing is unpickled.
"""

import hashlib
import json
import math
import struct
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.upi_fraud.errors import ModelError
from pipelines.upi_fraud.facts import Facts
from pipelines.upi_fraud.features import FEATURES, model_features

MODEL_FILE, MANIFEST_FILE = "model.json", "manifest.json"

Node = tuple[int, float, int, int]
"""Feature, threshold, place of the node for less and of the other; a leaf has feature -1 and its
value as threshold."""


@dataclass(frozen=True)
class TreeModel:
    """A calibrated ensemble.

    Attributes:
        version: of the manifest.
        p_verify: calibrated probability from which a payment is verified.
        base: log odds before any tree.
        trees: nodes of each tree, the root first.
        scores, probabilities: isotonic calibration, ascending.
    """

    version: str
    p_verify: float
    base: float
    trees: Sequence[Sequence[Node]]
    scores: Sequence[float]
    probabilities: Sequence[float]

    def margin(self, features: Sequence[float]) -> float:
        """Log odds of one row; features are rounded to 32 bits as in training."""
        form = struct.Struct(f"<{len(features)}f")
        row, total = form.unpack(form.pack(*features)), self.base
        for nodes in self.trees:
            feature, limit, less, other = nodes[0]
            while feature >= 0:
                feature, limit, less, other = nodes[less if row[feature] < limit else other]
            total += limit
        return total

    def probability(self, features: Sequence[float]) -> float:
        """Calibrated probability of one row."""
        place = bisect_right(self.scores, self.margin(features))
        return self.probabilities[max(0, place - 1)]


def read_model(folder: Path) -> TreeModel:
    """Read a model folder.

    Raises:
        ModelError: a file is missing, unreadable, altered, or made for other features.
    """
    try:
        manifest = json.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8"))
        raw = (folder / MODEL_FILE).read_bytes()
        if hashlib.sha256(raw).hexdigest() != manifest["sha256"]:
            raise ModelError(f"{folder.name}/{MODEL_FILE} is not the file its manifest names.")
        if tuple(manifest["features"]) != FEATURES:
            raise ModelError(f"{folder.name} was made for other features; train it again.")
        content = json.loads(raw)
        trees = [[_node(one) for one in tree] for tree in content["trees"]]
        return TreeModel(
            str(manifest["version"]), float(manifest["p_verify"]), float(content["base"]), trees,
            content["scores"], content["probabilities"],
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{folder.name} is no model: {type(error).__name__}: {error}") from error


def _node(values: Sequence[float]) -> Node:
    feature, limit, less, other = values
    return int(feature), float(limit), int(less), int(other)


def write_model(
    folder: Path,
    content: Mapping[str, Any],
    version: str,
    p_verify: float,
    told: Mapping[str, Any],
) -> None:
    """Write a model folder: the model, and a manifest with its checksum and what is `told`."""
    folder.mkdir(parents=True, exist_ok=True)
    raw = json.dumps(content, separators=(",", ":")).encode()
    manifest = {
        "version": version,
        "features": FEATURES,
        "p_verify": p_verify,
        "sha256": hashlib.sha256(raw).hexdigest(),
        **told,
    }
    (folder / MODEL_FILE).write_bytes(raw)
    (folder / MANIFEST_FILE).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


@dataclass
class GuardedModel:
    """The model slot: an answer in time, or the reason why there is none.

    After `failures` failures in a row no call is made for `pause_s` seconds, so that a broken model
    costs no time.

    Attributes:
        model: None where it could not be read.
        budget_ms: a slower answer is not used.
        failures, pause_s: see above.
        clock: monotonic seconds; only durations are read from it.
    """

    model: TreeModel | None
    budget_ms: float
    failures: int
    pause_s: float
    clock: Callable[[], float]
    _in_a_row: int = 0
    _until: float = -math.inf

    @property
    def version(self) -> str:
        """Version of the model; `missing` without one."""
        return self.model.version if self.model is not None else "missing"

    @property
    def p_verify(self) -> float:
        """Probability from which a payment is verified."""
        return self.model.p_verify if self.model is not None else 1.0

    def score(self, facts: Facts) -> tuple[float | None, str]:
        """Calibrated probability and `NONE`, or None and the reason."""
        if self.model is None:
            return None, "MODEL_MISSING"
        start = self.clock()
        if start < self._until:
            return None, "MODEL_LATE"
        try:
            probability = self.model.probability(model_features(facts))
        except Exception:
            return None, self._failed("MODEL_ERROR")
        if (self.clock() - start) * 1000 > self.budget_ms:
            return None, self._failed("MODEL_LATE")
        self._in_a_row = 0
        return probability, "NONE"

    def _failed(self, reason: str) -> str:
        self._in_a_row += 1
        if self._in_a_row >= self.failures:
            self._until, self._in_a_row = self.clock() + self.pause_s, 0
        return reason


def open_model(
    folder: Path | None, budget_ms: float, failures: int, pause_s: float, clock: Callable[[], float]
) -> GuardedModel | None:
    """The model slot of a run; None without a folder, degraded where the folder cannot be used."""
    if folder is None:
        return None
    try:
        model = read_model(folder)
    except ModelError:
        model = None
    return GuardedModel(model, budget_ms, failures, pause_s, clock)
