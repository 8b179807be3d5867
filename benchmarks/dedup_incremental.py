"""One per cent of new records: what they cost beside a full run, and whether both end alike."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from dedup_accuracy import our_clusters
from dedup_arms import KEY, Bench, run_job, seconds_of
from dedup_data import Data
from harness.process import RunFailed
from harness.results import MIB, Results, progress

NEW_SHARE = 0.01
# Whole tables that must be equal; of `clusters` only where each record is now, for the way there
# differs.
SAME = ("enrolments", "candidate_edges", "golden_records", "review_queue")


def run_incremental(results: Results, bench: Bench, data: Data, folder: Path) -> None:
    """Full run on 99 % of a register, the rest as an increment, and all of it with that model."""
    name = f"incremental {data.name}"
    try:
        _measure(results, bench, data, folder, name)
    except RunFailed as error:
        progress(str(error))
        results.skip(name, str(error).splitlines()[0])


def _measure(results: Results, bench: Bench, data: Data, folder: Path, name: str) -> None:
    base, new = _slices(data, folder)
    first, _, lake = run_job(bench, str(base), lake=bench.scratch / "stepwise")
    progress(f"{name}: full run on 99 %")
    more, measured, _ = run_job(
        bench, str(new), lake=lake, options=["--mode", "incremental"], keep=True
    )
    progress(f"{name}: increment")
    (model,) = (lake / "models").glob("*/model.json")
    whole, _, other = run_job(
        bench, str(data.path), lake=bench.scratch / "whole", options=["--model", str(model)]
    )
    progress(f"{name}: full run on all")
    results.add(f"{name} full run on 99 % seconds", seconds_of(first), "s")
    results.add(f"{name} full run on all seconds", seconds_of(whole), "s")
    results.add(f"{name} increment seconds", seconds_of(more), "s")
    results.add(f"{name} increment peak memory", measured.peak_bytes / MIB, "MiB")
    for step, spent in more["seconds"].items():
        results.add(f"{name} increment step {step}", spent, "s")
    digests = [{table: told["tables"][table]["digest"] for table in SAME} for told in (more, whole)]
    ids = data.entity.index
    clusters = [our_clusters(place, ids, False, KEY).set_index("id") for place in (lake, other)]
    is_same = digests[0] == digests[1] and clusters[0].equals(clusters[1].loc[clusters[0].index])
    results.add(f"{name} equals the full run", float(is_same), "1 = yes")
    results.ratio(
        f"{name}: time of increment / of full run",
        f"{name} increment seconds",
        f"{name} full run on all seconds",
    )


def _slices(data: Data, folder: Path) -> tuple[Path, Path]:
    """The register in two folders: a random per cent of its rows, and the others."""
    places = folder / f"{data.name}-most", folder / f"{data.name}-new"
    draw = np.random.default_rng(0)
    for place in places:
        place.mkdir(parents=True, exist_ok=True)
    for file in sorted(data.path.glob("*.parquet")):
        rows = pq.read_table(file)
        is_new = pa.array(draw.random(rows.num_rows) < NEW_SHARE)
        pq.write_table(rows.filter(pc.invert(is_new)), places[0] / file.name)
        pq.write_table(rows.filter(is_new), places[1] / file.name)
    return places
