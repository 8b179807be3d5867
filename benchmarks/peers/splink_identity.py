"""Splink on the Indian register, from the first read to clusters on disk.

python splink_identity.py --engine duckdb --arm fast --input DIR --out DIR --cores 2
python splink_identity.py --engine spark --arm fast --input DIR --out DIR --cores 2 --memory 3g
"""

import argparse
from pathlib import Path

from engines import DuckDB, Spark
from identity_model import PREDICT_FROM, settings_of, train
from outcome import CLUSTERS, PAIRS, Stopwatch
from splink import Linker

CLUSTER_FROM = 0.95


def main() -> None:
    """Run one arm and write its clusters, times and scored pairs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=("duckdb", "spark"), required=True)
    parser.add_argument("--arm", choices=("fast", "accurate"), required=True)
    parser.add_argument("--input", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cores", type=int, required=True)
    parser.add_argument("--memory", default="3g")
    given = parser.parse_args()
    clock = Stopwatch()
    with clock.step("session"):
        engine = (
            DuckDB.start(given.cores)
            if given.engine == "duckdb"
            else Spark.start(given.cores, given.memory, given.out / "scratch")
        )
    with clock.step("read"):
        linker = Linker(engine.read(given.input), settings_of(given.arm), log_level=None)
    with clock.step("train"):
        train(linker)
    with clock.step("predict"):
        pairs = linker.inference.predict(threshold_match_probability=PREDICT_FROM)
    with clock.step("cluster"):
        found = linker.clustering.cluster_pairwise_predictions_at_threshold(pairs, CLUSTER_FROM)
        engine.write(found, "unique_id as id, cluster_id as cluster", given.out / CLUSTERS)
    clock.write(given.out, engine.packages, pairs_kept=engine.count(pairs))
    columns = "unique_id_l as left_id, unique_id_r as right_id, match_probability as score"
    engine.write(pairs, columns, given.out / PAIRS)
    engine.stop()


if __name__ == "__main__":
    main()
