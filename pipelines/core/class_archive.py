"""Records the classes that Spark's JVM loads, so that later JVMs map them instead of parsing them.

The set-up runs it once, as `SANGAM_RECORD_CLASSES=FILE spark-submit .../class_archive.py JOB ARGS`:
some work that every job does, then the given job in the same JVM; at its end the JVM writes FILE
(class data sharing, JEP 350). A JVM that the file does not fit ignores it.
"""

import runpy
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
from pyspark.sql import DataFrame, Observation, SparkSession, Window
from pyspark.sql import functions as F

from pipelines.core.lake import Lake
from pipelines.core.spark import build_session

ROWS = 1_000


def exercise(session: SparkSession, folder: Path) -> None:
    """Read, shuffle and write in the ways the jobs do."""
    rows = session.range(ROWS).select(
        F.col("id").cast("string").alias("name"),
        (F.col("id") % 7).alias("kind"),
        F.timestamp_seconds("id").alias("moment"),
        F.array(F.col("id").cast("double")).alias("numbers"),
        F.struct(F.col("id").alias("part")).alias("nested"),
    )
    flat = rows.select("name", "kind")
    flat.write.csv(str(folder / "csv"), header=True)
    rows.write.parquet(str(folder / "parquet"))
    rows.write.format("avro").save(str(folder / "avro"))
    for kind in ("parquet", "avro"):
        summarise(session.read.format(kind).load(str(folder / kind)))
    summarise(session.read.csv(str(folder / "csv"), header=True, inferSchema=True))
    lake = Lake(session, str(folder / "lake"))
    lake.write("rows", flat)
    lake.read("rows", lake.version("rows")).toPandas()


def summarise(rows: DataFrame) -> None:
    """Aggregate, window, join, shuffle and pass rows to Python as Arrow batches."""
    by_kind = rows.groupBy("kind").agg(F.count("*").alias("rows"), F.min("name").alias("least"))
    first = F.row_number().over(Window.partitionBy("kind").orderBy("name"))
    wide = rows.withColumn("place", first).join(by_kind, ["kind"], how="left")
    seen = Observation("rows")
    watched = wide.observe(seen, F.count(F.lit(1)).alias("rows"))
    watched.repartition(2).select(F.col("name").cast("string"), "place").mapInArrow(
        pass_on, "name string, place int"
    ).toArrow()
    seen.get  # noqa: B018 (waits for the figures, which loads classes too)


def pass_on(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Batches as they come."""
    yield from batches


def main() -> None:
    """Do the common work, then the job of the command line."""
    here = str(Path(__file__).parent)  # a script's folder leads the path, and has a file kafka.py
    sys.path[:] = [entry for entry in sys.path if entry != here]
    with tempfile.TemporaryDirectory() as scratch:
        exercise(build_session("classes"), Path(scratch))
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
