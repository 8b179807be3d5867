"""Splink's two engines, set up alike: read the register, run SQL, write Parquet on local disk."""

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PARTITIONS_PER_CORE = 4

# What a user of Splink would clean first; our job does as much, and more, inside its own clock.
PEOPLE = """
    enrolment_id as unique_id,
    lower(trim(given_name)) as given_name, lower(trim(surname)) as surname,
    lower(trim(relation_name)) as relation_name,
    cast(date_of_birth as date) as date_of_birth, gender, phone,
    lower(trim(house)) as house, lower(trim(street)) as street,
    lower(trim(locality)) as locality, lower(trim(town)) as town, pincode
"""


@dataclass(frozen=True)
class DuckDB:
    """Splink on DuckDB, in memory, with as many threads as cores."""

    connection: Any
    packages = ("splink", "duckdb", "sqlglot")

    @classmethod
    def start(cls, cores: int) -> "DuckDB":
        """Open the engine."""
        import duckdb

        connection = duckdb.connect()
        connection.execute(f"set threads = {cores}")
        return cls(connection)

    def read(self, folder: Path) -> Any:
        """Read and register the people of a folder of Parquet parts."""
        from splink import DuckDBAPI

        source = f"read_parquet('{folder}/*.parquet')"
        self.connection.execute(f"create table people as select {PEOPLE} from {source}")  # noqa: S608
        return DuckDBAPI(connection=self.connection).register("people")

    def write(self, frame: Any, columns: str, target: Path) -> None:
        """Write columns of a Splink frame as one Parquet file."""
        query = f"select {columns} from {frame.physical_name}"  # noqa: S608
        self.connection.execute(f"copy ({query}) to '{target}' (format parquet)")

    def count(self, frame: Any) -> int:
        """Rows of a Splink frame."""
        query = f"select count(*) from {frame.physical_name}"  # noqa: S608
        return int(self.connection.execute(query).fetchone()[0])

    def stop(self) -> None:
        """Close the engine."""
        self.connection.close()


@dataclass(frozen=True)
class Spark:
    """Splink on local Spark with its similarity jar; lineage is cut by Parquet on local disk."""

    session: Any
    packages = ("splink", "pyspark", "sqlglot")

    @classmethod
    def start(cls, cores: int, memory: str, scratch: Path) -> "Spark":
        """Open the engine."""
        from pyspark.sql import SparkSession
        from splink.backends.spark import similarity_jar_location

        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        partitions = str(PARTITIONS_PER_CORE * cores)
        session = (
            SparkSession.builder.master(f"local[{cores}]")
            .config("spark.driver.memory", memory)
            .config("spark.jars", similarity_jar_location())
            .config("spark.sql.shuffle.partitions", partitions)
            .config("spark.default.parallelism", partitions)
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.ui.enabled", "false")
            .config("spark.ui.showConsoleProgress", "false")
            .getOrCreate()
        )
        session.sparkContext.setLogLevel("ERROR")
        shutil.rmtree(scratch, ignore_errors=True)
        session.sparkContext.setCheckpointDir(str(scratch))
        return cls(session)

    def read(self, folder: Path) -> Any:
        """Read and register the people of a folder of Parquet parts."""
        from splink import SparkAPI

        self.session.read.parquet(str(folder)).createOrReplaceTempView("source")
        people = self.session.sql(f"select {PEOPLE} from source")  # noqa: S608
        return SparkAPI(spark_session=self.session, break_lineage_method="parquet").register(people)

    def write(self, frame: Any, columns: str, target: Path) -> None:
        """Write columns of a Splink frame as a folder of Parquet parts."""
        chosen = frame.as_spark_dataframe().selectExpr(*columns.split(", "))
        chosen.write.mode("overwrite").parquet(str(target))

    def count(self, frame: Any) -> int:
        """Rows of a Splink frame."""
        return int(frame.as_spark_dataframe().count())

    def stop(self) -> None:
        """Stop the session."""
        self.session.stop()
