"""recordlinkage with its unsupervised ECM classifier on a FEBRL set.

    python recordlinkage_ecm.py --input febrl3.parquet --out DIR [--with-id] [--link]

Blocking is the union of the equal fields that Splink's demonstration uses; comparisons are those of
the package's own tutorial, plus postcode, and soc_sec_id where asked for.
"""

import argparse
from pathlib import Path

import pandas as pd
import recordlinkage
from outcome import CLUSTERS, PAIRS, Stopwatch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

BLOCKS = ("given_name", "surname", "date_of_birth", "postcode")
EXACT = ("date_of_birth", "suburb", "state", "postcode")
NAMES = ("given_name", "surname")
LIKENESS = 0.85


def candidate_pairs(tables: list[pd.DataFrame], with_id: bool) -> pd.MultiIndex:
    """Pairs that agree on at least one blocking field."""
    indexer = recordlinkage.Index()
    for field in (*BLOCKS, *(("soc_sec_id",) if with_id else ())):
        indexer.block(field)
    return indexer.index(*tables)


def compare(pairs: pd.MultiIndex, tables: list[pd.DataFrame], with_id: bool) -> pd.DataFrame:
    """Yes/no per field, 1 or 0."""
    comparer = recordlinkage.Compare()
    for name in NAMES:
        comparer.string(name, name, method="jarowinkler", threshold=LIKENESS, label=name)
    comparer.string(
        "address_1", "address_1", method="levenshtein", threshold=LIKENESS, label="address_1"
    )
    for name in (*EXACT, *(("soc_sec_id",) if with_id else ())):
        comparer.exact(name, name, label=name)
    return comparer.compute(pairs, *tables)


def cluster(links: pd.MultiIndex, ids: pd.Index) -> pd.DataFrame:
    """Connected components of the links."""
    left, right = (ids.get_indexer(links.get_level_values(side)) for side in (0, 1))
    graph = coo_array(([True] * len(links), (left, right)), shape=(len(ids), len(ids)))
    labels = connected_components(graph, directed=False)[1]
    return pd.DataFrame({"id": ids, "cluster": labels.astype(str)})


def main() -> None:
    """Run the classifier and write clusters, times and the linked pairs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--input", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--with-id", action="store_true", help="use soc_sec_id")
    parser.add_argument("--link", action="store_true", help="link two files")
    given = parser.parse_args()
    clock = Stopwatch()
    with clock.step("read"):
        people = pd.read_parquet(given.input).set_index("rec_id")
        tables = [part for _, part in people.groupby("source")] if given.link else [people]
    with clock.step("candidates"):
        pairs = candidate_pairs(tables, given.with_id)
    with clock.step("compare"):
        features = compare(pairs, tables, given.with_id)
    with clock.step("classify"):
        classifier = recordlinkage.ECMClassifier()
        links = classifier.fit_predict(features)
    with clock.step("cluster"):
        cluster(links, people.index).to_parquet(given.out / CLUSTERS)
    clock.write(given.out, ("recordlinkage", "pandas"), pairs_kept=len(pairs))
    scores = classifier.prob(features)
    scored = scores.rename("score").rename_axis(["left_id", "right_id"]).reset_index()
    scored.to_parquet(given.out / PAIRS)


if __name__ == "__main__":
    main()
