"""Splink with its demonstration settings on a FEBRL set, from the first read to clusters on disk.

python splink_febrl.py --input febrl3.parquet --out DIR --cores 2 [--with-id] [--link]
"""

import argparse
from pathlib import Path
from typing import Any

from engines import DuckDB
from febrl_model import Demo, dedupe_demo, link_demo
from outcome import CLUSTERS, PAIRS, Stopwatch
from splink import DuckDBAPI, Linker, block_on

CLUSTER_FROM = 0.95


def read(engine: DuckDB, file: Path, is_link: bool) -> Any:
    """Register the set: one table, or for linking one table a file."""
    api = DuckDBAPI(connection=engine.connection)
    engine.connection.execute(f"create table people as from read_parquet('{file}')")
    if not is_link:
        return api.register("people")
    sources = engine.connection.execute("select distinct source from people order by 1").fetchall()
    for (source,) in sources:
        part = f"from people select * exclude source where source = '{source}'"
        engine.connection.execute(f"create table {source} as {part}")
    return [api.register(source, dataset_display_name=f"{source}_in") for (source,) in sources]


def train(linker: Linker, demo: Demo) -> None:
    """Train as the demonstrations do: EM on birth date, then on postcode."""
    training = linker.training
    training.estimate_probability_two_random_records_match(demo.rules, recall=demo.recall)
    training.estimate_u_using_random_sampling(max_pairs=demo.random_pairs, seed=demo.seed)
    for field in ("date_of_birth", "postcode"):
        training.estimate_parameters_using_expectation_maximisation(
            block_on(field), **demo.em_options
        )


def main() -> None:
    """Run the demonstration and write its clusters, times and scored pairs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--input", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cores", type=int, required=True)
    parser.add_argument("--with-id", action="store_true", help="use soc_sec_id")
    parser.add_argument("--link", action="store_true", help="link two files")
    given = parser.parse_args()
    demo = link_demo(given.with_id) if given.link else dedupe_demo(given.with_id)
    clock = Stopwatch()
    with clock.step("session"):
        engine = DuckDB.start(given.cores)
    with clock.step("read"):
        linker = Linker(read(engine, given.input, given.link), demo.settings, log_level=None)
    with clock.step("train"):
        train(linker, demo)
    with clock.step("predict"):
        pairs = linker.inference.predict(threshold_match_probability=demo.predict_from)
    with clock.step("cluster"):
        found = linker.clustering.cluster_pairwise_predictions_at_threshold(pairs, CLUSTER_FROM)
        engine.write(found, "rec_id as id, cluster_id as cluster", given.out / CLUSTERS)
    clock.write(given.out, engine.packages, pairs_kept=engine.count(pairs))
    columns = "rec_id_l as left_id, rec_id_r as right_id, match_probability as score"
    engine.write(pairs, columns, given.out / PAIRS)


if __name__ == "__main__":
    main()
