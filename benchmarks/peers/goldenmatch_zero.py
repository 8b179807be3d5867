"""GoldenMatch on a FEBRL set: zero configuration, its probabilistic (Fellegi-Sunter) way.

    python goldenmatch_zero.py --input febrl3.parquet --out DIR [--with-id]

The record id is taken away first: it holds the label.
"""

import argparse
from pathlib import Path

import goldenmatch
import pyarrow as pa
import pyarrow.parquet as pq
from outcome import CLUSTERS, Stopwatch

HIDDEN = ("rec_id", "source")


def main() -> None:
    """Deduplicate and write clusters and times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--input", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--with-id", action="store_true", help="use soc_sec_id")
    given = parser.parse_args()
    clock = Stopwatch()
    with clock.step("read"):
        people = pq.read_table(given.input)
        ids = people["rec_id"].to_pylist()
        shown = people.drop_columns([*HIDDEN, *(() if given.with_id else ("soc_sec_id",))])
    with clock.step("configure"):
        config = goldenmatch.auto_configure_probabilistic_df(shown)
    with clock.step("dedupe"):
        result = goldenmatch.dedupe_df(shown, config=config)
    with clock.step("write"):
        labels = list(range(len(ids)))
        for number, cluster in result.clusters.items():
            for member in cluster["members"]:
                labels[member] = len(ids) + int(number)
        table = pa.table({"id": ids, "cluster": [str(label) for label in labels]})
        pq.write_table(table, given.out / CLUSTERS)
    clock.write(given.out, ("goldenmatch", "goldenmatch-native"))


if __name__ == "__main__":
    main()
