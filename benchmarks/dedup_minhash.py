"""Records a second of MinHash on one core: ours, MLlib and plain SQL, into a noop sink.

    taskset -c 0 python benchmarks/dedup_minhash.py --records 200000 --out minhash.json

Each way makes 64 hashes of the 3-byte shingles of 44-character strings. Every timed action has a
plan of its own, so nothing is reused from the run before (a shuffle or a cache would be).
"""

import argparse
import json
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pyspark.ml.feature import HashingTF, MinHashLSH, NGram, RegexTokenizer
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines.core.spark import build_session
from pipelines.dedup.signatures import HashFamily, minhash_values

LENGTH, HASHES, SHINGLE, TAG, SEED = 44, 64, 3, 1, 7
WARM_UP = 2_000
LETTERS = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz 0123456789", dtype=np.uint8)
# MLlib hashes shingles into a vector first; this size keeps its collisions rare.
MLLIB_FEATURES = 1 << 18


def write_strings(records: int, file: Path) -> None:
    """Write distinct random strings, so that no program gains from repeats."""
    draw = np.random.default_rng(SEED).integers(0, len(LETTERS), (records, LENGTH))
    texts = np.ascontiguousarray(LETTERS[draw]).view(f"S{LENGTH}").ravel().astype(str)
    pq.write_table(pa.table({"text": texts}), file)


def hash_ours(frame: DataFrame) -> DataFrame:
    """The kernel of our job, batch by batch."""

    def sign(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        family = HashFamily.seeded(HASHES, SEED)
        for batch in batches:
            texts = batch.column(0).cast(pa.large_string())
            _, offsets, data = texts.buffers()
            starts = np.frombuffer(offsets, dtype=np.int64)[: len(texts) + 1]
            found = minhash_values(np.frombuffer(data, dtype=np.uint8), starts, TAG, family)
            rows = pa.py_buffer(np.ascontiguousarray(found))
            width = pa.binary(found.shape[1] * found.itemsize)
            signed = pa.FixedSizeBinaryArray.from_buffers(width, len(found), [None, rows])
            yield pa.RecordBatch.from_arrays([signed.cast(pa.binary())], ["signature"])

    return frame.mapInArrow(sign, "signature binary")


def hash_mllib(frame: DataFrame) -> DataFrame:
    """MLlib: characters, 3-grams, hashed features, MinHashLSH with one row a table."""
    letters = RegexTokenizer(
        inputCol="text", outputCol="letters", pattern="", toLowercase=False, minTokenLength=1
    ).transform(frame)
    grams = NGram(n=SHINGLE, inputCol="letters", outputCol="grams").transform(letters)
    features = HashingTF(
        inputCol="grams", outputCol="features", binary=True, numFeatures=MLLIB_FEATURES
    ).transform(grams)
    hashing = MinHashLSH(inputCol="features", outputCol="hashes", numHashTables=HASHES, seed=SEED)
    return hashing.fit(features.limit(1)).transform(features).select("hashes")


def hash_sql(frame: DataFrame) -> DataFrame:
    """SQL higher-order functions: the smallest of seeded hashes over all shingles."""
    places = F.sequence(F.lit(1), F.lit(LENGTH - SHINGLE + 1))
    shingles = F.transform(places, lambda at: F.substring(F.col("text"), at, F.lit(SHINGLE)))
    one = lambda k: F.array_min(F.transform(shingles, lambda s: F.xxhash64(s, k)))  # noqa: E731
    seeds = F.sequence(F.lit(0), F.lit(HASHES - 1))
    return frame.select(F.transform(seeds, one).alias("hashes"))


def measure(session: SparkSession, way: str, few: Path, many: Path, records: int) -> float:
    """Records a second of one way over `many`, after a warm-up over `few`."""
    ways = {"ours": hash_ours, "mllib": hash_mllib, "sql": hash_sql}
    for file in (few, many):
        start = time.monotonic()
        frame = session.read.parquet(str(file))
        ways[way](frame).write.format("noop").mode("overwrite").save()
    return records / (time.monotonic() - start)


def main() -> None:
    """Measure all three and write records a second by way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--sql-records", type=int, default=20_000, help="it is slow")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    options = {"spark.ui.showConsoleProgress": "false"}
    session = build_session("minhash", options, master="local[1]")
    counts = {"ours": given.records, "mllib": given.records, "sql": given.sql_records}
    with TemporaryDirectory() as scratch:
        files = {n: Path(scratch, f"{n}.parquet") for n in (WARM_UP, *counts.values())}
        for records, file in files.items():
            write_strings(records, file)
        found = {
            way: measure(session, way, files[WARM_UP], files[records], records)
            for way, records in counts.items()
        }
    given.out.write_text(json.dumps(found), encoding="utf-8")
    session.stop()


if __name__ == "__main__":
    main()
